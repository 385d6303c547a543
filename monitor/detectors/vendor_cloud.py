"""Vendor cloud: a device speaks with a camera maker's or camera platform's own service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.detectors.severity import finding
from monitor.model.incidents import Kind, Severity
from monitor.model.verdicts import OperatorKind

if TYPE_CHECKING:
    from monitor.model.contacts import Contact, Judgement
    from monitor.model.incidents import Finding

VENDOR_CLOUD: Final = OperatorKind.VENDOR_CLOUD
KIND: Final = Kind.VENDOR_CLOUD
HIGH: Final = Severity.HIGH
"""Members looked up once: each look-up of one costs as much as a call."""


def detect(contact: Contact, judgement: Judgement) -> Finding | None:  # noqa: ARG001  the policy has refused it
    """Whether the remote end's operator is a camera vendor."""
    if contact.remote is not None and contact.verdict.kind is VENDOR_CLOUD:
        return finding(KIND, HIGH, contact)
    return None
