"""Pcapng as far as evidence needs it (draft-ietf-opsawg-pcapng): one section, nanoseconds, a comment on each packet.

Equal packets and comments are equal bytes: nothing in the file comes from a clock or from the machine.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from monitor.model.exhibits import Packet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

APPLICATION: Final = "camwarden"
SNAP: Final = 262_144
"""Largest packet that is read: Wireshark's own bound (WTAP_MAX_PACKET_SIZE_STANDARD)."""
_SECTION: Final = 0x0A0D0D0A
_INTERFACE: Final = 1
_PACKET: Final = 6
_ORDER: Final = 0x1A2B3C4D
_COMMENT: Final = 1
_APPLICATION: Final = 4
_RESOLUTION: Final = 9
_NANOSECONDS: Final = b"\x09"
_UNKNOWN_LENGTH: Final = -1
_HEAD: Final = struct.Struct("<II")
_PACKET_HEAD: Final = struct.Struct("<IIIII")
_OPTION: Final = struct.Struct("<HH")
MOST_INTERFACES: Final = 32


class NotOurs(ValueError):  # noqa: N818  it says what is wrong
    """The bytes are no pcapng that this module wrote."""


def write(packets: Sequence[Packet], comment: str) -> bytes:
    """A file with these packets; ``comment`` is on the section. Packets of further link types are left out."""
    links = list(dict.fromkeys(packet.link for packet in packets))[:MOST_INTERFACES]
    section = struct.pack("<IHHq", _ORDER, 1, 0, _UNKNOWN_LENGTH)
    parts = [_block(_SECTION, section + _options((_COMMENT, comment.encode()), (_APPLICATION, APPLICATION.encode())))]
    interface = _options((_RESOLUTION, _NANOSECONDS))
    parts += [_block(_INTERFACE, struct.pack("<HHI", link, 0, 0) + interface) for link in links]
    for packet in packets:
        if packet.link not in links:
            continue
        head = _PACKET_HEAD.pack(
            links.index(packet.link), packet.ts_ns >> 32, packet.ts_ns & 0xFFFFFFFF, len(packet.data), packet.wire
        )
        note = _options((_COMMENT, packet.note.encode())) if packet.note else b""
        parts.append(_block(_PACKET, head + _padded(packet.data) + note))
    return b"".join(parts)


def read(data: bytes) -> list[Packet]:
    """The packets of a file that ``write`` made. NotOurs if it is none."""
    packets: list[Packet] = []
    links: list[int] = []
    try:
        for kind, body in _blocks(data):
            if kind == _INTERFACE:
                links.append(struct.unpack_from("<H", body)[0])
            elif kind == _PACKET:
                interface, high, low, captured, wire = _PACKET_HEAD.unpack_from(body)
                at = _PACKET_HEAD.size
                frame = body[at : at + captured]
                if len(frame) != captured:
                    raise NotOurs("a packet is cut")
                note = _comment(body[at + captured + -captured % 4 :])
                packets.append(Packet(high << 32 | low, frame, wire, links[interface], note))
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise NotOurs(str(error)) from None
    return packets


def _blocks(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    if data[:4] != _SECTION.to_bytes(4, "little") or data[8:12] != _ORDER.to_bytes(4, "little"):
        raise NotOurs("no section begins here")
    while at < len(data):
        kind, length = _HEAD.unpack_from(data, at)
        if length < 12 or length % 4 or at + length > len(data):
            raise NotOurs("a block has a wrong length")
        yield kind, data[at + 8 : at + length - 4]
        at += length


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return _HEAD.pack(kind, length) + body + length.to_bytes(4, "little")


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _options(*options: tuple[int, bytes]) -> bytes:
    return b"".join(_OPTION.pack(code, len(value)) + _padded(value) for code, value in options) + _OPTION.pack(0, 0)


def _comment(options: bytes) -> str:
    if not options:
        return ""
    code, length = _OPTION.unpack_from(options)
    return options[4 : 4 + length].decode() if code == _COMMENT else ""
