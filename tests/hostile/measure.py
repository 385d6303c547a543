"""Time and memory of a process that shares its machine: what is ours, and not the scheduler's or the collector's."""

from __future__ import annotations

import gc
import multiprocessing
import os
import time
from array import array
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from tests.builds import from_source

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE: Final = os.sysconf("SC_PAGE_SIZE")
MIB: Final = 1024 * 1024
LONGEST_US: Final = 100_000
"""Microseconds that are told apart; all beyond counts as this."""


def resident() -> int:
    """Bytes of memory that the process has now and that are its own (proc(5), statm).

    Pages of mapped files are not: of address databases there are as many as were looked at, and the kernel takes them
    back when it needs room.
    """
    _, pages, of_files, *_ = Path("/proc/self/statm").read_text().split()
    return (int(pages) - int(of_files)) * PAGE


class Stopwatch:
    """Processor time of each step, whatever else the machine does meanwhile."""

    def __init__(self) -> None:
        self._took = array("q", bytes(8 * LONGEST_US))
        """Steps by how many microseconds they took: ten million of them must not look like memory that grows."""
        self.slowest: tuple[int, bytes] = (0, b"")
        """Nanoseconds and what it was."""
        self.collected = 0
        """Nanoseconds that Python's collector took: a pause of the process, no packet's doing."""
        self._since = 0

    def __enter__(self) -> Self:
        gc.callbacks.append(self._collector)
        return self

    def __exit__(self, *_: object) -> None:
        gc.callbacks.remove(self._collector)

    def step(self, what: bytes, act: Callable[[], object], *, usual: bool = True) -> None:
        """Do it and remember how long it took; what is not ``usual`` counts for the slowest only."""
        collected = self.collected
        before = time.thread_time_ns()
        act()
        took = time.thread_time_ns() - before - (self.collected - collected)
        if usual:
            self._took[min(took // 1000, LONGEST_US - 1)] += 1
        if took > self.slowest[0]:
            self.slowest = (took, what)

    def quantile(self, share: float) -> int:
        """Nanoseconds that this share of the steps stayed below, rounded up to the next microsecond."""
        wanted = sum(self._took) * share
        return next(1000 * (us + 1) for us, so_far in enumerate(accumulate(self._took)) if so_far >= wanted)

    def _collector(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._since = time.thread_time_ns()
        else:
            self.collected += time.thread_time_ns() - self._since


def apart(act: Callable[..., Any], *given: Any, source: bool = False) -> Any:
    """What ``act`` gives in a process of its own, whose memory is nobody else's; ``source``: with no compiled module."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1, from_source if source else None) as pool:
        return pool.apply(act, given)
