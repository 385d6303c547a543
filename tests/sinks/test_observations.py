"""Observations as JSON lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from monitor.model.address import NO_ADDRESS
from monitor.model.facts import DeviceAnnounced, NtpMessage, Observation, Where
from monitor.sinks.observations import render
from tests.oracles.running import observed

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.app import Knowledge
    from monitor.model.facts import Fact

DLINK: str = "iot_sentinel/D-LinkCam/Setup-A-1-STA.pcap"


def rendered(fact: Fact) -> dict[str, Any]:
    """One line, read back."""
    where = Where(1, NO_ADDRESS, NO_ADDRESS, 0, 0, 0, (), None, None)
    row: dict[str, Any] = json.loads(render(Observation(where, fact), None))
    return row


def test_facts_of_a_device_are_those_that_are_known() -> None:
    """They stand in ``facts`` and beside it; how they were said is not among them, nor is what was not said."""
    fact = DeviceAnnounced(
        "sadp", mac="44:19:b6:00:00:01", model="DS-2CD2042WD-I", firmware="V5.4.5", services=(), message="inquiry"
    )
    row = rendered(fact)
    assert row["facts"] == {"mac": "44:19:b6:00:00:01", "model": "DS-2CD2042WD-I", "firmware": "V5.4.5"}
    assert (row["protocol"], row["model"], row["serial"], row["message"]) == (
        "sadp",
        "DS-2CD2042WD-I",
        None,
        "inquiry",
    )


def test_other_kinds_have_no_facts() -> None:
    """Only what a device announces is told twice."""
    assert "facts" not in rendered(NtpMessage("client", 4, 0))


def test_a_real_camera_announces_itself(captures: Path, known: Knowledge) -> None:
    """A D-Link camera's DHCP, ARP, mDNS and SSDP say its MAC and name; each flat field agrees with ``facts``."""
    rows = observed(known, captures / DLINK, "device.announced")
    told: dict[str, set[str]] = {}
    for row in rows:
        for field, value in row["facts"].items():
            assert row[field] == value
            told.setdefault(field, set()).add(str(value))
    assert "b0:c5:54:25:5b:0e" in told["mac"]
    assert "DCS-935L" in "".join(told["name"] | told.get("model", set()))
