"""The classic capture file, microseconds, Ethernet (https://www.tcpdump.org/manpages/pcap-savefile.5.html)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

HEADER: Final = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
RECORD: Final = struct.Struct("<IIII")
CHUNK: Final = 1 << 20
"""Bytes gathered before each write."""


class Frame(NamedTuple):
    """One frame and when it passed."""

    ts_ns: int
    data: bytes


def record(frame: Frame) -> bytes:
    """The frame as it stands in the file; time is cut to whole microseconds."""
    micros = frame.ts_ns // 1000
    size = len(frame.data)
    return RECORD.pack(micros // 1_000_000, micros % 1_000_000, size, size) + frame.data


def serialise(frames: Iterable[Frame]) -> bytes:
    """A whole capture."""
    return HEADER + b"".join(map(record, frames))


def write(path: Path, frames: Iterable[Frame]) -> int:
    """Stream a capture to disk and say how many frames it holds."""
    count = 0
    pending = bytearray(HEADER)
    with path.open("wb", buffering=0) as file:
        for frame in frames:
            pending += record(frame)
            count += 1
            if len(pending) >= CHUNK:
                file.write(pending)
                pending.clear()
        file.write(pending)
    return count
