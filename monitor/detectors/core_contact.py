"""Core contact: a device goes for a network of the site that is off limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.detectors.severity import finding
from monitor.model.incidents import Kind, Severity

if TYPE_CHECKING:
    from monitor.model.contacts import Contact, Judgement
    from monitor.model.incidents import Finding


def detect(contact: Contact, judgement: Judgement) -> Finding | None:
    """Whether the remote end is in a core network."""
    if judgement.core:
        return finding(Kind.CORE_CONTACT, Severity.CRITICAL, contact)
    return None
