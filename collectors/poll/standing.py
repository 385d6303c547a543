"""Standing: what is remembered of a device from poll to poll, so that a log-in can be neither moved nor worn out."""

from __future__ import annotations

from typing import Final

from msgspec import Struct, field

WINDOW_NS: Final = 3_600_000_000_000
"""An hour without logging in after the first refusals, doubled each time: longer than the half hour for which cameras
lock an account, so that a wrong password never keeps one locked."""
LONGEST_NS: Final = 86_400_000_000_000
ALLOWED: Final = 2
"""Refused log-ins in a window: one WS-UsernameToken and one Digest, since some devices take only the other."""


class Known(Struct):
    """How a log-in to one interface worked."""

    realm: str
    strength: int
    """Of the hash (digest.ALGORITHMS): it may rise, not fall."""


class Standing(Struct):
    """One device's. Times are of a clock that does not step, in nanoseconds."""

    known: dict[str, Known] = field(default_factory=dict)
    """By interface; at most one entry each."""
    windows: int = 0
    """Back-off windows in a row without a log-in that worked."""
    refused: int = 0
    """In the present window."""
    until_ns: int = 0
    """End of the present window."""

    def may_log_in(self, now_ns: int) -> bool:
        """Whether credentials may be sent: no window is running, or not all of its refusals are used up."""
        return now_ns >= self.until_ns or self.refused < ALLOWED

    def was_refused(self, now_ns: int) -> None:
        """The device did not take the credentials."""
        if now_ns >= self.until_ns:
            self.windows += 1
            self.refused = 0
            self.until_ns = now_ns + min(LONGEST_NS, WINDOW_NS << min(self.windows - 1, 5))
        self.refused += 1

    def was_accepted(self) -> None:
        self.windows = self.refused = self.until_ns = 0
