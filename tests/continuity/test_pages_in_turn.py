"""Pages of the ledger, written down in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.continuity.keeper import PAGES, Keeper
from monitor.continuity.pages import pages_in
from monitor.model.limits import Room
from tests.engine.played import configured, engine

if TYPE_CHECKING:
    from monitor.app import Knowledge


def test_no_more_at_a_time_than_can_be_written(known: Knowledge) -> None:
    """Where all pages changed they come in turn, each once."""
    running = engine(known).engine
    keeper = Keeper(running)
    for number in range(3 * PAGES - 1):
        running.inspection.ledger.page(f"camera {number}").changed = True
    taken = []
    for _ in range(4):
        rows = {name: row for name, row in keeper.periodic().items() if row is not None}
        taken.append([page.device for page in pages_in(rows)[0]])
    assert [len(each) for each in taken] == [PAGES, PAGES, PAGES - 1, 0]
    assert len({device for each in taken for device in each}) == 3 * PAGES - 1


def test_there_is_a_page_for_each_device_that_may_be_known(known: Knowledge) -> None:
    """Hosts that nobody watches take no watched device's page."""
    limits = engine(known, configured(limits={"devices": 20_000})).engine.inspection.limits()
    assert next(each.capacity for each in limits if each.name is Room.PAGES) == 20_000
