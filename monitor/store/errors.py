"""What can go wrong with the store, each as one line for people."""

from __future__ import annotations

import sqlite3
from typing import Final

PLAIN_WORDS: Final = {
    sqlite3.SQLITE_FULL: "no space left",
    sqlite3.SQLITE_BUSY: "locked by another program",
    sqlite3.SQLITE_LOCKED: "locked by another program",
    sqlite3.SQLITE_READONLY: "read-only",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened",
    sqlite3.SQLITE_PERM: "permission denied",
    sqlite3.SQLITE_IOERR: "input/output error",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged: not a database",
    sqlite3.SQLITE_TOOBIG: "a value is too large",
}
"""Primary result codes (https://www.sqlite.org/rescode.html) in plain words."""

DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class StoreError(Exception):
    """The store cannot be used; the text is one line that says which file and why."""


class CommitFailed(StoreError):  # noqa: N818  it says what happened
    """A transaction may or may not be on disk: nothing more may be written or published.

    After a failed fsync the rows may still be there when the file is opened again, so the caller stops
    the process (fail-stop) and lets its supervisor start it anew. What was not committed is journalled
    again from the same evidence under the same uid, and what was is skipped.
    """


class DiskFull(StoreError):  # noqa: N818  it says what happened
    """There is no room, not even in the reserve. Nothing was written, and the same call may be made again.

    SQLite says so before the transaction's last page is in the log, and takes back what it wrote. If the process dies
    right then, that page may be there all the same: like after CommitFailed, the uid tells.
    """


def primary_code(error: sqlite3.Error) -> int:
    """The primary result code; 0 where the error is the driver's own and has none."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def describe(error: sqlite3.Error) -> str:
    """The error in plain words with SQLite's own beside them, on one line."""
    words = PLAIN_WORDS.get(primary_code(error))
    detail = " ".join(str(error).split())
    return f"{words} ({detail})" if words else detail
