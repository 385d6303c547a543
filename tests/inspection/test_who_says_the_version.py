"""Whose word counts for what a device runs, and what comes of it when sources differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.capabilities import Grade
from monitor.model.facts import DeviceAnnounced, FirmwareTransfer
from monitor.model.incidents import Kind
from pcaps.packets import multicast
from pcaps.wire import SECOND, START
from tests.engine.played import Site, blocks, engine, play

if TYPE_CHECKING:
    from monitor.app import Knowledge
    from pcaps.packets import Host
    from tests.engine.played import Played

SADP: Final = multicast("239.255.255.250")
HOUR: Final = 3600 * SECOND


def match(site: Site, at: int, sender: Host, about: Host, version: str) -> None:
    """A SADP answer that names this host's address and this firmware."""
    mac, ip = about.mac.hex("-"), ".".join(map(str, about.ip))
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\r\n<ProbeMatch><Uuid>0A1B</Uuid>\r\n<Types>inquiry</Types>'
        f"<DeviceType>1</DeviceType><DeviceDescription>DS-2CD2042WD-I</DeviceDescription><MAC>{mac}</MAC>"
        f"<IPv4Addr>{ip}</IPv4Addr><SoftwareVersion>{version}</SoftwareVersion></ProbeMatch>"
    )
    site.wire.udp(at, sender, 37020, SADP, 37020, body.encode())


def updates(played: Played) -> list[str]:
    return [each.message for each in played.told if each.kind is Kind.FIRMWARE_UPDATE]


def test_a_host_speaks_for_itself_alone(known: Knowledge) -> None:
    """A version that another host's MAC announces for a camera is nobody's; the camera's own is an update."""
    site = Site()
    match(site, START, site.gate, site.gate, "V5.5.0 build 170725")
    match(site, START + 60 * SECOND, site.phone, site.gate, "V9.9.9 build 990101")
    forged = play(known, site)
    assert updates(forged) == []
    page = forged.engine.inspection.ledger.known("gate")
    assert page is not None
    assert [each.text for each in page.firmware.history] == ["V5.5.0 build 170725"]
    match(site, START + 120 * SECOND, site.gate, site.gate, "V5.7.0 build 200101")
    assert "to V5.7.0" in updates(play(known, site))[-1]


def test_ports_of_one_address_are_devices_of_their_own(known: Knowledge) -> None:
    """A recorder shows each camera behind it at another port: their versions differ, and nothing is updated."""
    running = engine(known).engine
    device = running.attribution.devices.named("gate")
    assert device is not None
    for hour in range(10):
        for port, version in ((80, "V4.30.005"), (65001, "V5.5.0"), (65002, "V5.4.5")):
            fact = DeviceAnnounced("isapi", firmware=version)
            running.inspection.announced(device, fact, START + hour * HOUR, port)
    assert running.inspection.take() == []
    page = running.inspection.ledger.page(device.key)
    assert len(page.firmware.by_source) == 3
    assert page.firmware.current is not None
    assert page.firmware.current.text == "V4.30.005"


def test_each_source_is_compared_with_itself(known: Knowledge) -> None:
    """Two interfaces count versions apart: what the update says comes from one of them."""
    running = engine(known).engine
    device = running.attribution.devices.named("gate")
    assert device is not None
    said = [("onvif", "2.800.1"), ("dahua", "V7.1"), ("onvif", "2.820.5"), ("dahua", "V7.2")]
    changes = []
    for number, (source, version) in enumerate(said):
        running.inspection.announced(device, DeviceAnnounced(source, firmware=version), START + number * SECOND)
        changes += [each.firmware for _, each in running.inspection.take() if each.kind is Kind.FIRMWARE_UPDATE]
    assert {(each.before, each.after) for each in changes if each} == {("2.800.1", "2.820.5")}


def test_the_device_confirms_the_image(known: Knowledge) -> None:
    """An image names a version, and the device says so after it: the update is certain."""
    running = engine(known).engine
    device = running.attribution.devices.named("gate")
    assert device is not None
    inspection, ledger = running.inspection, running.inspection.ledger
    inspection.announced(device, DeviceAnnounced("sadp", firmware="V1.1.0"), START)
    image = FirmwareTransfer("to_device", "http", "camera-1.7.5.bin", None, 9000, True, "ab" * 32, None, None)
    update = inspection._updates._signs.seen(device, image, "10.20.0.9", START + SECOND)
    assert update is not None
    assert update.grade is Grade.PROBABLE
    inspection.announced(device, DeviceAnnounced("sadp", firmware="V1.7.5"), START + 2 * SECOND)
    assert update is ledger.page(device.key).updates[-1]
    assert (update.grade, update.before, update.after) == (Grade.CERTAIN, "V1.1.0", "V1.7.5")


def test_what_is_to_be_told_is_seen_at_once(known: Knowledge) -> None:
    """Who looks whether there is something to tell sees it, also where a later word took the place of an earlier."""
    running = engine(known).engine
    device = running.attribution.devices.named("gate")
    assert device is not None
    told = running.inspection.told
    for number, version in enumerate(("V1", "V2", "V3")):
        running.inspection.announced(device, DeviceAnnounced("sadp", firmware=version), START + number * SECOND)
    assert len(told) == 1
    assert running.inspection.take() != []
    assert told == []


def test_what_is_to_be_compared_later_is_written_down(known: Knowledge) -> None:
    """A second source's first word, and a first refusal, mark the page: a killed daemon must know them."""
    site = Site()
    played = engine(known).feed(blocks(site.wire.frames()))
    device = played.engine.attribution.devices.named("gate")
    assert device is not None
    inspection, page = played.engine.inspection, played.engine.inspection.ledger.page("gate")
    inspection.announced(device, DeviceAnnounced("sadp", firmware="V1.1.0"), START)
    page.changed = False
    inspection.announced(device, DeviceAnnounced("onvif", firmware="2.8"), START)
    assert page.changed
    page.changed = False
    inspection.announced(device, DeviceAnnounced("onvif", firmware="2.8"), START + SECOND)
    assert not page.changed
