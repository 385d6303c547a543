"""Witness: the times of live packets, judged with the system clock as one more witness.

Strategy: the packets were stamped a moment ago by the clock that is read now. So two rows with the present time follow
the packets of each run, as packets that never came: with them collectors.clock tells a step from a stray packet at
once, and no packet waits for a later one. While no packet comes they are judged alone: then an hour's silence is
no step, and a step in the silence is one.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

from collectors.blocks import COLUMNS, INTERFACE, TS, Block
from collectors.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]

    from collectors.blocks import Interface

WITNESSES: Final = 2
"""Rows that decide every packet before them: the first packet of all is outvoted by two (collectors.clock)."""


class Witness:
    """Gives the rows of ``index`` as Blocks whose times are believed."""

    def __init__(self, memory: Buffer, index: array[int], interfaces: tuple[Interface, ...]) -> None:
        """``index`` has room for WITNESSES rows more than are ever in it."""
        self._memory = memory
        self._index = index
        self._interfaces = interfaces
        self._clock = Clock()
        self._head = self._ready = self._rows = 0
        self._alone = array("q", bytes(8 * COLUMNS * WITNESSES))

    @property
    def rest(self) -> int:
        """Rows that were not given yet."""
        return self._rows - self._head

    def unseen(self, interface: int) -> int:
        """Of these, those of one interface."""
        return sum(self._index[row * COLUMNS + INTERFACE] == interface for row in range(self._head, self._rows))

    def begin(self, rows: int, now_ns: int) -> None:
        """Take the first ``rows`` of the index, all before having been given. ``now_ns``: the system clock's time."""
        self._head = self._ready = 0
        self._rows = rows
        stamp(self._index, rows, now_ns)

    def take(self) -> Block:
        """Give the next rows, up to a step or a suspect. There must be some."""
        if self._head == self._ready:
            judged = self._clock.judge(self._index, self._head, self._rows + WITNESSES, last=False)
            self._ready = min(judged, self._rows)
        head, stop = self._head, self._ready
        index = self._index[head * COLUMNS : stop * COLUMNS] if head else self._index
        self._head = stop
        steps, suspects = self._clock.taken()
        return Block(self._memory, index, stop - head, self._interfaces, steps, suspects)

    def idle(self, now_ns: int) -> None:
        """Nothing came for a while: the clock is believed alone. A step is told with the next Block."""
        stamp(self._alone, 0, now_ns)
        row = 0
        while row < WITNESSES:
            row = self._clock.judge(self._alone, row, WITNESSES, last=True)


def stamp(index: array[int], row: int, now_ns: int) -> None:
    """Write the witnesses from ``row`` on."""
    for witness in range(row, row + WITNESSES):
        index[witness * COLUMNS + TS] = now_ns
