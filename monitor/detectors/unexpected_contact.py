"""Unexpected contact: a device goes somewhere that no rule allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.detectors.severity import by_reach, finding
from monitor.model.incidents import Kind

if TYPE_CHECKING:
    from monitor.model.contacts import Contact, Judgement
    from monitor.model.incidents import Finding

UNEXPECTED_CONTACT: Final = Kind.UNEXPECTED_CONTACT


def detect(contact: Contact, judgement: Judgement) -> Finding | None:
    """Whether anything was sent to a remote end."""
    if contact.remote is not None:
        return finding(UNEXPECTED_CONTACT, by_reach(contact, judgement), contact)
    return None
