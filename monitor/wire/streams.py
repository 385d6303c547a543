"""Stream: the bytes of one direction of a TCP connection, in order.

Strategy: what comes in order goes straight through. What comes early waits, within MAX_BYTES and MAX_SEGMENTS;
when the wait grows too long the hole is given up and said to be a gap. Of overlapping bytes the first that
arrived count, as most receivers have it (RFC 9293, 3.10.7.4); later copies of them are dropped.
"""

from __future__ import annotations

from typing import Final

MAX_BYTES: Final = 65536
"""Bytes that may wait for a hole to be filled: one unscaled TCP window (RFC 9293)."""
MAX_SEGMENTS: Final = 64
"""Segments that may wait."""

MODULUS: Final = 1 << 32
HALF: Final = 1 << 31


class Stream:
    """Puts segments in order. ``None`` among what ``push`` returns is a gap: bytes that will not come."""

    __slots__ = ("expected", "waiting", "waiting_bytes")

    def __init__(self) -> None:
        self.expected: int | None = None
        """Sequence number of the next byte; None before the first."""
        self.waiting: dict[int, tuple[bytes, int]] = {}
        self.waiting_bytes = 0

    def open(self, sequence: int) -> None:
        """A SYN with this sequence number: the first byte is the next one."""
        self.expected = (sequence + 1) % MODULUS
        self.waiting.clear()
        self.waiting_bytes = 0

    def push(self, sequence: int, data: bytes, missing: int = 0) -> list[bytes | None]:
        """What can be read now, in order. ``missing`` bytes after ``data`` were on the wire but not captured."""
        if self.expected is None:
            self.expected = sequence
        ahead = (sequence - self.expected) % MODULUS
        if ahead == 0 and not self.waiting:
            self.expected = (sequence + len(data) + missing) % MODULUS
            return [data, None] if missing else [data]
        if ahead >= HALF:
            old = MODULUS - ahead
            if old >= len(data) + missing:
                return []
            data, missing = (data[old:], missing) if old < len(data) else (b"", missing - (old - len(data)))
            sequence = self.expected
        held = self.waiting.get(sequence)
        if held is None or len(held[0]) + held[1] < len(data) + missing:
            self.waiting_bytes += len(data) - (len(held[0]) if held else 0)
            self.waiting[sequence] = (data, missing)
        ready = self._ready()
        while self.waiting_bytes > MAX_BYTES or len(self.waiting) > MAX_SEGMENTS:
            ready.append(None)
            self.expected = min(self.waiting, key=self._distance)
            ready += self._ready()
        return ready

    def _distance(self, sequence: int) -> int:
        assert self.expected is not None  # noqa: S101  set by the first push
        return (sequence - self.expected) % MODULUS

    def _ready(self) -> list[bytes | None]:
        """Take from what waits all that follows without a hole."""
        ready: list[bytes | None] = []
        while self.waiting:
            sequence = min(self.waiting, key=lambda each: (self._distance(each) + HALF) % MODULUS)
            old = (-self._distance(sequence)) % MODULUS
            if old >= HALF:
                break
            data, missing = self.waiting.pop(sequence)
            self.waiting_bytes -= len(data)
            if old >= len(data) + missing:
                continue
            assert self.expected is not None  # noqa: S101  set by the first push
            self.expected = (self.expected + len(data) + missing - old) % MODULUS
            if old < len(data):
                ready.append(data[old:])
            if missing:
                ready.append(None)
        return ready
