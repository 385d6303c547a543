"""Alarms: incidents that are about no remote end."""

from __future__ import annotations

from typing import Final

import pytest
from msgspec import structs

from monitor.app import sensor_view
from monitor.incidents.alarms import Alarms
from monitor.model.incidents import Activity, Evidence, Kind, Notice, Severity, Totals

T: Final = 1_700_000_000_000_000_000
SECOND: Final = 1_000_000_000
HOUR: Final = 3600 * SECOND
SENSOR: Final = sensor_view("north")
BLIND: Final = (Kind.SENSOR_BLIND,)


def notice(about: str = "eth1 dead", kind: Kind = Kind.SENSOR_BLIND, severity: Severity = Severity.HIGH) -> Notice:
    return Notice(kind, severity, about, f"nothing seen: {about}", "no packet for 30 s")


def alarms(**limits: int) -> Alarms:
    return Alarms("north", Totals, **{"quiet_ns": HOUR, **limits})


def test_a_state_is_told_when_it_begins_and_when_it_ends() -> None:
    """Once each, however often its detector says so meanwhile, and with one id."""
    held = alarms()
    told = [held.hold(SENSOR, BLIND, [notice()], T + second * SECOND) for second in range(100)]
    assert [len(each) for each in told] == [1] + [0] * 99
    assert held.quiet(T + 1000 * HOUR) == []
    (over,) = held.hold(SENSOR, BLIND, [], T + 100 * SECOND)
    ((opened,), *_) = told
    assert (opened.activity, over.activity) == (Activity.NEW, Activity.END)
    assert (opened.incident, opened.number, over.number) == (over.incident, 1, 2)
    assert (over.first_ns, over.last_ns, over.time_ns) == (T, T + 99 * SECOND, T + 100 * SECOND)
    assert held.hold(SENSOR, BLIND, [], T + 101 * SECOND) == []
    assert not held.holds(SENSOR.key)
    assert len(held) == 0


def test_causes_stand_apart() -> None:
    """One interface that is dead and another that loses are two, and each ends for itself."""
    held = alarms()
    both = held.hold(SENSOR, BLIND, [notice("eth1 dead"), notice("eth2 loss")], T)
    assert len({each.incident for each in both}) == 2
    (over,) = held.hold(SENSOR, BLIND, [notice("eth2 loss")], T + SECOND)
    assert over.incident == both[0].incident


def test_a_state_of_another_kind_is_left_alone() -> None:
    """Saying that nothing of one kind holds says nothing of the others."""
    held = alarms()
    held.hold(SENSOR, (Kind.DEVICE_SILENT,), [notice(kind=Kind.DEVICE_SILENT)], T)
    assert held.hold(SENSOR, BLIND, [], T) == []
    assert held.holds(SENSOR.key)


def test_graver_is_news() -> None:
    """An update says so; the same sentence with other numbers is none."""
    held = alarms()
    held.hold(SENSOR, BLIND, [notice(severity=Severity.MEDIUM)], T)
    (graver,) = held.hold(SENSOR, BLIND, [notice()], T + SECOND)
    assert (graver.activity, graver.severity, graver.number) == (Activity.UPDATE, Severity.HIGH, 2)


def test_an_event_ends_when_nothing_like_it_came_for_the_quiet_time() -> None:
    """Repeated, it is told again at each decade from ten."""
    held = alarms()
    changed = notice("mac", Kind.DEVICE_CHANGED, Severity.MEDIUM)
    told = [held.note(SENSOR, changed, T + turn * SECOND) for turn in range(100)]
    assert [turn + 1 for turn, each in enumerate(told) if each] == [1, 10, 100]
    last = T + 99 * SECOND
    assert held.next_ns() == last + HOUR
    assert held.quiet(last + HOUR - 1) == []
    assert [each.activity for each in held.quiet(last + HOUR)] == [Activity.END]
    assert held.next_ns() is None


def test_the_oldest_makes_room() -> None:
    """It is ended, and that it had to be is counted."""
    held = alarms(max_open=2)
    for about in ("a", "b"):
        held.note(SENSOR, notice(about, Kind.DEVICE_CHANGED), T)
    told = held.note(SENSOR, notice("c", Kind.DEVICE_CHANGED), T)
    assert [(each.activity, each.message) for each in told] == [
        (Activity.END, "nothing seen: a"),
        (Activity.NEW, "nothing seen: c"),
    ]
    assert (len(held), held.evicted) == (2, 1)


@pytest.mark.parametrize(("field", "value"), [("lost", 5), ("gaps_ns", 3 * SECOND)])
def test_what_was_missed_meanwhile(field: str, value: int) -> None:
    """A message says what the sensor missed since the alarm opened."""
    totals = {"arrived": 100}
    held = Alarms("north", lambda: Totals(**totals), quiet_ns=HOUR)
    held.hold(SENSOR, BLIND, [notice()], T)
    totals |= {"arrived": 200, field: value}
    (over,) = held.hold(SENSOR, BLIND, [], T + SECOND)
    assert (over.visibility.loss_ppm, over.visibility.gaps_s) == ((50_000, 0) if field == "lost" else (0, 3))


def attempt(remote: str, remote_port: int, device_port: int) -> Notice:
    """Something that a connection showed."""
    evidence = Evidence("10.20.0.11", device_port, remote, None, remote_port, 6, None, None, None, f"1:{device_port}")
    return structs.replace(notice(kind=Kind.FIRMWARE_CHECK), evidences=(evidence,))


def test_the_next_connection_between_the_same_ends_is_no_news() -> None:
    """A device that asks its server each hour, from another port each time, is told of once, and at each decade."""
    noted = alarms()
    told = [len(noted.note(SENSOR, attempt("192.0.2.1", 443, 1024 + hour), T + hour * SECOND)) for hour in range(99)]
    assert sum(told) == 2
    assert [at for at, count in enumerate(told, start=1) if count] == [1, 10]


def test_ends_without_number_are_told_by_decades() -> None:
    """Ten thousand forged ends are no ten thousand messages."""
    noted = alarms()
    ends = (f"192.0.{number >> 8}.{number & 255}" for number in range(10_000))
    told = [len(noted.note(SENSOR, attempt(end, 443, 1024), T + at)) for at, end in enumerate(ends)]
    assert told[:9] == [1] * 9
    assert sum(told) == 9 + len((10, 100, 1000, 10_000))


def test_a_state_of_somebody_who_is_watched_no_more_is_let_go() -> None:
    """Of the kinds that nobody will ask for again; what else is open of it stays, and of others too."""
    held = alarms()
    silent = notice("silent", Kind.DEVICE_SILENT)
    held.hold(SENSOR, (Kind.DEVICE_SILENT,), [silent], T)
    held.hold(SENSOR, BLIND, [notice()], T)
    assert held.subjects() == [SENSOR.key]
    (over,) = held.let_go(SENSOR.key, (Kind.DEVICE_SILENT,), T + SECOND)
    assert (over.activity, over.kind) == (Activity.END, Kind.DEVICE_SILENT)
    assert held.let_go(SENSOR.key, (Kind.DEVICE_SILENT,), T + SECOND) == []
    assert held.let_go("nobody", BLIND, T + SECOND) == []
    assert held.subjects() == [SENSOR.key]
