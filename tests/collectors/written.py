"""Captures written byte by byte, and what Captures makes of them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from collectors.blocks import COLUMNS
from collectors.captures import Captures

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

MICROSECONDS = 0xA1B2C3D4
NANOSECONDS = 0xA1B23C4D
KUZNETZOV = 0xA1B2CD34
NOON = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
HOUR = 3600 * SECOND


class Packet(NamedTuple):
    """One packet as it should come out."""

    time: int
    frame: bytes
    wire: int
    link: int = 1


def packets(count: int, *, start: int = NOON, step: int = SECOND, size: int = 60) -> list[Packet]:
    """Packets of distinct content."""
    return [
        Packet(start + number * step, number.to_bytes(4, "big") * (size // 4) + b"x" * (size % 4), size)
        for number in range(count)
    ]


def pcap_header(order: str = "<", magic: int = MICROSECONDS, link: int = 1, snap: int = 262144) -> bytes:
    return struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, snap, link)


def pcap(these: Iterable[Packet], order: str = "<", magic: int = MICROSECONDS, **header: int) -> bytes:
    unit = 1 if magic == NANOSECONDS else 1000
    parts = [pcap_header(order, magic, **header)]
    for packet in these:
        seconds, rest = divmod(packet.time, SECOND)
        parts.append(struct.pack(f"{order}IIII", seconds, rest // unit, len(packet.frame), packet.wire))
        if magic == KUZNETZOV:
            parts.append(struct.pack(f"{order}IHBB", 1, 2, 3, 0))
        parts.append(packet.frame)
    return b"".join(parts)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    length = len(body) + 12
    return struct.pack(f"{order}II", kind, length) + body + struct.pack(f"{order}I", length)


def section(order: str = "<", version: int = 1) -> bytes:
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, version, 0, -1), order)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)


def interface(link: int = 1, options: bytes = b"", order: str = "<", snap: int = 0) -> bytes:
    return block(1, struct.pack(f"{order}HHI", link, 0, snap) + options, order)


def enhanced(units: int, frame: bytes, *, face: int = 0, wire: int | None = None, order: str = "<") -> bytes:
    wire = len(frame) if wire is None else wire
    body = struct.pack(f"{order}IIIII", face, units >> 32, units & 0xFFFFFFFF, len(frame), wire) + frame
    return block(6, body, order)


def simple(frame: bytes, wire: int | None = None, order: str = "<") -> bytes:
    return block(3, struct.pack(f"{order}I", len(frame) if wire is None else wire) + frame, order)


def obsolete(units: int, frame: bytes, *, face: int = 0, order: str = "<") -> bytes:
    head = struct.pack(f"{order}HHIIII", face, 0, units >> 32, units & 0xFFFFFFFF, len(frame), len(frame))
    return block(2, head + frame, order)


def pcapng(these: Sequence[Packet], order: str = "<") -> bytes:
    """One section, one interface, microseconds."""
    blocks = [enhanced(packet.time // 1000, packet.frame, wire=packet.wire, order=order) for packet in these]
    return section(order) + interface(order=order) + b"".join(blocks)


def drained(captures: Captures) -> list[Packet]:
    """Every packet, copied out of its block."""
    found = []
    for given in captures.blocks():
        memory = memoryview(given.memory)
        for cell in range(0, given.count * COLUMNS, COLUMNS):
            time, offset, captured, wire, place = given.index[cell : cell + COLUMNS]
            frame = bytes(memory[offset : offset + captured])
            found.append(Packet(time, frame, wire, given.interfaces[place].link_type))
    return found


def read(*paths: str | Path, **sizes: int) -> tuple[list[Packet], Captures]:
    captures = Captures(paths, **sizes)
    return drained(captures), captures
