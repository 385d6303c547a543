"""How names and free text off the wire are read and spelled."""

from __future__ import annotations

from typing import Final

import cython

from monitor.model.facts import Malformed

if not cython.compiled:
    from monitor.model.memo import Memo
    from monitor.model.parts import is_graphic, part

MAX_NAME: Final = 255
"""Octets of a name on the wire, lengths and root included (RFC 1035, 3.1)."""
MAX_JUMPS: Final = 16
"""Compression pointers followed for one name."""
MAX_TEXT: Final = 255
"""Characters kept of a free text value."""
HEADER: Final = 12
"""Octets of a DNS header, into which no pointer may point (RFC 1035, 4.1.1)."""

REMEMBERED: Final = 4096
"""Plain names kept in memory as they are spelled, at most 0.6 KiB each: devices ask for the same ones over and over."""

_PLAIN: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
DOT: Final = 0x2E
_IS_PLAIN: Final = bytes(octet in _PLAIN and octet != DOT for octet in range(256))
_SPELLED_NAME: Final = tuple(
    "\\" + chr(octet) if octet in b".\\" else chr(octet) if 0x21 <= octet <= 0x7E else f"\\{octet:03d}"
    for octet in range(256)
)
_SPELLED_TEXT: Final = {
    octet: f"\\x{octet:02x}" for octet in range(256) if not 0x20 <= octet <= 0x7E or octet == ord("\\")
}


class PastEnd(Malformed):
    """A name or record runs past the bytes that are there, as in a capture that cuts frames."""


def read_name(message: bytes, offset: int, layer: str = "dns") -> tuple[str, int]:
    r"""The name at ``offset`` in presentation form, ASCII letters lower-cased, and the offset behind it.

    Octets outside the graphic ASCII range are spelled ``\DDD``, a dot or backslash inside a label ``\.`` and ``\\``
    (RFC 4343, 2.1). The root is ".". A pointer must lead to before the labels that it ends (RFC 1035, 4.1.4: "a prior
    occurrence").
    """
    end = plain_end(message, offset)
    if end >= 0:
        return plain(message, offset, end), end
    spelled, behind = _read(message, offset, layer)
    return spelled.lower(), behind


def read_label_case(message: bytes, offset: int, layer: str = "dns") -> tuple[str, int]:
    """As ``read_name``, with the letters as they stand."""
    end = plain_end(message, offset)
    if end >= 0:
        return _dotted(part(message, offset, end)), end
    return _read(message, offset, layer)


def _read(message: bytes, offset: int, layer: str) -> tuple[str, int]:
    labels: list[bytes] = []
    total = 1
    jumps = 0
    behind = -1
    start = position = offset
    size = len(message)
    while True:
        if position >= size:
            raise PastEnd(layer, "name runs past the end")
        length = message[position]
        if length == 0:
            break
        if length < 0x40:
            total += length + 1
            if total > MAX_NAME:
                raise Malformed(layer, "name longer than 255 octets")
            label_end = position + 1 + length
            if label_end > size:
                raise PastEnd(layer, "name runs past the end")
            labels.append(message[position + 1 : label_end])
            position = label_end
            continue
        if length < 0xC0:
            raise Malformed(layer, "unknown label type")
        if position + 1 >= size:
            raise PastEnd(layer, "name runs past the end")
        if behind < 0:
            behind = position + 2
        target = (length & 0x3F) << 8 | message[position + 1]
        jumps += 1
        if target >= start or target < HEADER:
            raise Malformed(layer, "compression pointer leads forward, to itself or into the header")
        if jumps > MAX_JUMPS:
            raise Malformed(layer, "too many compression pointers")
        start = position = target
    if behind < 0:
        behind = position + 1
    if not labels:
        return ".", behind
    joined = b".".join(labels)
    if joined.translate(None, _PLAIN) or joined.count(b".") != len(labels) - 1:
        spelled = ".".join(["".join([_SPELLED_NAME[octet] for octet in label]) for label in labels])
        return spelled, behind
    return joined.decode("ascii"), behind


def _dotted(wire: bytes) -> str:
    """A name that ``plain_end`` has found plain, with the letters as they stand."""
    text = bytearray(wire[1:-1])
    position = wire[0]
    while position < len(text):
        length = text[position]
        text[position] = DOT
        position += length + 1
    return text.decode("ascii")


def plain(message: bytes, offset: int, end: int) -> str:
    """The name between these offsets that ``plain_end`` found, in lower case: one string for all messages with it."""
    name: str = _LOWERED.of(part(message, offset, end))
    return name


def _lower(wire: bytes) -> str:
    return _dotted(wire).lower()


_LOWERED: Final = Memo(_lower, REMEMBERED)


def plain_end(message: bytes, offset: int) -> int:
    """The offset behind a name of letters, digits, hyphens and underscores without a pointer; -1 if it is none."""
    position, size = offset, len(message)
    while position < size and position - offset < MAX_NAME:
        length = message[position]
        if length == 0:
            return position + 1 if position > offset else -1
        if length >= 0x40 or position + length >= size:
            return -1
        for at in range(position + 1, position + 1 + length):
            if not _IS_PLAIN[message[at]]:
                return -1
        position += length + 1
    return -1


def skip_name(message: bytes, offset: int, layer: str = "dns") -> int:
    """The offset behind the name at ``offset``; a pointer ends it and is not followed."""
    size = len(message)
    while offset < size:
        length = message[offset]
        if length == 0:
            return offset + 1
        if length >= 0xC0:
            return offset + 2
        if length >= 0x40:
            raise Malformed(layer, "unknown label type")
        offset += length + 1
    raise PastEnd(layer, "name runs past the end")


def spell(octets: bytes, limit: int = MAX_TEXT) -> str:
    r"""Free text as graphic ASCII and spaces, anything else as ``\xNN``, at most ``limit`` characters."""
    text = octets[:limit].decode("latin-1")
    if is_graphic(text) and "\\" not in text:
        return text
    return text.translate(_SPELLED_TEXT)[:limit]
