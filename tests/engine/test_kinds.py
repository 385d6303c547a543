"""Every kind of call-home incident, its properties and its severity, and what the rules allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor.model.contacts import Outcome
from monitor.model.incidents import Kind, Severity
from pcaps import messages, tls
from pcaps.messages import Pppp, pppp
from pcaps.packets import Host
from pcaps.wire import MINUTE, MS, SECOND, START, Connection, boot, lookup, time_sync
from tests.engine.played import AMAZON_IE, MICROSOFT_GB, UNKNOWN_CN, Site, configured, group, play

if TYPE_CHECKING:
    from monitor.app import Knowledge

HIK = "dev.hik-connect.com"
GOOGLE_DNS = "8.8.8.8"


def tried(site: Site, ip: str, port: int = 8000, *, at: int = START) -> None:
    Connection(site.wire, site.gate, site.remote(ip), port, at=at, rng=site.rng).unanswered()


def test_an_unexpected_contact_abroad(known: Knowledge) -> None:
    """Medium while nothing answers, foreign, and refused by whom."""
    site = Site()
    tried(site, UNKNOWN_CN)
    last = play(known, site).only()
    assert (last.kind, last.outcome, last.severity) == (Kind.UNEXPECTED_CONTACT, Outcome.ATTEMPTED, Severity.MEDIUM)
    assert last.properties == ("foreign",)
    assert last.foreign
    site = Site()
    Connection(site.wire, site.gate, site.remote(UNKNOWN_CN), 8000, at=START, rng=site.rng).prohibited(site.router)
    last = play(known, site).only()
    assert (last.outcome, last.refused_by, last.attempts) == (Outcome.REFUSED, "10.20.0.1", 1)
    site = Site()
    Connection(site.wire, site.gate, site.remote(UNKNOWN_CN), 8000, at=START, rng=site.rng).reset()
    last = play(known, site).only()
    assert (last.outcome, last.refused_by) == (Outcome.REFUSED, "peer")


def test_an_unexpected_contact_at_home_is_low(known: Knowledge) -> None:
    """Not foreign where place and law are at home."""
    site = Site()
    connection = Connection(site.wire, site.gate, site.remote("81.2.69.142"), 443, at=START, rng=site.rng)
    connection.tls(site.rng, None)
    last = play(known, site).only()
    assert (last.kind, last.outcome, last.foreign, last.severity) == (
        Kind.UNEXPECTED_CONTACT, Outcome.TRANSFERRED, False, Severity.LOW,
    )  # fmt: skip


def test_without_a_home_nothing_is_foreign(known: Knowledge) -> None:
    """Nobody can say "abroad"."""
    site = Site()
    tried(site, UNKNOWN_CN)
    last = play(known, site, configured(site={})).only()
    assert (last.foreign, last.severity) == (False, Severity.LOW)


def test_an_isolated_group(known: Knowledge) -> None:
    """Any attempt off the site is critical, whatever else it is; what else it is are its properties."""
    site = Site()
    connection = Connection(site.wire, site.gate, site.remote(AMAZON_IE), 443, at=START, rng=site.rng)
    connection.tls(site.rng, HIK)
    last = play(known, site, group(isolated=True)).only()
    assert (last.kind, last.severity) == (Kind.ISOLATION_BROKEN, Severity.CRITICAL)
    assert {"vendor_cloud", "foreign"} <= set(last.properties)
    assert "isolated" in last.rule


def test_a_core_network(known: Knowledge) -> None:
    """On the site and off limits: critical, not foreign, nobody's cloud."""
    site = Site()
    Connection(site.wire, site.gate, site.remote("10.99.0.5"), 445, at=START, rng=site.rng).unanswered()
    Connection(site.wire, site.gate, site.remote("10.98.0.5"), 445, at=START + SECOND, rng=site.rng).unanswered()
    config = configured(site={"home": ["GB"], "core_networks": ["10.99.0.0/16"]})
    last = play(known, site, config).only()
    assert (last.kind, last.severity, last.foreign) == (Kind.CORE_CONTACT, Severity.CRITICAL, False)
    assert last.evidences[0].remote_ip == "10.99.0.5"
    assert "core networks are off limits" in last.rule


def test_a_peer_to_peer_cloud(known: Knowledge) -> None:
    """By the protocol that is spoken, at an address nobody knows."""
    site = Site()
    remote = site.remote(UNKNOWN_CN)
    site.wire.udp(START, site.gate, 40000, remote, 32100, pppp(Pppp.HELLO))
    seen = messages.pppp_address(bytes((81, 2, 69, 142)), 40000)
    site.wire.udp(START + 40 * MS, remote, 32100, site.gate, 40000, pppp(Pppp.HELLO_ACK, seen))
    last = play(known, site).only()
    assert (last.kind, last.outcome, last.severity) == (Kind.P2P_CLOUD, Outcome.TRANSFERRED, Severity.HIGH)


@pytest.mark.parametrize(
    ("proto", "port", "sni", "ip"),
    [("tcp", 853, None, GOOGLE_DNS), ("tcp", 853, None, UNKNOWN_CN), ("udp", 853, None, GOOGLE_DNS), ("tcp", 443, "dns.google", GOOGLE_DNS),
     ("tcp", 443, "cloudflare-dns.com", "104.16.249.249")],
    ids=["DoT", "DoT at a stranger", "DoQ", "DoH", "DoH by name"],
)  # fmt: skip
def test_encrypted_dns(proto: str, port: int, sni: str | None, ip: str, known: Knowledge) -> None:
    """By port or by who is known to offer it."""
    site = Site()
    if proto == "udp":
        site.wire.udp(START, site.gate, 40000, site.remote(ip), port, b"\xc0" + bytes(1199))
    else:
        connection = Connection(site.wire, site.gate, site.remote(ip), port, at=START, rng=site.rng)
        connection.tls(site.rng, sni)
    last = play(known, site).only()
    assert Kind.ENCRYPTED_DNS in (last.kind, *last.properties), (last.kind, last.properties)
    assert last.kind is Kind.ENCRYPTED_DNS


def with_encrypted_hello(hello: bytes) -> bytes:
    """The same ClientHello with an encrypted_client_hello extension (RFC 9849, 5)."""
    body, extension = hello[4:], b"\xfe\x0d\x00\x08\x00\x00\x01\x00\x01\x07\x00\x00"
    at = 34 + 1 + body[34]
    at += 2 + int.from_bytes(body[at : at + 2], "big")
    at += 1 + body[at]
    length = int.from_bytes(body[at : at + 2], "big") + len(extension)
    body = body[:at] + length.to_bytes(2, "big") + body[at + 2 :] + extension
    return hello[:1] + len(body).to_bytes(3, "big") + body


def test_an_encrypted_hello_hides_a_name(known: Knowledge) -> None:
    """The outer name need not be the one that is meant: no rule for it helps."""
    site = Site()
    connection = Connection(site.wire, site.gate, site.remote(MICROSOFT_GB), 443, at=START, rng=site.rng)
    connection.open()
    hello = with_encrypted_hello(tls.client_hello(site.rng, "updates.fleet.example", ("h2",)))
    connection.say(tls.first_flight(hello))
    connection.hear(tls.server_flight(site.rng, hello))
    last = play(known, site, group(allow=["updates.fleet.example tcp/443"])).only()
    assert last.kind is Kind.ENCRYPTED_DNS
    assert "ech" in last.properties


def test_a_literal_address_is_said_only_where_the_name_would_have_been_heard(known: Knowledge) -> None:
    """After the device's boot was seen, or a day of watching it; else nobody knows."""
    for preparation, said in (("none", False), ("boot", True), ("day", True), ("boot and name", False)):
        site = Site()
        at = START + MINUTE
        time_sync(site.wire, START - SECOND, site.gate, site.server)
        if preparation.startswith("boot"):
            boot(
                site.wire, START, messages.Lease(1, site.gate, site.router, site.server.ip, site.server.ip, "cam", "x")
            )
        if preparation == "day":
            at = START + 25 * 60 * MINUTE
        if preparation == "boot and name":
            lookup(site.wire, START + 50 * SECOND, site.gate, site.server, "a.example.com", UNKNOWN_CN)
        tried(site, UNKNOWN_CN, at=at)
        last = play(known, site).only()
        assert ("literal_address" in last.properties) is said, preparation


RULES = [
    ("*", True),
    ("115.231.97.60", True),
    ("115.231.97.60 tcp/8000", True),
    ("115.231.97.0/24 tcp/7000-9000", True),
    ("115.231.97.60 tcp/8001", False),
    ("115.231.97.60 udp/8000", False),
    ("115.231.98.0/24", False),
    ("AS58461", True),
    ("AS58461 tcp/8000", True),
    ("AS58462", False),
    ("country:CN", True),
    ("country:cn", True),
    ("country:GB", False),
    ("tcp/8000", True),
    ("ntp", False),
    ("*.example.org", False),
]


@pytest.mark.parametrize(("rule", "allowed"), RULES)
def test_rules_for_a_bare_address(rule: str, allowed: bool, known: Knowledge) -> None:
    """Network, AS number, country, service, and each with a service."""
    site = Site()
    tried(site, UNKNOWN_CN)
    played = play(known, site, group(allow=[rule]))
    assert (played.told == []) is allowed


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [("updates.fleet.example", True), ("*.fleet.example", True), ("*.fleet.example tcp/443", True), ("*.FLEET.example", True),
     ("fleet.example", False), ("*.fleet.example tcp/80", False), ("*.example.org", False), ("u?dates.fleet.example", True)],
)  # fmt: skip
@pytest.mark.parametrize("by", ["sni", "dns"])
def test_rules_for_a_name(rule: str, allowed: bool, by: str, known: Knowledge) -> None:
    """By what the camera said, or was told; a pattern is matched whatever the case."""
    site = Site()
    name = "updates.fleet.example"
    if by == "dns":
        lookup(site.wire, START, site.gate, site.server, name, MICROSOFT_GB)
    Connection(site.wire, site.gate, site.remote(MICROSOFT_GB), 443, at=START + SECOND, rng=site.rng).tls(
        site.rng, name if by == "sni" else None
    )
    played = play(known, site, group(allow=[rule]))
    assert (played.told == []) is allowed


def test_a_rule_covers_all_services_of_a_contact_or_none(known: Knowledge) -> None:
    """A second service that no rule covers is told, also when it is the ninth."""
    for count in (1, 9):
        site = Site()
        for number in range(count):
            tried(site, UNKNOWN_CN, 8000 + number, at=START + number * MINUTE)
        tried(site, UNKNOWN_CN, 22, at=START + 30 * MINUTE)
        played = play(known, site, group(allow=["115.231.97.60 tcp/8000-8100"]))
        assert [each.activity for each in played.told][:1] == [1], count


@pytest.mark.parametrize(("port", "told"), [(123, False), (124, True)])
def test_a_time_server_may_be_asked_for_the_time(port: int, told: bool, known: Knowledge) -> None:
    """And for nothing else."""
    site = Site()
    site.wire.udp(START, site.gate, 40000, site.remote(MICROSOFT_GB), port, messages.ntp_request(START))
    config = configured(site={"home": ["GB"], "time_servers": [MICROSOFT_GB]})
    assert bool(play(known, site, config).told) is told


@pytest.mark.parametrize(
    ("proto", "port", "told"), [("udp", 53, False), ("tcp", 53, False), ("tcp", 443, True), ("udp", 853, True)]
)
def test_a_resolver_may_be_asked_for_names(proto: str, port: int, told: bool, known: Knowledge) -> None:
    """In the clear; what is asked for is judged all the same."""
    site = Site()
    if proto == "udp":
        site.wire.udp(START, site.gate, 40000, site.remote(GOOGLE_DNS), port, messages.dns_query(1, "cam.local"))
    else:
        tried(site, GOOGLE_DNS, port)
    config = configured(site={"home": ["GB"], "resolvers": [GOOGLE_DNS]})
    assert bool(play(known, site, config).told) is told


def test_an_allowed_name_that_is_only_asked_for_is_allowed(known: Knowledge) -> None:
    """The rule's service does not matter where nothing was sent."""
    site = Site()
    lookup(site.wire, START, site.gate, site.server, "updates.fleet.example", MICROSOFT_GB)
    assert play(known, site, group(allow=["updates.fleet.example tcp/443"])).told == []


def test_devices_that_are_none_of_ours_are_left_alone(known: Knowledge) -> None:
    """A device configured as other is never told of."""
    site = Site()
    tried(site, UNKNOWN_CN)
    config = configured(device=[{"name": "gate", "ip": "10.20.0.11", "class": "other"}])
    assert play(known, site, config).told == []


def test_groups_match_by_vendor_network_and_mac(known: Knowledge) -> None:
    """A device that names no group belongs to the first that matches it."""
    matches = [
        ({"vendor": "Hikvision"}, True), ({"vendor": "hikvision"}, True), ({"vendor": "Dahua"}, False),
        ({"network": "10.20.0.0/24"}, True), ({"network": "10.21.0.0/24"}, False),
        ({"mac": "44:19:B6"}, True), ({"mac": "44:19:b7"}, False),
        ({"mac": "44:19:b6", "network": "10.21.0.0/24"}, False), ({"model": "*"}, True),
    ]  # fmt: skip
    for match, allowed in matches:
        site = Site()
        tried(site, UNKNOWN_CN)
        config = configured(
            device=[{"name": "gate", "ip": "10.20.0.11", "mac": "44:19:b6:20:00:0b"}],
            group=[{"name": "g", "match": match, "allow": ["*"]}],
        )
        assert (play(known, site, config).told == []) is allowed, match


def test_broadcast_multicast_and_neighbours_are_no_contacts(known: Knowledge) -> None:
    """What stays on the link is not calling home."""
    site = Site()
    for ip in ("255.255.255.255", "224.0.0.251", "239.255.255.250", "169.254.1.1", "10.200.1.1", "192.168.7.7"):
        site.wire.udp(
            START, site.gate, 40000, Host(b"\xff" * 6, Host.at(ip, "ff:ff:ff:ff:ff:ff").ip), 1900, b"hello out there"
        )
    assert play(known, site).told == []
