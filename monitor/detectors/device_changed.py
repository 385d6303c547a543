"""Device changed: a device is not, or may not be, what the record says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.identity import IdentityKind
from monitor.model.incidents import Kind, Notice, Severity
from monitor.model.verdicts import Confidence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.model.identity import IdentityChange

SENTENCES: Final[Mapping[IdentityKind, str]] = {
    IdentityKind.ADDRESS_CLAIMED: "Two hosts claim the address of {device}: {before}, and {after}",
    IdentityKind.MAC_CLONED: "The MAC of {device} is used in two places: {before}, and {after}",
    IdentityKind.INVENTORY_MISMATCH: "Device {device} is not as the inventory has it: expected {before}, found {after}",
    IdentityKind.REPLACED: "Device {device} is other hardware than before: {before}, now {after}",
    IdentityKind.ADDRESS_MOVED: "Device {device} has another address: {before}, now {after}",
    IdentityKind.MODEL_CHANGED: "Device {device} says that it is another model: {before}, now {after}",
    IdentityKind.SERIAL_CHANGED: "Device {device} says that it is another unit: serial number {before}, now {after}",
    IdentityKind.VENDOR_CHANGED: "Device {device} says that it is of another make: {before}, now {after}",
    IdentityKind.CLASS_CHANGED: "Device {device} says that it is another type of device: {before}, now {after}",
    IdentityKind.NAME_CHANGED: "Device {device} calls itself otherwise: {before}, now {after}",
}
UNCERTAIN: Final = "The MAC of {device} was seen in two places, there and back once: {before}, and {after}"
CONTESTED: Final = frozenset({IdentityKind.ADDRESS_CLAIMED, IdentityKind.MAC_CLONED})
"""Two that live at once: an attacker, or a fault that makes one of them unreachable."""


def detect(change: IdentityChange) -> Notice | None:
    """What to say of a change, if it is more than a note."""
    if not change.alarm:
        return None
    sentence = SENTENCES[change.kind] if change.certain else UNCERTAIN
    confidence = Confidence.MEDIUM if any(each.randomised for each in change.claimants) else Confidence.HIGH
    return Notice(
        kind=Kind.DEVICE_CHANGED,
        severity=Severity.HIGH if change.kind in CONTESTED and change.certain else Severity.MEDIUM,
        about=str(change.kind),
        message=sentence.format(device=change.device.name, before=change.before, after=change.after),
        rule=f"identity: {change.kind}",
        confidence=confidence if change.certain else Confidence.LOW,
        properties=(str(change.kind),),
    )
