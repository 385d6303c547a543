"""P2P cloud: a device speaks with a peer-to-peer relay network for cameras."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.detectors.severity import finding
from monitor.model.incidents import Kind, Severity
from monitor.model.verdicts import OperatorKind

if TYPE_CHECKING:
    from monitor.model.contacts import Contact, Judgement
    from monitor.model.incidents import Finding

P2P_CLOUD: Final = OperatorKind.P2P_CLOUD
KIND: Final = Kind.P2P_CLOUD
HIGH: Final = Severity.HIGH
"""Members looked up once: each look-up of one costs as much as a call."""


def detect(contact: Contact, judgement: Judgement) -> Finding | None:  # noqa: ARG001  the policy has refused it
    """Whether a P2P protocol was spoken, or the remote end is such a network's server."""
    if contact.remote is not None and (contact.p2p is not None or contact.verdict.kind is P2P_CLOUD):
        return finding(KIND, HIGH, contact)
    return None
