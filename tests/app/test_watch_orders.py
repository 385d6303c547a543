"""What is ordered of the watching thread is done between two turns, and hurts nobody where the orderer is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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
