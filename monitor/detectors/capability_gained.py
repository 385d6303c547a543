"""Capability gained: after a change of firmware a device can do, or does, what it did not before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.detectors.firmware_update import versions
from monitor.model.capabilities import Sensitivity
from monitor.model.incidents import Kind, Notice, Severity
from monitor.model.verdicts import Confidence

if TYPE_CHECKING:
    from monitor.ledger.updates import Update
    from monitor.model.capabilities import Change, Vocabulary
    from monitor.model.contacts import Device
    from monitor.model.incidents import Evidence

LISTED: Final = 8
"""Gains that a sentence names; the others are counted."""
DAY_NS: Final = 24 * 3600 * 1_000_000_000
"""Who was watched for so long before an update is known: what runs by the clock has run."""


def detect(device: Device, update: Update, vocabulary: Vocabulary) -> Notice | None:
    """All that is new since the update, the most sensitive first."""
    if not update.gained:
        return None
    ranked = sorted(update.gained.items(), key=lambda gain: (-_sensitivity(gain[0], vocabulary), gain[0]))
    names = [words for _, words in ranked[:LISTED]]
    more = f"; and {len(ranked) - LISTED} more" if len(ranked) > LISTED else ""
    grave = _sensitivity(ranked[0][0], vocabulary)
    known = update.watched_ns >= DAY_NS
    return Notice(
        kind=Kind.CAPABILITY_GAINED,
        severity=Severity.HIGH if grave is Sensitivity.SENSITIVE else Severity.MEDIUM,
        about=str(update.started_ns),
        message=f"Device {device.name} can do more since its update{versions(update)}: {'; '.join(names)}{more}",
        rule=f"after against before an update; watched for {update.watched_ns // 3_600_000_000_000} h before",
        confidence=Confidence.HIGH if known else Confidence.MEDIUM,
        properties=("after_update",),
        firmware=update.change,
        capabilities=tuple(key for key, _ in ranked if vocabulary.capability(key) is not None),
        news=tuple(key for key, _ in ranked),
        evidences=tuple(update.gained_in),
    )


def unexplained(
    device: Device, change: Change, vocabulary: Vocabulary, evidence: Evidence | None = None
) -> Notice | None:
    """A function that a device says it has now and did not mention before, where nobody saw an update."""
    capability = vocabulary.capability(change.capability)
    if capability is None or capability.sensitivity is Sensitivity.ORDINARY:
        return None
    return Notice(
        kind=Kind.CAPABILITY_GAINED,
        severity=Severity.HIGH if capability.sensitivity is Sensitivity.SENSITIVE else Severity.MEDIUM,
        about=change.capability,
        message=f"Device {device.name} says that it {capability.deed}, which it did not say before, and no update was "
        f"seen ({change.source})",
        rule="a function declared that was not declared in an earlier answer to the same question",
        confidence=Confidence.MEDIUM,
        capabilities=(change.capability,),
        evidences=(evidence,) if evidence is not None else (),
    )


def _sensitivity(what: str, vocabulary: Vocabulary) -> Sensitivity:
    """Of a function, that of its row; a new destination matters like a sensitive one, a statement nobody knows less."""
    capability = vocabulary.capability(what)
    if capability is not None:
        return capability.sensitivity
    return Sensitivity.SENSITIVE if what.startswith("destination ") else Sensitivity.NOTABLE
