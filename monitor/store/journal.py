"""The one writer of the journal.

Strategy: an incident's transition, its body, its outbox rows and the snapshots that consumed its trigger are
one transaction, synced before ``append`` returns; whatever is published later was committed before. The first
statement that fails while writing ends the store: see CommitFailed. Only a full disk does not: see DiskFull. Then the
reserve is given up for transitions and for what sinks have delivered, and snapshots alone are refused until there is
room for the reserve again.

The calls block on the disk. One thread makes them all (StoreWorker is that thread); the connection is opened
with ``check_same_thread=False`` because that thread need not be the one that opened it.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, TypeVar

from msgspec import Struct

from monitor.store import forgetting, reserve
from monitor.store.errors import DAMAGED, CommitFailed, DiskFull, StoreError, describe, primary_code
from monitor.store.reading import Message, Reader, connect_readonly, message
from monitor.store.schema import BODY_LIMIT, BUSY_SECONDS, FILE, configure, create, ensure_ours

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from monitor.model.incidents import Transition
    from monitor.store.reserve import Reserve

T = TypeVar("T")

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
WAL_SUFFIXES: Final = ("", "-wal", "-shm")
"""What belongs to one SQLite database beside its name."""

INSERT_JOURNAL: Final = """INSERT INTO journal(
    seq, epoch, id, incident, activity, kind, severity, time_ns, wall_ns, mono_ns, boot
) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO NOTHING"""
INSERT_STATE: Final = "INSERT INTO state(name, body) VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET body = excluded.body"


class Quarantine(Struct, frozen=True):
    """A damaged journal that was put aside at opening."""

    path: Path
    """Where it is now. Nothing deletes it."""
    reason: str


class Owed(Struct):
    """What one sink owes, counted as it changes: asked for each second, also when it is all that a year had."""

    waiting: int
    parked: int
    oldest: int = 0
    """No message before this number waits."""


class Store(Reader):
    """The journal of one sensor, opened for writing. Make one with ``open``."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        where: str,
        *,
        sinks: Sequence[str],
        lock: int | None,
        quarantine: Quarantine | None,
        room: Reserve | None = None,
    ) -> None:
        super().__init__(connection, where)
        self.sinks = tuple(dict.fromkeys(sinks))
        """Every message is owed to each of these."""
        self.quarantine = quarantine
        """Set if the journal before this one was damaged: to be reported."""
        self.refused_for_room = 0
        """Calls of ``append`` that a full disk refused, with transitions in them."""
        self.degraded = room is not None and not room.regain()
        """The disk was full, and there is no room for the reserve yet. May be read in any thread."""
        self._room = room
        self._lock = lock
        self._next = self.last_seq + 1
        self._failed: str | None = None
        self._boot = _boot_id()
        self._owed = {sink: Owed(super(Store, self).depth(sink), len(self.parked(sink))) for sink in self.sinks}
        self._strangers = [sink for sink in self._owing() if sink not in self._owed]
        """Sinks of earlier runs that nobody delivers to any more."""

    @classmethod
    def open(cls, directory: Path | None, *, sensor: str, sinks: Sequence[str], reserved: int = reserve.SIZE) -> Self:
        """The journal in ``directory``, made if there is none; None keeps it in memory.

        ``reserved`` are bytes of disk held back for when there are no others; 0: none.

        A damaged journal is renamed to ``journal.sqlite3.corrupt-<n>`` and a new epoch begins.

        Raises:
            StoreError: another process holds the directory, or the journal is read-only, of a newer
                schema, of another sensor, or cannot be opened. Nothing has been changed then.

        """
        if directory is None:
            connection = _connect(":memory:")
            _prepare(connection, sensor=sensor, epoch=1, in_memory=True)
            return cls(connection, "journal in memory", sinks=sinks, lock=None, quarantine=None)
        lock = _lock(directory)
        path = directory / FILE
        opened: sqlite3.Connection | None = None
        try:
            quarantine = _put_aside_if_damaged(path)
            path.touch(mode=0o600)
            connection = opened = _connect(path)
            _prepare(connection, sensor=sensor, epoch=_next_epoch(path, quarantine), in_memory=False)
            room = reserve.Reserve(directory, reserved)
            store = cls(connection, str(path), sinks=sinks, lock=lock, quarantine=quarantine, room=room)
            if store.sensor != sensor:
                msg = f"belongs to sensor {store.sensor!r}, not {sensor!r}"
                raise StoreError(msg)  # noqa: TRY301  gets its path below, like the others
        except (sqlite3.Error, OSError, StoreError) as error:
            if opened is not None:
                opened.close()
            os.close(lock)
            text = describe(error) if isinstance(error, sqlite3.Error) else str(error)
            msg = text if text.startswith(str(path)) else f"{path}: {text}"
            raise StoreError(msg) from error
        return store

    def close(self) -> None:
        """Close the file and let go of the directory. Closing twice is allowed."""
        super().close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def append(
        self,
        transitions: Sequence[Transition],
        render: Callable[[Transition, int, int], bytes],
        state: Mapping[str, bytes | None] = {},
    ) -> list[Message]:
        """Journal what is new among ``transitions``, owe it to every sink and write ``state``: all or nothing.

        A transition whose uid is journalled already is skipped, so the result may be shorter than the
        input. ``render(transition, epoch, seq)`` makes the body; a None in ``state`` deletes.

        Raises:
            ValueError: a body of more than 64 KiB, or a uid that is not 32 hex digits. Nothing is written.
            DiskFull: see there. The same call may be made again.
            CommitFailed: see there.

        """
        if not transitions and self._is_short():
            msg = f"{self._where}: no space left: only transitions are written until there is some again"
            raise DiskFull(msg)
        wall_ns, mono_ns = time.time_ns(), time.monotonic_ns()

        def work(connection: sqlite3.Connection) -> list[Message]:
            made: list[Message] = []
            for transition in transitions:
                seq = self._next + len(made)
                row = (
                    seq,
                    self.epoch,
                    _key(transition.uid),
                    _key(transition.incident),
                    int(transition.activity),
                    str(transition.kind),
                    int(transition.severity),
                    transition.time_ns,
                    wall_ns,
                    mono_ns,
                    self._boot,
                )
                if not connection.execute(INSERT_JOURNAL, row).rowcount:
                    continue
                body = render(transition, self.epoch, seq)
                if len(body) > BODY_LIMIT:
                    msg = f"body of {len(body)} bytes, at most {BODY_LIMIT} are kept"
                    raise ValueError(msg)
                connection.execute("INSERT INTO body(seq, json) VALUES(?, ?)", (seq, body))
                made.append(message(transition, seq, body))
            connection.executemany(
                "INSERT INTO outbox(sink, seq) VALUES(?, ?)", [(sink, m.seq) for sink in self.sinks for m in made]
            )
            connection.executemany(INSERT_STATE, [pair for pair in state.items() if pair[1] is not None])
            connection.executemany(
                "DELETE FROM state WHERE name = ?", [(n,) for n, body in state.items() if body is None]
            )
            return made

        try:
            made = self._transaction(work)
        except DiskFull:
            self.refused_for_room += bool(transitions)
            raise
        self._next += len(made)
        for owed in self._owed.values():
            owed.waiting += len(made)
        return made

    def depth(self, sink: str) -> int:
        """As the reader's, without counting."""
        return self._owed[sink].waiting if sink in self._owed else super().depth(sink)

    def put_aside(self, sink: str) -> int:
        """As the reader's, without counting."""
        return self._owed[sink].parked if sink in self._owed else super().put_aside(sink)

    def oldest_ns(self, sink: str) -> int | None:
        """As the reader's, without passing over what is parked each time."""
        owed = self._owed.get(sink)
        if owed is None:
            return super().oldest_ns(sink)
        found = self._oldest(sink, owed.oldest) if owed.waiting else None
        if found is None:
            return None
        owed.oldest, wall_ns = found
        return wall_ns

    def pending(self, sink: str, limit: int, after: int = 0) -> list[Message]:
        """At most ``limit`` messages that ``sink`` still owes, from the one after ``after``, oldest first."""
        return self._messages(
            "JOIN outbox o USING(seq) WHERE o.sink = ? AND o.seq > ? AND o.parked IS NULL ORDER BY o.seq LIMIT ?",
            sink,
            after,
            limit,
        )

    def recent(self, sink: str, limit: int) -> list[Message]:
        """The newest messages, at most ``limit``, that ``sink`` owes no more, oldest first."""
        owed = "SELECT 1 FROM outbox o WHERE o.sink = ? AND o.seq = j.seq"
        newest = self._messages(f"WHERE NOT EXISTS({owed}) ORDER BY j.seq DESC LIMIT ?", sink, limit)
        return newest[::-1]

    def done(self, sink: str, seqs: Sequence[int]) -> None:
        """``sink`` has delivered these, parked ones included. Unknown numbers are nothing."""
        delivered = "DELETE FROM outbox WHERE sink = ? AND seq = ? RETURNING parked"

        def work(connection: sqlite3.Connection) -> list[bool]:
            rows = [row for seq in seqs for row in connection.execute(delivered, (sink, seq)).fetchall()]
            return [parked is None for (parked,) in rows]  # 3.40 takes "parked IS NULL" after RETURNING for false

        waited = self._transaction(work)
        if sink in self._owed:
            self._owed[sink].waiting -= sum(waited)
            self._owed[sink].parked -= len(waited) - sum(waited)

    def refused(self, sink: str, seq: int) -> int:
        """Count one refusal by the other end; how many there are now, 0 if ``sink`` does not owe it."""
        count = "UPDATE outbox SET attempts = attempts + 1 WHERE sink = ? AND seq = ? RETURNING attempts"
        row = self._transaction(lambda connection: connection.execute(count, (sink, seq)).fetchone())
        return int(row[0]) if row else 0

    def park(self, sink: str, seq: int, reason: str) -> None:
        """Put a message that the other end keeps refusing out of the way. It stays in the outbox."""

        def work(connection: sqlite3.Connection) -> int:
            waits = "SELECT count(*) FROM outbox WHERE sink = ? AND seq = ? AND parked IS NULL"
            waited = int(connection.execute(waits, (sink, seq)).fetchone()[0])
            connection.execute("UPDATE outbox SET parked = ? WHERE sink = ? AND seq = ?", (reason, sink, seq))
            return waited

        waited = self._transaction(work)
        if sink in self._owed:
            self._owed[sink].waiting -= waited
            self._owed[sink].parked += waited

    def unpark(self, sink: str) -> int:
        """Owe the parked messages again, their refusals forgotten; how many there were."""
        owe = "UPDATE outbox SET parked = NULL, attempts = 0 WHERE sink = ? AND parked IS NOT NULL"
        count = self._transaction(lambda connection: connection.execute(owe, (sink,)).rowcount)
        if sink in self._owed:
            self._owed[sink] = Owed(self._owed[sink].waiting + count, 0)
        return count

    def forget(self, border: int, after: int = 0) -> tuple[int, int | None]:
        """Delete bodies of messages before number ``border`` that nobody needs, a batch of those after ``after``.

        Returns how many went, and the number to go on after; None: that was all. What is needed: see ``forgetting``.
        The journal rows stay: what was said is gone, that something was said is not.

        Raises DiskFull, without giving up the reserve for it, and CommitFailed.
        """
        if self._is_short():
            msg = f"{self._where}: no space left: nothing is forgotten until there is some again"
            raise DiskFull(msg)
        return self._transaction(
            lambda connection: forgetting.batch(connection, self.sinks, self._strangers, border, after)
        )

    def _is_short(self) -> bool:
        """Whether the disk is still as full as it was; the reserve is taken again when it is not."""
        if self.degraded and self._room is not None and self._room.regain():
            self.degraded = False
        return self.degraded

    def _transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The result of ``work``, committed. On a full disk it is tried a second time, with what room can be made."""
        if self._failed is not None:
            msg = f"{self._where}: stopped after: {self._failed}"
            raise CommitFailed(msg)
        try:
            if self._is_short():
                self._fold()  # before it takes the room that folding needs
            try:
                return self._attempt(work)
            except sqlite3.OperationalError as error:
                if primary_code(error) != sqlite3.SQLITE_FULL:
                    raise
                self.degraded = True
                if self._room is not None:
                    self._room.release()
                self._fold()
                return self._attempt(work)
        except sqlite3.Error as error:
            text = describe(error)
            if primary_code(error) == sqlite3.SQLITE_FULL:
                msg = f"{self._where}: {text}"
                raise DiskFull(msg) from error
            self._failed = text
            msg = f"{self._where}: {text}"
            raise CommitFailed(msg) from error

    def _fold(self) -> None:
        """Move the write-ahead log into the database, as far as readers and room allow: the log is begun anew then.

        A transaction of one row writes some ten pages to the log, and adds less than one to the database.
        """
        try:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_FULL:
                raise

    def _attempt(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # SQLite may have rolled back by itself when the disk is full
                connection.execute("ROLLBACK")
            raise
        return result


def _lock(directory: Path) -> int:
    """An exclusive flock on the directory itself, held by the returned descriptor."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        msg = f"{directory}: {error.strerror}"
        raise StoreError(msg) from error
    if not os.access(directory, os.W_OK):
        os.close(descriptor)
        msg = f"{directory}: not writable"
        raise StoreError(msg)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        msg = f"{directory}: in use by another camwarden"
        raise StoreError(msg) from error
    return descriptor


def _connect(where: Path | str) -> sqlite3.Connection:
    return sqlite3.connect(where, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _prepare(connection: sqlite3.Connection, *, sensor: str, epoch: int, in_memory: bool) -> None:
    """Settings, then tables if there are none. Writes in any case, so that a read-only file shows now."""
    configure(connection, in_memory=in_memory)
    connection.execute("BEGIN IMMEDIATE")
    if ensure_ours(connection):
        connection.execute("INSERT OR REPLACE INTO meta(name, value) VALUES('opened_ns', ?)", (time.time_ns(),))
    else:
        create(connection, sensor=sensor, epoch=epoch)
    connection.execute("COMMIT")


def _put_aside_if_damaged(path: Path) -> Quarantine | None:
    """Rename a journal that SQLite finds damaged; any other trouble is the caller's to report."""
    present = [suffix for suffix in WAL_SUFFIXES if path.with_name(FILE + suffix).exists()]
    if not present:
        return None
    # SQLite would replay a log that has lost its database into the new one.
    reason = _damage(path) if "" in present else "a write-ahead log without its database"
    if reason is None:
        return None
    aside = path.with_name(f"{FILE}.corrupt-{_highest_aside(path) + 1}")
    for suffix in present:
        path.with_name(FILE + suffix).rename(aside.with_name(aside.name + suffix))
    return Quarantine(path=aside, reason=reason)


def _damage(path: Path) -> str | None:
    """What is wrong with the file; None if it is whole, empty, or not ours to judge."""
    connection = None
    try:
        connection = connect_readonly(path)  # a writer would fold the log into a damaged file when it closes
        if not ensure_ours(connection):
            return None
        rows = connection.execute("PRAGMA quick_check(1)").fetchall()
        return None if rows == [("ok",)] else " ".join(str(rows[0][0]).split())
    except sqlite3.DatabaseError as error:
        if primary_code(error) in DAMAGED:
            return describe(error)
        raise
    finally:
        if connection is not None:
            connection.close()


def _highest_aside(path: Path) -> int:
    prefix = f"{FILE}.corrupt-"
    numbers = (entry.name.removeprefix(prefix).partition("-")[0] for entry in path.parent.glob(f"{prefix}*"))
    return max((int(number) for number in numbers if number.isdecimal()), default=0)


def _next_epoch(path: Path, quarantine: Quarantine | None) -> int:
    """One more than the damaged journal's if that can still be read, else one more than journals put aside."""
    counted = _highest_aside(path) + 1
    if quarantine is None:
        return counted
    try:
        connection = connect_readonly(quarantine.path)
    except sqlite3.Error:
        return counted
    try:
        row = connection.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()
        return max(counted, int(row[0]) + 1)
    except (sqlite3.DatabaseError, TypeError, ValueError):
        return counted
    finally:
        connection.close()


def _key(uid: str) -> bytes:
    if len(uid) != 32:
        msg = f"a uid has 32 hex digits, not {uid!r}"
        raise ValueError(msg)
    return bytes.fromhex(uid)


def _boot_id() -> bytes:
    """Which boot ``mono_ns`` counts from; random where /proc hides it (ProcSubset=pid), so never equal by chance."""
    try:
        return bytes.fromhex(BOOT_ID.read_text().strip().replace("-", ""))
    except (OSError, ValueError):
        return os.urandom(16)
