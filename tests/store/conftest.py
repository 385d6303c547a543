"""Transitions and bodies to journal."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from monitor.model.contacts import Outcome
from monitor.model.incidents import Activity, DeviceView, Kind, Severity, Transition, Visibility
from monitor.model.verdicts import Confidence, OperatorKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

DEVICE = DeviceView("gate-07", "gate-07", "gate-07", "camera", None, None, None, None, None, None, None)
VERDICT = Verdict(
    "example.org",
    "domain:example.org",
    OperatorKind.DOMAIN,
    "IE",
    16509,
    "Amazon",
    "US",
    None,
    None,
    Confidence.LOW,
    "domain",
)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def make_transition(number: int, incident: int | None = None) -> Transition:
    """The ``number``-th transition; its incident is its own unless one is named."""
    return Transition(
        uid=digest(f"transition {number}"),
        incident=digest(f"incident {number if incident is None else incident}"),
        number=1,
        activity=Activity.NEW,
        time_ns=1_000_000 + number,
        kind=Kind.UNEXPECTED_CONTACT,
        properties=(),
        severity=Severity.LOW,
        message="",
        rule="",
        device=DEVICE,
        confidence=VERDICT.confidence,
        verdict=VERDICT,
        outcome=Outcome.ATTEMPTED,
        refused_by=None,
        attempts=1,
        bytes_out=60,
        bytes_in=0,
        foreign=True,
        first_ns=0,
        last_ns=0,
        evidences=(),
        visibility=Visibility(),
    )


@pytest.fixture(scope="session")
def transition() -> Callable[..., Transition]:
    return make_transition


@pytest.fixture(scope="session")
def render() -> Callable[[Transition, int, int], bytes]:
    return lambda transition, epoch, seq: f"{transition.uid} {epoch} {seq}".encode()
