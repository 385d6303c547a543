"""Maintenance windows, by the clock on the wall, in nights that lack an hour or have one twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config import ConfigError, parse
from monitor.policy.maintenance import DAYS, Maintenance, Windows, inside, read, time_zone
from monitor.policy.settings import GroupConfig, SiteConfig

CHANGES = [
    int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    for text in ("2026-03-29T01:00", "2026-10-25T01:00", "2026-03-08T07:00", "2026-11-01T06:00", "2026-10-03T15:30")
]
"""When clocks change: in Europe, New York, Lord Howe."""


def windows(zone: str, *texts: str) -> Windows:
    return Windows(read(texts, "group cams: maintenance"), time_zone(zone, "site.time_zone"))


def ns(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000_000


def utc(text: str) -> int:
    return ns(datetime.fromisoformat(text).replace(tzinfo=UTC))


def open_hours(given_windows: Windows, begin: str, hours: int) -> list[tuple[str, str]]:
    """From when to when, in UTC and to the minute, the windows are open."""
    at = datetime.fromisoformat(begin).replace(tzinfo=UTC)
    found: list[list[datetime]] = []
    for minute in range(hours * 60):
        moment = at + timedelta(minutes=minute)
        if not inside(given_windows, ns(moment)):
            continue
        if found and found[-1][1] == moment:
            found[-1][1] += timedelta(minutes=1)
        else:
            found.append([moment, moment + timedelta(minutes=1)])
    return [(f"{first:%a %H:%M}", f"{last:%a %H:%M}") for first, last in found]


@pytest.mark.parametrize(
    ("zone", "texts", "begin", "expected"),
    [
        ("UTC", ["Sun 02:00-04:00"], "2026-06-06", [("Sun 02:00", "Sun 04:00")]),
        ("UTC", ["daily 01:00-03:00"], "2026-06-06", [("Sat 01:00", "Sat 03:00"), ("Sun 01:00", "Sun 03:00")]),
        ("UTC", ["sat 22:00-02:00"], "2026-06-06", [("Sat 22:00", "Sun 02:00")]),
        ("UTC", ["Sat 00:00-24:00"], "2026-06-06", [("Sat 00:00", "Sun 00:00")]),
        ("UTC", ["Sat,Sun 23:30-24:00"], "2026-06-06", [("Sat 23:30", "Sun 00:00"), ("Sun 23:30", "Mon 00:00")]),
        (
            "UTC",
            ["Sat 01:00-02:00", "Sat 03:00-04:00"],
            "2026-06-06",
            [("Sat 01:00", "Sat 02:00"), ("Sat 03:00", "Sat 04:00")],
        ),
        ("UTC", ["daily 12:00-11:00"], "2026-06-06T11:30", [("Sat 12:00", "Sun 11:00"), ("Sun 12:00", "Mon 11:00")]),
        ("Europe/London", ["Sun 02:00-04:00"], "2026-06-06", [("Sun 01:00", "Sun 03:00")]),
        ("Asia/Kolkata", ["Sun 02:00-04:00"], "2026-06-06", [("Sat 20:30", "Sat 22:30")]),
        # 2026-03-29: in Berlin 02:00 is 03:00. What is left is what the clock shows.
        ("Europe/Berlin", ["Sun 02:00-04:00"], "2026-03-28T12:00", [("Sun 01:00", "Sun 02:00")]),
        ("Europe/Berlin", ["Sun 01:30-02:30"], "2026-03-28T12:00", [("Sun 00:30", "Sun 01:00")]),
        ("Europe/Berlin", ["Sun 02:15-02:45"], "2026-03-28T12:00", []),
        ("Europe/Berlin", ["Sun 02:30-03:15"], "2026-03-28T12:00", [("Sun 01:00", "Sun 01:15")]),
        ("Europe/Berlin", ["Sun 03:00-04:00"], "2026-03-28T12:00", [("Sun 01:00", "Sun 02:00")]),
        # 2026-10-25: in Berlin 02:00 to 03:00 is there twice, and the window is one piece.
        ("Europe/Berlin", ["Sun 02:00-04:00"], "2026-10-24T12:00", [("Sun 00:00", "Sun 03:00")]),
        ("Europe/Berlin", ["Sun 02:15-02:45"], "2026-10-24T12:00", [("Sun 00:15", "Sun 01:45")]),
        ("Europe/Berlin", ["Sun 01:00-02:00"], "2026-10-24T12:00", [("Sat 23:00", "Sun 00:00")]),
        ("Europe/Berlin", ["Sat 22:00-03:00"], "2026-10-24T12:00", [("Sat 20:00", "Sun 02:00")]),
        ("America/New_York", ["Sun 01:00-03:00"], "2026-11-01", [("Sun 05:00", "Sun 08:00")]),
        # Half an hour, and at midnight.
        ("Australia/Lord_Howe", ["Sun 02:00-03:00"], "2026-10-03", [("Sat 15:30", "Sat 16:00")]),
        ("America/Havana", ["Sun 00:00-02:00"], "2026-03-08", [("Sun 05:00", "Sun 06:00")]),
    ],
)
def test_windows_by_the_clock(zone: str, texts: list[str], begin: str, expected: list[tuple[str, str]]) -> None:
    """Open exactly from its beginning until its end, of which the last minute is the one before."""
    assert open_hours(windows(zone, *texts), begin, 48) == expected


@given(
    st.sampled_from(["UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"]),
    st.integers(1_577_836_800, 2_114_380_800)
    | st.sampled_from(CHANGES).flatmap(lambda at: st.integers(at - 90_000, at + 90_000)),
    st.integers(0, 1439),
    st.integers(0, 1439),
)
def test_clock_on_the_wall_decides(zone: str, at: int, begin: int, end: int) -> None:
    """Whenever it shows a time of the window the window is open, and otherwise only between two showings of an hour."""
    if begin == end:
        return
    text = f"daily {begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"
    local = datetime.fromtimestamp(at, ZoneInfo(zone))
    shown = (local.hour * 60 + local.minute - begin) % 1440 < (end - begin) % 1440
    is_open = inside(windows(zone, text), at * 1_000_000_000)
    if shown:
        assert is_open
    elif is_open:
        before, behind = (datetime.fromtimestamp(at + way, ZoneInfo(zone)).utcoffset() for way in (-7200, 7200))
        assert before is not None
        assert behind is not None
        assert before > behind


def test_days_are_those_of_the_beginning() -> None:
    """Ranges of days go over the end of the week."""
    (window,) = read(["Sat-Mon 22:00-02:00"], "x")
    assert sorted(DAYS[day] for day in window.days) == ["mon", "sat", "sun"]
    assert not inside(windows("UTC", "Sat-Mon 22:00-02:00"), utc("2026-06-06T01:00"))
    assert inside(windows("UTC", "Sat-Mon 22:00-02:00"), utc("2026-06-09T01:59:59"))
    assert not inside(windows("UTC", "Sat-Mon 22:00-02:00"), utc("2026-06-09T02:00"))


def test_groups_without_windows_have_none() -> None:
    """Neither inside nor outside."""
    maintenance = Maintenance(
        SiteConfig(time_zone="Europe/London"), [GroupConfig("a", maintenance=("daily 01:00-02:00",)), GroupConfig("b")]
    )
    assert maintenance.inside("a", utc("2026-06-06T00:30")) is True
    assert maintenance.inside("a", utc("2026-06-06T01:30")) is False
    assert maintenance.inside("b", utc("2026-06-06T00:30")) is None
    assert maintenance.inside(None, utc("2026-06-06T00:30")) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[group]]\nname='c'\nmaintenance=['Sun']", "group c: maintenance: 'Sun' is no window such as"),
        ("[[group]]\nname='c'\nmaintenance=['Sun 2:00-4:00']", "'Sun 2:00-4:00' is no window"),
        ("[[group]]\nname='c'\nmaintenance=['Sonntag 02:00-04:00']", "'Sonntag' is no day (Mon to Sun"),
        ("[[group]]\nname='c'\nmaintenance=['Mon- 02:00-04:00']", "'Mon-' is no day"),
        ("[[group]]\nname='c'\nmaintenance=['Sun 02:00-24:01']", "times go from 00:00 to 24:00"),
        ("[[group]]\nname='c'\nmaintenance=['Sun 02:60-03:00']", "times go from 00:00 to 24:00"),
        ("[[group]]\nname='c'\nmaintenance=['Sun 24:00-03:00']", "times go from 00:00 to 24:00"),
        ("[[group]]\nname='c'\nmaintenance=['Sun 02:00-02:00']", "ends when it begins; a whole day is 00:00-24:00"),
        ("[[group]]\nname='c'\nmaintenance=['Sun 02:00-\u0660\u0660:00']", "is no window"),
        ("[[group]]\nname='c'\nmaintenance='Sun 02:00-04:00'", "group[0].maintenance: expected `array`"),
        (f"[[group]]\nname='c'\nmaintenance={['daily 01:00-02:00'] * 33}", "33 windows, and at most 32 are read"),
        ("[[group]]\nname='c'\nfirmware_max_age_days=0", "group[0].firmware_max_age_days: expected `int` >= 1"),
        (
            "[site]\ntime_zone='Europe/Londn'",
            "site.time_zone: 'Europe/Londn' is no time zone that this machine knows (did you mean Europe/London?)",
        ),
        ("[site]\ntime_zone='../../etc/passwd'", "site.time_zone: '../../etc/passwd' is no time zone"),
        ("[site]\ntime_zone='Europe'", "site.time_zone: 'Europe' is no time zone"),
        ("[site]\ntime_zone=''", "site.time_zone: '' is no time zone"),
    ],
)
def test_bad_configuration_is_one_line(text: str, why: str) -> None:
    """It names the key and what is wrong."""
    with pytest.raises(ConfigError) as refused:
        parse(text, "x.toml")
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)


def test_good_configuration() -> None:
    """As the manual writes it."""
    config = parse(
        '[site]\ntime_zone = "Europe/London"\n[[group]]\nname = "c"\nfirmware_max_age_days = 365\n'
        'maintenance = ["Sun 02:00-04:00", "daily 01:00-03:00", "Mon-Fri 22:00-02:00"]\n',
        "x.toml",
    )
    assert config.group[0].firmware_max_age_days == 365
    assert len(config.group[0].maintenance) == 3
