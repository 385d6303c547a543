"""Attempts by how they ended: what Overview, Call-home and Device ask in the same words."""

from __future__ import annotations

from typing import Final

from dashboards.panels import RAISED, Column, Query
from dashboards.queries import INTERVAL, RANGE, gained, of_devices, total
from monitor.sinks.families import ATTEMPTS

COUNTED: Final = (
    "An attempt counts once at each outcome that it reaches: one that was answered counts as attempted and as answered."
)
NOBODY: Final = "no attempts: nothing left the site in this time, as far as this sensor saw"
ENDS: Final = {
    "attempted": Column(width=100),
    "refused": Column(width=90),
    "answered": Column(width=100, steps=((1, RAISED),)),
    "transferred": Column(width=110, steps=((1, "red"),)),
}


def ended(outcome: str, *by: str, within: str = RANGE, **matching: str) -> str:
    """Attempts that reached this outcome."""
    return total(gained(of_devices(ATTEMPTS, outcome=f'="{outcome}"', **matching), within), *by)


def unanswered(*by: str, within: str = RANGE, **matching: str) -> str:
    """Attempts that nobody answered, blocked or lost: all, less those that were answered."""
    attempted, answered = (ended(each, *by, within=within, **matching) for each in ("attempted", "answered"))
    return f"clamp_min({attempted} - ({answered} or 0 * {attempted}), 0)"


def by_outcome(**matching: str) -> list[Query]:
    """Bars that add up to all attempts: unanswered beside answered, and of these without and with data."""
    answered, moved = (ended(each, within=INTERVAL, **matching) for each in ("answered", "transferred"))
    return [
        Query(unanswered(within=INTERVAL, **matching), "no answer", bars=True),
        Query(f"clamp_min({answered} - ({moved} or 0 * {answered}), 0)", "answered", bars=True),
        Query(moved, "transferred", bars=True),
    ]


def table_by(*by: str, **matching: str) -> list[Query]:
    """Columns of a table: how many got how far."""
    return [Query(ended(each, *by, **matching), each) for each in ENDS]
