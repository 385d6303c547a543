"""Inbound viewer: somebody outside the site reached a device, which answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.detectors.severity import by_reach, finding
from monitor.model.incidents import Finding, Kind, Severity

if TYPE_CHECKING:
    from monitor.model.contacts import Contact, Judgement


def detect(contact: Contact, judgement: Judgement) -> Finding | None:
    """Whether the remote end began it and was given payload. The site's core may look at its cameras."""
    if contact.came is None or judgement.core:
        return None
    if judgement.isolated:
        return Finding(Kind.INBOUND_VIEWER, Severity.CRITICAL)
    return finding(Kind.INBOUND_VIEWER, by_reach(contact, judgement), contact)
