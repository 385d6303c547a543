"""Contradiction: a device says that it does not do something, and does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.capabilities import Sensitivity
from monitor.model.incidents import Kind, Notice, Severity

if TYPE_CHECKING:
    from monitor.ledger.rows import Row
    from monitor.model.capabilities import Capability, Claim
    from monitor.model.contacts import Device
    from monitor.model.incidents import Evidence

GRACE_NS: Final = 10_000_000_000
"""A session that is being closed as the device says that it is off may take so long to fall silent."""
AGAIN_NS: Final = 3600 * 1_000_000_000
"""What goes on is noticed again each hour, so that its alarm stays open; not with each packet."""


def detect(
    device: Device,
    row: Row,
    capability: Capability | None,
    key: str,
    evidence: Evidence | None = None,
    *,
    since_ns: int = 0,
) -> Notice | None:
    """Whether what the device was seen to do is what it says that it does not.

    ``since_ns``: when its firmware was last changed; what it said before that, the one before it said.
    """
    denial, seen = _denial(row), row.exercised
    if denial is None or seen is None or not stands(row, since_ns):
        return None
    name = capability.deed if capability is not None else key
    sensitive = capability is None or capability.sensitivity is Sensitivity.SENSITIVE
    off = "is off" if denial is row.enabled else "is not there"
    return Notice(
        kind=Kind.CONTRADICTION,
        severity=Severity.CRITICAL if sensitive else Severity.HIGH,
        about=key,
        message=f"Device {device.name} {name} ({seen.source}), and says that this {off} ({denial.source})",
        rule="reported off or unsupported, and seen on the wire after that",
        evidences=(evidence,) if evidence is not None else (),
        capabilities=(key,),
    )


def stands(row: Row, since_ns: int = 0) -> bool:
    """Whether there is a contradiction; ``since_ns`` as of ``detect``."""
    denial, seen = _denial(row), row.exercised
    if denial is None or seen is None:
        return False
    return seen.last_ns >= denial.first_ns + GRACE_NS and denial.last_ns >= since_ns


def is_old(row: Row, seen_ns: int, ts_ns: int) -> bool:
    """Whether one that stood at ``seen_ns`` is nothing new at ``ts_ns``: it was not denied again since, nor is it long.

    ``seen_ns``: when the device was last seen to do it before.
    """
    denial = _denial(row)
    return denial is not None and denial.last_ns <= seen_ns and ts_ns // AGAIN_NS == seen_ns // AGAIN_NS


def _denial(row: Row) -> Claim | None:
    return next((each for each in (row.enabled, row.supported) if each is not None and not each.value), None)
