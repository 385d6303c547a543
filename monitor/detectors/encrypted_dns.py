"""Encrypted DNS: names are asked for, or hidden, where the site cannot see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.detectors.severity import by_reach, finding
from monitor.model.contacts import Trait
from monitor.model.incidents import Kind

if TYPE_CHECKING:
    from monitor.model.contacts import Contact, Judgement
    from monitor.model.incidents import Finding

ECH: Final = Trait.ECH


def detect(contact: Contact, judgement: Judgement) -> Finding | None:
    """Whether the remote end was spoken to as a DoH, DoT or DoQ server, or with an encrypted hello."""
    if contact.encrypted_dns is not None or ECH in contact.traits:
        return finding(Kind.ENCRYPTED_DNS, by_reach(contact, judgement), contact)
    return None
