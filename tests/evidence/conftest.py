"""Transitions with packets, and folders to keep them in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from monitor.evidence.config import EvidenceConfig
from monitor.evidence.folder import Folder
from monitor.model.exhibits import FirmwareImage, Packet
from monitor.model.incidents import Transition
from tests.transitions import BLANK

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ETHERNET = 1


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
