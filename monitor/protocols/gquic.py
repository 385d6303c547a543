"""Google's QUIC before it was everybody's, versions Q034 to Q046: the name in a client's CHLO (until about 2021).

Strategy: the first message of a client is sealed with a hash that needs no key, in a packet of its own that names
the version. Only a packet that carries the start of a CHLO is recognised at all; the tag SNI stands near its start.
The layout is that of "QUIC Crypto" and "QUIC Wire Layout Specification" (Langley, Chang; Hamilton et al., 2016), and
from Q044 on that of framers in quiche (https://github.com/google/quiche). Q050 is read by ``quic``.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from msgspec import structs

from monitor.model.facts import Malformed, QuicClientHello, Want
from monitor.protocols import clienthello

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "quic"
PACKETS_MAX: Final = 8
"""Packets looked at in one direction: a hello that was refused is sent again, with the same name."""
TAGS_MAX: Final = 128
"""Entries of a message (kMaxEntries in quiche, crypto_protocol.h)."""

_FIRST_VERSION: Final = 34
"""Older ones have a byte more behind the hash."""
_LONG_SINCE: Final = 44
_BIG_ENDIAN_SINCE: Final = 39
_LONG: Final = 0x80
_PUBLIC_FLAGS: Final = 0xC9
_VERSION_AND_ID: Final = 0x09
"""Public flags: a version and a connection id of 8 bytes; the two highest bits are unused."""
_NUMBER_SIZES: Final = (1, 2, 4, 6)
_HASH: Final = 12
"""FNV-1a of 128 bits, cut to 96."""
_STREAM: Final = 0x80
_HAS_LENGTH: Final = 0x20
_HANDSHAKE_STREAM: Final = 1
_CHLO: Final = b"CHLO"
_SNI: Final = b"SNI\0"
_HEADER: Final = struct.Struct("<4sHH")
"""Tag of the message, number of entries, padding."""
_ENTRY: Final = struct.Struct("<4sI")
"""Tag, and where its value ends behind the table."""


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  content alone decides
    """Whether this datagram is a client's that carries the start of a CHLO."""
    return _message(head) is not None


def hello(message: bytes) -> QuicClientHello | None:
    """The name that a CHLO says; None while it is not there. Raises Malformed.

    It has no cipher suites or extensions, and so no JA4 and no version of TLS.
    """
    if len(message) < _HEADER.size:
        return None
    tag, entries, _ = _HEADER.unpack_from(message)
    if tag != _CHLO or entries > TAGS_MAX:
        raise Malformed(LAYER, "handshake begins with no CHLO")
    values = _HEADER.size + entries * _ENTRY.size
    if len(message) < values:
        return None
    begin = 0
    for tag, end in _ENTRY.iter_unpack(message[_HEADER.size : values]):
        if end < begin:
            raise Malformed(LAYER, "values of a CHLO overlap")
        if tag == _SNI:
            if len(message) < values + end:
                return None
            return _described(message[values + begin : values + end])
        begin = end
    return _described(b"")


class Parser:
    """One direction of one UDP flow."""

    def __init__(self) -> None:
        self.want = Want.MORE
        self._looked_at = 0

    def feed(self, data: bytes) -> list[Fact]:
        """The hello, once. Raises Malformed."""
        self._looked_at += 1
        message = _message(data)
        fact = hello(message) if message is not None else None
        if fact is not None or self._looked_at >= PACKETS_MAX:
            self.want = Want.STOP
        return [fact] if fact is not None else []


def _described(name: bytes) -> QuicClientHello:
    fact = clienthello.describe(clienthello.Hello(0, b"", server_name=name), QuicClientHello, "q")
    return structs.replace(fact, ja4="")


def _message(data: bytes) -> bytes | None:
    """What the packet holds of a CHLO from its start; None if it is anything else."""
    if len(data) < 2 * _HASH or (data[1:3] != b"Q0" and data[9:11] != b"Q0"):
        return None
    if data[0] & _LONG:
        version = _number_of(data[1:5])
        at = 6 + sum(size + 3 if size else 0 for size in (data[5] >> 4, data[5] & 0x0F)) + (data[0] & 0x03) + 1
        fits = version >= _LONG_SINCE
    else:
        version = _number_of(data[9:13])
        at = 13 + _NUMBER_SIZES[data[0] >> 4 & 0x03]
        fits = data[0] & _PUBLIC_FLAGS == _VERSION_AND_ID and _FIRST_VERSION <= version < _LONG_SINCE
    at += _HASH
    if not fits or at + 2 >= len(data):
        return None
    kind, stream = data[at], data[at + 1]
    if not kind & _STREAM or kind & 0x03 or stream != _HANDSHAKE_STREAM:
        return None
    offset = kind >> 2 & 0x07
    at += 2 + (offset + 1 if offset else 0)
    end = len(data)
    if kind & _HAS_LENGTH:
        end = at + 2 + int.from_bytes(data[at : at + 2], "big" if version >= _BIG_ENDIAN_SINCE else "little")
        at += 2
    return data[at:end] if data.startswith(_CHLO, at) and end <= len(data) else None


def _number_of(version: bytes) -> int:
    """46 of "Q046"; 0 if it is none."""
    return int(version[2:]) if version[:2] == b"Q0" and version[2:].isdigit() else 0
