# cython: annotation_typing=False
# ruff: noqa: ERA001
"""Merge: the rows of several rings as one run in time order.

Strategy: of the rings with a row that waits, the one with the earliest gives its rows up to the time of the second
earliest. A ring without one may still bring an earlier packet: rows wait for it until it has brought a later one,
until some ring is ``hold_back_ns`` further on, or until the caller says that enough time went by (``flush``). None
waits for a ring that nothing can come from, or if its own is filling up.

A clock set back begins an era: all rows before it go first, whatever their times. A ring that has not seen the step
when others gave what came after it is taken to be in their era.
"""

from __future__ import annotations

from array import array

import cython  # type: ignore[import-untyped,unused-ignore]

from collectors.blocks import COLUMNS

if not cython.compiled:
    from collectors.ring import Ring  # noqa: F401  a type in merge.pxd

ALWAYS = (1 << 63) - 1
NEVER = -ALWAYS


class Merge:
    """One index filled from the rings of all interfaces."""

    def __init__(self, rings, rows, *, hold_back_ns, spare):
        """``rows``: most that are given at once; ``spare``: further rows in ``index``, for its owner."""
        self.rings = tuple(rings)
        self.silent = [False] * len(self.rings)
        self.index = array("q", bytes(8 * COLUMNS * (rows + spare)))
        self.view = self.index
        self.rows = rows
        self.hold_back_ns = hold_back_ns
        self.era = 0

    def hush(self, interface, *, silent):
        """Say whether nothing can come from an interface, so that none waits for it."""
        self.silent[interface] = silent

    def fill(self, *, flush):
        """Fill ``index`` from its start; the number of rows."""
        return self.filled(flush or self.pressed())

    def filled(self, flush):
        """Take from ring after ring."""
        row = 0
        era, newest = self.newest()
        while row < self.rows:
            first, until = self.first()
            if first is None:
                break
            if not flush and first.era == era:
                until = min(until, max(newest - self.hold_back_ns, self.progress(era)))
            before = row
            row = first.give(self.view, row, self.rows, until)
            if row == before:
                break
            self.era = max(self.era, first.era)
        return row

    def pressed(self):
        """Whether a ring, or its room for rows, is half full."""
        for ring in self.rings:
            if ring.crowded() or ring.rows - ring.head >= ring.capacity // 2:
                return True
        return False

    def newest(self):
        """Era and time of the latest row that any ring brought."""
        era, newest = 0, 0
        for ring in self.rings:
            if ring.era > era:
                era, newest = ring.era, ring.last_ns
            elif ring.era == era:
                newest = max(newest, ring.last_ns)
        return era, newest

    def first(self):
        """The ring with the earliest row, if any, and the time up to which it may go before another."""
        first, until = None, ALWAYS
        for ring in self.rings:
            if ring.head == ring.rows:
                continue
            if first is None:
                first = ring
            elif ring.era < first.era or (ring.era == first.era and ring.time() < first.time()):
                until = first.time() - 1 if ring.era == first.era else ALWAYS
                first = ring
            elif ring.era == first.era:
                until = min(until, ring.time())
        return first, until

    def progress(self, era):
        """The time up to which every ring that has no row to wait, and may get one, has brought all."""
        progress = ALWAYS
        for number, ring in enumerate(self.rings):
            if ring.head == ring.rows and not self.silent[number]:
                progress = min(progress, ring.last_ns if ring.era == era else NEVER)
        return progress
