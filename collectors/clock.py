# cython: annotation_typing=False
# ruff: noqa: ERA001
"""Clock: which of a capture's times are believed.

Strategy: the reference is the time of the last packet that was believed. A packet within CLOCK_STEP_NS of it is
believed. Any other waits for the packet after it: if that one lies within CLOCK_STEP_NS of the first, or is later
still, the clock has stepped; if not, or if nothing follows, the packet is a suspect and gets the reference as its time.

The first packet has no reference. It is believed, unless the second disagrees with it and the third agrees with
the second alone: then the first is the suspect and gets the time of the second.

A packet whose record has no time gets the reference, and 0 if there is none yet; it confirms nothing.
"""

from __future__ import annotations

from array import array

import cython  # type: ignore[import-untyped,unused-ignore]

from collectors.blocks import COLUMNS, TS
from collectors.limits import CLOCK_STEP_NS, UNSTAMPED


class Clock:
    """The clock of one capture, which judges each packet once and in order."""

    def __init__(self) -> None:
        """Have no reference yet."""
        self.started = False
        self.reference = 0
        self.steps: list[tuple[int, int]] = []
        self.suspects = 0
        self.index = array("q")
        self.rows = 0
        self.last = False

    def taken(self) -> tuple[list[tuple[int, int]], int]:
        """Hand over the steps, and the number of suspects, since the last call."""
        steps, suspects = self.steps, self.suspects
        self.steps, self.suspects = [], 0
        return steps, suspects

    def judge(self, index: array[int], row: int, rows: int, *, last: bool) -> int:
        """Judge the packets from ``row`` on and mend their times; return the row before which all are judged.

        Stops at ``rows``, at a packet that waits for another, and at a step or a suspect unless it is at ``row``:
        so each of these is the first packet of a run. ``last`` says that no packet follows.
        """
        self.index = index
        self.rows = rows
        self.last = last
        return self.judged(row)

    def judged(self, first: int) -> int:
        """Judge the packets from ``first`` on."""
        row = first
        if not self.started:
            row = self.undated(row)
            if row > first or row == self.rows or not self.start(row):
                return row
            row += 1
        with cython.nogil:
            row = self.agreeing(row)
        if first == row < self.rows and self.differing(row):
            with cython.nogil:
                row = self.agreeing(row + 1)
        return row

    def time(self, row: int) -> int:
        """TS of a row."""
        return self.index[row * COLUMNS + TS]

    def undated(self, row: int) -> int:
        """Step over packets without a time, which get 0."""
        while row < self.rows and self.time(row) == UNSTAMPED:
            self.index[row * COLUMNS + TS] = 0
            row += 1
        return row

    def start(self, row: int) -> bool:
        """Judge the first packet; False if another must come first."""
        second, third = row + 1, row + 2
        if second == self.rows and not self.last:
            return False
        self.reference = self.time(row)
        if second < self.rows and self.time(second) != UNSTAMPED and not near(self.time(second), self.reference):
            if third == self.rows and not self.last:
                return False
            outvoted = third < self.rows and near(self.time(second), self.time(third))
            if outvoted and not near(self.time(third), self.reference):
                self.reference = self.index[row * COLUMNS + TS] = self.time(second)
                self.suspects += 1
        self.started = True
        return True

    def agreeing(self, row: int) -> int:
        """Step over packets that are near the reference, moving it along, and over those without a time."""
        while row < self.rows:
            time = self.time(row)
            if time == UNSTAMPED:
                time = self.index[row * COLUMNS + TS] = self.reference
            if not near(time, self.reference):
                break
            self.reference = time
            row += 1
        return row

    def differing(self, row: int) -> bool:
        """Judge a packet that is not near the reference; False if the next must come first."""
        time = self.time(row)
        if row + 1 == self.rows and not self.last:
            return False
        if row + 1 < self.rows and confirms(self.time(row + 1), time, self.reference):
            self.steps.append((self.reference, time))
            self.reference = time
        else:
            self.index[row * COLUMNS + TS] = self.reference
            self.suspects += 1
        return True


def near(one: int, other: int) -> bool:
    """Whether two times are within CLOCK_STEP_NS of each other."""
    return -CLOCK_STEP_NS <= one - other <= CLOCK_STEP_NS


def confirms(following: int, time: int, reference: int) -> bool:
    """Whether the packet after a step agrees with it: a sparse capture runs on, a stray packet stands alone."""
    return near(time, following) or reference < time <= following


def shift(index: array[int], row: int, rows: int, by: int) -> None:
    """Move the times of the rows from ``row`` on, up to ``rows``, by so many nanoseconds."""
    while row < rows:
        index[row * COLUMNS + TS] += by
        row += 1


def run(index: array[int], row: int, rows: int, before: int) -> int:
    """Return the first row from ``row`` on whose time is ``before`` or later, else ``rows``."""
    while row < rows and index[row * COLUMNS + TS] < before:
        row += 1
    return row
