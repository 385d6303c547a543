"""Severity: how grave a finding is, for all detectors alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.contacts import Outcome, Trait
from monitor.model.incidents import Finding, Kind, Severity
from monitor.model.verdicts import Confidence

if TYPE_CHECKING:
    from monitor.model.contacts import Contact, Judgement

LOW: Final = Severity.LOW
MEDIUM: Final = Severity.MEDIUM
HIGH: Final = Severity.HIGH
DOUBTFUL: Final = Confidence.LOW
ANSWERED: Final = Outcome.ANSWERED
MAPPED_ADDRESS: Final = Trait.MAPPED_ADDRESS
"""Members looked up once: each look-up of one costs as much as a call."""
_LESS: Final = {severity: Severity(severity - 1) for severity in Severity if severity > LOW}
_FINDINGS: Final = {(kind, severity): Finding(kind, severity) for kind in Kind for severity in Severity}
"""All that there can be, one object of each."""


def finding(kind: Kind, severity: Severity, contact: Contact) -> Finding:
    """A finding, one step less grave where who or where it is, is known with low confidence."""
    if contact.verdict.confidence is DOUBTFUL:
        severity = _LESS.get(severity, severity)
    return _FINDINGS[kind, severity]


def by_reach(contact: Contact, judgement: Judgement) -> Severity:
    """How grave a contact is by where it went and how far it got (message contract, Severity).

    Abroad, or in a place that nobody knows: medium, high once something answered. At home: low. Where no home is
    configured nobody can say "abroad": low, medium once something answered. What a STUN server calls the site's own
    address is low until something answers.
    """
    answered = contact.outcome >= ANSWERED
    if not answered and MAPPED_ADDRESS in contact.traits:
        return LOW
    if judgement.foreign or (judgement.home_known and not judgement.at_home):
        return HIGH if answered else MEDIUM
    if not judgement.home_known:
        return MEDIUM if answered else LOW
    return LOW
