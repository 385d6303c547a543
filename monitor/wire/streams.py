"""Stream: the bytes of one direction of a TCP connection, in order.

Strategy: what comes in order goes straight through. What comes early waits, within MAX_BYTES and MAX_SEGMENTS;
when the wait grows too long, or all streams together hold too much, the hole is given up and said to be a gap.
Of overlapping bytes the first that arrived count, as most receivers have it (RFC 9293, 3.10.7.4); later copies of
them are dropped.
"""

from __future__ import annotations

from typing import Final

from monitor.model.limits import Limit, Room

MAX_BYTES: Final = 65536
"""Bytes that may wait for a hole to be filled: one unscaled TCP window (RFC 9293)."""
MAX_SEGMENTS: Final = 64
"""Segments that may wait."""
MAX_WAITING: Final = 32 * 1024 * 1024
"""What may wait in all streams together: five hundred windows of MAX_BYTES. Who asks for more gives way."""
OVERHEAD: Final = 256
"""What a segment costs beside its bytes (``sys.getsizeof`` of bytes, tuple, numbers and its place in a dict, rounded
up): segments of one byte are bounded too."""

MODULUS: Final = 1 << 32
HALF: Final = 1 << 31


class Waiting:
    """What all streams that share it hold together."""

    def __init__(self, capacity: int = MAX_WAITING) -> None:
        self.capacity = capacity
        self.held = 0
        """Bytes waiting, and what keeping them costs."""
        self.given_up = 0
        """Holes that became gaps, since they were not filled in time."""

    def limits(self) -> list[Limit]:
        """The room for what came early."""
        return [Limit(Room.STREAMS, self.capacity, self.held, self.given_up)]


class Stream:
    """Puts segments in order. ``None`` among what ``push`` returns is a gap: bytes that will not come."""

    def __init__(self, budget: Waiting | None = None) -> None:
        """``budget`` is shared by all streams of an engine."""
        self.expected = -1
        """Sequence number of the next byte; -1 before the first."""
        self.waiting: dict[int, tuple[bytes, int]] = {}
        self.waiting_bytes = 0
        self._budget = budget if budget is not None else Waiting()

    def open(self, sequence: int) -> None:
        """A SYN with this sequence number: the first byte is the next one."""
        self.expected = (sequence + 1) & 0xFFFFFFFF
        self.close()

    def close(self) -> None:
        """What waits is of no use any more."""
        if self.waiting:
            self._budget.held -= self.waiting_bytes + OVERHEAD * len(self.waiting)
            self.waiting.clear()
            self.waiting_bytes = 0

    def push(self, sequence: int, data: bytes, missing: int = 0) -> list[bytes | None]:
        """What can be read now, in order. ``missing`` bytes after ``data`` were on the wire but not captured."""
        if self.expected < 0:
            self.expected = sequence
        ahead = self._distance(sequence)
        if ahead >= HALF:
            old = MODULUS - ahead
            if old >= len(data) + missing:
                return []
            data, missing, ahead = data[old:], missing - max(0, old - len(data)), 0
        if ahead == 0 and not self.waiting:
            self._advance(len(data) + missing)
            return _piece(data, missing)
        self._hold(ahead, data, missing)
        ready = self._ready()
        while self.waiting and self._is_full():
            self._budget.given_up += 1
            ready.append(None)
            _, self.expected = min([(self._distance(each), each) for each in self.waiting])
            ready += self._ready()
        return ready

    def _is_full(self) -> bool:
        return (
            self.waiting_bytes > MAX_BYTES
            or len(self.waiting) > MAX_SEGMENTS
            or self._budget.held > self._budget.capacity
        )

    def _distance(self, sequence: int) -> int:
        return (sequence - self.expected) & 0xFFFFFFFF

    def _advance(self, count: int) -> None:
        self.expected = (self.expected + count) & 0xFFFFFFFF

    def _hold(self, ahead: int, data: bytes, missing: int) -> None:
        """Keep what no segment has brought before. What waits never overlaps."""
        at, end = ahead, ahead + len(data) + missing
        held = sorted([(self._distance(each), len(part) + gap) for each, (part, gap) in self.waiting.items()])
        for start, length in [*held, (end, 0)]:
            if start > at:
                part = data[at - ahead : min(start, end) - ahead]
                self.waiting[(self.expected + at) % MODULUS] = (part, min(start, end) - at - len(part))
                self.waiting_bytes += len(part)
                self._budget.held += len(part) + OVERHEAD
            at = max(at, start + length)
            if at >= end:
                break

    def _ready(self) -> list[bytes | None]:
        """Take from what waits all that follows without a hole."""
        ready: list[bytes | None] = []
        while self.expected in self.waiting:
            data, missing = self.waiting.pop(self.expected)
            self.waiting_bytes -= len(data)
            self._budget.held -= len(data) + OVERHEAD
            self._advance(len(data) + missing)
            ready += _piece(data, missing)
        return ready


def _piece(data: bytes, missing: int) -> list[bytes | None]:
    """Bytes, and a gap behind them where some were not captured."""
    pieces: list[bytes | None] = [data] if data else []
    return [*pieces, None] if missing else pieces
