"""Whose doing it is, and whose end it is: operators that become known late, change, or share an address."""

from __future__ import annotations

import struct
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest

from monitor.model.address import pack, text
from monitor.model.community_id import community_id
from monitor.model.contacts import Contact, Device, Outcome, Trait
from monitor.model.incidents import Activity, Kind, Severity
from pcaps import messages, packets
from pcaps.messages import Pppp, pppp
from pcaps.packets import ACK, RST, SYN, Host, Segment, tcp
from pcaps.wire import MINUTE, MS, SECOND, Connection, boot, lookup, time_sync
from tests.engine.played import (
    AMAZON_IE,
    AMAZON_IE_2,
    MICROSOFT_GB,
    ROUTER,
    START,
    TENCENT,
    UNKNOWN_CN,
    Site,
    configured,
    group,
    play,
)
from tests.incidents.test_words import NOBODY
from tests.protocols import test_stun as stun

if TYPE_CHECKING:
    from ipaddress import IPv4Network

    from monitor.app import Knowledge
    from monitor.model.incidents import Transition

SLOW = 400 * MS
"""A round trip longer than the opening of an incident waits for a hello."""
HIK, DAHUA = "dev.hik-connect.com", "www.easy4ipcloud.com"


def session(site: Site, at: int, camera: Host, ip: str, sni: str | None, *, rtt: int = 38 * MS) -> Connection:
    """A TLS session with some data."""
    connection = Connection(site.wire, camera, site.remote(ip), 443, at=at, rng=site.rng, rtt=rtt)
    connection.tls(site.rng, sni)
    connection.close()
    return connection


def test_a_hello_in_time_opens_the_incident_with_its_operator(known: Knowledge) -> None:
    """The opening waits a moment for it, so that the kind is right from the first message."""
    site = Site()
    session(site, START, site.gate, AMAZON_IE, HIK)
    played = play(known, site)
    assert [each.kind for each in played.openings()] == [Kind.VENDOR_CLOUD]
    assert (played.only().outcome, played.only().attempts) == (Outcome.TRANSFERRED, 1)
    assert played.only().evidences[0].remote_name == HIK


def test_a_hello_after_the_opening_keeps_the_incident(known: Knowledge) -> None:
    """The kind stays, the operator is the better one, the vendor cloud becomes a property, the id does not change."""
    site = Site()
    session(site, START, site.gate, AMAZON_IE, HIK, rtt=SLOW)
    played = play(known, site)
    last = played.only()
    assert played.openings()[0].verdict.operator != last.verdict.operator
    assert (last.kind, last.verdict.vendor, last.attempts) == (Kind.UNEXPECTED_CONTACT, "hikvision", 1)
    assert "vendor_cloud" in last.properties
    assert last.merged_into is None


def test_what_turns_out_to_be_another_incident_ends_in_it(known: Knowledge) -> None:
    """A second address of the same cloud, first known by its network only, merges; counts are in one place."""
    site = Site()
    session(site, START, site.gate, AMAZON_IE, HIK)
    session(site, START + MINUTE, site.gate, AMAZON_IE_2, HIK, rtt=SLOW)
    played = play(known, site)
    first, second = (each.incident for each in played.openings())
    ended = played.incidents[second]
    assert (ended.activity, ended.merged_into, ended.attempts) == (Activity.END, first, 0)
    assert played.incidents[first].attempts == 2
    assert played.remotes(played.incidents[first]) == {AMAZON_IE, AMAZON_IE_2}


def test_a_service_is_shown_under_the_name_that_was_asked_for_before_it(known: Knowledge) -> None:
    """A name that was asked for later, for another service of that address, is said beside it."""
    site = Site()
    at = lookup(site.wire, START, site.gate, site.server, "sas-1.example.org", AMAZON_IE)
    Connection(site.wire, site.gate, site.remote(AMAZON_IE), 80, at=at + 30 * MS, rng=site.rng).open()
    at = lookup(site.wire, START + MINUTE, site.gate, site.server, "sas.example.org", AMAZON_IE)
    site.wire.udp(at + 4 * MS, site.gate, 40001, site.remote(AMAZON_IE), 3478, b"hello")
    last = play(known, site).only()
    assert [(each.remote_name, each.remote_port) for each in last.evidences] == [("sas-1.example.org", 80)]
    assert f"sas-1.example.org at {AMAZON_IE} (also as sas.example.org) (" in last.message


def test_two_operators_on_one_address_are_two_incidents(known: Knowledge) -> None:
    """By what the camera itself says in its hellos; attempts and bytes belong to each."""
    site = Site()
    for number, name in enumerate((HIK, DAHUA, HIK, DAHUA, DAHUA)):
        session(site, START + number * MINUTE, site.gate, AMAZON_IE, name)
    played = play(known, site)
    by_vendor = {each.verdict.vendor: each for each in played.of("gate")}
    assert {vendor: each.attempts for vendor, each in by_vendor.items()} == {"hikvision": 2, "dahua": 3}
    frames = list(site.wire.frames())
    total = sum(len(frame.data) for frame in frames)
    assert sum(each.bytes_out + each.bytes_in for each in by_vendor.values()) == total


def test_names_that_were_told_are_kept_apart_from_names_that_are_said(known: Knowledge) -> None:
    """Two names were told for one address; the hello decides, and later flows of either name find their own contact."""
    site = Site()
    at = START
    said = [HIK, DAHUA, HIK, "updates.fleet.example", DAHUA, HIK]
    for name in said:
        lookup(site.wire, at, site.gate, site.server, name, AMAZON_IE)
        other = DAHUA if name == HIK else HIK
        lookup(site.wire, at + SECOND, site.gate, site.server, other, AMAZON_IE)
        session(site, at + 2 * SECOND, site.gate, AMAZON_IE, name)
        at += 5 * MINUTE
    played = play(known, site)
    attempts = {each.verdict.operator: each.attempts for each in played.of("gate")}
    assert attempts == {"Hikvision": 3, "Dahua": 2, "fleet.example": 1}


def test_three_names_on_one_connection_leave_the_others_alone(known: Knowledge) -> None:
    """Hosts of other operators in one connection do not turn a contact into somebody else's for good."""
    site = Site()

    def ask(at: int, *hosts: str) -> None:
        connection = Connection(site.wire, site.gate, site.remote(AMAZON_IE), 80, at=at, rng=site.rng)
        connection.open()
        for host in hosts:
            connection.say(messages.request("GET", "/", "HTTP/1.1", {"Host": host}))
            connection.hear(messages.response("200 OK", "HTTP/1.1", {"Content-Length": "0"}))
        connection.close()

    ask(START, "one.example.com")
    ask(START + MINUTE, HIK, DAHUA)
    ask(START + 2 * MINUTE, HIK)
    ask(START + 3 * MINUTE, DAHUA)
    ask(START + 4 * MINUTE, "one.example.com")
    played = play(known, site)
    attempts = {each.verdict.operator: each.attempts for each in played.of("gate")}
    assert attempts["example.com"] == 2
    assert attempts["Hikvision"] >= 1
    assert sum(attempts.values()) == 5
    assert attempts["Hikvision"] + attempts["Dahua"] == 3
    assert attempts["Hikvision"] in (1, 2)


def test_a_peer_to_peer_protocol_after_silence_names_the_network(known: Knowledge) -> None:
    """A datagram that says nothing opens it as unexpected; what follows says whose protocol it is."""
    site = Site()
    site.wire.udp(START, site.gate, 40000, site.remote(UNKNOWN_CN), 32100, b"")
    site.wire.udp(START + 2 * SECOND, site.gate, 40000, site.remote(UNKNOWN_CN), 32100, pppp(Pppp.HELLO))
    site.wire.udp(
        START + 3 * SECOND, site.remote(UNKNOWN_CN), 32100, site.gate, 40000,
        pppp(Pppp.HELLO_ACK, messages.pppp_address(bytes((81, 2, 69, 142)), 40000)),
    )  # fmt: skip
    played = play(known, site)
    last = played.only()
    assert played.openings()[0].kind is Kind.UNEXPECTED_CONTACT
    assert "p2p_cloud" in last.properties
    assert (last.verdict.operator_key, last.outcome, last.attempts) == ("p2p:pppp", Outcome.TRANSFERRED, 2)


def test_a_hello_that_is_allowed_ends_the_incident(known: Knowledge) -> None:
    """By a rule for its name, after only the address was known; the last message says which rule."""
    site = Site()
    session(site, START, site.gate, MICROSOFT_GB, "updates.fleet.example", rtt=SLOW)
    config = group(allow=["updates.fleet.example tcp/443"])
    played = play(known, site, config)
    assert [each.activity for each in played.told] == [Activity.NEW, Activity.END]
    assert played.only().rule == "group cameras: allow updates.fleet.example tcp/443"
    assert played.only().merged_into is None


def test_an_allowed_contact_leaves_the_rest_of_its_incident_as_it_was(known: Knowledge) -> None:
    """Its counts go; the rule that refuses the others stays the incident's."""
    site = Site()
    Connection(site.wire, site.gate, site.remote("20.90.130.10"), 443, at=START, rng=site.rng).unanswered()
    session(site, START + MINUTE, site.gate, "20.90.130.11", "updates.fleet.example", rtt=SLOW)
    config = group(allow=["updates.fleet.example tcp/443"])
    played = play(known, site, config)
    last = played.only()
    assert last.attempts == 1
    assert "none of 1 allow rules" in last.rule


def test_a_phone_beside_a_camera_is_not_the_camera(known: Knowledge) -> None:
    """What a stranger on the camera network does is nobody's incident."""
    site = Site()
    time_sync(site.wire, START, site.gate, site.server)
    session(site, START + SECOND, site.phone, AMAZON_IE, HIK)
    lookup(site.wire, START + MINUTE, site.phone, site.server, DAHUA, AMAZON_IE_2)
    assert play(known, site).told == []


def test_a_phone_that_gets_an_address_a_camera_had_is_not_the_camera(known: Knowledge) -> None:
    """The server's acknowledgement says to whom the address belongs now."""
    site = Site()
    camera = Host.at("10.20.0.77", "44:19:b6:20:00:4d")
    phone = Host.at("10.20.0.77", "da:a1:19:4e:07:3c")
    boot(site.wire, START, messages.Lease(1, camera, site.router, site.server.ip, site.server.ip, "cam", "Hikvision"))
    session(site, START + MINUTE, camera, AMAZON_IE, HIK)
    boot(
        site.wire,
        START + 60 * MINUTE,
        messages.Lease(2, phone, site.router, site.server.ip, site.server.ip, "phone", "android"),
    )
    session(site, START + 61 * MINUTE, phone, AMAZON_IE_2, DAHUA)
    played = play(known, site)
    assert [each.verdict.vendor for each in played.incidents.values()] == ["hikvision"]


def test_a_camera_that_is_recognised_later_is_judged_from_its_first_packet(known: Knowledge) -> None:
    """What an unknown host did counts once it says what it is."""
    site = Site()
    late = Host.at("10.20.0.55", "02:00:00:00:00:55")
    session(site, START, late, AMAZON_IE, DAHUA)
    Connection(site.wire, late, site.remote(UNKNOWN_CN), 8000, at=START + MINUTE, rng=site.rng).unanswered()
    site.wire.udp(START + 2 * MINUTE, late, 40000, site.remote(TENCENT), 32100, pppp(Pppp.HELLO))
    site.wire.udp(
        START + 3 * MINUTE,
        late,
        40000,
        site.remote(TENCENT),
        32100,
        pppp(Pppp.DEV_LGN, messages.pppp_uid("VSTA", 123456, "ABCDE")),
    )
    played = play(known, site)
    if not played.told:
        announced = messages.mdns_announcement(
            "_axis-video._tcp.local", "axis", "axis.local", late.ip, "macaddress=ACCC8E000055"
        )
        site.wire.udp(
            START + 4 * MINUTE, late, 5353, Host(b"\x01\x00\x5e\x00\x00\xfb", bytes((224, 0, 0, 251))), 5353, announced
        )
        played = play(known, site)
    found = {each.verdict.operator_key: each for each in played.incidents.values()}
    assert {"vendor:dahua", "as:58461"} <= set(found)
    assert found["vendor:dahua"].first_ns == START
    assert found["as:58461"].attempts == 1
    assert all(each.time_ns >= START + 2 * MINUTE for each in played.told)


def test_somebody_who_calls_a_camera_is_not_the_cameras_doing(known: Knowledge) -> None:
    """A connection from outside, with data, is no attempt of the camera's: it is told that it was let in."""
    site = Site()
    outside = site.remote(UNKNOWN_CN)
    connection = Connection(site.wire, outside, site.gate, 554, at=START, rng=site.rng)
    connection.open()
    connection.say(messages.request("OPTIONS", "rtsp://10.20.0.11/", "RTSP/1.0", {"CSeq": "1"}))
    connection.hear(messages.response("200 OK", "RTSP/1.0", {"CSeq": "1"}))
    connection.close()
    last = play(known, site).only()
    assert (last.kind, last.attempts, last.outcome) == (Kind.INBOUND_VIEWER, 0, Outcome.TRANSFERRED)


def test_a_camera_that_sends_from_a_system_port_is_no_server(known: Knowledge) -> None:
    """One-way datagrams to outside are the camera's attempts whatever port it sends them from."""
    site = Site()
    time_sync(site.wire, START, site.gate, site.server)
    for number in range(120):
        site.wire.udp(
            START + 10 * MINUTE + number * 5 * SECOND, site.gate, 123, site.remote(UNKNOWN_CN), 40000, bytes(1000)
        )
    played = play(known, site)
    assert played.only().attempts == 120
    assert played.only().outcome is Outcome.ATTEMPTED
    assert {each.outcome for each in played.told} == {Outcome.ATTEMPTED}


def test_first_seen_is_when_the_camera_first_tried(known: Knowledge) -> None:
    """Also where the contact was in another incident before."""
    site = Site()
    Connection(site.wire, site.gate, site.remote("52.30.100.20"), 8000, at=START, rng=site.rng).unanswered()
    session(site, START + MINUTE, site.gate, AMAZON_IE, HIK, rtt=SLOW)
    played = play(known, site)
    (vendor,) = (each for each in played.of("gate") if each.verdict.vendor == "hikvision")
    assert vendor.first_ns == START + MINUTE
    (network,) = (each for each in played.of("gate") if each.verdict.vendor is None)
    assert network.attempts == 1


# Hosts that only answer


NAMED = ip_network("10.20.0.90/32")


def known_after(known: Knowledge, site: Site, *cameras: IPv4Network) -> set[str]:
    """Addresses of the devices that nobody configured, once all of it passed."""
    devices = play(known, site, cameras=cameras).engine.attribution.devices
    return {text(address) for device in devices if not device.configured for address in device.addresses}


@pytest.mark.parametrize("flags", [SYN | ACK, RST | ACK], ids=["accepts", "refuses"])
def test_a_named_host_that_only_answers_local_hosts_is_watched(known: Knowledge, flags: int) -> None:
    """It begins no flow, and no ARP of it is heard, as on a capture from beside a switch."""
    site = Site()
    ask, answer = Segment(40000, 554, 1000, 0, SYN), Segment(554, 40000, 5000, 1001, flags)
    site.wire.send(START, site.server, site.phone, tcp(site.server, site.phone, ask))
    site.wire.send(START + MS, site.phone, site.server, tcp(site.phone, site.server, answer))
    played = play(known, site, cameras=[NAMED])
    device = played.engine.attribution.devices.known(pack("10.20.0.90"))
    assert device is not None
    assert (device.watched, device.named, device.mac) == (True, True, site.phone.mac)
    assert device.first_ns == START + MS
    assert "10.20.0.90" not in known_after(known, site)


def test_a_named_host_that_answers_a_datagram_is_watched(known: Knowledge) -> None:
    """Also where the capture begins with the answer."""
    for begin in (0, 1):
        site = Site()
        frames = [(site.server, 40000, site.phone, 5000), (site.phone, 5000, site.server, 40000)]
        for at, (source, sport, target, dport) in enumerate(frames[begin:]):
            site.wire.udp(START + at * MS, source, sport, target, dport, b"x")
        assert "10.20.0.90" in known_after(known, site, NAMED)


def test_a_scan_of_a_named_network_makes_no_devices(known: Knowledge) -> None:
    """Whoever sent nothing is no device, however often it is asked for; nor is one made by a refusal of a router."""
    site = Site()
    for number in range(100, 200):
        target = Host.at(f"10.20.0.{number}", ROUTER)
        for turn in range(3):
            ask = Segment(40000 + turn, 554, 1000, 0, SYN)
            site.wire.send(START + number * MS + turn, site.server, target, tcp(site.server, target, ask))
            site.wire.udp(START + number * MS + turn, site.server, 5000, target, 37020, b"?")
    assert known_after(known, site, ip_network("10.20.0.0/24")) == {"10.20.0.2"}


def test_a_configured_mac_is_known_by_its_answer(known: Knowledge) -> None:
    """Its address is nowhere in the inventory."""
    site = Site()
    site.wire.udp(START, site.server, 40000, site.phone, 5000, b"x")
    site.wire.udp(START + MS, site.phone, 5000, site.server, 40000, b"x")
    config = configured(device=[{"name": "yard", "mac": str(site.phone.mac.hex(":"))}])
    devices = play(known, site, config).engine.attribution.devices
    yard = devices.known(pack("10.20.0.90"))
    assert yard is not None
    assert (yard.name, yard.first_ns) == ("yard", START + MS)


def test_pings_are_counted_by_run_and_are_one_flow(known: Knowledge) -> None:
    """A camera that pings a server each minute with another identifier tries as often, though one reply came."""
    site = Site()
    there = site.remote(UNKNOWN_CN)
    for number in range(6):
        body = struct.pack(">BBHHH", 8, 0, 0, 1020 + number, 0) + b"abcdefgh" * 7
        site.wire.send(START + number * MINUTE, site.gate, there, packets.ip(site.gate, there, packets.ICMP, body))
    body = struct.pack(">BBHHH", 0, 0, 0, 1022, 0) + b"abcdefgh" * 7
    site.wire.send(START + 2 * MINUTE + 10 * MS, there, site.gate, packets.ip(there, site.gate, packets.ICMP, body))
    last = play(known, site).only()
    assert (last.attempts, last.outcome) == (6, Outcome.ANSWERED)
    (evidence,) = last.evidences
    assert evidence.community_id == community_id(pack("10.20.0.11"), pack(UNKNOWN_CN), 8, 0, 1)


def punched(known: Knowledge, *, told: str | None, answered: bool = False, refused: bool = False) -> Transition:
    """A camera that has just booted asks a STUN server, is ``told`` an address, and tries the ports of UNKNOWN_CN."""
    site = Site()
    time_sync(site.wire, START - SECOND, site.gate, site.server)
    boot(site.wire, START, messages.Lease(1, site.gate, site.router, site.server.ip, site.server.ip, "cam", "x"))
    server, there, at = site.remote(AMAZON_IE), site.remote(UNKNOWN_CN), START + MINUTE
    site.wire.udp(at, site.gate, 35401, server, 3478, stun.message(0x0001))
    if told is not None:
        answer = stun.message(0x0101, stun.attribute(0x0020, stun.address(packets.address(told), 35401)))
        site.wire.udp(at + 25 * MS, server, 3478, site.gate, 35401, answer)
    for number in range(5):
        site.wire.udp(at + 30 * MS, site.gate, 35401, there, 39057 + number, b"\x7f" + bytes(24))
    if answered:
        site.wire.udp(at + 60 * MS, there, 39057, site.gate, 35401, b"welcome back")
    if refused:
        quote = packets.udp(site.gate, there, 35401, 39057, b"\x7f" + bytes(24))
        body = bytes((3, 3, 0, 0, 0, 0, 0, 0)) + quote
        site.wire.send(at + 31 * MS, there, site.gate, packets.ip(there, site.gate, packets.ICMP, body))
    (last,) = [each for each in play(known, site).of("gate") if each.evidences[0].remote_ip == UNKNOWN_CN]
    return last


@pytest.mark.parametrize("refused", [False, True])
def test_what_a_stun_server_calls_the_sites_own_address_is_said_so(known: Knowledge, refused: bool) -> None:
    """A camera that tries the ports of its own router calls nobody's literal address; it is told, and weighs less."""
    last = punched(known, told=UNKNOWN_CN, refused=refused)
    assert {"mapped_address", "foreign"} <= set(last.properties)
    assert "literal_address" not in last.properties
    assert "a STUN server calls it the site's own address" in last.message
    assert (last.attempts, last.severity) == (5, Severity.LOW)
    for told in (None, AMAZON_IE_2):
        other = punched(known, told=told, refused=refused)
        assert "literal_address" in other.properties
        assert "STUN" not in other.message
        assert (other.attempts, other.severity) == (5, Severity.MEDIUM)


def test_a_stun_server_acquits_nobody(known: Knowledge) -> None:
    """Whoever answers a STUN request can name whom the camera calls: what answers weighs as much as ever."""
    last = punched(known, told=UNKNOWN_CN, answered=True)
    assert "mapped_address" in last.properties
    assert (last.outcome, last.severity) == (Outcome.TRANSFERRED, Severity.HIGH)
    assert last.severity == punched(known, told=None, answered=True).severity


def test_a_stun_server_does_not_vouch_for_itself(known: Knowledge) -> None:
    """That its own address is the site's is not believed."""
    site = Site()
    server = site.remote(UNKNOWN_CN)
    answer = stun.message(0x0101, stun.attribute(0x0020, stun.address(server.ip, 35401)))
    site.wire.udp(START, site.gate, 35401, server, 3478, stun.message(0x0001))
    site.wire.udp(START + 25 * MS, server, 3478, site.gate, 35401, answer)
    assert "mapped_address" not in play(known, site).only().properties


def test_a_name_that_only_the_camera_says_is_not_believed_of_a_mapped_address() -> None:
    """As of any address of which no name was told: it must not be allowed by what it says of itself."""
    given = Contact(Device("cam", "cam", 1), pack(UNKNOWN_CN), NOBODY, 1, 1, b"", names=["updates.fleet.example"])
    given.name_source = "sni"
    assert given.names_in_question() == ["updates.fleet.example"]
    given.traits = frozenset({Trait.MAPPED_ADDRESS})
    assert given.names_in_question() == []


@pytest.mark.parametrize("operator", ["of the network", "of a name"])
def test_a_name_does_not_acquit_another_of_the_same_end(known: Knowledge, operator: str) -> None:
    """Two names that DNS told for one address, of which a rule allows one: the other stays in question."""
    good, bad = {
        "of the network": ("updates.fleet.example", "drop.fleet.test"),
        "of a name": ("api.hik-connect.com", "dev.hik-connect.com"),
    }[operator]
    site = Site()
    remote = site.remote(AMAZON_IE)
    for number, name in enumerate((good, bad)):
        lookup(site.wire, START + number * SECOND, site.gate, site.server, name, AMAZON_IE)
    for number, name in enumerate((good, bad, good, bad, good)):
        Connection(site.wire, site.gate, remote, 443, at=START + (5 + number * 5) * SECOND, rng=site.rng).tls(
            site.rng, name
        )
    config = group(allow=[f"{good} tcp/443"])
    played = play(known, site, config)
    *_, last = played.incidents.values()  # one before it may have been told before the first hello
    assert (last.outcome, last.attempts >= 2) == (Outcome.TRANSFERRED, True)
    assert bad in last.message
    assert last.message.endswith(("no rule allows it", "that the policy does not allow"))
    assert play(known, site, group(allow=[good, bad])).told == []


def test_names_beyond_those_that_are_kept() -> None:
    """No list of allowed names, however long, makes room for one that is not."""
    given = Contact(Device("cam", "cam", 1), pack(UNKNOWN_CN), NOBODY, 1, 1, b"", names=["a.example"])
    given.name_source = "sni"
    for number in range(20):
        given.says(f"{number}.example")
        given.says(f"{number}.example")
    assert given.names_in_question() == ["a.example", *(f"{number}.example" for number in range(8)), "*"]
