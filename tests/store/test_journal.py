"""The journal keeps what it was given, once and in order, and says in one line why it cannot."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from monitor.store import CommitFailed, DiskFull, Store, StoreError, open_readonly
from monitor.store.schema import FILE, VERSION
from monitor.store.worker import StoreWorker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["disk", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """The same code path on disk and in memory."""
    where = tmp_path / "state" if request.param == "disk" else None
    with Store.open(where, sensor="hall-1", sinks=["mqtt", "webhook"]) as opened:
        yield opened


def test_appending_journals_owes_and_snapshots_at_once(store: Store, transition: Any, render: Any) -> None:
    """Rows are numbered from 1, every sink owes each, and the snapshots are there; None deletes one."""
    made = store.append([transition(1), transition(2)], render, {"open/a": b"1", "open/b": b"2", "contacts": b"3"})
    assert [(m.seq, m.uid, m.body) for m in made] == [
        (n, transition(n).uid, render(transition(n), 1, n)) for n in (1, 2)
    ]
    assert store.pending("mqtt", 10) == store.pending("webhook", 10) == store.since(1, 10) == made
    assert store.states("open/") == {"open/a": b"1", "open/b": b"2"}
    store.append([], render, {"open/a": None, "open/b": b"4"})
    assert (store.state("open/a"), store.state("open/b"), store.state("contacts")) == (None, b"4", b"3")


def test_a_transition_is_journalled_once(store: Store, transition: Any, render: Any) -> None:
    """The same uid again, alone or within one batch, has no second row, number or debt; its state is written."""
    store.append([transition(1)], render)
    store.done("mqtt", [1])
    made = store.append([transition(1), transition(2), transition(2), transition(3)], render, {"s": b"new"})
    assert [m.seq for m in made] == [2, 3]
    assert [m.seq for m in store.pending("mqtt", 10)] == [2, 3]
    assert store.state("s") == b"new"
    assert [m.seq for m in store.append([transition(4)], render)] == [4]


def test_a_failing_body_leaves_nothing_behind(store: Store, transition: Any, render: Any) -> None:
    """If the second body cannot be made, or is over 64 KiB, neither rows nor state are written and numbers stay dense."""

    def fails(change: Any, epoch: int, seq: int) -> bytes:
        if change.uid == transition(2).uid:
            raise ArithmeticError
        return b"x"

    with pytest.raises(ArithmeticError):
        store.append([transition(1), transition(2)], fails, {"s": b"1"})
    with pytest.raises(ValueError, match="65537 bytes"):
        store.append([transition(1)], lambda *_: bytes(65537))
    assert (store.last_seq, store.state("s"), store.depth("mqtt")) == (0, None, 0)
    assert [m.seq for m in store.append([transition(3)], render)] == [1]


def test_an_outbox_is_paged_settled_parked_and_unparked(store: Store, transition: Any, render: Any) -> None:
    """Pending is in order after a number; done rows are recent; parked ones wait aside and come back."""
    store.append([transition(n) for n in range(1, 8)], render)
    assert [m.seq for m in store.pending("mqtt", 2, after=3)] == [4, 5]
    store.done("mqtt", [1, 2, 3])
    assert (store.refused("mqtt", 4), store.refused("mqtt", 4), store.refused("mqtt", 1)) == (1, 2, 0)
    store.park("mqtt", 4, "reason code 0x87")
    assert [m.seq for m in store.pending("mqtt", 10)] == [5, 6, 7]
    assert (store.depth("mqtt"), store.depth("webhook")) == (3, 7)
    assert store.parked("mqtt") == [(4, "reason code 0x87")]
    assert [m.seq for m in store.recent("mqtt", 2)] == [2, 3]
    assert store.unpark("mqtt") == 1
    assert [m.seq for m in store.pending("mqtt", 10)] == [4, 5, 6, 7]
    assert store.refused("mqtt", 4) == 1
    oldest = store.oldest_ns("mqtt")
    assert oldest is not None
    store.done("mqtt", [4, 5, 6, 7])
    assert (store.oldest_ns("mqtt"), store.depth("mqtt")) == (None, 0)


def test_what_people_ask_for(store: Store, transition: Any, render: Any) -> None:
    """The newest message of each incident, newest first, and one incident's history."""
    store.append([transition(1, 7), transition(2, 8), transition(3, 7)], render)
    assert [m.seq for m in store.newest_per_incident(10)] == [3, 2]
    assert [m.seq for m in store.newest_per_incident(1, offset=1)] == [2]
    assert [m.seq for m in store.of_incident(transition(1, 7).incident)] == [1, 3]
    assert store.of_incident("none") == []


@pytest.fixture
def state(tmp_path: Path, transition: Any, render: Any) -> Path:
    """A directory with a closed journal of ten rows."""
    directory = tmp_path / "state"
    with Store.open(directory, sensor="hall-1", sinks=["mqtt"]) as store:
        store.append([transition(n) for n in range(10)], render, {"s": b"1"})
    return directory


def reopen(directory: Path, sensor: str = "hall-1") -> Store:
    return Store.open(directory, sensor=sensor, sinks=["mqtt"])


def test_rows_cannot_be_changed_even_by_another_program(state: Path) -> None:
    """Triggers refuse UPDATE, DELETE, a replaced row and a gap in the numbers."""
    row = "SELECT {} AS seq, epoch, randomblob(16), incident, activity, kind, severity, time_ns, wall_ns, mono_ns, boot"
    with closing(sqlite3.connect(state / FILE)) as other:
        for statement in (
            "UPDATE journal SET severity = 1",
            "DELETE FROM journal",
            f"INSERT INTO journal {row.format(12)} FROM journal WHERE seq = 1",
            f"INSERT OR REPLACE INTO journal {row.format(3)} FROM journal WHERE seq = 1",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="append-only|no gap"):
                other.execute(statement)


def test_only_one_process_holds_the_directory(state: Path) -> None:
    """The second daemon gets one line; after the first has gone it may."""
    with reopen(state), pytest.raises(StoreError, match=r"^\S+: in use by another camwarden$"):
        reopen(state)
    reopen(state).close()


def test_a_reader_sees_a_running_and_a_closed_journal(state: Path, transition: Any, render: Any) -> None:
    """Reading needs no lock, sees what is committed, and cannot write."""
    with open_readonly(state) as reader:
        assert (reader.sensor, reader.epoch, reader.last_seq, reader.state("s")) == ("hall-1", 1, 10, b"1")
    with reopen(state) as store, open_readonly(state) as reader:
        store.append([transition(99)], render)
        assert reader.last_seq == 11
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader._connection.execute("DELETE FROM state")
    with pytest.raises(StoreError, match=r"^\S+: no journal here$"):
        open_readonly(state / "elsewhere")


@pytest.mark.parametrize("damage", ["header", "page", "text", "log alone"])
def test_a_damaged_journal_is_put_aside_and_a_new_epoch_begins(
    state: Path, damage: str, transition: Any, render: Any
) -> None:
    """It is renamed, never deleted, byte for byte as it was; the second one gets the next number."""
    path = state / FILE
    if damage == "log alone":
        path.rename(path.with_name(f"{FILE}-wal"))
        path = path.with_name(f"{FILE}-wal")
    before = bytearray(path.read_bytes())
    if damage == "header":
        before[:16] = bytes(16)
    elif damage == "page":
        before[4096:] = os.urandom(len(before) - 4096)
    elif damage == "text":
        before = bytearray(b"this is no database, but it is long enough to be looked at. " * 100)
    path.write_bytes(before)
    with reopen(state) as store:
        assert store.quarantine is not None
        aside = store.quarantine.path
        assert aside.name == f"{FILE}.corrupt-1"
        assert "\n" not in store.quarantine.reason
        assert (store.epoch, store.last_seq) == (2, 0)
        store.append([transition(1)], render)
    kept = aside.with_name(f"{aside.name}-wal") if damage == "log alone" else aside
    assert kept.read_bytes() == bytes(before)
    (state / FILE).write_bytes(b"x" * 5000)
    with reopen(state) as store:
        assert store.quarantine is not None
        assert store.quarantine.path.name == f"{FILE}.corrupt-2"
        assert store.epoch == 3
    with reopen(state) as store:
        assert store.quarantine is None
        assert store.epoch == 3


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        (f"PRAGMA user_version = {VERSION + 1}", "newer camwarden"),
        ("PRAGMA application_id = 7", "not a camwarden journal"),
        ("DELETE FROM meta", "damaged: it does not say"),
    ],
)
def test_a_journal_that_is_not_ours_to_write_is_refused_untouched(state: Path, statement: str, complaint: str) -> None:
    """One line with the path; the file is where it was, and the directory is free again."""
    with closing(sqlite3.connect(state / FILE)) as other:
        other.execute(statement)
        other.commit()
    for _ in range(2):
        with pytest.raises(StoreError, match=rf"^{state / FILE}: .*{complaint}[^\n]*$"):
            reopen(state)
    with pytest.raises(StoreError, match=rf"^{state / FILE}: .*{complaint}[^\n]*$"):
        open_readonly(state)
    assert (state / FILE).exists()


def test_another_sensors_journal_is_refused(state: Path) -> None:
    """A renamed sensor would change every uid."""
    with pytest.raises(StoreError, match="belongs to sensor 'hall-1', not 'hall-2'"):
        reopen(state, sensor="hall-2")


def test_a_directory_in_the_place_of_the_journal_is_one_line(tmp_path: Path) -> None:
    """And so is a file in the place of the directory."""
    (tmp_path / FILE).mkdir()
    with pytest.raises(StoreError, match=rf"^{tmp_path / FILE}: [^\n]*error[^\n]*$"):
        reopen(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"^[^\n]+: File exists$"):
        reopen(tmp_path / "file")


@contextmanager
def small_disk(directory: Path, size: str) -> Iterator[Path]:
    """A tmpfs of ``size``; skips where mounting is not allowed."""
    directory.mkdir()
    mount = shutil.which("mount")
    made = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={size}", "none", directory], check=False, capture_output=True
    )
    if not made or made.returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        yield directory
    finally:
        subprocess.run(["umount", directory], check=True)


def test_a_full_disk_takes_transitions_from_the_reserve_and_goes_on_when_there_is_room(
    tmp_path: Path, transition: Any, render: Any
) -> None:
    """Others fill the disk: snapshots are refused first, transitions go on; freed, all is as before, no restart."""
    with small_disk(tmp_path / "disk", "4m") as disk, reopen(disk / "state") as store:
        others = disk / "others"
        store.append([transition(0)], render, {"s": b"1"})
        assert not store.degraded
        fill(others)
        number = 0
        while not store.degraded:
            number += 1
            assert number < 1000
            assert len(store.append([transition(number)], render, {"s": b"%d" % number})) == 1
        for _ in range(50):
            number += 1
            store.append([transition(number)], lambda *_: bytes(2000), {"s": b"%d" % number})
        assert not (disk / "state" / "reserve").exists()
        with pytest.raises(DiskFull, match=r"^[^\n]+: no space left: only transitions [^\n]+$"):
            store.append([], render, {"s": b"not now"})
        store.done("mqtt", [1])
        assert store.refused_for_room == 0
        others.unlink()
        store.append([], render, {"s": b"again"})
        assert not store.degraded
        assert (store.state("s"), store.last_seq, store.depth("mqtt")) == (b"again", number + 1, number)
        assert (disk / "state" / "reserve").stat().st_size > 0


def test_when_the_reserve_is_used_up_nothing_is_written_and_the_same_call_may_be_made_again(
    tmp_path: Path, transition: Any
) -> None:
    """DiskFull each time, counted; numbers stay dense, and what was returned is there afterwards, also after a kill."""
    body = bytes(2000)
    with small_disk(tmp_path / "disk", "2m") as disk, reopen(disk / "state") as store:
        fill(disk / "others")
        returned = 0
        with pytest.raises(DiskFull, match=r"^[^\n]+: no space left [^\n]+$"):
            for number in range(2000):
                returned += len(store.append([transition(number)], lambda *_: body, {"s": b"%d" % number}))
        assert returned > 50
        for refused in (2, 3):
            with pytest.raises(DiskFull):
                store.append([transition(returned)], lambda *_: body)
            assert store.refused_for_room == refused
            assert store.degraded
        assert (store.last_seq, store.state("s")) == (returned, b"%d" % (returned - 1))
        (disk / "others").unlink()
        assert [m.seq for m in store.append([transition(returned)], lambda *_: body)] == [returned + 1]
        assert not store.degraded
        copy = tmp_path / "copy"
        copy.mkdir()
        for name in (FILE, f"{FILE}-wal"):
            shutil.copy(disk / "state" / name, copy / name)
        with reopen(copy) as after:
            assert after.quarantine is None
            assert [m.seq for m in after.since(1, 10_000)] == list(range(1, returned + 2))


def test_a_daemon_starts_on_a_disk_that_is_nearly_full(tmp_path: Path, transition: Any, render: Any) -> None:
    """Where there is no room for a reserve it says so and writes transitions all the same."""
    with small_disk(tmp_path / "disk", "2m") as disk:
        with reopen(disk / "state") as store:
            store.append([transition(1)], render)
        (disk / "state" / "reserve").unlink()
        fill(disk / "others", leave=200_000)
        with reopen(disk / "state") as store:
            assert store.degraded
            assert len(store.append([transition(2)], render)) == 1
            assert not (disk / "state" / "reserve").exists()


@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_READONLY])
def test_anything_but_a_full_disk_stops_the_store(code: int, store: Store, transition: Any, render: Any) -> None:
    """Nobody knows what is on the disk then: it never writes again."""

    def work(connection: sqlite3.Connection) -> None:
        error = sqlite3.OperationalError("it broke")
        error.sqlite_errorcode = code
        raise error

    with pytest.raises(CommitFailed, match="it broke"):
        store._transaction(work)
    with pytest.raises(CommitFailed, match="stopped after"):
        store.append([transition(1)], render)
    assert not store.degraded


@pytest.mark.asyncio
async def test_a_sink_waits_with_its_notes_while_the_disk_is_full(tmp_path: Path, transition: Any) -> None:
    """What it delivered is noted once there is room; until then it does not deliver more."""
    with small_disk(tmp_path / "disk", "2m") as disk:
        worker = StoreWorker(reopen(disk / "state"))
        try:
            fill(disk / "others")
            number = 0
            with pytest.raises(DiskFull):
                for number in range(2000):
                    await worker.append([transition(number)], lambda *_: bytes(8000))
            assert worker.degraded
            outbox = worker.outbox("mqtt")
            notes = [asyncio.create_task(outbox.park(seq, "x" * 3000)) for seq in range(1, number)]
            await asyncio.sleep(0.1)
            assert not all(note.done() for note in notes)
            (disk / "others").unlink()
            await asyncio.wait_for(asyncio.gather(*notes), 10)
            assert len(await outbox.pending(0, 10_000)) == 1
        finally:
            await worker.close()


def test_a_full_file_is_as_a_full_disk(store: Store, transition: Any) -> None:
    """Also without the right to mount: SQLite's own limit on pages gives the same error, at any page of a commit."""
    store._connection.execute("PRAGMA max_page_count = 60")
    returned = 0
    with pytest.raises(DiskFull):
        for number in range(2000):
            returned += len(store.append([transition(number)], lambda *_: bytes(2000), {"s": b"%d" % number}))
    assert 10 < returned == store.last_seq
    assert store.state("s") == b"%d" % (returned - 1)
    store._connection.execute("PRAGMA max_page_count = 600")
    assert [m.seq for m in store.append([transition(returned)], lambda *_: bytes(2000))] == [returned + 1]


def fill(path: Path, leave: int = 0) -> None:
    """A file that takes all that is free but for ``leave`` bytes."""
    state = os.statvfs(path.parent)
    with path.open("wb") as file, contextlib.suppress(OSError):
        file.write(bytes(state.f_bavail * state.f_frsize - leave))


def test_a_read_only_disk_is_refused_for_writing_and_allowed_for_reading(
    tmp_path: Path, transition: Any, render: Any
) -> None:
    """One line says so; a reader works even where SQLite cannot make its index file."""
    with small_disk(tmp_path / "disk", "4m") as disk:
        with reopen(disk / "state") as store:
            store.append([transition(1)], render)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        with pytest.raises(StoreError, match=r"^\S+: not writable$"):
            reopen(disk / "state")
        with open_readonly(disk / "state") as reader:
            assert reader.last_seq == 1


@pytest.mark.asyncio
async def test_the_worker_tells_an_outbox_of_news(transition: Any, render: Any) -> None:
    """News comes once for an append, also one made before anybody waited, and not for a repetition."""
    worker = StoreWorker(Store.open(None, sensor="hall-1", sinks=["mqtt"]))
    outbox = worker.outbox("mqtt")
    await worker.append([transition(1)], render)
    await outbox.news()
    assert [m.seq for m in await outbox.pending(0, 10)] == [1]
    await worker.append([transition(1)], render)
    assert not outbox._arrived.is_set()
    await outbox.park(1, "refused")
    assert await outbox.unpark() == 1
    await outbox.news()
    await worker.close()
