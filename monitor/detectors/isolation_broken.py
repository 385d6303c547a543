"""Isolation broken: a device that must not leave the site tries to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.model.incidents import Finding, Kind, Severity

if TYPE_CHECKING:
    from monitor.model.contacts import Contact, Judgement


def detect(contact: Contact, judgement: Judgement) -> Finding | None:
    """Whether a device of an isolated group went for an address outside: that is certain, whoever is there."""
    if judgement.isolated and contact.remote is not None and not judgement.core:
        return Finding(Kind.ISOLATION_BROKEN, Severity.CRITICAL)
    return None
