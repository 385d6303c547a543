"""Captures: files and pipes as one run of packets in time order.

Strategy: each file is looked into for the time of its first packet and closed again. A heap holds, for each, the
time of its next packet; the earliest gives its packets up to the time of the second earliest. So files that
follow one another are read one after the other in whole blocks, and only those that overlap are open together.
Beyond MAX_OPEN of these, buffers are narrow, and the file open for longest is closed until its turn comes.
A pipe cannot be read twice: it stays open from the start.

At equal times the capture named first comes first, and a capture's own packets keep their order. A file that cannot be
read, or not to its end, is recorded in ``damage``; the others are read all the same.
"""

from __future__ import annotations

import stat
from heapq import heappop, heappush
from pathlib import Path
from typing import TYPE_CHECKING, Final

from collectors.damage import CaptureError, Damage
from collectors.limits import MAX_OPEN, TIME_LIMIT
from collectors.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from collectors.blocks import Block

__all__ = ["CaptureError", "Captures", "Damage"]

BLOCK_PACKETS: Final = 4096
BUFFER_BYTES: Final = 512 * 1024
"""What stays in a core's cache from the read to the scan: with twice or half as much, video takes a tenth longer."""
NARROW_PACKETS: Final = 64
NARROW_BYTES: Final = 64 * 1024
"""Buffer of a capture beyond MAX_OPEN in a merge; the first read of any."""
NEVER: Final = TIME_LIMIT + 1


class Captures:
    """pcap and pcapng captures, plain, gzip or zstd, merged in time order."""

    def __init__(
        self,
        paths: Sequence[str | Path],
        *,
        block_packets: int = BLOCK_PACKETS,
        buffer_bytes: int = BUFFER_BYTES,
    ) -> None:
        """``paths`` are files, or "-" for standard input. What is yielded does not depend on the two sizes."""
        self.damage: list[Damage] = []
        """What could not be read, and why; at most two of a file. Complete once ``blocks`` has ended."""
        self.packets = 0
        """Packets yielded so far."""
        self.bytes_total: int | None = None
        """Size of all files; None if one is a pipe."""
        self._paths = [str(path) for path in paths]
        self._block_packets = block_packets
        self._buffer_bytes = buffer_bytes
        self._sizes = [size_of(path) for path in self._paths]
        sizes = [size for size in self._sizes if size is not None]
        if len(sizes) == len(self._sizes):
            self.bytes_total = sum(sizes)
        self._done = 0
        self._readers: dict[int, Reader] = {}
        self._open: dict[int, Reader] = {}
        self._wide: set[int] = set()

    @property
    def bytes_read(self) -> int:
        """Bytes of the files that are dealt with, as they are stored: compressed ones count compressed."""
        return self._done + sum(reader.stream.consumed for reader in self._readers.values())

    def blocks(self) -> Generator[Block, None, None]:
        """Every packet that can be read, in Blocks that are each valid until the next one is asked for."""
        heap: list[tuple[int, int]] = []
        try:
            for position, size in enumerate(self._sizes):
                self._readers[position] = self._reader(position)
                self._await(heap, position)
                if size is not None and len(self._sizes) > 1 and position in self._readers:
                    self._readers[position].close()
                    self._readers[position] = self._reader(position)
            while heap:
                _, position = heappop(heap)
                reader = self._readers[position]
                if position not in self._open:
                    self._turn(position, reader)
                before = NEVER
                if heap:
                    time, other = heap[0]
                    before = time + (position < other)
                while reader.ready() and reader.time < before:
                    block = reader.take(before)
                    self.packets += block.count
                    yield block
                self._await(heap, position)
        finally:
            for reader in self._readers.values():
                reader.close()

    def _reader(self, position: int) -> Reader:
        return Reader(
            self._paths[position],
            block_packets=min(NARROW_PACKETS, self._block_packets),
            buffer_bytes=min(NARROW_BYTES, self._buffer_bytes),
        )

    def _await(self, heap: list[tuple[int, int]], position: int) -> None:
        """Queue a reader by its next packet; if it has none, be done with it."""
        reader = self._readers[position]
        if reader.ready():
            heappush(heap, (reader.time, position))
            return
        self.damage += reader.damage
        size = self._sizes[position]
        self._done += reader.stream.consumed if size is None else size
        reader.close()
        del self._readers[position]
        self._open.pop(position, None)
        self._wide.discard(position)

    def _turn(self, position: int, reader: Reader) -> None:
        """Let a reader be open, with a full buffer if there is one; park the one open for longest."""
        self._open[position] = reader
        if position not in self._wide and len(self._wide) < MAX_OPEN:
            self._wide.add(position)
            # Two buffers of eight times the size are for one capture at a time.
            reader.resize(self._block_packets, self._buffer_bytes, ahead=len(self._open) == 1)
        if len(self._open) > MAX_OPEN:
            longest_open = next(iter(self._open))
            self._open.pop(longest_open).stream.park()


def size_of(path: str) -> int | None:
    """Bytes of a file, None for a pipe or the like; 0 for what cannot be read, which is told when it is."""
    if path == "-":
        return None
    try:
        status = Path(path).stat()
    except OSError:
        return 0
    if stat.S_ISREG(status.st_mode):
        return status.st_size
    return 0 if stat.S_ISDIR(status.st_mode) else None
