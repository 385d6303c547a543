"""The tables, and the connection settings that make a commit durable.

``seq`` is dense and grows by one; the triggers keep even a stray statement from changing what was written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.store.errors import StoreError

if TYPE_CHECKING:
    import sqlite3

FILE: Final = "journal.sqlite3"
VERSION: Final = 1
"""PRAGMA user_version of a journal that this code writes."""
APPLICATION: Final = 0x43574A4C
"""PRAGMA application_id: "CWJL" in ASCII."""
BODY_LIMIT: Final = 65536
"""Bytes of one message body."""
BUSY_SECONDS: Final = 5.0
"""How long a statement waits for a reader that holds a lock (an administrator's shell, a backup)."""
WAL_KEPT: Final = 16 * 1024 * 1024
"""Bytes of write-ahead log that stay on disk after a checkpoint."""

SETTINGS: Final[tuple[tuple[str, int | str], ...]] = (
    ("foreign_keys", 1),
    ("recursive_triggers", 1),
    ("trusted_schema", 0),
    ("cell_size_check", 1),
    ("journal_size_limit", WAL_KEPT),
    ("synchronous", 2),
)
"""Read back after they are set. 2 is FULL: the log is synced at every commit, before anything is published."""

TABLES: Final = (
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID",
    """CREATE TABLE journal(
        seq INTEGER PRIMARY KEY,
        epoch INTEGER NOT NULL,
        id BLOB NOT NULL UNIQUE CHECK(length(id) = 16),
        incident BLOB NOT NULL CHECK(length(incident) = 16),
        activity INTEGER NOT NULL,
        kind TEXT NOT NULL,
        severity INTEGER NOT NULL,
        time_ns INTEGER NOT NULL,
        wall_ns INTEGER NOT NULL,
        mono_ns INTEGER NOT NULL,
        boot BLOB NOT NULL CHECK(length(boot) = 16)
    ) STRICT""",
    "CREATE INDEX journal_incident ON journal(incident, seq)",
    f"""CREATE TABLE body(
        seq INTEGER PRIMARY KEY REFERENCES journal(seq),
        json BLOB NOT NULL CHECK(length(json) <= {BODY_LIMIT})
    ) STRICT""",
    """CREATE TABLE outbox(
        sink TEXT NOT NULL,
        seq INTEGER NOT NULL REFERENCES journal(seq),
        attempts INTEGER NOT NULL DEFAULT 0,
        parked TEXT,
        PRIMARY KEY(sink, seq)
    ) STRICT, WITHOUT ROWID""",
    "CREATE TABLE state(name TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID",
    """CREATE TRIGGER journal_keeps_rows BEFORE DELETE ON journal
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END""",
    """CREATE TRIGGER journal_keeps_values BEFORE UPDATE ON journal
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END""",
    """CREATE TRIGGER journal_is_dense BEFORE INSERT ON journal
        WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM journal)
        BEGIN SELECT RAISE(ABORT, 'journal numbers have no gap'); END""",
)


def pragma(connection: sqlite3.Connection, name: str) -> int | str | None:
    """The value of a setting; None where this connection has no such setting."""
    row = connection.execute(f"PRAGMA {name}").fetchone()
    value: int | str | None = None if row is None else row[0]
    return value


def configure(connection: sqlite3.Connection, *, in_memory: bool) -> None:
    """Set and read back every setting. StoreError if one did not take."""
    mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    if mode != ("memory" if in_memory else "wal"):
        msg = f"SQLite will not keep a write-ahead log here (journal_mode is {mode})"
        raise StoreError(msg)
    connection.execute("PRAGMA mmap_size=0")
    if pragma(connection, "mmap_size"):
        msg = "SQLite will not turn memory mapping off"
        raise StoreError(msg)
    for name, wanted in SETTINGS:
        connection.execute(f"PRAGMA {name}={wanted}")
        found = pragma(connection, name)
        if found != wanted:
            msg = f"SQLite setting {name} is {found}, not {wanted}"
            raise StoreError(msg)


def ensure_ours(connection: sqlite3.Connection) -> bool:
    """Whether there is a journal already; False for an empty file.

    Raises:
        StoreError: the file is another program's, or of a newer schema.

    """
    version, application = pragma(connection, "user_version"), pragma(connection, "application_id")
    if (version, application) == (0, 0) and not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        return False
    if application != APPLICATION:
        msg = "not a camwarden journal"
        raise StoreError(msg)
    if not isinstance(version, int) or version > VERSION:
        msg = f"written by a newer camwarden (schema {version}, this one knows {VERSION})"
        raise StoreError(msg)
    return True


def create(connection: sqlite3.Connection, *, sensor: str, epoch: int) -> None:
    """Write the tables and who this journal belongs to, inside the caller's transaction."""
    for statement in TABLES:
        connection.execute(statement)
    connection.executemany("INSERT INTO meta(name, value) VALUES(?, ?)", [("sensor", sensor), ("epoch", epoch)])
    connection.execute(f"PRAGMA application_id={APPLICATION}")
    connection.execute(f"PRAGMA user_version={VERSION}")
