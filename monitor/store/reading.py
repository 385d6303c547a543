"""What can be asked of a journal, by its writer and by anyone who only looks."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Final, Self

from msgspec import Struct

from monitor.store.errors import StoreError, describe, primary_code
from monitor.store.schema import BUSY_SECONDS, FILE, ensure_ours

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from monitor.model.incidents import Transition

COMPLAINTS: Final = 10
"""Of a damaged file: the first few say what happened."""
MOST_NAMED: Final = 3
"""Incidents that are named where a prefix is not enough."""
COLUMNS: Final = "j.seq, lower(hex(j.id)), lower(hex(j.incident)), j.kind, b.json, j.severity, j.time_ns"


class Message(Struct, frozen=True):
    """One journalled transition with the body that every sink sends."""

    seq: int
    """Position in the journal of this sensor and epoch: dense, from 1."""
    uid: str
    """Of the transition: 32 hex digits. Consumers drop what they have seen under it."""
    incident: str
    """Of the incident: 32 hex digits."""
    kind: str
    body: bytes
    severity: int
    """OCSF severity_id."""
    time_ns: int
    """Packet time of the transition."""


def message(transition: Transition, seq: int, body: bytes) -> Message:
    """A transition that has its number and its body."""
    return Message(
        seq=seq,
        uid=transition.uid,
        incident=transition.incident,
        kind=str(transition.kind),
        body=body,
        severity=int(transition.severity),
        time_ns=transition.time_ns,
    )


def messages(rows: Iterable[tuple[int, str, str, str, bytes, int, int]]) -> list[Message]:
    """Rows of COLUMNS as values."""
    return [Message(*row) for row in rows]


class Reader:
    """Queries over one connection. Not for use by two threads at a time."""

    def __init__(self, connection: sqlite3.Connection, where: str) -> None:
        """``where`` names the file in errors."""
        self._connection = connection
        self._where = where
        meta = dict(self._query("SELECT name, value FROM meta"))
        if not {"sensor", "epoch"} <= meta.keys():
            msg = f"{where}: damaged: it does not say which sensor's it is"
            raise StoreError(msg)
        self.sensor = str(meta["sensor"])
        """Name of the sensor that writes it."""
        self.epoch = int(meta["epoch"])
        """Grows by one with each new journal of this sensor, so that (epoch, seq) never repeats."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file. Closing twice is allowed."""
        self._connection.close()

    def _query(self, sql: str, *values: object) -> list[Any]:
        try:
            return self._connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            msg = f"{self._where}: {describe(error)}"
            raise StoreError(msg) from error

    def _messages(self, condition: str, *values: object) -> list[Message]:
        rows = self._query(f"SELECT {COLUMNS} FROM journal j JOIN body b USING(seq) {condition}", *values)
        return messages(rows)

    def _number(self, sql: str, *values: object) -> int:
        return int(self._query(sql, *values)[0][0] or 0)

    @property
    def last_seq(self) -> int:
        """Number of the newest journal row, 0 in an empty journal."""
        return self._number("SELECT max(seq) FROM journal")

    def complaints(self) -> list[str]:
        """What SQLite finds wrong with the file, or we with the numbers in it; empty if it is whole."""
        told = [str(row[0]) for row in self._query(f"PRAGMA quick_check({COMPLAINTS})")]
        rows = self._number("SELECT count(*) FROM journal")
        if told == ["ok"]:
            told = [] if rows == self.last_seq else [f"{self.last_seq - rows} rows of the journal are missing"]
        return [" ".join(line.split()) for line in told]

    def since(self, seq: int, limit: int) -> list[Message]:
        """At most ``limit`` messages from ``seq`` on whose body is still kept, oldest first."""
        return self._messages("WHERE j.seq >= ? ORDER BY j.seq LIMIT ?", seq, limit)

    def newest_per_incident(self, limit: int, offset: int = 0) -> list[Message]:
        """The last message of each incident, the incident with the newest news first."""
        newest = "SELECT max(seq) FROM journal GROUP BY incident ORDER BY 1 DESC LIMIT ? OFFSET ?"
        return self._messages(f"WHERE j.seq IN ({newest}) ORDER BY j.seq DESC", limit, offset)

    def of_incident(self, incident: str) -> list[Message]:
        """Every kept message of one incident, oldest first."""
        return self._messages("WHERE j.incident = ? ORDER BY j.seq", _unhex(incident))

    def incident_named(self, prefix: str) -> str:
        """The id of the only incident that begins with these hex digits. ValueError if there is none, or several."""
        low, high = _unhex(prefix.lower().ljust(32, "0")), _unhex(prefix.lower().ljust(32, "f"))
        rows = []
        if prefix and low is not None and high is not None:
            rows = self._query(
                "SELECT DISTINCT lower(hex(incident)) FROM journal WHERE incident BETWEEN ? AND ? ORDER BY 1 LIMIT ?",
                low,
                high,
                MOST_NAMED,
            )
        if not rows:
            msg = f"{prefix}: no such incident; the journal's are listed by `incidents`"
            raise ValueError(msg)
        if len(rows) > 1:
            msg = f"{prefix}: there are several: {', '.join(str(row[0]) for row in rows)}"
            raise ValueError(msg)
        return str(rows[0][0])

    def state(self, name: str) -> bytes | None:
        """The snapshot under ``name``."""
        rows = self._query("SELECT body FROM state WHERE name = ?", name)
        return rows[0][0] if rows else None

    def states(self, prefix: str = "") -> dict[str, bytes]:
        """Every snapshot whose name begins with ``prefix``, in order of name."""
        rows = self._query(
            "SELECT name, body FROM state WHERE name >= ?1 AND substr(name, 1, length(?1)) = ?1 ORDER BY name", prefix
        )
        return dict(rows)

    def depth(self, sink: str) -> int:
        """Messages that wait for ``sink``; parked ones are not among them."""
        return self._number("SELECT count(*) FROM outbox WHERE sink = ? AND parked IS NULL", sink)

    def parked(self, sink: str) -> list[tuple[int, str]]:
        """(seq, reason) of what ``sink`` was refused, oldest first."""
        return self._query("SELECT seq, parked FROM outbox WHERE sink = ? AND parked IS NOT NULL ORDER BY seq", sink)

    def put_aside(self, sink: str) -> int:
        """How many messages ``sink`` was refused, as ``parked`` lists them."""
        return self._number("SELECT count(*) FROM outbox WHERE sink = ? AND parked IS NOT NULL", sink)

    def oldest_ns(self, sink: str) -> int | None:
        """Wall time at which the oldest waiting message was journalled; None when nothing waits."""
        found = self._oldest(sink, 0)
        return found[1] if found is not None else None

    def _oldest(self, sink: str, least: int) -> tuple[int, int] | None:
        """(seq, wall time) of the oldest message from number ``least`` on that waits."""
        rows = self._query(
            "SELECT o.seq, j.wall_ns FROM outbox o JOIN journal j USING(seq) "
            "WHERE o.sink = ? AND o.seq >= ? AND o.parked IS NULL ORDER BY o.seq LIMIT 1",
            sink,
            least,
        )
        return (int(rows[0][0]), int(rows[0][1])) if rows else None

    def _owing(self) -> list[str]:
        """Every sink that owes something; a look into the index for each, however much it owes."""
        found: list[str] = []
        while rows := self._query("SELECT sink FROM outbox WHERE sink > ? ORDER BY sink LIMIT 1", (found or [""])[-1]):
            found.append(str(rows[0][0]))
        return found

    def border(self, before_ns: int, now_ns: int) -> int:
        """The first number that was journalled from ``before_ns`` on, wall time; the next one if there is none.

        What comes after it is younger, whatever the clock said then. A time after ``now_ns`` says nothing.
        """
        first = "SELECT seq FROM journal WHERE wall_ns BETWEEN ? AND ? ORDER BY seq LIMIT 1"
        rows = self._query(first, before_ns, now_ns)
        return int(rows[0][0]) if rows else self.last_seq + 1

    @property
    def forgotten_ns(self) -> int | None:
        """Packet time of the newest message whose body was deleted; None: all are there."""
        rows = self._query("SELECT value FROM meta WHERE name = 'forgotten_ns'")
        return int(rows[0][0]) if rows else None


def _unhex(text: str) -> bytes | None:
    """The bytes behind hex digits; None, which equals no row, for text that is none."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def open_readonly(directory: Path) -> Reader:
    """A journal for looking only; the daemon may be writing it meanwhile.

    Raises:
        StoreError: there is none, it cannot be read, or it is not ours.

    """
    path = directory / FILE
    if not path.is_file():
        msg = f"{path}: no journal here"
        raise StoreError(msg)
    connection = None
    try:
        connection = connect_readonly(path)
        if not ensure_ours(connection):
            msg = "empty"
            raise StoreError(msg)  # noqa: TRY301  gets its path below, like the others
    except (sqlite3.Error, StoreError) as error:
        if connection is not None:
            connection.close()
        msg = f"{path}: {describe(error) if isinstance(error, sqlite3.Error) else error}"
        raise StoreError(msg) from error
    try:
        return Reader(connection, str(path))
    except StoreError:
        connection.close()
        raise


def connect_readonly(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing, not even by folding the write-ahead log into the file at its end.

    On a read-only medium SQLite cannot make the log's index, so a file that was closed cleanly is read as
    immutable (https://www.sqlite.org/wal.html#read_only_databases).
    """
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        return _connect(uri)
    except sqlite3.OperationalError as error:
        if primary_code(error) != sqlite3.SQLITE_CANTOPEN or path.with_name(f"{path.name}-wal").exists():
            raise
        return _connect(f"{uri}&immutable=1")


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        connection.execute("PRAGMA query_only=1")
        connection.execute("PRAGMA trusted_schema=0")
        connection.execute("PRAGMA user_version").fetchone()  # the first to touch the file
    except sqlite3.Error:
        connection.close()
        raise
    return connection
