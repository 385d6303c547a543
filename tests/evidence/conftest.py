"""Transitions with packets, and folders to keep them in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from monitor.evidence.config import EvidenceConfig
from monitor.evidence.folder import Folder
from monitor.model.contacts import Outcome
from monitor.model.exhibits import FirmwareImage, Packet
from monitor.model.incidents import Activity, DeviceView, Kind, Severity, Transition, Visibility
from monitor.model.verdicts import Confidence

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DEVICE = DeviceView("gate", "gate", "gate", "camera", None, None, None, None, None, None, None)
ETHERNET = 1
BLANK = Transition(
    uid="0" * 32,
    incident="a" * 32,
    number=1,
    activity=Activity.NEW,
    time_ns=0,
    kind=Kind.UNEXPECTED_CONTACT,
    properties=(),
    severity=Severity.LOW,
    message="",
    rule="",
    device=DEVICE,
    confidence=Confidence.LOW,
    verdict=None,
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


def transition(
    number: int = 1, *packets: Packet, incident: str = "a" * 32, image: FirmwareImage | None = None
) -> Transition:
    return replace(BLANK, incident=incident, number=number, packets=packets, image=image)


def packet(ts_ns: int, data: bytes = b"\0" * 60, note: str = "attempt") -> Packet:
    return Packet(ts_ns, data, len(data), ETHERNET, note)


@pytest.fixture
def told() -> list[str]:
    """What a folder said of its troubles."""
    return []


@pytest.fixture
def opened(tmp_path: Path, told: list[str]) -> Callable[..., Folder]:
    """Opens the folder of one state directory, as often as a test wants."""

    def make(**config: Any) -> Folder:
        return Folder(tmp_path, EvidenceConfig(**config), hurried=False, tell=told.append)

    return make
