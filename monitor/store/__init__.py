"""The journal, the outbox of every sink and the engine's snapshots: one SQLite file with one writer.

The local journal is the evidence; sinks only tell. ``sqlite3`` is imported in this room and nowhere else. What an
event loop needs is in ``worker``: a replay has no loop, and does not import asyncio.
"""

from __future__ import annotations

from monitor.store.errors import CommitFailed, DiskFull, StoreError
from monitor.store.journal import Quarantine, Store
from monitor.store.reading import Message, Reader, open_readonly

__all__ = [
    "CommitFailed",
    "DiskFull",
    "Message",
    "Quarantine",
    "Reader",
    "Store",
    "StoreError",
    "open_readonly",
]
