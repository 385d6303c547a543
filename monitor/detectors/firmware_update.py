"""Firmware update: what a device runs was changed, or somebody tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.capabilities import Grade
from monitor.model.incidents import Kind, Notice, Severity
from monitor.model.verdicts import Confidence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.ledger.updates import Update
    from monitor.model.contacts import Device

CONFIDENCE: Final[Mapping[Grade, Confidence]] = {
    Grade.HINT: Confidence.LOW,
    Grade.PROBABLE: Confidence.MEDIUM,
    Grade.CERTAIN: Confidence.HIGH,
}
GRADES: Final[Mapping[Grade, str]] = {
    Grade.HINT: "possible",
    Grade.PROBABLE: "probable",
    Grade.CERTAIN: "certain",
}


def detect(device: Device, update: Update, *, in_window: bool | None) -> Notice:
    """What to say of an update so far. ``in_window``: whether it began in a maintenance window; None: there is none."""
    grade = update.grade
    severity = Severity.LOW if in_window else Severity.MEDIUM if in_window is None else Severity.HIGH
    if grade is Grade.HINT:
        severity = Severity(severity - 1)
    when = "" if in_window is None else " in its maintenance window" if in_window else " outside its maintenance window"
    deed = "was changed" if grade is Grade.CERTAIN else "is being changed"
    if update.is_refusal:
        deed = "was to be changed, which the device refused,"
    signs = "; ".join(f"{sign}: {words}" for sign, words in update.signs.items())
    return Notice(
        kind=Kind.FIRMWARE_UPDATE,
        severity=severity,
        about=str(update.started_ns),
        message=f"Firmware of {device.name} {deed}{when} ({GRADES[grade]}){versions(update)}; seen: {signs}",
        rule=f"an update{when}" if when else "an update; no maintenance window is configured",
        confidence=CONFIDENCE[grade],
        properties=(
            GRADES[grade],
            *(("outside_window",) if in_window is False else ()),
            *(("refused",) if update.is_refusal else ()),
        ),
        evidences=tuple(update.evidences),
        firmware=update.change,
        news=tuple(update.signs.values()),
        image=update.image,
    )


def versions(update: Update) -> str:
    """From what to what, as far as it is known."""
    if update.before and update.after:
        return f" from {update.before} to {update.after}"
    if update.after:
        return f" to {update.after}"
    return f" from {update.before}" if update.before else ""
