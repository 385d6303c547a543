"""Maintenance windows: when somebody may work on devices, by the clock on the wall of the site.

Strategy: a window is a weekday, a beginning and an end in local time. Both are turned into instants for the day in
question, so that a window is one piece whatever daylight saving does: of the hour that a night lacks it loses what the
clock never shows, of the hour that a night has twice it holds both, and what lies between. The time zone database is
read once, when the policy is.
"""

from __future__ import annotations

import difflib
import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, available_timezones

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from monitor.policy.settings import GroupConfig, SiteConfig

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""As datetime counts weekdays."""
MINUTES_A_DAY: Final = 24 * 60
SECOND_NS: Final = 1_000_000_000
MAX_WINDOWS: Final = 32
"""Of one group: each day of the week has room for four."""
_WINDOW: Final = re.compile(r"(?P<days>\S+) (?P<begin>[0-9]{2}:[0-9]{2})-(?P<end>[0-9]{2}:[0-9]{2})", re.ASCII)
_DAY: Final = timedelta(days=1)


class Window(Struct, frozen=True):
    """A time of day on certain weekdays, in local time."""

    days: frozenset[int]
    """On which it begins; 0 is Monday."""
    begin: int
    """Minutes from midnight."""
    end: int
    """Minutes from the midnight before the beginning: beyond 24 hours it ends on the next day."""


class Windows(Struct, frozen=True):
    """The windows of a group, and the time zone that they are in."""

    windows: tuple[Window, ...]
    zone: tzinfo


class Maintenance:
    """The windows of all groups."""

    def __init__(self, site: SiteConfig, groups: Iterable[GroupConfig]) -> None:
        """ValueError, with the key in the message, if a window or the time zone cannot be read."""
        zone = time_zone(site.time_zone, "site.time_zone")
        self._windows = {
            group.name: Windows(read(group.maintenance, f"group {group.name}: maintenance"), zone)
            for group in groups
            if group.maintenance
        }

    def inside(self, group: str | None, at_ns: int) -> bool | None:
        """Whether devices of the group may be worked on at this time; None: it has no windows."""
        windows = self._windows.get(group or "")
        return inside(windows, at_ns) if windows is not None else None


def inside(windows: Windows, at_ns: int) -> bool:
    """Whether the time, in nanoseconds since 1970, lies in one of the windows. The end is outside."""
    at = datetime.fromtimestamp(at_ns // SECOND_NS, UTC)
    today = at.astimezone(windows.zone).date()
    return any(
        _begin(day, window.begin, windows.zone) <= at < _end(day, window.end, windows.zone)
        for window in windows.windows
        for day in (today, today - _DAY)
        if day.weekday() in window.days
    )


def read(texts: Sequence[str], where: str) -> tuple[Window, ...]:
    """Windows from text: "Sun 02:00-04:00", "daily 01:00-03:00", "Mon-Fri 22:00-02:00", "Sat,Sun 00:00-24:00".

    An end that is not behind its beginning is on the next day. ValueError names ``where`` and the one that is none.
    """
    if len(texts) > MAX_WINDOWS:
        msg = f"{where}: {len(texts)} windows, and at most {MAX_WINDOWS} are read"
        raise ValueError(msg)
    return tuple([_window(text, where) for text in texts])


def time_zone(name: str, where: str) -> tzinfo:
    """The time zone of this name (IANA time zone database). ValueError names ``where`` if there is none."""
    if name == "UTC":
        return UTC  # needs no database
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):  # no such file, a path, not found
        near = difflib.get_close_matches(name, sorted(available_timezones()), 1, 0.5)
        hint = f" (did you mean {near[0]}?)" if near else ""
        msg = f"{where}: {name!r} is no time zone that this machine knows{hint}"
        raise ValueError(msg) from None


def _window(text: str, where: str) -> Window:
    found = _WINDOW.fullmatch(" ".join(text.split()))
    if found is None:
        msg = f'{where}: {text!r} is no window such as "Sun 02:00-04:00" or "daily 01:00-03:00"'
        raise ValueError(msg)
    begin, end = _minutes(found["begin"]), _minutes(found["end"])
    days = _days(found["days"].lower())
    if days is None:
        msg = f"{where}: {text!r}: {found['days']!r} is no day (Mon to Sun, Mon-Fri, Sat,Sun or daily)"
        raise ValueError(msg)
    if begin is None or end is None or begin == MINUTES_A_DAY:
        msg = f"{where}: {text!r}: times go from 00:00 to 24:00"
        raise ValueError(msg)
    if begin == end:
        msg = f"{where}: {text!r} ends when it begins; a whole day is 00:00-24:00"
        raise ValueError(msg)
    return Window(days, begin, end if end > begin else end + MINUTES_A_DAY)


def _days(text: str) -> frozenset[int] | None:
    if text == "daily":
        return frozenset(range(len(DAYS)))
    days: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        last = last or first
        if first not in DAYS or last not in DAYS or part.endswith("-"):
            return None
        begin = DAYS.index(first)
        days.update((begin + step) % len(DAYS) for step in range((DAYS.index(last) - begin) % len(DAYS) + 1))
    return frozenset(days)


def _minutes(text: str) -> int | None:
    hours, minutes = int(text[:2]), int(text[3:])
    total = hours * 60 + minutes
    return total if minutes < 60 and total <= MINUTES_A_DAY else None


def _begin(day: date, minutes: int, zone: tzinfo) -> datetime:
    """When the clock on the wall first shows so many minutes after midnight, or jumps over them."""
    early, late = _readings(day, minutes, zone)
    return early if early <= late else _jump(late, early, zone)


def _end(day: date, minutes: int, zone: tzinfo) -> datetime:
    """Behind the last time that the clock shows the minute before, or when it jumps over the end."""
    early, late = _readings(day, minutes, zone)
    if early > late:
        return _jump(late, early, zone)
    return early if early == late else max(_readings(day, minutes - 1, zone)) + timedelta(minutes=1)


def _readings(day: date, minutes: int, zone: tzinfo) -> tuple[datetime, datetime]:
    """The time as that before and as that behind a change of the clock (PEP 495); the same where there is none near.

    The second one is earlier where the clock never shows it.
    """
    wall = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(minutes=minutes)
    return wall.astimezone(UTC), wall.replace(fold=1).astimezone(UTC)


def _jump(before: datetime, behind: datetime, zone: tzinfo) -> datetime:
    """The second from which on the clock is another one."""
    offset = before.astimezone(zone).utcoffset()
    first, last = int(before.timestamp()), int(behind.timestamp())
    while last - first > 1:
        middle = (first + last) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            first = middle
        else:
            last = middle
    return datetime.fromtimestamp(last, UTC)
