"""Devices that are not seen any more after their firmware was changed."""

from __future__ import annotations

import pytest

from monitor.detectors.device_silent import MANY, after_update
from monitor.model.incidents import Kind, Notice, Severity

SILENT = Notice(Kind.DEVICE_SILENT, Severity.MEDIUM, "", "Device gate is not seen any more", "silent for 10 minutes")


@pytest.mark.parametrize("devices", range(1, MANY))
def test_one_or_two_may_be_broken(devices: int) -> None:
    told = after_update(SILENT, devices)
    assert told.severity is Severity.HIGH
    assert told.message == "Device gate is not seen any more; its firmware had just been changed"
    assert told.properties == ("after_update",)


def test_many_are_a_bad_or_hostile_update() -> None:
    told = after_update(SILENT, MANY)
    assert told.severity is Severity.CRITICAL
    assert told.message.endswith(f"as {MANY - 1} others are after theirs: a bad or hostile update")
