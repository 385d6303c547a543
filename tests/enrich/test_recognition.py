"""Who is a camera, and whose, by the protocols it speaks; and which witness of a name or version is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor.enrich.devices import Devices, InventoryEntry
from monitor.enrich.holders import CARRIES
from monitor.model.address import mac_from_text, pack
from monitor.model.contacts import Device, DeviceClass
from monitor.model.facts import PROXIED, DeviceAnnounced, DiscoveryQuery, ServiceBanner
from monitor.protocols import hikvision_tftp
from tests.protocols.discovery_samples import SAMPLES, Sample

if TYPE_CHECKING:
    from monitor.app import Knowledge
    from monitor.enrich.catalogue import Catalogue

T = 1_777_881_600_000_000_000
IP = pack("10.20.0.11")
UNKNOWN, AMCREST, EZVIZ = (
    mac_from_text(text) for text in ("02:11:22:33:44:55", "9c:8e:cd:00:00:01", "54:d6:0d:00:00:01")
)


@pytest.fixture(scope="module")
def catalogue(known: Knowledge) -> Catalogue:
    return known.catalogue


@pytest.fixture
def devices(catalogue: Catalogue) -> Devices:
    return Devices(catalogue)


def learned(devices: Devices, protocol: str, mac: object = UNKNOWN, **facts: object) -> Device:
    device = devices.learn(DeviceAnnounced(protocol, **facts), IP, mac, T)  # type: ignore[arg-type]
    assert device is not None
    return device


@pytest.mark.parametrize(
    ("protocol", "vendor"),
    [
        ("sadp", "hikvision"),
        ("ehome", "hikvision"),
        ("hikconnect", "hikvision"),
        ("dhdiscover", "dahua"),
        ("dahua_v1", "dahua"),
        ("dvrip", "dahua"),
        ("dhip", "dahua"),
        ("xm", "xiongmai"),
        ("sofia", "xiongmai"),
        ("baichuan", "reolink"),
        ("hanwha", "hanwha"),
        ("bosch", "bosch"),
        ("foscam", "foscam"),
        ("vivotek", "vivotek"),
        ("sony", "sony"),
        ("panasonic", "i-pro"),
        ("vstarcam", "vstarcam"),
        ("duml", "dji"),
    ],
)
def test_an_answer_in_a_makers_protocol(devices: Devices, protocol: str, vendor: str) -> None:
    """Makes a host of any MAC one of its cameras."""
    device = learned(devices, protocol)
    assert (device.watched, device.vendor, device.vendor_by) == (True, vendor, "protocol")
    assert devices.newly_recognised() == [device]


@pytest.mark.parametrize("protocol", ["ssdp", "mdns", "dhcp", "tuya", "ubiquiti", "gb28181", "upnp"])
def test_an_answer_in_anybodys_protocol(devices: Devices, protocol: str) -> None:
    """Recognises nobody, whatever vendor it names: light bulbs and access points speak these."""
    device = learned(devices, protocol, vendor="Hikvision", services=("upnp:rootdevice",))
    assert (device.watched, device.vendor) == (False, None)


@pytest.mark.parametrize(
    ("said", "mac", "vendor"),
    [
        ("Amcrest", UNKNOWN, "amcrest"),
        ("LOREX", UNKNOWN, "lorex"),
        ("Intelbras", UNKNOWN, "dahua"),
        ("Private", UNKNOWN, "dahua"),
        ("Dahua", AMCREST, "amcrest"),
        (None, AMCREST, "amcrest"),
        (None, EZVIZ, "dahua"),
    ],
)
def test_a_brand_on_its_makers_protocol(devices: Devices, said: str | None, mac: bytes, vendor: str) -> None:
    """Is whom the answer names, else whose MAC it has if they sell that maker's devices, else the maker."""
    assert learned(devices, "dhdiscover", mac, vendor=said).vendor == vendor


def test_a_daughter_keeps_its_name(devices: Devices) -> None:
    """EZVIZ's devices speak the SADP of its parent."""
    assert learned(devices, "sadp", EZVIZ).vendor == "ezviz"


def test_what_a_router_forwards_makes_nobody_a_camera(devices: Devices) -> None:
    """Behind its MAC may be anybody's devices; what is said is kept."""
    for number in range(CARRIES):
        devices.carries_others(UNKNOWN, pack(f"198.51.100.{number}"))
    device = learned(devices, "sadp", model="DS-2CD2385G1-I")
    devices.greeted(ServiceBanner("sofia", "server", None), IP, UNKNOWN, T)
    learned(devices, "wsdiscovery", services=("NetworkVideoTransmitter",))
    assert (device.watched, device.model) == (False, "DS-2CD2385G1-I")


@pytest.mark.parametrize(
    ("types", "device_class"),
    [
        (("NetworkVideoTransmitter", "Device"), DeviceClass.CAMERA),
        (("NetworkVideoTransmitter", "NetworkVideoStorage"), DeviceClass.RECORDER),
        (("NetworkVideoDisplay",), DeviceClass.VIEWER),
        (("Device", "Computer"), DeviceClass.UNKNOWN),
        ((), DeviceClass.UNKNOWN),
    ],
)
def test_onvif_types(devices: Devices, types: tuple[str, ...], device_class: DeviceClass) -> None:
    """Say what a device is for and not whose it is; computers and printers use the protocol too."""
    device = learned(devices, "wsdiscovery", services=types, message="hello")
    assert (device.device_class, device.vendor) == (device_class, None)


def test_a_discovery_proxy_is_no_camera(devices: Devices) -> None:
    """What speaks for several devices says nothing of its sender."""
    fact = DeviceAnnounced("wsdiscovery", services=("NetworkVideoTransmitter",), message=PROXIED)
    assert devices.learn(fact, IP, UNKNOWN, T) is None
    assert len(devices) == 0


@pytest.mark.parametrize(
    ("protocol", "role", "vendor"),
    [
        ("sofia", "server", "xiongmai"),
        ("dvrip", "server", "dahua"),
        ("dhip", "server", "dahua"),
        ("baichuan", "server", "reolink"),
        ("hikvision-sdk", "server", "hikvision"),
        ("hikvision-tftp", "client", "hikvision"),
        ("sofia", "client", None),
        ("dvrip", "unknown", None),
        ("hikvision-tftp", "server", None),
        ("ssh", "server", None),
    ],
)
def test_sides_of_a_makers_protocol(devices: Devices, protocol: str, role: str, vendor: str | None) -> None:
    """The device's side makes a camera; the other one is a recorder, a computer, or who flashes it."""
    devices.greeted(ServiceBanner(protocol, role, None), IP, UNKNOWN, T)
    device = devices.known(IP)
    assert (device.vendor if device is not None and device.watched else None) == vendor


OF_ALL = ("ssdp", "wsdiscovery", "ubiquiti")
"""Protocols of no one maker of cameras."""
DISCOVERY = [sample for sample in SAMPLES if sample.module is not hikvision_tftp]


@pytest.mark.parametrize("sample", DISCOVERY, ids=lambda sample: sample.module.__name__.rpartition(".")[2])
def test_synthetic_answers_of_makers(devices: Devices, sample: Sample) -> None:
    """What each maker's parser reports of an answer is known to the catalogue by its protocol; queries tell nothing."""
    facts = sample.module.Parser().feed(sample.data)
    said = [fact for fact in facts if isinstance(fact, DeviceAnnounced) and fact.protocol not in OF_ALL]
    for fact in said:
        device = devices.learn(fact, IP, UNKNOWN, T)
        assert device is not None
        assert device.watched
    assert said or any(isinstance(fact, DiscoveryQuery) or fact.protocol in OF_ALL for fact in facts)


def test_the_best_witness_of_a_name(catalogue: Catalogue) -> None:
    """Configuration, host name of DHCP, mDNS, a vendor's discovery, ONVIF's scope; of equals the newest."""
    devices = Devices(catalogue, [InventoryEntry("gate-07", DeviceClass.CAMERA, (pack("10.20.0.7"),))])
    ladder = ["ssdp", "wsdiscovery", "sadp", "mdns", "dhcp"]
    for protocol in ladder:
        assert learned(devices, protocol, name=f"by {protocol}").name == f"by {protocol}"
    for protocol in ladder[:-1]:
        assert learned(devices, protocol, name="worse").name == "by dhcp"
    assert learned(devices, "dhcp", name="newer").name == "newer"
    assert learned(devices, "dhcp", name="gate-07").name == "newer"
    configured = devices.learn(DeviceAnnounced("dhcp", name="x"), pack("10.20.0.7"), None, T)
    assert configured is not None
    assert configured.name == "gate-07"


def test_the_best_witness_of_a_version(devices: Devices) -> None:
    """The newest word, but a protocol of the maker's own is not overruled by any other."""
    assert learned(devices, "mdns", firmware="1", model="a").firmware == "1"
    assert learned(devices, "wsdiscovery", model="b").model == "b"
    assert learned(devices, "ssdp", model="library").model == "b"
    assert learned(devices, "sadp", firmware="V5.5.0", model="DS-2CD").firmware == "V5.5.0"
    late = learned(devices, "mdns", firmware="2", model="c")
    assert (late.firmware, late.model) == ("V5.5.0", "DS-2CD")
    assert learned(devices, "sadp", firmware="V5.7.1").firmware == "V5.7.1"


def test_an_address_that_turns_out_to_be_a_known_hosts(devices: Devices, catalogue: Catalogue) -> None:
    """What it showed there is the host's; nothing is left that has no address."""
    host = devices.of(pack("169.254.7.7"), UNKNOWN, T)
    apart = devices.of(IP, None, T)
    vendor = catalogue.vendor_named("D-Link")
    assert vendor is not None
    devices.speaks(apart, vendor, "banner of D-Link")
    assert (apart is host, host.watched) == (False, False)
    assert devices.of(IP, UNKNOWN, T + 1, "arp") is host
    assert (host.watched, host.vendor, host.recognised_by) == (True, "d-link", "banner of D-Link")
    assert list(devices) == [host]


def test_what_an_earlier_run_recognised(devices: Devices) -> None:
    """Is that again once it is heard, and nothing before; the name and the maker are those that it had."""
    earlier = Device("02:11:22:33:44:55", "DCS-935L", T, DeviceClass.RECORDER)
    earlier.recognised_by, earlier.model = "dhcp announcement of D-Link", "DCS-935L"
    earlier.vendor, earlier.vendor_name, earlier.vendor_by = "d-link", "D-Link", "protocol"
    devices.remember(UNKNOWN, earlier)
    assert list(devices) == []
    assert not devices.of(pack("10.20.0.12"), mac_from_text("02:00:00:00:00:77"), T).watched
    device = devices.of(IP, UNKNOWN, T)
    assert (device.name, device.device_class, device.vendor) == ("DCS-935L", DeviceClass.RECORDER, "d-link")
    assert devices.newly_recognised() == [device]
