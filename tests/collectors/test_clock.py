"""Which times are believed."""

from __future__ import annotations

from array import array
from importlib.machinery import EXTENSION_SUFFIXES
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import clock
from collectors.blocks import COLUMNS, TS
from collectors.limits import CLOCK_STEP_NS, TIME_LIMIT, UNSTAMPED
from tests.builds import as_python
from tests.collectors.written import HOUR, NOON, SECOND

if TYPE_CHECKING:
    from types import ModuleType

YEAR_2106 = 4_294_967_295 * SECOND


def judged(
    times: list[int], module: ModuleType = clock, *, pieces: list[int] | None = None
) -> tuple[list[int], list[tuple[int, int]], int]:
    """Give times as mended, steps and suspects, when the rows come in ``pieces``."""
    index = array("q", bytes(len(times) * COLUMNS * 8))
    for row, time in enumerate(times):
        index[row * COLUMNS + TS] = time
    watch, row, suspects = module.Clock(), 0, 0
    steps: list[tuple[int, int]] = []
    for rows in [*(pieces or []), len(times)]:
        while True:
            done = watch.judge(index, row, rows, last=rows == len(times))
            if done == row:
                break
            row = done
            more, count = watch.taken()
            steps += more
            suspects += count
    assert row == len(times)
    return [index[row * COLUMNS + TS] for row in range(len(times))], steps, suspects


def test_times_within_an_hour_are_believed() -> None:
    """Neither jitter nor an hour's gap nor packets out of order are a step."""
    times = [NOON, NOON + SECOND, NOON, NOON + HOUR, NOON]
    assert judged(times) == (times, [], 0)


def test_one_packet_of_2106_does_not_move_the_clock() -> None:
    """It gets the time of the packet before it, and is counted."""
    assert judged([NOON, YEAR_2106, NOON + SECOND]) == ([NOON, NOON, NOON + SECOND], [], 1)


def test_a_step_that_the_next_packet_confirms() -> None:
    """The clock moves with it, and the jump is told."""
    later = NOON + 5 * HOUR
    times = [NOON, NOON, later, later + SECOND, NOON, NOON]
    assert judged(times) == (times, [(NOON, later), (later + SECOND, NOON)], 0)


def test_the_last_packet_confirms_nothing_of_itself() -> None:
    """A step that nothing follows is a suspect."""
    assert judged([NOON, NOON + 2 * HOUR]) == ([NOON, NOON], [], 1)


def test_the_first_packet_is_outvoted_by_the_next_two() -> None:
    """It gets the time of the second."""
    assert judged([YEAR_2106, NOON, NOON + 1]) == ([NOON, NOON, NOON + 1], [], 1)


@pytest.mark.parametrize("third", [NOON + 1, NOON + 5 * HOUR])
def test_the_first_packet_is_believed_unless_outvoted(third: int) -> None:
    """If the third agrees with it, or with neither, the second is the suspect."""
    mended, steps, suspects = judged([NOON, YEAR_2106, third, third])
    assert mended == [NOON, NOON, third, third]
    assert suspects == 1
    assert steps == ([] if third == NOON + 1 else [(NOON, third)])


def test_a_lone_packet_is_believed() -> None:
    """There is nothing to doubt it by."""
    assert judged([YEAR_2106]) == ([YEAR_2106], [], 0)


def test_packets_without_a_time() -> None:
    """They get that of the packet before, 0 at the start, and confirm no step."""
    times = [UNSTAMPED, NOON, UNSTAMPED, NOON + 1, YEAR_2106, UNSTAMPED, NOON + 2]
    assert judged(times) == ([0, NOON, NOON, NOON + 1, NOON + 1, NOON + 1, NOON + 2], [], 1)


def test_packets_that_never_have_a_time() -> None:
    """A capture of Simple Packet Blocks alone stays at 0."""
    assert judged([UNSTAMPED] * 4) == ([0] * 4, [], 0)


MOMENTS = st.sampled_from(
    [
        NOON,
        NOON + CLOCK_STEP_NS,
        NOON + CLOCK_STEP_NS + 1,
        NOON + 3 * HOUR,
        YEAR_2106,
        0,
        UNSTAMPED,
        TIME_LIMIT,
        -TIME_LIMIT,
    ]
)


@given(times=st.lists(MOMENTS, min_size=1, max_size=12), data=st.data())
def test_nothing_depends_on_how_rows_come(times: list[int], data: st.DataObject) -> None:
    """In pieces or at once, the same is believed."""
    pieces = sorted(data.draw(st.lists(st.integers(0, len(times) - 1))))
    assert judged(times, pieces=pieces) == judged(times)


@given(times=st.lists(MOMENTS, min_size=1, max_size=12))
def test_steps_and_suspects_begin_a_run(times: list[int]) -> None:
    """So a block that is cut at runs carries exactly its own."""
    index = array("q", bytes(len(times) * COLUMNS * 8))
    for row, time in enumerate(times):
        index[row * COLUMNS + TS] = time
    watch, row = clock.Clock(), 0
    while row < len(times):
        stop = watch.judge(index, row, len(times), last=True)
        steps, suspects = watch.taken()
        assert len(steps) + suspects <= 1
        if steps:
            assert steps[0][1] == index[row * COLUMNS + TS]
        row = stop


(SOURCE,) = as_python("collectors.clock")


@pytest.mark.skipif(not clock.__file__.endswith(tuple(EXTENSION_SUFFIXES)), reason="collectors.clock is not compiled")
@given(times=st.lists(MOMENTS, min_size=1, max_size=12), before=MOMENTS)
def test_compiled_and_uncompiled_agree(times: list[int], before: int) -> None:
    """The same is believed whether clock.py is compiled or not."""
    assert judged(times) == judged(times, SOURCE)
    index = array("q", [cell for time in times for cell in (time, 0, 0, 0, 0)])
    assert clock.run(index, 0, len(times), before) == SOURCE.run(index, 0, len(times), before)
