"""A daemon forgets old messages: at its start and each day, whatever the clock is set to."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import statistics
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from monitor.config import Config, ConfigError, parse
from monitor.daemon import outlets
from monitor.model.incidents import Activity
from monitor.store.journal import Store
from tests.app.living import Daemon, wait_until
from tests.app.planted import attempt, configured
from tests.store.conftest import make_transition

if TYPE_CHECKING:
    from pathlib import Path

    from tests.app.living import Site

DAY_NS = 86_400_000_000_000


def age(state: Path, days: int) -> None:
    """As if everything in the journal had been written so many days earlier."""
    with closing(sqlite3.connect(state / "journal.sqlite3")) as journal, journal:
        (trigger,) = journal.execute("SELECT sql FROM sqlite_schema WHERE name = 'journal_keeps_values'").fetchone()
        journal.execute("DROP TRIGGER journal_keeps_values")
        journal.execute("UPDATE journal SET wall_ns = wall_ns - ?", (days * DAY_NS,))
        journal.execute(trigger)
    then = time.time_ns() - days * DAY_NS
    for file in (state / "evidence").iterdir():
        os.utime(file, ns=(then, then))


def test_a_daemon_that_starts_forgets(site: Site) -> None:
    """What is over and old goes, what is open stays in the listing, and both are told once."""
    tables = configured(2, limits={"quiet_hours": 0.001, "silent_minutes": 0, "journal_days": 30})
    daemon = Daemon(site, tables)
    site.send(attempt(0))
    wait_until(lambda: [each["activity_id"] for each in site.about("cam-0")] == [1, 3], "an incident that ends", 20)
    daemon.stop()
    age(daemon.state, 31)
    daemon.configure(configured(2, limits={"silent_minutes": 0, "journal_days": 30}))
    daemon.start()
    wait_until(lambda: daemon.says("old messages forgotten"), "a line in the log")
    (line,) = daemon.says("old messages forgotten", older_than_days=30)
    assert line["files"] == 1
    assert list((daemon.state / "evidence").iterdir()) == []
    assert line["messages"] == daemon.health()["forgotten"] >= 2
    wait_until(lambda: daemon.metric("journal_forgotten_total") == line["messages"], "the next save")
    assert [each for each in daemon.journal() if each["device"]["name"] == "cam-0"] == []
    site.send(attempt(1))
    wait_until(lambda: site.about("cam-1"), "another")
    daemon.stop()
    age(daemon.state, 31)
    daemon.start()
    wait_until(lambda: daemon.health()["code"] == 200, "health")
    daemon.stop()
    assert [each["device"]["name"] for each in daemon.journal() if each["device"]["name"] == "cam-1"] == ["cam-1"]


async def test_others_write_while_much_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An append waits for a batch or two, and all that is old is gone in the end."""
    config, real = Config(), time.time_ns
    old = [replace(make_transition(number), activity=Activity.END) for number in range(2000)]
    monkeypatch.setattr("monitor.store.journal.time.time_ns", lambda: real() - 401 * DAY_NS)
    with closing(Store.open(tmp_path, sensor=config.sensor.name, sinks=[], reserved=0)) as store:
        store.append(old, lambda *_: bytes(2000))
    monkeypatch.undo()
    async with outlets(config, [], state=tmp_path) as out:
        forgetting = asyncio.create_task(out.forget(real() - 400 * DAY_NS, real()))
        waits: list[float] = []
        while not forgetting.done():
            began = time.monotonic()
            await out.tell([make_transition(10_000 + len(waits))])
            waits.append(time.monotonic() - began)
            await asyncio.sleep(0.01)
        await forgetting
        assert out.forgotten == 2000
        assert out.told == len(waits) > 10
        assert statistics.median(waits) < 0.1


@pytest.mark.parametrize("days", ["0", "36501", "'long'"])
def test_days_that_make_no_sense(days: str) -> None:
    """None at all would delete what happens now; who wants to keep everything says a century."""
    assert Config().limits.journal_days == 400
    with pytest.raises(ConfigError, match=r"limits\.journal_days"):
        parse(f"[limits]\njournal_days = {days}\n", "x.toml")
