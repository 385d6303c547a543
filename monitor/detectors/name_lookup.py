"""Name lookup: a device asks for a name that no rule allows, and sends nothing there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.detectors.severity import finding
from monitor.model.incidents import Kind, Severity

if TYPE_CHECKING:
    from monitor.model.contacts import Contact, Judgement
    from monitor.model.incidents import Finding


def detect(contact: Contact, judgement: Judgement) -> Finding | None:  # noqa: ARG001  the policy has refused it
    """Whether a name was only asked for."""
    if contact.remote is None:
        return finding(Kind.NAME_LOOKUP, Severity.INFORMATIONAL, contact)
    return None
