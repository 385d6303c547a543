"""A device asks for a newer firmware."""

from __future__ import annotations

import pytest

from monitor.detectors.firmware_check import detect
from monitor.model.contacts import Device
from monitor.model.facts import FirmwareCheck
from monitor.model.incidents import FirmwareChange, Kind, Severity


@pytest.mark.parametrize(
    ("says", "offered", "message", "change"),
    [
        (None, None, "Device gate asks up.example for a newer firmware", FirmwareChange("1.0", None)),
        (
            "1.1",
            "1.2",
            "Device gate asks up.example for a newer firmware; it says that it runs 1.1; it was offered 1.2",
            FirmwareChange("1.1", "1.2"),
        ),
    ],
)
def test_what_is_said(says: str | None, offered: str | None, message: str, change: FirmwareChange) -> None:
    """Nothing is wrong with it; the versions are told where they were."""
    gate = Device("gate", "gate", 0)
    gate.firmware = "1.0"
    found = detect(gate, FirmwareCheck("http", "http://up.example/v", says, offered), "up.example", None)
    assert (found.kind, found.severity, found.about) == (Kind.FIRMWARE_CHECK, Severity.INFORMATIONAL, "up.example")
    assert (found.message, found.firmware) == (message, change)
