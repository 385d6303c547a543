"""Which host is which: keys that stay, aliases, routers, leases, recognition, and bounds."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.enrich.devices import Devices, InventoryEntry
from monitor.enrich.holders import CARRIES, MAX_ADDRESSES
from monitor.model.address import Mac, mac_from_text, pack
from monitor.model.contacts import DeviceClass
from monitor.model.facts import DeviceAnnounced

if TYPE_CHECKING:
    from monitor.app import Knowledge
    from monitor.enrich.catalogue import Catalogue

SECOND = 1_000_000_000
T = 1_777_881_600 * SECOND
HIKVISION, PHONE, ROUTER = (
    mac_from_text(text) for text in ("44:19:b6:20:00:0b", "da:a1:19:4e:07:3c", "02:00:00:00:00:01")
)
IP, IP2, IP6 = pack("10.20.0.11"), pack("10.20.0.12"), pack("2001:db8::b")


@pytest.fixture(scope="module")
def catalogue(known: Knowledge) -> Catalogue:
    return known.catalogue


def announced(protocol: str = "dhcp", **facts: object) -> DeviceAnnounced:
    return DeviceAnnounced(protocol, **facts)  # type: ignore[arg-type]


def test_a_host_is_its_mac_and_addresses_are_aliases(catalogue: Catalogue) -> None:
    """IPv4, IPv6 and a later lease that ARP or DHCP bound to it; the key stays."""
    devices = Devices(catalogue)
    device = devices.of(IP, PHONE, T)
    assert (device.key, device.first_ns) == ("da:a1:19:4e:07:3c", T)
    assert devices.of(IP6, PHONE, T + SECOND) is device
    assert (
        devices.learn(
            announced("arp", mac="da:a1:19:4e:07:3c", address="10.20.0.12", message="reply"),
            None,
            PHONE,
            T + 3600 * SECOND,
        )
        is device
    )
    assert devices.of(IP2, PHONE, T + 3600 * SECOND, "arp") is device
    assert device.addresses == [IP, IP6, IP2]
    assert (device.first_ns, device.last_ns, len(devices)) == (T, T + 3600 * SECOND, 1)


@pytest.mark.parametrize("mac", [None, Mac(bytes(6)), Mac(b"\x01\x00\x5e\x00\x00\x01"), Mac(b"\xff" * 6)])
def test_without_a_hosts_mac_a_host_is_its_address(mac: Mac | None, catalogue: Catalogue) -> None:
    """No MAC, an unset one, or that of a group."""
    devices = Devices(catalogue)
    assert devices.of(IP, mac, T).key == "10.20.0.11"
    assert devices.of(IP2, mac, T).key == "10.20.0.12"


def test_a_mac_with_several_addresses_is_a_routers(catalogue: Catalogue) -> None:
    """Hosts behind the first are their addresses; three others make it a router for good."""
    devices = Devices(catalogue)
    devices.of(IP, ROUTER, T)
    for number in range(2, 2 + CARRIES):
        assert not devices.routes(ROUTER)
        assert devices.of(pack(f"10.20.1.{number}"), ROUTER, T + number).key == f"10.20.1.{number}"
    assert devices.routes(ROUTER)
    assert not devices.is_host(ROUTER)


def test_a_mac_that_brings_traffic_from_elsewhere_is_a_routers(catalogue: Catalogue) -> None:
    """From several addresses: one forged packet hides nobody, and a camera's own MAC is no router's."""
    devices = Devices(catalogue)
    for mac in (None, ROUTER, HIKVISION):
        for number in (0, 0, 0, *range(CARRIES)):
            assert mac is None or not devices.routes(mac)
            devices.carries_others(mac, pack(f"8.8.4.{number}"))
    assert devices.routes(ROUTER)
    assert not devices.routes(HIKVISION)
    assert [devices.of(ip, ROUTER, T).key for ip in (IP, IP2)] == ["10.20.0.11", "10.20.0.12"]


def test_routers_are_bounded(catalogue: Catalogue) -> None:
    """A flood of MACs forgets the oldest."""
    devices = Devices(catalogue)
    for number in range(5000):
        for remote in range(CARRIES):
            devices.carries_others(Mac(b"\x02" + number.to_bytes(5, "big")), pack(f"8.8.8.{remote}"))
        devices.carries_others(Mac(b"\x06" + number.to_bytes(5, "big")), pack("8.8.8.8"))
    assert (len(devices._routers), len(devices._carried)) == (4096, 4096)


def test_a_configured_device_is_known_by_address_or_mac(catalogue: Catalogue) -> None:
    """It keeps its name, class and group, and is there from its first packet on."""
    entries = [
        InventoryEntry("by-ip", DeviceClass.CAMERA, (IP,), None, "g", "Sticker"),
        InventoryEntry("by-mac", DeviceClass.RECORDER, (), PHONE, None, None),
    ]
    devices = Devices(catalogue, entries)
    assert [(each.name, each.first_ns, each.watched) for each in devices] == [("by-ip", 0, True), ("by-mac", 0, True)]
    one, other = devices.of(IP, HIKVISION, T), devices.of(IP2, PHONE, T + 5)
    assert (one.name, one.group, one.label, one.first_ns) == ("by-ip", "g", "Sticker", T)
    assert (other.name, other.device_class, other.first_ns) == ("by-mac", DeviceClass.RECORDER, T + 5)
    devices.learn(announced(mac="da:a1:19:4e:07:3c", name="galaxy"), None, PHONE, T + 9)
    assert other.name == "by-mac"
    assert devices.newly_recognised() == []


def test_a_cameras_mac_prefix_is_a_camera(catalogue: Catalogue) -> None:
    """From its first packet, and told of once."""
    devices = Devices(catalogue)
    device = devices.of(IP, HIKVISION, T)
    assert (device.watched, device.vendor, device.vendor_by) == (True, "hikvision", "oui")
    assert devices.newly_recognised() == [device]
    assert devices.newly_recognised() == []
    assert not devices.of(IP2, PHONE, T).watched


def test_every_host_of_a_camera_network_is_a_camera(catalogue: Catalogue) -> None:
    """By any of its addresses."""
    devices = Devices(catalogue, cameras=[ipaddress.ip_network("10.20.0.0/24"), ipaddress.ip_network("2001:db8::/64")])
    assert devices.of(IP, None, T).watched
    assert devices.of(IP6, None, T).watched
    late = devices.of(pack("10.21.0.1"), PHONE, T)
    assert not late.watched
    devices.of(IP2, PHONE, T + 3600 * SECOND, "arp")
    assert late.watched


def test_what_a_host_says_of_itself(catalogue: Catalogue) -> None:
    """Name, model and firmware; a mark of a maker outranks the MAC."""
    devices = Devices(catalogue)
    device = devices.of(IP, HIKVISION, T)
    devices.learn(
        announced("mdns", address="10.20.0.11", name="AXIS M1065", model="M1065", services=("_axis-video._tcp",)),
        IP,
        HIKVISION,
        T,
    )
    assert (device.name, device.model, device.vendor, device.vendor_by) == ("AXIS M1065", "M1065", "axis", "protocol")


def test_a_boot_is_the_hosts_that_boots(catalogue: Catalogue) -> None:
    """A discover has no address yet; a probe for another host's address is not that host's."""
    devices = Devices(catalogue)
    camera = devices.of(IP, HIKVISION, T)
    fresh = devices.learn(announced(mac="da:a1:19:4e:07:3c", message="discover"), pack("0.0.0.0"), PHONE, T + 1)
    assert fresh is not None
    assert (fresh.key, fresh.booted_ns, fresh.addresses) == ("da:a1:19:4e:07:3c", T + 1, [])
    other = "02:00:00:00:00:05"
    probing = devices.learn(
        announced("arp", mac=other, address="10.20.0.11", message="probe"), None, mac_from_text(other), T + 2
    )
    assert probing is not camera
    assert camera.booted_ns is None


def test_a_lease_moves_an_address(catalogue: Catalogue) -> None:
    """The server's acknowledgement does once the holder is gone; what is configured by address alone stays."""
    devices = Devices(catalogue, [InventoryEntry("fixed", DeviceClass.CAMERA, (IP2,))])
    camera = devices.of(IP, HIKVISION, T)
    devices.learn(announced(mac="da:a1:19:4e:07:3c", address="10.20.0.11", message="request"), None, PHONE, T + 1)
    assert devices.of(IP, HIKVISION, T + 2) is camera
    ack = announced(mac="da:a1:19:4e:07:3c", address="10.20.0.11", message="ack")
    devices.learn(ack, None, ROUTER, T + 3)
    assert devices.of(IP, HIKVISION, T + 3) is camera
    devices.learn(announced(mac="44:19:b6:20:00:0b", message="release"), IP, HIKVISION, T + 3)
    phone = devices.learn(ack, None, ROUTER, T + 3)
    assert phone is not None
    assert devices.of(IP, PHONE, T + 4) is phone is not camera
    assert (phone.addresses, camera.addresses) == ([IP], [])
    devices.learn(announced(mac="da:a1:19:4e:07:3c", address="10.20.0.12", message="ack"), None, ROUTER, T + 5)
    assert devices.of(IP2, PHONE, T + 6).name == "fixed"


def test_addresses_of_a_host_are_bounded(catalogue: Catalogue) -> None:
    """Privacy addresses rotate; the oldest is nobody's again."""
    devices = Devices(catalogue)
    addresses = [pack(f"2001:db8::{number:x}") for number in range(MAX_ADDRESSES + 2)]
    for address in addresses:
        device = devices.of(address, PHONE, T)
    assert device.addresses == addresses[2:]
    assert devices.known(addresses[0]) is None


def test_strangers_make_room_first(catalogue: Catalogue) -> None:
    """The one silent for longest; a watched one only where there is no stranger; a configured one never."""
    devices = Devices(catalogue, [InventoryEntry("fixed", DeviceClass.OTHER, (pack("10.9.9.9"),))], max_devices=4)
    camera = devices.of(IP, HIKVISION, T)
    strangers = [devices.of(pack(f"10.20.1.{number}"), None, T + number * SECOND) for number in range(2)]
    devices.of(pack("10.20.1.0"), None, T + 100 * SECOND)
    devices.of(pack("10.20.1.7"), None, T + 101 * SECOND)
    assert devices.known(strangers[1].addresses[0]) is None
    assert devices.known(IP) is camera
    for number in range(20):
        devices.of(
            pack(f"10.30.0.{number}"), Mac(HIKVISION[:3] + number.to_bytes(3, "big")), T + (200 + number) * SECOND
        )
    assert (len(devices), devices.evicted) == (4, 21)
    assert devices.known(pack("10.9.9.9")) is not None
    assert devices.known(IP) is camera


def test_made_up_cameras_are_watched_only_while_there_is_room(catalogue: Catalogue) -> None:
    """Half of the room is for what was recognised; one more is watched once another was silent for an hour."""
    devices, hour = Devices(catalogue, max_devices=4), 3600 * SECOND
    gone: list[str] = []
    devices.when_evicted = lambda device: gone.append(device.key)
    made_up = [Mac(HIKVISION[:3] + number.to_bytes(3, "big")) for number in range(4)]
    first, second, third = (devices.of(pack(f"10.30.0.{n}"), made_up[n], T + n * SECOND) for n in range(3))
    assert [each.watched for each in (first, second, third)] == [True, True, False]
    assert (devices.unwatched, gone) == (1, [])
    devices.of(first.addresses[0], made_up[0], T + hour)
    later = devices.of(pack("10.30.0.3"), made_up[3], T + hour + 5 * SECOND)
    assert (later.watched, first.watched, gone) == (True, True, [second.key])


def test_a_network_that_the_user_named_goes_last(catalogue: Catalogue) -> None:
    """Its hosts are watched however many there are, and those that were only recognised make room for them."""
    devices = Devices(catalogue, cameras=[ipaddress.ip_network("10.50.0.0/16")], max_devices=4)
    recognised = devices.of(IP, HIKVISION, T)
    named = [devices.of(pack(f"10.50.0.{number}"), None, T + number * SECOND) for number in range(1, 5)]
    assert all(each.named and each.watched for each in named)
    assert devices.known(recognised.addresses[0]) is None
    assert len(devices) == 4
    assert devices.with_mac(HIKVISION) is None


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["of", "arp", "dhcp", "router", "sadp"]),
            st.integers(0, 6),
            st.integers(0, 4),
            st.integers(-30, 200),
        ),
        max_size=80,
    )
)
def test_the_indexes_agree_whatever_happens(steps: list[tuple[str, int, int, int]], known: Knowledge) -> None:
    """Every address and MAC leads to a device that is there and has it; the number of devices is bounded."""
    devices, now = (
        Devices(known.catalogue, [InventoryEntry("fixed", DeviceClass.CAMERA, (pack("10.0.0.0"),))], max_devices=5),
        T,
    )
    for act, low, which, seconds in steps:
        now += seconds * SECOND
        mac = Mac((HIKVISION[:3] if which % 2 else b"\x02\x00\x00") + bytes((0, 0, which)))
        text, spelled = f"10.0.0.{low}", mac.hex(":")
        if act == "of":
            devices.of(pack(text), mac if which else None, now)
        elif act == "sadp":
            devices.learn(announced(act, address=text, mac=spelled), pack(f"10.0.0.{which}"), mac, now)
        elif act == "router":
            devices.carries_others(mac, pack(f"8.8.8.{low}"))
        else:
            message = (
                ("ack", "request", "probe", "reply")[low % 4]
                if act == "arp"
                else ("ack", "request", "discover", "release")[low % 4]
            )
            given = None if message == "release" else text
            devices.learn(announced(act, mac=spelled, address=given, message=message), None, mac, now)
        live = list(devices)
        assert len(live) <= 5
        assert all(each in live and address in each.addresses for address, each in devices._by_address.items())
        assert all(each in live and each.mac == mac for mac, each in devices._by_mac.items())
        assert all(devices._by_address[address] is each for each in live for address in each.addresses)
        assert len({each.key for each in live}) == len(live)
        assert devices._sightings.keys() <= devices._by_address.keys()
        assert all(devices._by_mac.get(each.mac) is each for each in live if each.mac is not None)
        assert [each for each in live if each.configured] == [devices.known(pack("10.0.0.0"))]
        devices.changes(now)
