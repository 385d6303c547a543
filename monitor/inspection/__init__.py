"""Inspection: observations in, ledger rows and notices out.

What is said of a device by itself, by its traffic and by those who update it meets here; the ledger keeps it, the
detectors judge it.
"""

from __future__ import annotations

from monitor.inspection.deeds import EXPORTS
from monitor.inspection.deeds import PORTS as SERVING
from monitor.inspection.inspection import INSPECTED, Inspection
from monitor.inspection.volumes import SDK_PORTS
from monitor.inspection.weaknesses import STANDING

__all__ = ["EXPORTS", "INSPECTED", "SDK_PORTS", "SERVING", "STANDING", "Inspection"]
