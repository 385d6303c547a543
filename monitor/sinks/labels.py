"""Label values from closed sets: whatever a camera or a peer says, the number of series stays bounded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from monitor.model.capabilities import State

if TYPE_CHECKING:
    from collections.abc import Hashable

OTHER: Final = "other"
UNKNOWN: Final = "unknown"
VALUE_LIMIT: Final = 64
"""Characters of a label value that a device chose (model, firmware)."""
COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)
"""ISO 3166-1 alpha-2."""

PAIRS: Final = 8
"""Most (country, jurisdiction) pairs of one device."""
SERIES: Final = 40
"""Series of one device, all metrics together."""
PAIR_SERIES: Final = 4
"""Series of one pair: an attempts counter for each outcome."""
JURISDICTION_SERIES: Final = 2
"""Series of one jurisdiction: a bytes counter for each direction."""
STATES: Final = tuple(state for state in State if state is not State.UNKNOWN)
"""States of functions that are shown: of what nobody knows there is nothing to count."""
FIXED_SERIES: Final = 4 + len(STATES)
"""Series that a device has once: its info, its firmware, that firmware's age, when it was seen, and how many of its
functions are in each state."""
REVISIONS: Final = 8
"""Most firmware versions, and most makes, that one device shows in its lifetime: Prometheus keeps each for long."""


def country(code: str | None) -> str:
    """Return an ISO code as it is, ``unknown`` for none, ``other`` for anything else."""
    if code is None:
        return UNKNOWN
    return code if COUNTRY.fullmatch(code) else OTHER


def short(text: str | None) -> str:
    """Return a value that a device chose, cut; empty where nothing is known."""
    return (text or "")[:VALUE_LIMIT]


class ClosedSet:
    """Admits the first ``limit`` different values."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: set[Hashable] = set()

    def admits(self, value: Hashable) -> bool:
        """Whether ``value`` may be shown, now and from now on."""
        if value not in self._values:
            if len(self._values) >= self._limit:
                return False
            self._values.add(value)
        return True

    def label(self, value: str) -> str:
        """Return the value itself, or ``other``."""
        return value if self.admits(value) else OTHER


class DeviceLabels:
    """What one device may show under its own name.

    A (country, jurisdiction) pair gets its own series only while all that it can ever need fits into the device's
    budget, next to what ``other`` needs. So a device has 4 or 5 pairs: the more of them share a jurisdiction,
    the more.
    """

    def __init__(self) -> None:
        self.versions = ClosedSet(REVISIONS)
        self.makes = ClosedSet(REVISIONS)
        self._pairs = {(OTHER, OTHER)}
        self._jurisdictions = {OTHER}
        self._left = SERIES - FIXED_SERIES - PAIR_SERIES - JURISDICTION_SERIES

    def pair(self, where: str | None, whose: str | None) -> tuple[str, str]:
        """Return the labels of a country and a jurisdiction: both themselves, or both ``other``."""
        pair = country(where), country(whose)
        if pair in self._pairs:
            return pair
        cost = PAIR_SERIES + (0 if pair[1] in self._jurisdictions else JURISDICTION_SERIES)
        if len(self._pairs) > PAIRS or cost > self._left:
            return OTHER, OTHER
        self._left -= cost
        self._pairs.add(pair)
        self._jurisdictions.add(pair[1])
        return pair

    def jurisdiction(self, whose: str | None) -> str:
        """Return the label of a jurisdiction that a pair was admitted with: itself, or ``other``."""
        code = country(whose)
        return code if code in self._jurisdictions else OTHER
