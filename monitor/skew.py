"""Skew: how far the packets' clock is ahead of the engine's, which is never set.

A machine's clock is set by an operator, by NTP after a boot without a battery, or by a hypervisor. For the engine,
time goes on as it did: nothing expires and nothing waits because of it. Its times are what the clock showed before
it was set, and what is told outside is told in the clock's present time.

Source of the measure: CLOCK_BOOTTIME is not affected by clock_settime and goes on while the machine sleeps
(clock_gettime(2)), so whatever changes the difference of the two has set the clock.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import msgspec

from collectors.blocks import COLUMNS, TS
from collectors.clock import shift

if TYPE_CHECKING:
    from collections.abc import Callable

    from collectors.blocks import Block
    from monitor.model.incidents import Transition

STEP_NS: Final = 500_000_000
"""A difference beyond this is a step; NTP slews less (ntpd steps from 128 ms on, chrony as configured, and both rarely
after the start), and a step of less disturbs no tick."""
PATIENCE_NS: Final = 5_000_000_000
"""How long after a step packets stamped before it may still come: a ring's worth."""


def real_ns() -> int:
    """The machine's clock."""
    return time.time_ns()


def steady_ns() -> int:
    """A clock that nobody sets."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class Skew:
    """Turns packet time into engine time, and back."""

    def __init__(
        self, ahead_ns: int = 0, *, real: Callable[[], int] = real_ns, steady: Callable[[], int] = steady_ns
    ) -> None:
        """``ahead_ns`` is what an earlier run of the same engine had come to."""
        self.ahead_ns = ahead_ns
        """What to add to engine time for the time on the wall."""
        self.steps: list[tuple[int, int]] = []
        """(when by the new clock, by how much) of each step that no one has taken note of."""
        self.real_ns = real
        """The clock that stamps packets."""
        self.steady_ns = steady
        """The clock that nobody sets."""
        self._between = real() - steady()
        self._pending = 0
        self._pending_until = 0
        self._last_ns: int | None = None

    def look(self) -> None:
        """Compare the clocks; call it before each block and at least once a second."""
        steady = self.steady_ns()
        between = self.real_ns() - steady
        step = between - self._between
        if abs(step) >= STEP_NS:
            self._between = between
            self._pending += step
            self._pending_until = steady + PATIENCE_NS
            self.steps.append((steady + between, step))
        elif self._pending and steady > self._pending_until:
            self._settle()

    def take_steps(self) -> list[tuple[int, int]]:
        """Take the steps since the last call."""
        steps, self.steps = self.steps, []
        return steps

    def correct(self, block: Block) -> None:
        """Put the block's times on the engine's clock, in place."""
        if not block.count:
            return
        index, count = block.index, block.count
        if not self._pending:
            self._last_ns = index[(count - 1) * COLUMNS + TS]
            if self.ahead_ns:
                shift(index, 0, count, -self.ahead_ns)
            return
        before = self._last_ns if self._last_ns is not None else index[TS]
        row = 0
        while row < count and abs(index[row * COLUMNS + TS] - before) <= abs(
            index[row * COLUMNS + TS] - before - self._pending
        ):
            before = index[row * COLUMNS + TS]
            row += 1
        self._last_ns = index[(count - 1) * COLUMNS + TS]
        shift(index, 0, row, -self.ahead_ns)
        if row < count:
            self._settle()
            shift(index, row, count, -self.ahead_ns)

    def outward(self, transition: Transition) -> Transition:
        """The transition in the present time on the wall."""
        if not self.ahead_ns:
            return transition
        return msgspec.structs.replace(
            transition,
            time_ns=transition.time_ns + self.ahead_ns,
            first_ns=transition.first_ns + self.ahead_ns,
            last_ns=transition.last_ns + self.ahead_ns,
            packets=tuple(each._replace(ts_ns=max(0, each.ts_ns + self.ahead_ns)) for each in transition.packets),
        )

    def _settle(self) -> None:
        """Packets are stamped by the new clock from here on."""
        self.ahead_ns += self._pending
        self._pending = 0
