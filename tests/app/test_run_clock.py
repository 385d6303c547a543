"""The machine's clock is set while the daemon runs: nothing crashes, expires, waits or changes its order for that."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

import pytest

from monitor.model.incidents import Activity, Kind
from tests.app.living import Daemon, wait_until
from tests.app.planted import ENOUGH_FOR_NEWS, attempt, configured
from tests.app.scripted import NOW, SECOND, Station

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.app import Knowledge
    from tests.app.living import Site

YEAR = 365 * 86_400 * SECOND
STEPS = {
    "+1 s": SECOND,
    "-1 s": -SECOND,
    "+1 h": 3600 * SECOND,
    "-1 h": -3600 * SECOND,
    "+10 y": 10 * YEAR,
    "-10 y": -10 * YEAR,
    "1970": -NOW,
}


@pytest.fixture
def station(known: Knowledge) -> Iterator[Station]:
    made = Station(known)
    yield made
    made.close()


def check(station: Station, by_ns: int) -> None:
    """What holds however the clock was set."""
    told = station.told()
    assert [each.kind for each in told if each.kind is not Kind.UNEXPECTED_CONTACT] == []
    assert [each.activity for each in told if each.activity is Activity.END] == [], "nothing was quiet for a day"
    assert station.handover.refused == 0
    beats = [after - before for before, after in zip(station.seconds, station.seconds[1:], strict=False)]
    assert all(0 <= beat <= 2 * SECOND for beat in beats), "engine time goes on, and by what passed"
    assert [step for _, step in station.steps] == [by_ns]
    assert station.engine.sight.clock_steps == 1


@pytest.mark.parametrize("by_ns", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize("quiet_s", [0.0, 0.3, 8.0], ids=["traffic", "a pause", "silence"])
def test_the_clock_is_set(station: Station, by_ns: int, quiet_s: float) -> None:
    """The step is recorded within two seconds; messages carry the new time, in order of what happened."""
    for number in range(5):
        station.run(0.4, attempt(number))
    before = len(station.told())
    assert before == 5
    assert all(abs(each.time_ns - station.clocks.real()) < 10 * SECOND for each in station.told())

    station.clocks.step(by_ns)
    if quiet_s:
        station.run(quiet_s)
    station.run(2 - min(quiet_s, 1.9), attempt(5))
    assert station.steps, "told within two seconds"
    station.run(0.5, attempt(0, "115.231.97.61"), *(attempt(0) for _ in range(ENOUGH_FOR_NEWS)))
    for number in range(6, 12):
        station.run(0.4, attempt(number))
    station.run(2)
    check(station, by_ns)
    after = station.told()[before:]
    assert all(abs(each.time_ns - station.clocks.real()) < 12 * SECOND for each in after), "in the new time"
    opened = [each.device.name for each in station.told() if each.activity is Activity.NEW]
    assert opened == [f"cam-{number}" for number in range(12)], "in the order of what happened"
    (news,) = [each for each in after if each.activity is Activity.UPDATE]
    assert news.device.name == "cam-0"
    assert news.visibility.clock_steps == 1
    assert news.attempts == ENOUGH_FOR_NEWS + 2


def test_packets_of_both_sides_of_a_step_in_one_block(station: Station) -> None:
    """Those that were stamped before it keep their time."""
    station.run(1, attempt(0))
    station.source.put(attempt(1))
    station.clocks.step(3600 * SECOND)
    station.run(2, attempt(2))
    check(station, 3600 * SECOND)
    first, second, third = station.told()
    assert 0 <= second.first_ns - first.first_ns - 3600 * SECOND <= 2 * SECOND, "both in the present time"
    assert third.first_ns - second.first_ns < SECOND


def test_set_there_and_back(station: Station) -> None:
    """Ten times, each time told."""
    for number in range(10):
        station.run(1, attempt(number))
        station.clocks.step(10 * YEAR if number % 2 == 0 else -10 * YEAR)
    station.run(3, attempt(10))
    assert len(station.steps) == 10
    told = station.told()
    assert [each.device.name for each in told] == [f"cam-{number}" for number in range(11)]
    assert all(each.activity is Activity.NEW for each in told)
    assert abs(told[-1].time_ns - station.clocks.real()) < 5 * SECOND


def test_silence_and_quiet_time_are_counted_in_time_that_passed(known: Knowledge) -> None:
    """An incident ends after its quiet time, and not sooner or later because the clock was set."""
    station = Station(known, limits={"quiet_hours": 0.01, "silent_minutes": 0})
    try:
        station.run(1, attempt(0))
        station.clocks.step(YEAR)
        for _ in range(6):
            station.run(5, attempt(1))
        assert [each.activity for each in station.told() if each.device.name == "cam-0"] == [Activity.NEW]
        station.clocks.step(-2 * YEAR)
        for _ in range(3):
            station.run(5, attempt(1))
        assert [each.activity for each in station.told() if each.device.name == "cam-0"] == [Activity.NEW, Activity.END]
    finally:
        station.close()


def test_set_back_while_nobody_looked(site: Site) -> None:
    """A machine without a battery boots in the past: what is open stays open, and goes on in the present time."""
    daemon = Daemon(site, configured(3))
    site.send(attempt(0))
    wait_until(lambda: site.about("cam-0"), "the attempt before")
    daemon.stop()
    journal = sqlite3.connect(daemon.state / "journal.sqlite3")
    with journal:  # as if all of it had been written a year later
        journal.execute("UPDATE state SET body = ? WHERE name = 'watch/ahead_ns'", (str(YEAR).encode(),))
    journal.close()
    daemon.start()
    (step,) = daemon.says("clock step")
    assert -YEAR // SECOND - 60 < step["seconds"] < -YEAR // SECOND + 60
    assert daemon.health()["clock_steps"] == 1
    site.send(attempt(1), *(attempt(0) for _ in range(ENOUGH_FOR_NEWS)))
    wait_until(lambda: site.about("cam-1") and len(site.about("cam-0")) == 2, "messages")
    assert daemon.health()["incidents_open"] == 2
    for message in (site.about("cam-1")[0], site.about("cam-0")[1]):
        assert abs(message["time"] / 1000 - time.time()) < 30
        assert message["activity_id"] != 3
    daemon.stop()
