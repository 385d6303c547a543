"""Call-home: the detectors of contacts, in the order in which their kinds take precedence.

A new one is one file with ``detect`` and one line here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.detectors import (
    core_contact,
    encrypted_dns,
    inbound_viewer,
    isolation_broken,
    name_lookup,
    p2p_cloud,
    unexpected_contact,
    vendor_cloud,
)

if TYPE_CHECKING:
    from monitor.model.contacts import Contact, Judgement
    from monitor.model.incidents import Finding

DETECTORS: Final = (
    isolation_broken.detect,
    core_contact.detect,
    p2p_cloud.detect,
    vendor_cloud.detect,
    encrypted_dns.detect,
    unexpected_contact.detect,
    name_lookup.detect,
)
CAME: Final = (inbound_viewer.detect,)
"""Of contacts that the remote end alone began."""


def detect(contact: Contact, judgement: Judgement) -> list[Finding]:
    """All that is wrong with a contact, the kind that takes precedence first; empty if it is allowed.

    A contact that only others began is not the device's doing: there is but whether it let them in.
    """
    if judgement.allowed:
        return []
    came = contact.remote is not None and not contact.outbound
    findings = [detector(contact, judgement) for detector in (CAME if came else DETECTORS)]
    return [found for found in findings if found is not None]
