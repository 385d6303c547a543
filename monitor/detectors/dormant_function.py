"""Dormant function: something that a device could do and did not do was switched on, and no update explains it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.capabilities import Sensitivity, State
from monitor.model.incidents import Kind, Notice, Severity

if TYPE_CHECKING:
    from monitor.model.capabilities import Capability, Change
    from monitor.model.contacts import Device
    from monitor.model.incidents import Evidence

HABITS_NS: Final = 24 * 3600 * 1_000_000_000
"""Who was watched for so long and did not do it, does not do it by habit: what runs by the clock has run."""


def detect(
    device: Device,
    change: Change,
    capability: Capability | None,
    *,
    refused: bool,
    unasked: bool = False,
    since_ns: int = 0,
    evidence: Evidence | None = None,
) -> Notice | None:
    """Whether this change is a dormant function that woke.

    ``since_ns``: since when the ledger has been kept without a loss; what a device did before, nobody knows.
    ``refused``: the device had refused a connection that the function would have answered. ``unasked``: it does this of
    its own accord, so that it did not do it where it was not seen to. An ordinary function, or one that had been
    switched on before and is merely used for the first time, is an entry in the ledger and no alarm.
    """
    if not change.after or capability is None or capability.sensitivity is Sensitivity.ORDINARY:
        return None
    if change.column == "exercised":
        dormant = change.state_before is State.DORMANT
        asleep = dormant or (unasked and change.state_before is State.UNKNOWN)
        slept = asleep and change.ts_ns - max(device.first_ns, since_ns) >= HABITS_NS
        if capability.sensitivity is not Sensitivity.SENSITIVE or not (slept or refused):
            return None
        deed = f"{capability.deed} now"
        had_not = "had not in all the time it was watched"
        before = "it refused that before" if refused else f"it could, and {had_not}" if dormant else f"it {had_not}"
    elif change.column == "enabled":
        deed = f"says that it {capability.deed} now"
        before = "that was off before" if change.before is False else "it did not offer that before"
    else:
        return None
    return Notice(
        kind=Kind.DORMANT_FUNCTION,
        severity=Severity.CRITICAL if capability.sensitivity is Sensitivity.SENSITIVE else Severity.MEDIUM,
        about=capability.key,
        message=f"Device {device.name} {deed}: {before}, and no update was seen ({change.source})",
        rule=f"{capability.key} {change.column} without an update",
        evidences=(evidence,) if evidence is not None else (),
        capabilities=(capability.key,),
    )
