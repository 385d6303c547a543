"""Forgetting: which bodies of old messages nobody needs any more.

A message is needed while a sink owes it, parked ones included, and while it is the last old one of an incident that is
not over or has news since: the listing shows it, and the report counts on from its totals. So an incident that is
over is forgotten as a whole, and one that goes on for years keeps one old message. A sink that has left the
configuration needs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.incidents import Activity

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

BATCH: Final = 128
"""Messages that are looked at in one transaction."""

_LOOKED_AT: Final = "SELECT max(seq) FROM (SELECT seq FROM body WHERE seq > ? AND seq < ? ORDER BY seq LIMIT ?)"
_OLD: Final = f"""DELETE FROM body WHERE seq IN (
    SELECT b.seq FROM body b JOIN journal j USING(seq) WHERE b.seq > ? AND b.seq <= ?
    AND coalesce(
        (SELECT n.seq FROM journal n WHERE n.incident = j.incident AND n.seq > j.seq ORDER BY n.seq LIMIT 1) < ?,
        j.activity = {int(Activity.END)}
    )
    AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.sink IN ({{sinks}}) AND o.seq = b.seq)
) RETURNING seq"""
_NEWEST: Final = """INSERT INTO meta(name, value) SELECT 'forgotten_ns', max(time_ns) FROM journal WHERE seq IN ({seqs})
    ON CONFLICT(name) DO UPDATE SET value = max(value, excluded.value)"""


def batch(
    connection: sqlite3.Connection, sinks: Sequence[str], strangers: Sequence[str], border: int, after: int
) -> tuple[int, int | None]:
    """Within the caller's transaction; see ``Store.forget``. ``strangers`` are sinks that are no more."""
    last = connection.execute(_LOOKED_AT, (after, border, BATCH)).fetchone()[0]
    if last is None:
        return 0, None
    old = _OLD.format(sinks=",".join("?" * len(sinks)))
    gone = [row[0] for row in connection.execute(old, (after, last, border, *sinks)).fetchall()]
    if gone:
        connection.execute(_NEWEST.format(seqs=",".join("?" * len(gone))), gone)
    for sink in strangers:
        connection.executemany("DELETE FROM outbox WHERE sink = ? AND seq = ?", [(sink, seq) for seq in gone])
    return len(gone), last
