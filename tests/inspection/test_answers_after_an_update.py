"""What another answer to the same question means, after an update and without one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import CapabilityStated, DeviceAnnounced
from monitor.model.incidents import Kind
from tests.engine.played import START, engine

if TYPE_CHECKING:
    from monitor.app import Knowledge
    from monitor.inspection import Inspection
    from monitor.model.contacts import Device

DAY: Final = 24 * 3600 * 1_000_000_000
QUESTION: Final = "System/deviceInfo"


def watched(known: Knowledge) -> tuple[Inspection, Device]:
    """A camera that has been there for two days."""
    running = engine(known).engine
    device = running.attribution.devices.named("gate")
    assert device is not None
    device.first_ns = START - 2 * DAY
    return running.inspection, device


def answered(inspection: Inspection, device: Device, ts_ns: int, *statements: tuple[str, str]) -> None:
    inspection.stated(device, CapabilityStated("isapi", QUESTION, statements), ts_ns)


def updated(inspection: Inspection, device: Device, ts_ns: int) -> None:
    """It says another version."""
    for number, version in enumerate(("V5.5.0", "V5.7.0")):
        inspection.announced(device, DeviceAnnounced("isapi", firmware=version), ts_ns + number)


def gained(inspection: Inspection) -> list[str]:
    return [each.message for _, each in inspection.take() if each.kind is Kind.CAPABILITY_GAINED]


def test_the_new_version_is_no_gain(known: Knowledge) -> None:
    """An update that changes nothing but what the device says that it runs is told without a gain."""
    inspection, device = watched(known)
    answered(inspection, device, START, ("DeviceInfo/firmwareVersion", "V5.5.0"), ("DeviceInfo/x", "false"))
    updated(inspection, device, START + 1)
    answered(inspection, device, START + 9, ("DeviceInfo/firmwareVersion", "V5.7.0"), ("DeviceInfo/x", "false"))
    assert gained(inspection) == []


def test_statements_nobody_knows_are_gains_where_they_say_yes(known: Knowledge) -> None:
    """What appears, and what turns from off to on; what appears and is off can be done no more than before."""
    inspection, device = watched(known)
    answered(inspection, device, START, ("DeviceInfo/isSupportNewThing", "false"))
    updated(inspection, device, START + 1)
    new = (("DeviceInfo/isSupportNewThing", "true"), ("DeviceInfo/other", "9"), ("DeviceInfo/third", "0"))
    answered(inspection, device, START + 9, *new)
    (*_, last) = gained(inspection)
    assert "isSupportNewThing = true" in last
    assert "other = 9" in last
    assert "third" not in last


def test_a_catalogue_that_reads_more_is_no_gain(known: Knowledge) -> None:
    """A function that an old answer held and an older catalogue did not know is not new to the device."""
    inspection, device = watched(known)
    said = ("DeviceCap/SysCap/isSupportEZVIZ", "true")
    known_functions = inspection._vocabulary.declared("isapi", QUESTION, [said])
    assert known_functions
    answered(inspection, device, START, said)
    inspection.ledger.page(device.key).rows.clear()
    answered(inspection, device, START + DAY - 1, said)
    assert gained(inspection) == []
    inspection.ledger.page(device.key).rows.clear()
    answered(inspection, device, START + DAY, said, ("DeviceCap/more", "1"))
    assert gained(inspection) == []
    assert known_functions[0].capability in inspection.ledger.page(device.key).rows
