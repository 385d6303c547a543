"""Isolation broken: a device that must not leave the site tries to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.detectors.severity import finding
from monitor.model.incidents import Kind, Severity

if TYPE_CHECKING:
    from monitor.model.contacts import Contact, Judgement
    from monitor.model.incidents import Finding


def detect(contact: Contact, judgement: Judgement) -> Finding | None:
    """Whether a device of an isolated group went for an address outside."""
    if judgement.isolated and contact.remote is not None and not judgement.core:
        return finding(Kind.ISOLATION_BROKEN, Severity.CRITICAL, contact)
    return None
