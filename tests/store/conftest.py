"""Transitions and bodies to journal."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from monitor.model.incidents import DeviceView, Transition
from monitor.model.verdicts import Confidence, OperatorKind, Verdict
from tests.transitions import BLANK

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
    return replace(
        BLANK,
        uid=digest(f"transition {number}"),
        incident=digest(f"incident {number if incident is None else incident}"),
        time_ns=1_000_000 + number,
        device=DEVICE,
        confidence=VERDICT.confidence,
        verdict=VERDICT,
    )


@pytest.fixture(scope="session")
def transition() -> Callable[..., Transition]:
    return make_transition


@pytest.fixture(scope="session")
def render() -> Callable[[Transition, int, int], bytes]:
    return lambda transition, epoch, seq: f"{transition.uid} {epoch} {seq}".encode()
