"""Core contact: a device goes for a network of the site that is off limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.model.incidents import Finding, Kind, Severity

if TYPE_CHECKING:
    from monitor.model.contacts import Contact, Judgement


def detect(contact: Contact, judgement: Judgement) -> Finding | None:  # noqa: ARG001  the address alone decides
    """Whether the remote end is in a core network: that is certain, whoever is behind the address."""
    if judgement.core:
        return Finding(Kind.CORE_CONTACT, Severity.CRITICAL)
    return None
