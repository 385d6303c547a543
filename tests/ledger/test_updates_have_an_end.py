"""What keeps an update open, and how much is told of one."""

from __future__ import annotations

from typing import Final

from monitor.ledger.ledger import Page
from monitor.ledger.updates import JOIN_NS, MAX_REPLACED, WATCH_NS, Sign

HOUR: Final = 3_600_000_000_000


def test_a_banner_that_keeps_changing_keeps_no_update_open() -> None:
    """A day after the last call or image the watch is over, however often the device shows itself otherwise."""
    page = Page("gate")
    update = page.begin_update(HOUR, HOUR)
    update.add(Sign.CALL, "upload", HOUR)
    for hour in range(2, 100, 7):
        update.add(Sign.BANNER, f"banner {hour}", hour * HOUR)
        update.add(Sign.RESTART, f"booted at {hour}", hour * HOUR)
    assert page.update_at(HOUR + JOIN_NS - 1) is update
    assert page.update_at(HOUR + JOIN_NS) is None
    assert page.watched_update(HOUR + WATCH_NS) is None


def test_signs_without_number_are_told_so_often() -> None:
    """A hundred thousand forged calls are one update, and MAX_REPLACED pieces of news beside the first."""
    update = Page("gate").begin_update(HOUR, HOUR)
    told = [update.add(Sign.CALL, f"upload of {number}", HOUR + number) for number in range(100_000)]
    assert sum(told) == 1 + MAX_REPLACED
    assert update.signs == {Sign.CALL: "upload of 99999"}
    assert update.add(Sign.CALL, "upload of 99999", HOUR) is False
