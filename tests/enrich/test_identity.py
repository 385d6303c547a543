"""Identity over time: each story is what passes on the wire, in order, and what the records are afterwards.

A story is told in seconds from its beginning. Cameras have a maker's MAC; the attacker's and the laptop's say nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor.enrich.claims import CONCLUDE_NS, MAX_CHANGES, MAX_CLAIMS, QUIET_NS, SETTLE_NS
from monitor.enrich.devices import Devices, InventoryEntry
from monitor.enrich.holders import ADDRESSED, CARRIES, FORWARDED, MAX_ADDRESSES
from monitor.model.address import Mac, eui64, mac_from_text, mac_text, pack, text
from monitor.model.contacts import DeviceClass
from monitor.model.facts import DeviceAnnounced
from monitor.model.identity import Evidence, IdentityKind
from monitor.model.limits import Room

if TYPE_CHECKING:
    from monitor.app import Knowledge
    from monitor.enrich.catalogue import Catalogue
    from monitor.model.address import Address
    from monitor.model.contacts import Device
    from monitor.model.identity import Claimant, IdentityChange

SECOND = 1_000_000_000
HOUR = 3600
START = 1_777_881_600 * SECOND
END = 2**62
HIK, AXIS, LAPTOP, PHONE, ROUTER = (
    mac_from_text(text)
    for text in (
        "44:19:b6:20:00:0b", "ac:cc:8e:00:00:07", "00:14:22:5a:10:99", "da:a1:19:4e:07:3c", "00:00:0c:07:ac:01"
    )
)  # fmt: skip
GATE, HALL, SPARE, GATEWAY = (pack(f"10.20.0.{host}") for host in (11, 12, 13, 1))
CLAIMED, CLONED = IdentityKind.ADDRESS_CLAIMED, IdentityKind.MAC_CLONED
MISMATCH, REPLACED, MOVED = IdentityKind.INVENTORY_MISMATCH, IdentityKind.REPLACED, IdentityKind.ADDRESS_MOVED


@pytest.fixture(scope="module")
def catalogue(known: Knowledge) -> Catalogue:
    return known.catalogue


class Wire:
    """What passes, as the engine hears it."""

    def __init__(self, catalogue: Catalogue, *inventory: InventoryEntry, room: int = 4096) -> None:
        self.devices = Devices(catalogue, inventory, max_devices=room)
        self.told: list[IdentityChange] = []

    def traffic(self, at: float, mac: Mac | None, ip: Address) -> Device:
        """A flow begins."""
        return self.devices.of(ip, mac, self._until(at))

    def arp(self, at: float, mac: Mac, ip: Address, message: str = "reply", by: str = "arp") -> Device | None:
        return self.says(at, by, mac, mac=mac_text(mac), address=text(ip), message=message)

    def nd(self, at: float, mac: Mac, ip: Address) -> Device | None:
        return self.arp(at, mac, ip, "advertisement", "nd")

    def dhcp(self, at: float, client: Mac, message: str, ip: Address | None = None, **more: str) -> Device | None:
        """The server's messages come with the router's MAC."""
        by = ROUTER if message in ("offer", "ack", "nak") else client
        source = GATEWAY if by == ROUTER else pack("0.0.0.0")
        address = text(ip) if ip else None
        fact = DeviceAnnounced("dhcp", mac=mac_text(client), address=address, message=message, **more)
        return self.devices.learn(fact, source, by, self._until(at))

    def says(
        self, at: float, protocol: str, frame: Mac | None, source: Address | None = None, **facts: object
    ) -> Device | None:
        """An announcement, and the MAC that its frame came from."""
        return self.devices.learn(DeviceAnnounced(protocol, **facts), source, frame, self._until(at))  # type: ignore[arg-type]

    def wait(self, at: float) -> list[IdentityChange]:
        """Nothing passes until then; what was told so far."""
        self._until(at)
        return self.told

    def kinds(self, at: float = 1e8) -> list[tuple[IdentityKind, bool]]:
        """All that was told by then, and whether it was an alarm."""
        return [(each.kind, each.alarm) for each in self.wait(at)]

    def _until(self, at: float) -> int:
        now = START + int(at * SECOND)
        self.told += self.devices.changes(now)
        return now


def camera(name: str = "gate", ip: Address | None = GATE, mac: Mac | None = None) -> InventoryEntry:
    return InventoryEntry(name, DeviceClass.CAMERA, (ip,) if ip else (), mac)


def seen(claimants: tuple[Claimant, ...]) -> list[tuple[Mac, Address, float, str]]:
    """Who, where, seconds into the story (0: never), by what."""
    return [(c.mac, c.address, (c.last_ns - START) / SECOND if c.last_ns else 0, c.by.value) for c in claimants]


# Leases


def test_a_lease_that_ran_out_passes_to_another(catalogue: Catalogue) -> None:
    """The address moves, both keep their keys and what they did; that is a note, and told once."""
    wire = Wire(catalogue)
    old = wire.traffic(0, HIK, GATE)
    new = wire.dhcp(HOUR, PHONE, "ack", GATE)
    assert new is not None
    assert wire.traffic(HOUR + 1, PHONE, GATE) is new
    wire.dhcp(2 * HOUR, PHONE, "ack", GATE)
    assert (old.key, old.addresses, new.key, new.addresses) == (mac_text(HIK), [], mac_text(PHONE), [GATE])
    assert not new.watched
    assert wire.kinds() == [(MOVED, False)]
    assert seen(wire.told[0].claimants) == [(HIK, GATE, 0, "traffic"), (PHONE, GATE, HOUR, "dhcp")]
    assert wire.told[0].device is new


def test_a_lease_that_was_given_back_passes_at_once(catalogue: Catalogue) -> None:
    """A release leaves nobody there."""
    wire = Wire(catalogue)
    old = wire.traffic(0, HIK, GATE)
    wire.dhcp(1, HIK, "release")
    wire.dhcp(2, PHONE, "ack", GATE)
    assert wire.traffic(3, PHONE, GATE) is wire.devices.with_mac(PHONE) is not old
    assert wire.kinds() == [(MOVED, False)]


def test_a_device_that_gets_another_lease_stays_itself(catalogue: Catalogue) -> None:
    """Its addresses are aliases; the earlier one goes to whoever gets it."""
    wire = Wire(catalogue)
    device = wire.traffic(0, HIK, GATE)
    wire.dhcp(HOUR, HIK, "ack", HALL)
    assert wire.traffic(HOUR + 1, HIK, HALL) is device
    assert wire.kinds() == [(MOVED, False)]
    assert (wire.told[-1].before, wire.told[-1].after) == ("10.20.0.11", "10.20.0.12")


def test_a_forged_acknowledgement_takes_nothing_from_a_host_that_is_there(catalogue: Catalogue) -> None:
    """Both are told; the camera's packets stay the camera's."""
    wire = Wire(catalogue)
    device = wire.traffic(0, HIK, GATE)
    wire.dhcp(5, LAPTOP, "ack", GATE)
    assert wire.traffic(6, HIK, GATE) is device
    assert wire.traffic(6, None, GATE) is device
    assert wire.kinds() == [(CLAIMED, True)]
    assert seen(wire.told[0].claimants) == [(HIK, GATE, 0, "traffic"), (LAPTOP, GATE, 5, "dhcp")]


def test_a_forged_acknowledgement_about_a_silent_camera_is_undone_by_its_next_packet(catalogue: Catalogue) -> None:
    """It was not heard for an hour, as in one long stream; nobody else gets what it does afterwards."""
    wire = Wire(catalogue)
    device = wire.traffic(0, HIK, GATE)
    wire.dhcp(HOUR, LAPTOP, "ack", GATE)
    assert wire.traffic(HOUR + 5, HIK, GATE) is device
    assert wire.traffic(HOUR + 6, None, GATE) is device
    assert wire.kinds() == [(MOVED, False), (CLAIMED, True)]
    assert {each.mac for each in wire.told[1].claimants} == {HIK, LAPTOP}


def test_a_forged_request_gets_no_address_that_a_camera_has(catalogue: Catalogue) -> None:
    """A server's word is needed, and one address more or less is no harm to its holder."""
    wire = Wire(catalogue)
    device = wire.traffic(0, HIK, GATE)
    wire.dhcp(HOUR, LAPTOP, "request", GATE)
    for number in range(40):
        wire.dhcp(HOUR + 1, HIK, "request", pack(f"10.20.7.{number}"))
    assert wire.traffic(HOUR + 2, HIK, GATE) is device
    assert len(device.addresses) <= MAX_ADDRESSES


def test_a_server_of_ipv6_is_not_its_client(catalogue: Catalogue) -> None:
    """A reply to a client whose identifier has no MAC in it (RFC 8415, 11) names neither."""
    wire = Wire(catalogue)
    router = wire.nd(0, ROUTER, pack("fe80::1"))
    leased = pack("2001:db8::99")
    assert wire.says(1, "dhcpv6", ROUTER, pack("fe80::1"), address=text(leased), name="ipc", message="reply") is None
    client = wire.traffic(2, HIK, leased)
    assert client.key == mac_text(HIK)
    assert router is not None
    assert (router.name, router.addresses) == (mac_text(ROUTER), [pack("fe80::1")])


@pytest.mark.parametrize("message", ["offer", "nak", "discover"])
def test_a_server_is_not_its_clients(catalogue: Catalogue, message: str) -> None:
    """What names no address binds none, and not the server's to the client it answers."""
    wire = Wire(catalogue)
    client = wire.dhcp(0, PHONE, message)
    assert client is not None
    assert (client.key, client.addresses) == (mac_text(PHONE), [])
    assert wire.devices.known(GATEWAY) is None


# One address, two MACs


@pytest.mark.parametrize("mac", [HIK, None], ids=["configured MAC", "MAC as seen"])
@pytest.mark.parametrize("by", ["arp", "nd"])
def test_one_forged_packet_names_both_and_changes_nothing(catalogue: Catalogue, mac: Mac | None, by: str) -> None:
    """While the camera is there, told at once, with when each was seen and by what."""
    wire = Wire(catalogue, camera(mac=mac))
    gate = wire.traffic(10, HIK, GATE)
    wire.arp(20, LAPTOP, GATE, by=by)
    assert wire.kinds(21) == [(CLAIMED, True)]
    assert wire.told[0].device is gate
    assert (wire.told[0].before, wire.told[0].after) == (mac_text(HIK), mac_text(LAPTOP))
    assert seen(wire.told[0].claimants) == [(HIK, GATE, 10, "traffic"), (LAPTOP, GATE, 20, by)]
    assert wire.traffic(30, HIK, GATE) is wire.traffic(31, None, GATE) is gate
    assert (gate.name, gate.mac, gate.addresses, gate.watched) == ("gate", HIK, [GATE], True)


def test_a_forged_packet_about_a_silent_camera_is_told_when_it_is_heard_again(catalogue: Catalogue) -> None:
    """Silence of more than a minute may be a long stream: its return proves that both are there."""
    wire = Wire(catalogue)
    device = wire.traffic(0, HIK, GATE)
    wire.arp(HOUR, LAPTOP, GATE)
    assert wire.kinds(HOUR + 100) == []
    assert wire.traffic(HOUR + 180, HIK, GATE) is device
    assert wire.kinds(HOUR + 181) == [(CLAIMED, True)]
    assert wire.told[0].ts_ns == START + HOUR * SECOND


def test_a_claim_that_nobody_answers_is_told_after_all(catalogue: Catalogue) -> None:
    """Neither is heard again."""
    wire = Wire(catalogue)
    device = wire.traffic(0, HIK, GATE)
    wire.arp(HOUR, LAPTOP, GATE)
    assert wire.kinds(HOUR + CONCLUDE_NS / SECOND - 1) == []
    assert wire.kinds(HOUR + CONCLUDE_NS / SECOND) == [(CLAIMED, True)]
    assert wire.devices.known(GATE) is device


def test_a_claim_is_told_once_until_it_was_quiet(catalogue: Catalogue) -> None:
    """Ten thousand replies in an hour are one claim; after an hour without it is another."""
    wire = Wire(catalogue)
    quiet = QUIET_NS // SECOND
    for second in range(0, 10_000, 1):
        wire.traffic(second, HIK, GATE)
        wire.arp(second + 0.5, LAPTOP, GATE)
    assert wire.kinds(10_000) == [(CLAIMED, True)]
    for second in (9_999 + quiet, 10_001 + quiet):
        wire.traffic(second, HIK, GATE)
    wire.arp(10_002 + quiet, LAPTOP, GATE)
    assert wire.kinds(20_000) == [(CLAIMED, True)] * 2


def test_packets_from_a_cameras_address_are_the_cameras(catalogue: Catalogue) -> None:
    """Whoever sends them: a camera that changes its MAC for them hides nothing. Both are told once no router did it."""
    wire = Wire(catalogue)
    device = wire.traffic(0, HIK, GATE)
    assert wire.traffic(10, LAPTOP, GATE) is device
    assert wire.kinds(10 + SETTLE_NS / SECOND - 1) == []
    assert wire.kinds(10 + SETTLE_NS / SECOND) == [(CLAIMED, True)]
    assert seen(wire.told[0].claimants) == [(HIK, GATE, 0, "traffic"), (LAPTOP, GATE, 10, "traffic")]


def test_a_camera_that_sends_from_another_cameras_address_is_itself(catalogue: Catalogue) -> None:
    """By its own MAC: it cannot have its doings counted as the other's."""
    wire = Wire(catalogue)
    gate, hall = wire.traffic(0, HIK, GATE), wire.traffic(1, AXIS, HALL)
    assert wire.traffic(2, AXIS, GATE) is hall
    assert wire.traffic(3, HIK, GATE) is wire.traffic(3, None, GATE) is gate
    assert wire.kinds() == [(CLAIMED, True)]


def test_a_camera_that_sends_from_a_phones_address_does_not_get_the_phones_packets(catalogue: Catalogue) -> None:
    """One forged packet with a camera's MAC makes no camera of the phone."""
    wire = Wire(catalogue)
    phone, gate = wire.traffic(0, PHONE, SPARE), wire.traffic(1, HIK, GATE)
    assert wire.traffic(2, HIK, SPARE) is gate
    assert wire.traffic(3, PHONE, SPARE) is wire.traffic(3, None, SPARE) is phone
    assert not phone.watched
    assert wire.kinds() == [(CLAIMED, True)]


def test_a_probe_claims_nothing(catalogue: Catalogue) -> None:
    """It asks whether the address is free (RFC 5227, 2.1.1)."""
    wire = Wire(catalogue)
    wire.traffic(0, HIK, GATE)
    wire.arp(1, LAPTOP, GATE, "probe")
    assert wire.kinds() == []


def test_hosts_that_nobody_watches_give_notes(catalogue: Catalogue) -> None:
    """They may matter to nobody; the record of both is kept right all the same."""
    wire = Wire(catalogue)
    wire.traffic(0, PHONE, SPARE)
    wire.arp(1, LAPTOP, SPARE)
    assert wire.kinds() == [(CLAIMED, False)]


@pytest.mark.parametrize("number", range(50))
def test_each_of_fifty_spoofs_names_both(catalogue: Catalogue, number: int) -> None:
    """By ARP, neighbour discovery, DHCP or traffic; at other times; with any MAC; told by the end."""
    wire = Wire(catalogue, *([camera(mac=HIK)] if number % 2 else []))
    attacker = Mac(bytes((0x02 * (number % 3 == 0), 0x14, 0x22, 0, 0, number)))
    at, silence = 100.0, (1, 30, 59, 61, 3000)[number % 5]
    device = wire.traffic(at, HIK, GATE)
    way = ("arp", "nd", "traffic", "dhcp")[number % 4]
    if way == "traffic":
        assert wire.traffic(at + silence, attacker, GATE) is device
    elif way == "dhcp":
        wire.dhcp(at + silence, attacker, "ack", GATE)
    else:
        wire.arp(at + silence, attacker, GATE, by=way)
    assert wire.traffic(at + silence + 2, HIK, GATE) is device
    alarms = [each for each in wire.wait(1e8) if each.alarm]
    assert [{each.mac for each in alarm.claimants} for alarm in alarms] == [{HIK, attacker}]


# Another camera at the same address


def exchanged(wire: Wire, mac: Mac) -> Device:
    """An hour at GATE, ten minutes of work, then other hardware."""
    for second in range(0, HOUR, 30):
        wire.traffic(second, HIK, GATE)
    after = HOUR + 600
    wire.arp(after, mac, GATE, "probe")
    wire.arp(after + 2, mac, GATE, "gratuitous")
    for second in range(after + 5, after + 120, 20):
        last = wire.traffic(second, mac, GATE)
    return last


def test_a_configured_camera_that_was_exchanged_stays_the_configured_one(catalogue: Catalogue) -> None:
    """Told as replaced, not as spoofed, after a minute of it; the record has the new MAC and maker."""
    wire = Wire(catalogue, camera())
    gate = exchanged(wire, AXIS)
    assert (gate.name, gate.mac, gate.addresses) == ("gate", AXIS, [GATE])
    assert wire.kinds() == [(REPLACED, True)]
    assert (wire.told[0].before, wire.told[0].after) == (mac_text(HIK), mac_text(AXIS))
    assert [each.mac for each in wire.told[0].claimants] == [HIK, AXIS]
    assert (gate.vendor, gate.vendor_by) == ("axis", "oui")


@pytest.mark.parametrize("mac", [AXIS, LAPTOP, PHONE], ids=["camera", "unknown", "randomised"])
def test_what_takes_the_place_of_a_camera_is_watched(catalogue: Catalogue, mac: Mac) -> None:
    """It is a device of its own, the earlier one keeps what it did; a new MAC is no way out of sight."""
    wire = Wire(catalogue)
    new = exchanged(wire, mac)
    old = wire.devices.with_mac(HIK)
    assert old is not None
    assert (new.key, new.addresses, new.watched) == (mac_text(mac), [GATE], True)
    assert (old.key, old.addresses, old.watched) == (mac_text(HIK), [], True)
    assert wire.kinds() == [(REPLACED, True)]
    assert wire.told[0].claimants[1].randomised is (mac == PHONE)


def test_one_packet_does_not_replace_a_silent_camera(catalogue: Catalogue) -> None:
    """Nor do two within a minute."""
    wire = Wire(catalogue, camera())
    gate = wire.traffic(0, HIK, GATE)
    wire.arp(HOUR, AXIS, GATE)
    wire.arp(HOUR + 59, AXIS, GATE)
    assert gate.mac == HIK
    wire.traffic(HOUR + 60, HIK, GATE)
    wire.arp(HOUR + 61, AXIS, GATE)
    assert gate.mac == HIK
    assert wire.kinds() == [(CLAIMED, True)]


def test_a_minute_begins_anew_when_the_camera_was_heard(catalogue: Catalogue) -> None:
    """A claim of long ago and one of now are no minute of presence."""
    wire = Wire(catalogue, camera())
    gate = wire.traffic(0, HIK, GATE)
    wire.arp(HOUR, AXIS, GATE)
    wire.traffic(HOUR + 30, HIK, GATE)
    wire.arp(HOUR + 95, AXIS, GATE)
    assert gate.mac == HIK
    assert wire.kinds() == [(CLAIMED, True)]


def test_a_lease_that_nobody_uses_keeps_no_camera_out(catalogue: Catalogue) -> None:
    """A server's word for a configured address, forged or not, before its camera was seen: the camera has it soon."""
    wire = Wire(catalogue, camera())
    wire.dhcp(0, LAPTOP, "ack", GATE)
    for second in range(5, 80, 10):
        gate = wire.traffic(second, HIK, GATE)
    assert (gate.name, gate.mac) == ("gate", HIK)
    assert wire.kinds() == [(REPLACED, True)]


def test_a_replaced_camera_that_comes_back_was_not_replaced(catalogue: Catalogue) -> None:
    """An attacker waited for its silence: its first packet gets the address back, and both are told."""
    wire = Wire(catalogue)
    exchanged(wire, LAPTOP)
    old = wire.devices.with_mac(HIK)
    back = wire.traffic(2 * HOUR, HIK, GATE)
    assert back is old is wire.devices.known(GATE)
    assert wire.kinds() == [(REPLACED, True), (CLAIMED, True)]


def test_cameras_that_swap_their_addresses_are_what_the_inventory_calls_these(catalogue: Catalogue) -> None:
    """Named by address, they change their MACs; each exchange is told."""
    wire = Wire(catalogue, camera("gate", GATE), camera("hall", HALL))
    wire.traffic(0, HIK, GATE)
    wire.traffic(0, AXIS, HALL)
    for second in range(600, 800, 10):
        gate, hall = wire.traffic(second, AXIS, GATE), wire.traffic(second, HIK, HALL)
    assert (gate.name, hall.name) == ("gate", "hall")
    assert {kind for kind, _ in wire.kinds()} <= {REPLACED, CLAIMED, MISMATCH}
    assert {each.device.name for each in wire.told} == {"gate", "hall"}


def test_a_phone_that_changes_its_mac_is_another_device(catalogue: Catalogue) -> None:
    """Locally administered MACs come and go; nobody is alarmed."""
    wire = Wire(catalogue)
    for day in range(5):
        mac = Mac(b"\xda\xa1\x19\x00\x00" + bytes((day,)))
        device = wire.dhcp(day * 24 * HOUR, mac, "ack", SPARE)
        assert device is not None
        assert wire.traffic(day * 24 * HOUR + 1, mac, SPARE) is device
    assert wire.kinds() == [(MOVED, False)] * 4
    assert all(claimant.randomised for each in wire.told for claimant in each.claimants)


# Inventory


def test_a_configured_address_answered_by_another_mac(catalogue: Catalogue) -> None:
    """The configured MAC was never seen: told as a contradiction, by what is known of each; the record stays."""
    wire = Wire(catalogue, camera(mac=HIK))
    gate = wire.traffic(5, AXIS, GATE)
    assert (gate.name, gate.mac) == ("gate", HIK)
    assert wire.kinds() == [(MISMATCH, True)]
    assert seen(wire.told[0].claimants) == [(HIK, GATE, 0, "inventory"), (AXIS, GATE, 5, "traffic")]


def test_a_configured_mac_that_gives_way_to_another(catalogue: Catalogue) -> None:
    """Silent since, as after an exchange of which nobody told the inventory."""
    wire = Wire(catalogue, camera(mac=HIK))
    gate = exchanged(wire, AXIS)
    assert (gate.name, gate.mac) == ("gate", HIK)
    assert wire.kinds() == [(MISMATCH, True)]


def test_a_configured_mac_at_another_address(catalogue: Catalogue) -> None:
    """It is the configured device, wherever it is."""
    wire = Wire(catalogue, camera(mac=HIK))
    gate = wire.traffic(5, HIK, SPARE)
    assert gate.name == "gate"
    assert wire.kinds() == [(MISMATCH, True)]
    assert seen(wire.told[0].claimants) == [(HIK, GATE, 0, "inventory"), (HIK, SPARE, 5, "traffic")]


def test_a_configured_mac_without_an_address_may_have_any(catalogue: Catalogue) -> None:
    """DHCP gives them."""
    wire = Wire(catalogue, camera(ip=None, mac=PHONE))
    for hour, ip in enumerate((GATE, HALL, SPARE)):
        assert wire.traffic(hour * HOUR, PHONE, ip).name == "gate"
    assert wire.kinds() == [(MOVED, False)] * 2


def test_forwarded_packets_with_a_configured_mac_do_not_hide_it(catalogue: Catalogue) -> None:
    """However many are forged, what the user said is no router stays a device."""
    wire = Wire(catalogue, camera(ip=None, mac=PHONE))
    for number in range(2 * CARRIES):
        wire.devices.carries_others(PHONE, pack(f"8.8.8.{number}"))
    assert wire.dhcp(1, PHONE, "ack", SPARE) is wire.traffic(2, PHONE, SPARE)
    assert wire.traffic(3, PHONE, SPARE).name == "gate"


def test_a_configured_camera_that_boots_is_one_device(catalogue: Catalogue) -> None:
    """Known by its address alone, it is heard first without: by DHCP and IPv6."""
    wire = Wire(catalogue, camera())
    local = pack("fe80::4619:b6ff:fe20:b")
    wire.dhcp(0, HIK, "discover", name="IPC")
    wire.nd(0.5, HIK, local)
    wire.dhcp(1, HIK, "ack", GATE)
    wire.arp(2, HIK, GATE, "gratuitous")
    gate = wire.traffic(3, HIK, GATE)
    assert (gate.name, gate.mac, set(gate.addresses)) == ("gate", HIK, {GATE, local})
    assert wire.traffic(4, HIK, pack("2001:db8::77")) is gate
    assert len(wire.devices) == 1
    assert wire.kinds() == []


# One MAC, two addresses


def test_a_cloned_mac_is_told_when_both_are_seen_in_turn(catalogue: Catalogue) -> None:
    """With both addresses; the clone is watched as the camera is."""
    wire = Wire(catalogue, camera(mac=HIK))
    gate = wire.traffic(0, HIK, GATE)
    wire.traffic(5, HIK, SPARE)
    wire.traffic(10, HIK, GATE)
    cloned = [each for each in wire.wait(1e8) if each.kind is CLONED]
    assert [(each.device, each.alarm) for each in cloned] == [(gate, True)]
    assert {(each.mac, each.address) for each in cloned[0].claimants} == {(HIK, GATE), (HIK, SPARE)}
    assert wire.devices.of(SPARE, HIK, START + 20 * SECOND).watched


def test_a_cameras_mac_at_a_second_address_is_not_out_of_sight(catalogue: Catalogue) -> None:
    """Whether a clone or the camera itself uses it, the host there is a camera by its MAC."""
    wire = Wire(catalogue)
    for second in range(0, 50, 10):
        wire.traffic(second, HIK, GATE)
        other = wire.traffic(second + 5, HIK, SPARE)
    assert other.watched
    assert wire.kinds() == [(CLONED, True)]


@pytest.mark.parametrize("how", ["discover", "probe"])
def test_a_device_that_boots_through_a_fallback_address_is_itself(catalogue: Catalogue, how: str) -> None:
    """Lease, fixed fallback, lease again, seconds apart: it asks before it returns, by DHCP or with a probe."""
    wire = Wire(catalogue)
    for boot in range(0, 300, 30):
        for second in (0, 1):
            wire.traffic(boot + second, HIK, GATE)
        for second in (2, 8):
            wire.traffic(boot + second, HIK, SPARE)
        if how == "discover":
            wire.dhcp(boot + 12, HIK, "discover")
            wire.dhcp(boot + 13, HIK, "ack", GATE)
        else:
            wire.arp(boot + 12, HIK, GATE, "probe")
    wire.traffic(301, HIK, GATE)
    assert [each for each in wire.wait(1e8) if each.alarm] == []


def test_there_and_back_once_is_told_as_uncertain(catalogue: Catalogue) -> None:
    """One host that changes its address shows that too; who goes there and back again and again is two."""
    for turns, certain in ((1, False), (2, True), (5, True)):
        wire = Wire(catalogue)
        wire.traffic(0, HIK, GATE)
        for turn in range(turns):
            wire.traffic(20 * turn + 10, HIK, SPARE)
            wire.traffic(20 * turn + 20, HIK, GATE)
        assert wire.kinds() == [(CLONED, True)]
        assert wire.told[0].certain is certain


def test_what_was_uncertain_is_told_again_when_it_goes_on(catalogue: Catalogue) -> None:
    """A quarter of an hour later, once."""
    late = CONCLUDE_NS // SECOND + 100
    wire = Wire(catalogue)
    for second in (0, late, late + 20, late + 40):
        wire.traffic(second, HIK, GATE)
        wire.traffic(second + 5, HIK, SPARE)
        wire.traffic(second + 10, HIK, GATE)
    assert [each.certain for each in wire.wait(1e8) if each.kind is CLONED] == [False, True]


def test_a_discover_of_another_host_explains_nothing(catalogue: Catalogue) -> None:
    """Nor does one from before both addresses were used."""
    wire = Wire(catalogue)
    wire.dhcp(0, HIK, "discover")
    for turn in range(3):
        wire.traffic(10 * turn + 1, HIK, GATE)
        wire.traffic(10 * turn + 2, HIK, SPARE)
        wire.dhcp(10 * turn + 3, PHONE, "discover")
    assert wire.kinds() == [(CLONED, True)]
    assert wire.told[0].certain


def test_what_a_device_forwards_is_another_hosts(catalogue: Catalogue) -> None:
    """A phone on its set-up network, behind its MAC: no clone, whoever is behind it, until ARP says so too."""
    wire = Wire(catalogue)
    device = wire.traffic(0, HIK, GATE)
    for second in range(2, 40, 4):
        behind = wire.devices.of(SPARE, HIK, START + second * SECOND, FORWARDED)
        assert wire.traffic(second + 2, HIK, GATE) is device is not behind
    assert wire.kinds(50) == []
    for second in range(60, 100, 4):
        wire.arp(second, HIK, SPARE)
        wire.traffic(second + 2, HIK, GATE)
    assert wire.kinds() == [(CLONED, True)]


def test_a_camera_that_was_given_another_address_by_hand_is_itself(catalogue: Catalogue) -> None:
    """Its earlier address is silent, as ARP shows or its maker's MAC."""
    for first in (Wire.arp, Wire.traffic):
        wire = Wire(catalogue)
        device = wire.traffic(0, HIK, GATE)
        first(wire, 90, HIK, SPARE)
        assert wire.traffic(95, HIK, SPARE) is device
        assert device.addresses == [GATE, SPARE]
        assert wire.kinds() == [(MOVED, False)]


def test_a_camera_that_changes_its_address_at_once_is_itself_after_a_minute(catalogue: Catalogue) -> None:
    """Until then the address is a camera's of its own, since it may be a clone; nobody is alarmed."""
    wire = Wire(catalogue)
    device = wire.traffic(0, HIK, GATE)
    assert wire.traffic(5, HIK, SPARE).watched
    assert wire.traffic(70, HIK, SPARE) is device
    assert wire.kinds() == []


# Routers


def test_a_router_in_front_of_configured_cameras(catalogue: Catalogue) -> None:
    """Its MAC is nobody's; hosts behind it are their addresses, and a phone there is not the camera."""
    wire = Wire(catalogue, camera("gate", GATE), camera("hall", HALL))
    wire.traffic(0, ROUTER, GATE)
    phone = wire.traffic(0.1, ROUTER, SPARE)
    for number, ip in enumerate((HALL, SPARE, GATE, pack("10.20.0.14"), pack("10.20.0.15"))):
        wire.traffic(1 + number, ROUTER, ip)
    assert [(d.name, d.mac) for d in wire.devices if d.configured] == [("gate", None), ("hall", None)]
    assert (phone.key, phone.watched) == ("10.20.0.13", False)
    assert wire.devices.routes(ROUTER)
    assert [each for each in wire.wait(1e8) if each.alarm] == []


def test_packets_that_a_router_forwards_claim_nothing(catalogue: Catalogue) -> None:
    """A mirror of two networks shows each host twice: with its own MAC, and with the router's."""
    wire = Wire(catalogue)
    own = [wire.traffic(0, Mac(HIK[:5] + bytes((host,))), pack(f"10.20.0.{host}")) for host in range(20, 30)]
    again = [wire.traffic(1, ROUTER, pack(f"10.20.0.{host}")) for host in range(20, 30)]
    assert again == own
    assert wire.kinds() == []


def test_a_router_that_answers_for_a_camera_is_told(catalogue: Catalogue) -> None:
    """Whoever stands in the middle forwards for others and looks like one: its ARP betrays it."""
    wire = Wire(catalogue)
    for number in range(CARRIES):
        wire.devices.carries_others(LAPTOP, pack(f"8.8.8.{number}"))
    device = wire.traffic(0, HIK, GATE)
    wire.arp(1, LAPTOP, GATE)
    assert wire.traffic(2, LAPTOP, GATE) is device
    assert wire.kinds() == [(CLAIMED, True)]


def test_who_takes_the_routers_address_is_told(catalogue: Catalogue) -> None:
    """All that the cameras send off their network goes there."""
    wire = Wire(catalogue)
    for number in range(CARRIES):
        wire.devices.carries_others(ROUTER, pack(f"8.8.8.{number}"))
    wire.arp(0, ROUTER, GATEWAY)
    wire.arp(5, LAPTOP, GATEWAY)
    wire.arp(6, ROUTER, GATEWAY)
    assert wire.kinds() == [(CLAIMED, True)]
    assert seen(wire.told[0].claimants) == [(ROUTER, GATEWAY, 0, "arp"), (LAPTOP, GATEWAY, 5, "arp")]


def test_what_a_packet_was_addressed_to_claims_nothing(catalogue: Catalogue) -> None:
    """A neighbour's cache may be old: a MAC that is sent to need not be there."""
    wire = Wire(catalogue)
    device = wire.traffic(0, HIK, GATE)
    assert wire.devices.of(GATE, LAPTOP, START + SECOND, ADDRESSED) is device
    wire.devices.of(SPARE, HIK, START + SECOND, ADDRESSED)
    assert wire.kinds() == []


# IPv6


def test_privacy_addresses_rotate_and_the_others_stay(catalogue: Catalogue) -> None:
    """A hundred of one MAC are one device; its IPv4 address and its configured ones are not pushed out."""
    fixed = pack("2001:db8::b")
    wire = Wire(catalogue, InventoryEntry("gate", DeviceClass.CAMERA, (GATE, fixed), HIK))
    gate = wire.traffic(0, HIK, GATE)
    for number in range(100):
        assert wire.traffic(1 + number, HIK, pack(f"2001:db8::{number + 100:x}:1")) is gate
    assert {GATE, fixed} < set(gate.addresses)
    assert len(gate.addresses) == MAX_ADDRESSES
    assert wire.devices.known(GATE) is gate
    assert wire.kinds() == []


def test_the_address_that_is_used_stays(catalogue: Catalogue) -> None:
    """The one that was not heard for longest goes first."""
    wire = Wire(catalogue)
    stable = pack("2001:db8::5")
    for number in range(100):
        device = wire.traffic(2 * number, HIK, stable)
        wire.traffic(2 * number + 1, HIK, pack(f"2001:db8::{number + 100:x}:1"))
    assert stable in device.addresses
    assert wire.devices.known(stable) is device


def test_rotating_addresses_do_not_push_out_ipv4(catalogue: Catalogue) -> None:
    """Whoever forges neighbour discovery with a camera's MAC does not take its address from its record."""
    wire = Wire(catalogue)
    device = wire.traffic(0, HIK, GATE)
    for number in range(100):
        wire.nd(1 + number, HIK, pack(f"2001:db8::{number + 100:x}:1"))
    assert wire.traffic(200, None, GATE) is device


def test_an_address_made_from_another_mac_is_another_hosts(catalogue: Catalogue) -> None:
    """EUI-64 names its host (RFC 4291, appendix A): whoever forwards it is a router, sooner or later."""
    behind = pack("2001:db8::4619:b6ff:fe20:b")
    assert eui64(behind) == HIK
    wire = Wire(catalogue)
    own = wire.traffic(0, LAPTOP, pack("2001:db8::214:22ff:fe5a:1099"))
    assert own.key == mac_text(LAPTOP)
    assert wire.traffic(1, LAPTOP, behind) is not own
    for number in range(CARRIES):
        wire.traffic(2, LAPTOP, pack(f"2001:db8::4619:b6ff:fe21:{number}"))
    assert wire.devices.routes(LAPTOP)


@pytest.mark.parametrize("spelled", ["10.20.0.1", "fe80::1", "fe80::d8a1:19ff:fe4e:73c", "2001:db8::ff:fe01"])
def test_not_every_address_has_a_mac_in_it(spelled: str) -> None:
    """IPv4, other identifiers, and those of locally administered MACs: anybody may have made these."""
    assert eui64(pack(spelled)) is None


def test_an_ipv6_address_claimed_by_another_mac(catalogue: Catalogue) -> None:
    """As with ARP."""
    wire = Wire(catalogue)
    ip = pack("2001:db8::77")
    device = wire.traffic(0, HIK, ip)
    wire.nd(1, LAPTOP, ip)
    assert wire.traffic(2, None, ip) is device
    assert wire.kinds() == [(CLAIMED, True)]


# What a device says of itself


def test_another_host_cannot_speak_for_a_camera(catalogue: Catalogue) -> None:
    """Neither its name nor its model: from its address that is a claim like any other."""
    wire = Wire(catalogue)
    device = wire.traffic(0, HIK, GATE)
    wire.dhcp(1, HIK, "request", GATE, name="gate")
    wire.says(2, "sadp", HIK, GATE, model="DS-2CD2385G1-I", address="10.20.0.11")
    wire.says(3, "sadp", LAPTOP, GATE, model="Toaster", address="10.20.0.11")
    wire.says(3, "dhcp", LAPTOP, GATE, mac=mac_text(HIK), name="printer", message="request")
    assert (device.name, device.model) == ("gate", "DS-2CD2385G1-I")
    assert wire.kinds() == [(CLAIMED, True)]
    assert [each.mac for each in wire.told[0].claimants] == [HIK, LAPTOP]


def test_another_host_cannot_make_a_phone_a_camera(catalogue: Catalogue) -> None:
    wire = Wire(catalogue)
    phone = wire.traffic(0, PHONE, SPARE)
    wire.says(1, "sadp", LAPTOP, SPARE, model="DS-2CD", address="10.20.0.13")
    assert not phone.watched


@pytest.mark.parametrize(
    ("protocol", "first", "second", "kind"),
    [
        ("sadp", {"model": "DS-2CD2385G1-I"}, {"model": "DS-2CD2043G2-I"}, IdentityKind.MODEL_CHANGED),
        ("sadp", {"serial": "A1"}, {"serial": "B2"}, IdentityKind.SERIAL_CHANGED),
        ("dhdiscover", {"vendor": "Dahua"}, {"vendor": "Amcrest"}, IdentityKind.VENDOR_CHANGED),
        (
            "wsdiscovery",
            {"services": ("NetworkVideoTransmitter",)},
            {"services": ("NetworkVideoStorage",)},
            IdentityKind.CLASS_CHANGED,
        ),
    ],
)
def test_a_camera_that_says_it_is_another(
    catalogue: Catalogue, protocol: str, first: dict[str, object], second: dict[str, object], kind: IdentityKind
) -> None:
    """Other hardware behind the same MAC, or a lie: told once each time that it changes."""
    wire = Wire(catalogue)
    wire.traffic(0, HIK, GATE)
    for second_of, said in enumerate((first, first, second, second)):
        wire.says(second_of, protocol, HIK, GATE, **said)
    assert wire.kinds() == [(kind, True)]
    assert wire.told[0].claimants == ()
    assert wire.told[0].before != wire.told[0].after


def test_protocols_that_spell_a_model_otherwise_change_nothing(catalogue: Catalogue) -> None:
    """Each is compared with itself; where several services of a host speak, with nothing."""
    wire = Wire(catalogue)
    wire.traffic(0, AXIS, GATE)
    for second in range(10):
        wire.says(second, "wsdiscovery", AXIS, GATE, model="M1065-LW")
        wire.says(second, "mdns", AXIS, GATE, model=("AXIS M1065-LW", "M1065")[second % 2])
    assert wire.kinds() == []


def test_a_new_host_name_is_a_note(catalogue: Catalogue) -> None:
    """Who runs the site may rename a camera."""
    wire = Wire(catalogue)
    wire.dhcp(0, HIK, "request", GATE, name="gate")
    device = wire.dhcp(1, HIK, "request", GATE, name="gate-2")
    assert device is not None
    assert device.name == "gate-2"
    assert wire.kinds() == [(IdentityKind.NAME_CHANGED, False)]


# Bounds and order


def test_a_packet_to_a_camera_makes_no_stranger_of_it(catalogue: Catalogue) -> None:
    """Heard by MAC alone, then called from outside, then heard with its address: one device."""
    wire = Wire(catalogue)
    device = wire.dhcp(0, HIK, "discover")
    wire.traffic(1, None, GATE)
    assert wire.traffic(2, HIK, GATE) is device is wire.devices.known(GATE)


def test_a_flood_of_claims_is_bounded_and_counted(catalogue: Catalogue) -> None:
    """Those that give way are told before; of what is told, no more than one tick's worth waits."""
    wire = Wire(catalogue)
    device = wire.traffic(0, HIK, GATE)
    flood = 3 * MAX_CLAIMS
    for number in range(flood):
        wire.devices.of(GATE, Mac(b"\x00\x14" + number.to_bytes(4, "big")), START + 100 * SECOND, "arp")
    limits = {each.name: each for each in wire.devices.limits()}
    assert (limits[Room.CLAIMS].size, limits[Room.CLAIMS].turned_away) == (MAX_CLAIMS, flood - MAX_CLAIMS)
    assert limits[Room.CHANGES].size == MAX_CHANGES
    assert limits[Room.CHANGES].turned_away == flood - MAX_CLAIMS - MAX_CHANGES
    assert wire.traffic(101, HIK, GATE) is device
    assert len(wire.devices) == 1


def test_words_for_people_say_who_where_and_how(catalogue: Catalogue) -> None:
    wire = Wire(catalogue)
    wire.traffic(0, HIK, GATE)
    wire.arp(1, PHONE, GATE)
    held, taken = wire.wait(1e8)[0].claimants
    assert str(held) == "44:19:b6:20:00:0b at 10.20.0.11 by traffic"
    assert str(taken) == "da:a1:19:4e:07:3c, locally administered at 10.20.0.11 by arp"
    assert (held.by, taken.by) == (Evidence.TRAFFIC, Evidence.ARP)
