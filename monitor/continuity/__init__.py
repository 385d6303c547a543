"""Continuity: what an engine knows, as rows that survive it, and back.

Rows go into the journal's ``state`` table, in the transaction of the transitions that they belong to. What is
committed at any moment is the engine as it was after one block: no contact without its device, no contact's counts
without those of its incident.
"""

from __future__ import annotations

from monitor.continuity.counters import METRICS, metrics_row, restore_metrics
from monitor.continuity.keeper import Keeper, Rows
from monitor.continuity.records import PREFIX
from monitor.continuity.resuming import Resumed

__all__ = ["METRICS", "PREFIX", "Keeper", "Resumed", "Rows", "metrics_row", "restore_metrics"]
