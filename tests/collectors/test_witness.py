"""Times of live packets when the system clock steps."""

from __future__ import annotations

from array import array

import pytest

from collectors.blocks import COLUMNS, TS, Interface
from collectors.witness import WITNESSES, Witness
from tests.collectors.written import HOUR, NOON, SECOND

YEARS = 10 * 365 * 24 * HOUR


class Live:
    """A witness over an index that a test fills."""

    def __init__(self) -> None:
        self.index = array("q", bytes(8 * COLUMNS * (8 + WITNESSES)))
        self.witness = Witness(b"", self.index, (Interface("tap", 1),))

    def run(self, times: list[int], now: int) -> tuple[list[int], list[tuple[int, int]], int]:
        """Times as they are given, steps and suspects, of packets that are looked at now."""
        for row, time in enumerate(times):
            self.index[row * COLUMNS + TS] = time
        self.witness.begin(len(times), now)
        given: list[int] = []
        steps: list[tuple[int, int]] = []
        suspects = 0
        while self.witness.rest:
            block = self.witness.take()
            assert block.count > 0
            given += [block.index[row * COLUMNS + TS] for row in range(block.count)]
            steps += block.clock_steps
            suspects += block.clock_suspects
        return given, steps, suspects


def test_the_very_first_packet_is_given_at_once() -> None:
    """Without waiting for a second; and any other after it."""
    live = Live()
    assert live.run([NOON], NOON + 5) == ([NOON], [], 0)
    assert live.run([NOON + SECOND], NOON + SECOND) == ([NOON + SECOND], [], 0)


@pytest.mark.parametrize("step", [2 * HOUR, YEARS, -2 * HOUR, -YEARS, -NOON])
def test_a_step_is_told_once(step: int) -> None:
    """Be it between two runs, or within one; by a single packet already."""
    live = Live()
    live.run([NOON], NOON)
    assert live.run([NOON + step], NOON + step + 1) == ([NOON + step], [(NOON, NOON + step)], 0)
    assert live.run([NOON + step + 2], NOON + step + 2) == ([NOON + step + 2], [], 0)
    live = Live()
    times = [NOON, NOON + 1, NOON + step, NOON + step + 1]
    assert live.run(times, NOON + step + 2) == (times, [(NOON + 1, NOON + step)], 0)


def test_packets_stamped_before_a_step_and_seen_after_it() -> None:
    """Keep their times; the step is told with the first packet after it."""
    live = Live()
    live.run([NOON], NOON)
    assert live.run([NOON + 1], NOON + YEARS) == ([NOON + 1], [], 0)
    assert live.run([NOON + YEARS], NOON + YEARS) == ([NOON + YEARS], [(NOON + 1, NOON + YEARS)], 0)


def test_one_stray_time_is_a_suspect() -> None:
    """Which the clock bears witness against, though it is the last packet or the very first."""
    live = Live()
    assert live.run([NOON + YEARS], NOON) == ([NOON], [], 1)
    assert live.run([NOON + 1, NOON + YEARS], NOON + 2) == ([NOON + 1, NOON + 1], [], 1)


def test_a_long_silence_is_no_step() -> None:
    """As long as the clock was looked at in between."""
    live = Live()
    live.run([NOON], NOON)
    for seconds in range(0, 3 * 3600, 60):
        live.witness.idle(NOON + seconds * SECOND)
    assert live.run([NOON + 3 * HOUR], NOON + 3 * HOUR) == ([NOON + 3 * HOUR], [], 0)


def test_a_step_in_the_silence_is_told() -> None:
    """With the next packet."""
    live = Live()
    live.run([NOON], NOON)
    live.witness.idle(NOON - YEARS)
    assert live.run([NOON - YEARS + 5], NOON - YEARS + 6) == ([NOON - YEARS + 5], [(NOON, NOON - YEARS)], 0)
