"""Counters: what the metrics have counted over all runs, so that a restart is no reset.

Duplicates, what was malformed or turned away are not among them: they are the engine's, which counts on by itself,
and whose whole account the metrics of a new process take over. Nor are packets and octets, but of a live source, whose
interfaces count anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.continuity.records import Damaged, Foreign, MetricsRecord, decode, encode

if TYPE_CHECKING:
    from monitor.sinks.metrics import Metrics

METRICS: Final = "metrics"
"""Name of their row."""


def metrics_row(metrics: Metrics, *, live: bool = False) -> dict[str, bytes | None]:
    """The row. Called in the metrics' thread, when the engine's account has just been settled."""
    return {METRICS: encode(MetricsRecord(tuple(metrics.lasting(live=live))))}


def restore_metrics(metrics: Metrics, row: bytes | None) -> bool:
    """Count on from this row into metrics that have counted nothing. False if it is damaged or of another version."""
    if row is None:
        return True
    try:
        metrics.count_on(decode(MetricsRecord, row).lasting)
    except (Damaged, Foreign, ValueError, KeyError):
        return False
    return True
