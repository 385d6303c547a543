"""Words: numbers, shares and times as people read them. A share is never rounded up."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Final

from monitor.report.markup import Html, element, joined

SECOND_NS: Final = 1_000_000_000
MINUTE_S: Final = 60
HOUR_S: Final = 3600
LATEST_NS: Final = 253_402_128_000 * SECOND_NS
"""Two days before the end of the year 9999: beyond it the calendar has no date, in whatever time zone."""


def number(value: int) -> str:
    """With its thousands apart."""
    return f"{value:,}"


def counted(value: int, one: str, many: str | None = None) -> str:
    """So many of something: "1 device", "2 devices"."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def share(part: float, whole: float) -> str:
    """Tenths of a percent, rounded down: all but a second of a year is not 100 %."""
    if whole <= 0 or part <= 0:
        return "0 %"
    if part >= whole:
        return "100 %"
    tenths = int(part * 1000 // whole)
    return f"{tenths / 10:.1f} %" if tenths else "less than 0.1 %"


def duration(length_ns: int) -> str:
    """Whole hours, minutes or seconds, rounded down: "720 h"."""
    seconds = length_ns // SECOND_NS
    if seconds < 2 * MINUTE_S:
        return f"{seconds} s"
    if seconds < 2 * HOUR_S:
        return f"{seconds // MINUTE_S} min"
    return f"{seconds // HOUR_S:,} h"


def octets(value: int) -> str:
    """Bytes, in units of a thousand."""
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if value >= size:
            return f"{value / size:.1f} {unit}"
    return f"{value} B"


class Clock:
    """Shows times, to the minute, in UTC and by the clock on the wall of the site."""

    def __init__(self, zone: tzinfo) -> None:
        self.zone = zone

    def day(self, time_ns: int) -> int:
        """The day at the site, counted as date.toordinal does."""
        return self._at(time_ns, self.zone).toordinal()

    def plain(self, time_ns: int) -> str:
        """UTC, and the site's time where it is another."""
        return " ".join(filter(None, self._both(time_ns)))

    def shown(self, time_ns: int) -> Html:
        """The same as markup."""
        universal, local = self._both(time_ns)
        stamp = self._at(time_ns, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return joined(
            [element("time", universal, datetime=stamp), element("span", f" {local}", class_="local") if local else ""]
        )

    def _both(self, time_ns: int) -> tuple[str, str]:
        universal, local = self._at(time_ns, UTC), self._at(time_ns, self.zone)
        first = universal.strftime("%Y-%m-%d %H:%M UTC")
        if self.zone is UTC:
            return first, ""
        same = universal.date() == local.date()
        return first, f"({local.strftime('%H:%M' if same else '%Y-%m-%d %H:%M')} {local.tzname()})"

    def _at(self, time_ns: int, zone: tzinfo) -> datetime:
        return datetime.fromtimestamp(min(max(time_ns, 0), LATEST_NS) // SECOND_NS, UTC).astimezone(zone)
