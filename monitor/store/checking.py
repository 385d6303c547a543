"""Whether a journal, and the library that keeps it, can be relied on."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

from monitor.store.reading import open_readonly
from monitor.store.schema import FILE

if TYPE_CHECKING:
    from pathlib import Path

SQLITE: Final = sqlite3.sqlite_version_info
WAL_RESET: Final = ((3, 7, 0), (3, 51, 3))
"""From and before: two connections that reset the log at once can corrupt the file (https://sqlite.org/wal.html)."""
BACK_PORTS: Final = ((3, 44, 6), (3, 50, 7))
"""Their later patch releases have the fix too."""


def corrupts(version: tuple[int, int, int]) -> bool:
    """Whether this SQLite has the defect of the write-ahead log's reset."""
    first, fixed = WAL_RESET
    return first <= version < fixed and not any(
        version[:2] == ported[:2] and version >= ported for ported in BACK_PORTS
    )


def damage(directory: Path) -> tuple[list[str], int]:
    """(what is wrong with the journal there, a line each; how many messages it has).

    FileNotFoundError if there is none, StoreError if it cannot be read or is not ours. Reads the whole file.
    """
    if not (directory / FILE).exists():
        raise FileNotFoundError(directory / FILE)
    with open_readonly(directory) as reader:
        return reader.complaints(), reader.last_seq
