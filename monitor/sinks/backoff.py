"""How long to wait before the next try."""

from __future__ import annotations

import random
from typing import Final

FIRST: Final = 0.2
"""Seconds: a broker that restarts is back at once."""
LEAST: Final = 1.0
MOST: Final = 60.0


class Backoff:
    """0.2 s once, then 1 to 60 s, growing and jittered so that a fleet of sensors does not come back as one."""

    def __init__(self, chance: random.Random | None = None) -> None:
        self._chance = chance or random.Random()  # noqa: S311  spreads reconnects, guards nothing
        self._failures = 0

    def reset(self) -> None:
        """Forget the failures."""
        self._failures = 0

    def next(self) -> float:
        """Seconds to wait after one more failure."""
        self._failures += 1
        if self._failures == 1:
            return FIRST
        most = min(MOST, 2.0 ** min(self._failures - 1, 6))
        return self._chance.uniform(max(LEAST, most / 2), most)

    def pause(self, times: int) -> float:
        """Seconds to wait after a message was refused so often."""
        return self._chance.uniform(0.5, 1.0) * min(MOST, 2.0 ** min(times - 1, 6))
