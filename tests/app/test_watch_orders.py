"""What is ordered of the watching thread is done between two turns, and hurts nobody where the orderer is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.app.planted import attempt
from tests.app.scripted import Station

if TYPE_CHECKING:
    from monitor.app import Knowledge


def test_an_order_that_was_taken_back_is_left_alone(known: Knowledge) -> None:
    """As by a poll that is cancelled at the end while its reply waits; the others are done."""
    station, done = Station(known, cameras=1), []
    gone = station.watch.order(lambda: done.append("gone"))
    kept = station.watch.order(lambda: done.append("kept"))
    failed = station.watch.order(lambda: 1 // 0)
    assert gone.cancel()
    station.run(1)
    station.close()
    assert done == ["kept"]
    assert kept.done()
    with pytest.raises(ZeroDivisionError):
        failed.result(0)


def test_what_packets_said_is_handed_over_before_what_was_ordered(known: Knowledge) -> None:
    """And before the second's turn saves what they changed: a kill in between must not keep the one without the other."""
    station = Station(known, cameras=1)
    kept: list[str] = []
    turn, tell = station.watch._each_second, station.watch._tell
    station.watch._each_second = lambda: (kept.append("saved"), turn())[1]  # type: ignore[assignment, func-returns-value]
    station.watch._tell = lambda told: (kept.extend("told" for _ in told), tell(told))[1]  # type: ignore[assignment, func-returns-value]
    station.run(5)
    kept.clear()
    station.watch.order(lambda: kept.append("ordered"))
    station.watch._second = 0  # the second is over in the very turn in which the packet comes
    station.source.put(attempt(0))
    while "told" not in kept:
        station.watch._second = 0
        station.watch.turn(0.1)
    station.close()
    assert kept[kept.index("told") : kept.index("told") + 2] == ["told", "saved"]
