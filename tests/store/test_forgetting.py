"""Old messages are forgotten once nobody needs them, in small batches; what anybody needs stays."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from monitor.model.incidents import Activity
from monitor.store import DiskFull, Store, open_readonly
from monitor.store.forgetting import BATCH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

DAY_NS = 86_400_000_000_000
NOW_NS = time.time_ns()
NEW, UPDATE, END = Activity
SINKS = ("mqtt", "webhook")


class Diary:
    """A store that is written to on days that are told."""

    def __init__(self, directory: Path, transition: Any, patch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self._transition = transition
        self._patch = patch
        self._number = 0
        self.reopen()

    def reopen(self, *sinks: str) -> None:
        if hasattr(self, "store"):
            self.store.close()
        self.store = Store.open(self.directory, sensor="hall-1", sinks=sinks or SINKS, reserved=0)

    def write(self, days_ago: float, *told: tuple[int, Activity], delivered: bool = True) -> list[int]:
        """Messages of (incident, activity), journalled so many days ago; their numbers."""
        self._patch.setattr("monitor.store.journal.time.time_ns", lambda: NOW_NS - int(days_ago * DAY_NS))
        batch = []
        for incident, activity in told:
            self._number += 1
            batch.append(replace(self._transition(self._number, incident), activity=activity))
        made = [m.seq for m in self.store.append(batch, lambda *_: bytes(2000))]
        if delivered:
            self.deliver(made)
        return made

    def deliver(self, seqs: Sequence[int]) -> None:
        for sink in self.store.sinks:
            self.store.done(sink, seqs)

    def forget(self, days: float = 400) -> int:
        """All that is older, as the daemon does; how many went."""
        border, gone, after = self.store.border(NOW_NS - int(days * DAY_NS), NOW_NS), 0, 0
        while after is not None:
            count, after = self.store.forget(border, after)
            gone += count
        return gone

    @property
    def kept(self) -> list[int]:
        return [m.seq for m in self.store.since(1, 10_000)]


@pytest.fixture
def diary(tmp_path: Path, transition: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Diary]:
    made = Diary(tmp_path / "state", transition, monkeypatch)
    yield made
    made.store.close()


def test_an_incident_that_is_over_is_forgotten_as_a_whole(diary: Diary) -> None:
    """Its rows stay, and their numbers; what was told since is all there."""
    diary.write(500, (1, NEW), (1, UPDATE), (1, END), (2, NEW))
    diary.write(450, (2, END))
    diary.write(399, (3, NEW), (3, END))
    assert diary.store.forgotten_ns is None
    assert diary.forget() == 5
    assert diary.kept == [6, 7]
    assert diary.store.last_seq == 7
    assert diary.store.complaints() == []
    assert diary.store.forgotten_ns == 1_000_005
    assert diary.forget() == 0
    assert diary.write(0, (4, NEW)) == [8]


def test_an_open_incident_keeps_its_last_old_message(diary: Diary) -> None:
    """The listing shows it however long it lasts; and the report counts on from it when there is news."""
    diary.write(900, (1, NEW), (1, UPDATE), (2, NEW))
    diary.write(500, (1, UPDATE))
    assert diary.forget() == 2
    assert diary.kept == [3, 4]
    diary.write(10, (1, UPDATE), (2, END))
    assert diary.forget() == 0
    assert [m.seq for m in diary.store.newest_per_incident(10)] == [6, 5]
    assert diary.forget(days=5) == 3
    assert diary.kept == [5]


def test_what_a_sink_owes_stays(diary: Diary) -> None:
    """Parked or waiting, for one sink or for all; once delivered it goes."""
    waiting, parked, both = diary.write(500, (1, END), (2, END), (3, END), delivered=False)
    diary.store.done("mqtt", [waiting, parked])
    diary.store.done("webhook", [parked])
    diary.store.append([], lambda *_: b"")
    diary.store.done("mqtt", [both])
    diary.store.park("webhook", both, "refused")
    assert diary.forget() == 1
    assert diary.kept == [waiting, both]
    assert (diary.store.depth("webhook"), diary.store.put_aside("webhook")) == (1, 1)
    assert diary.store.unpark("webhook") == 1
    assert [m.seq for m in diary.store.pending("webhook", 10)] == [waiting, both]
    diary.store.done("webhook", [waiting, both])
    assert diary.forget() == 2


def test_a_sink_that_left_the_configuration_holds_nothing(diary: Diary) -> None:
    """What it owed is no debt of anybody; should it come back, it owes what is still there."""
    diary.write(500, (1, END), (2, NEW), delivered=False)
    diary.reopen("mqtt")
    diary.store.done("mqtt", [1, 2])
    assert diary.forget() == 1
    diary.reopen(*SINKS)
    assert [m.seq for m in diary.store.pending("webhook", 10)] == [2]
    assert diary.store.depth("webhook") == 1


def test_a_clock_that_was_wrong_makes_nothing_old(diary: Diary) -> None:
    """Written under a clock that was far behind, between others: as young as what came before it; ahead: no matter."""
    diary.write(500, (1, NEW), (1, END))
    diary.write(-4000, (2, NEW), (2, END))
    diary.write(450, (3, NEW), (3, END))
    diary.write(20, (4, NEW), (4, END))
    diary.write(20_000, (5, NEW), (5, END))
    assert diary.forget() == 6
    assert diary.kept == [7, 8, 9, 10]


def test_forgetting_goes_in_small_transactions(diary: Diary) -> None:
    """Each looks at a batch at most, so that whoever writes waits for no more than that."""
    diary.write(500, *((n, END) for n in range(3 * BATCH)))
    border = diary.store.border(NOW_NS - 400 * DAY_NS, NOW_NS)
    assert diary.store.forget(border) == (BATCH, BATCH)
    assert len(diary.kept) == 2 * BATCH
    assert diary.store.forget(border, BATCH) == (BATCH, 2 * BATCH)


def test_the_room_is_used_again(diary: Diary) -> None:
    """The file does not shrink, and does not grow while what comes is no more than what goes."""
    sizes = []
    for year in range(6):
        diary.write(4000 - 400 * year, *((1000 * year + n, END) for n in range(300)))
        assert diary.forget(days=4000 - 400 * year - 1) == 300
        diary.store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        sizes.append((diary.directory / "journal.sqlite3").stat().st_size)
    rows = sizes[-1] - sizes[0]
    assert rows < 5 * 300 * 300, "what grows is the rows that stay, some 200 bytes each"


def test_nothing_is_forgotten_while_the_disk_is_full(diary: Diary) -> None:
    """That would take room from the reserve, which is for transitions."""
    diary.write(500, (1, END))
    diary.store.degraded = True
    diary.store._room = None
    with pytest.raises(DiskFull, match="nothing is forgotten"):
        # without a reserve nothing ever says that there is room again
        diary.forget()
    diary.store.degraded = False
    assert diary.forget() == 1


def test_counts_of_what_is_owed_are_kept_and_not_made(diary: Diary) -> None:
    """Asked for each second, by the one thread that writes: no statement counts rows or passes over parked ones."""
    diary.write(1, *((n, NEW) for n in range(50)), delivered=False)
    for seq in range(1, 41):
        diary.store.park("mqtt", seq, "no")
    oldest = diary.store.oldest_ns("mqtt")
    asked: list[str] = []
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    diary.store._connection.set_trace_callback(asked.append)
    diary.store._connection.set_progress_handler(step, 1)
    assert (diary.store.depth("mqtt"), diary.store.put_aside("mqtt")) == (10, 40)
    assert diary.store.oldest_ns("mqtt") == oldest
    diary.store._connection.set_progress_handler(None, 1)
    diary.store._connection.set_trace_callback(None)
    assert len(asked) == 1
    assert steps < 40, "instructions of SQLite's machine: some twenty for one row"
    diary.reopen()
    assert (diary.store.depth("mqtt"), diary.store.put_aside("mqtt"), diary.store.depth("webhook")) == (10, 40, 50)


def test_a_reader_knows_what_is_gone(diary: Diary) -> None:
    """Another process that looks: the listing has what is left, and an incident that is gone has no messages."""
    diary.write(500, (1, NEW), (1, END), (2, NEW))
    gone = diary.store.of_incident(diary._transition(1, 1).incident)[0].incident
    diary.forget()
    with open_readonly(diary.directory) as reader:
        assert [m.seq for m in reader.newest_per_incident(10)] == [3]
        assert reader.of_incident(gone) == []
        assert reader.incident_named(gone[:8]) == gone
        assert reader.forgotten_ns == 1_000_002
