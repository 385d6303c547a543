"""Severity: how grave a finding is, for all detectors alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.model.contacts import Outcome
from monitor.model.incidents import Finding, Severity
from monitor.model.verdicts import Confidence

if TYPE_CHECKING:
    from monitor.model.contacts import Contact, Judgement
    from monitor.model.incidents import Kind


def finding(kind: Kind, severity: Severity, contact: Contact) -> Finding:
    """A finding, one step less grave where who or where it is, is known with low confidence."""
    if contact.verdict.confidence is Confidence.LOW and severity > Severity.LOW:
        severity = Severity(severity - 1)
    return Finding(kind, severity)


def by_reach(contact: Contact, judgement: Judgement) -> Severity:
    """How grave a contact is by where it went and how far it got (message contract, Severity).

    Abroad, or in a place that nobody knows: medium, high once something answered. At home: low. Where no home is
    configured nobody can say "abroad": low, medium once something answered.
    """
    answered = contact.outcome >= Outcome.ANSWERED
    if judgement.foreign or (judgement.home_known and not judgement.at_home):
        return Severity.HIGH if answered else Severity.MEDIUM
    if not judgement.home_known:
        return Severity.MEDIUM if answered else Severity.LOW
    return Severity.LOW
