"""Firmware check: a device asks whether there is a newer firmware."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.model.incidents import FirmwareChange, Kind, Notice, Severity

if TYPE_CHECKING:
    from monitor.model.contacts import Device
    from monitor.model.facts import FirmwareCheck
    from monitor.model.incidents import Evidence


def detect(device: Device, fact: FirmwareCheck, host: str, evidence: Evidence | None) -> Notice:
    """A device asked ``host``: nothing is wrong with that, but it says that an update may come, and from where."""
    runs = f"; it says that it runs {fact.version}" if fact.version else ""
    offered = f"; it was offered {fact.offered}" if fact.offered else ""
    return Notice(
        kind=Kind.FIRMWARE_CHECK,
        severity=Severity.INFORMATIONAL,
        about=host,
        message=f"Device {device.name} asks {host} for a newer firmware{runs}{offered}",
        rule="a request for an update, by its address",
        evidences=(evidence,) if evidence is not None else (),
        firmware=FirmwareChange(fact.version or device.firmware, fact.offered),
    )
