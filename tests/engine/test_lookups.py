"""Names that are only asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor.model.contacts import Outcome
from monitor.model.incidents import Activity, Kind, Severity
from monitor.model.verdicts import Confidence
from pcaps import messages
from pcaps.packets import Host
from pcaps.wire import MINUTE, MS, SECOND, Connection, lookup
from tests.engine.played import AMAZON_IE, MICROSOFT_GB, START, TENCENT, UNKNOWN_CN, Site, blocks, engine, play

if TYPE_CHECKING:
    from monitor.app import Knowledge

HIK = "dev.hik-connect.com"


def test_a_name_that_nothing_follows_is_concluded_after_thirty_seconds(known: Knowledge) -> None:
    """Not earlier; the message says the time at which it was sure."""
    site = Site()
    lookup(site.wire, START, site.gate, site.server, HIK, AMAZON_IE)
    site.wire.arp(START + 29 * SECOND, site.hall, site.server)
    site.wire.arp(START + 31 * SECOND, site.hall, site.server)
    played = engine(known)
    frames = site.wire.frames()
    assert played.feed(blocks(frames[:-2])).told == []
    (opened,) = played.feed(blocks(frames[-2:])).told
    assert (opened.kind, opened.outcome, opened.attempts) == (Kind.NAME_LOOKUP, Outcome.ASKED, 0)
    assert START + 30 * SECOND <= opened.time_ns <= START + 31 * SECOND
    assert opened.severity is Severity.INFORMATIONAL
    assert opened.evidences[0].remote_name == HIK


def test_an_answer_says_where_a_name_leads(known: Knowledge) -> None:
    """By the first address that is outside; it was not contacted, so that the law of its network is a guess."""
    site = Site()
    lookup(site.wire, START, site.gate, site.server, "www.example.org", "0.0.0.0", AMAZON_IE, MICROSOFT_GB)
    told = play(known, site).only()
    verdict = told.verdict
    assert verdict is not None
    assert (told.kind, verdict.operator_key, told.foreign) == (Kind.NAME_LOOKUP, "domain:example.org", True)
    assert (verdict.location, verdict.organisation, verdict.jurisdiction) == ("IE", "Amazon", "US")
    assert (verdict.confidence, told.attempts) == (Confidence.LOW, 0)
    assert "not contacted" in verdict.why
    assert told.evidences[0].remote_ip is None


def test_an_answer_does_not_say_whose_a_known_name_is(known: Knowledge) -> None:
    """The name is its maker's at whatever address, another maker's too, and as surely as without one."""
    site = Site()
    lookup(site.wire, START, site.gate, site.server, HIK, TENCENT)
    lookup(site.wire, START, site.hall, site.server, HIK, rcode=messages.NXDOMAIN)
    played = play(known, site)
    (answered,), (refused,) = played.of("gate"), played.of("hall")
    assert answered.verdict is not None
    assert refused.verdict is not None
    assert (answered.verdict.location, refused.verdict.location) == ("CN", None)
    for verdict in (answered.verdict, refused.verdict):
        assert (verdict.vendor, verdict.jurisdiction, verdict.confidence) == ("hikvision", "CN", Confidence.HIGH)


def test_a_name_that_is_only_asked_for_adds_no_country_to_what_was_contacted(known: Knowledge) -> None:
    """Nothing was sent there."""
    site = Site()
    at = lookup(site.wire, START, site.gate, site.server, HIK, AMAZON_IE)
    Connection(site.wire, site.gate, site.remote(AMAZON_IE), 443, at=at + MS, rng=site.rng).unanswered()
    lookup(site.wire, START + MINUTE, site.gate, site.server, "api.hik-connect.com", TENCENT)
    played = play(known, site)
    assert played.names(played.only()) == {HIK, "api.hik-connect.com"}
    assert "address in IE" in played.only().message


def test_a_name_that_is_followed_is_no_lookup(known: Knowledge) -> None:
    """The attempt is what is told."""
    site = Site()
    at = lookup(site.wire, START, site.gate, site.server, HIK, AMAZON_IE)
    Connection(site.wire, site.gate, site.remote(AMAZON_IE), 443, at=at + 20 * SECOND, rng=site.rng).unanswered()
    played = play(known, site)
    assert [each.kind for each in played.openings()] == [Kind.VENDOR_CLOUD]


def test_traffic_on_a_flow_that_was_open_before_follows_a_name(known: Knowledge) -> None:
    """No new attempt is needed: a packet to an address that the name has is enough."""
    site = Site()
    connection = Connection(site.wire, site.gate, site.remote(AMAZON_IE), 443, at=START, rng=site.rng)
    connection.tls(site.rng, HIK)
    connection.now = START + 10 * MINUTE
    lookup(site.wire, connection.now, site.gate, site.server, "api.hik-connect.com", AMAZON_IE)
    connection.now += 5 * SECOND
    connection.say(b"\x17\x03\x03\x00\x05hello")
    connection.now += 10 * MINUTE
    connection.say(b"\x17\x03\x03\x00\x05hello")
    played = play(known, site)
    assert [each.kind for each in played.openings()] == [Kind.VENDOR_CLOUD]
    assert played.only().attempts == 1


FLEET, ELB = "wrpd.example.org", "dualstack.fleet-1.us-west-2.elb.amazonaws.com"


@pytest.mark.parametrize("asked", [("AAAA", "alias", "A"), ("A", "AAAA", "alias")], ids=["A last", "A first"])
def test_an_alias_is_followed_by_a_packet_to_an_address_of_its_name(asked: tuple[str, ...], known: Knowledge) -> None:
    """It may have been asked for AAAA alone, where the device goes to the A of the name, known before or after."""
    site, at = Site(), START
    v6 = {"qtype": messages.AAAA}
    for what in asked:
        if what == "alias":
            at = lookup(site.wire, at + SECOND, site.gate, site.server, ELB, "2620:108:700f::3270:7f24", **v6)
        elif what == "AAAA":
            at = lookup(site.wire, at + SECOND, site.gate, site.server, FLEET, alias=ELB, **v6)
        else:
            at = lookup(site.wire, at + SECOND, site.gate, site.server, FLEET, AMAZON_IE, alias=ELB)
    Connection(site.wire, site.gate, site.remote(AMAZON_IE), 443, at=at + MS, rng=site.rng).unanswered()
    assert [each.kind for each in play(known, site).openings()] == [Kind.UNEXPECTED_CONTACT]


def test_an_alias_of_a_name_that_nothing_followed_was_asked_for(known: Knowledge) -> None:
    """And so it was by a device that was told nothing of the name that another one followed."""
    site = Site()
    lookup(site.wire, START, site.gate, site.server, FLEET, AMAZON_IE, alias=ELB)
    lookup(site.wire, START + SECOND, site.gate, site.server, ELB, qtype=messages.AAAA)
    lookup(site.wire, START + SECOND, site.hall, site.server, ELB, qtype=messages.AAAA)
    played = play(known, site)
    assert [played.names(each) for each in played.of("gate")] == [{FLEET}, {ELB}]
    site.wire.udp(START + 2 * SECOND, site.gate, 40000, site.remote(AMAZON_IE), 9, b"hello")
    played = play(known, site)
    assert [each.kind for each in played.of("gate")] == [Kind.UNEXPECTED_CONTACT]
    assert [played.names(each) for each in played.of("hall")] == [{ELB}]


@pytest.mark.parametrize(("minutes", "followed"), [(1, True), (6, False)], ids=["valid", "expired"])
def test_a_name_is_followed_at_an_address_while_that_is_valid(minutes: int, followed: bool, known: Knowledge) -> None:
    """Its A is known for 300 seconds, in which only its AAAA may be asked for again."""
    site, again = Site(), START + minutes * MINUTE
    at = lookup(site.wire, START, site.gate, site.server, FLEET, AMAZON_IE)
    site.wire.udp(at + MS, site.gate, 40000, site.remote(AMAZON_IE), 9, b"hello")
    lookup(site.wire, again, site.gate, site.server, FLEET, qtype=messages.AAAA)
    site.wire.udp(again + SECOND, site.gate, 40000, site.remote(AMAZON_IE), 9, b"hello")
    attribution = play(known, site).engine.attribution
    (gate,) = (each for each in attribution.devices if each.name == "gate")
    assert [each.names for each in attribution.contacts.of(gate) if each.remote is None] == [(FLEET,)] * (not followed)


def test_one_name_asked_for_often_is_one_incident(known: Knowledge) -> None:
    """With the names of one operator together; how often is in the sentence."""
    site = Site()
    for number in range(10):
        lookup(site.wire, START + number * MINUTE, site.gate, site.server, HIK, AMAZON_IE)
    lookup(site.wire, START + 20 * MINUTE, site.gate, site.server, "api.hik-connect.com", AMAZON_IE)
    played = play(known, site)
    last = played.only()
    assert played.names(last) == {HIK, "api.hik-connect.com"}
    assert "11 times" in last.message


@pytest.mark.parametrize(
    ("addresses", "rcode"),
    [
        ((), messages.NXDOMAIN),
        ((), messages.NOERROR),
        (("0.0.0.0",), messages.NOERROR),
        (("127.0.0.1",), messages.NOERROR),
    ],
    ids=["no such name", "no address", "unspecified", "loopback"],
)
def test_a_name_that_is_blocked_was_asked_for(addresses: tuple[str, ...], rcode: int, known: Knowledge) -> None:
    """A resolver that refuses or lies hides nothing of what the camera wanted."""
    site = Site()
    lookup(site.wire, START, site.gate, site.server, HIK, *addresses, rcode=rcode)
    assert play(known, site).only().kind is Kind.NAME_LOOKUP


def test_a_vendors_name_that_leads_to_the_site_was_asked_for(known: Knowledge) -> None:
    """A sinkhole on the site is no reason to be silent; the site's own names are."""
    site = Site()
    lookup(site.wire, START, site.gate, site.server, HIK, "10.20.0.9")
    lookup(site.wire, START, site.gate, site.server, "nvr.town-hall.example.com", "10.20.0.10")
    played = play(known, site)
    assert played.names(played.only()) == {HIK}


def test_a_later_connection_is_an_incident_in_which_the_lookup_ends(known: Knowledge) -> None:
    """What was only asked for is another kind than what was tried."""
    site = Site()
    lookup(site.wire, START, site.gate, site.server, HIK, AMAZON_IE)
    at = lookup(site.wire, START + 10 * MINUTE, site.gate, site.server, HIK, AMAZON_IE)
    Connection(site.wire, site.gate, site.remote(AMAZON_IE), 443, at=at + MS, rng=site.rng).unanswered()
    played = play(known, site)
    asked, tried = played.incidents.values()
    assert (asked.kind, asked.activity, asked.merged_into) == (Kind.NAME_LOOKUP, Activity.END, tried.incident)
    assert (tried.kind, tried.outcome, tried.attempts, tried.severity) == (
        Kind.VENDOR_CLOUD,
        Outcome.ATTEMPTED,
        1,
        Severity.HIGH,
    )


@pytest.mark.parametrize(
    "name",
    ["8.8.8.8", "10.20.0.1", "[1.2.3.4]", "fe80::1", "::", "cam", "cam.local", "1.0.20.10.in-addr.arpa", "ntp.lan"],
)
def test_what_is_nobodys_name_is_no_lookup(name: str, known: Knowledge) -> None:
    """Addresses that are asked for as if they were names, names without a dot, and the site's own endings."""
    site = Site()
    lookup(site.wire, START, site.gate, site.server, name, rcode=messages.NXDOMAIN)
    assert play(known, site).told == []


def test_a_resolver_outside_is_the_cameras_own(known: Knowledge) -> None:
    """The contact with it is told, and that it is asked for names; so is the name."""
    site = Site()
    resolver = site.remote(UNKNOWN_CN)
    lookup(site.wire, START, site.gate, resolver, HIK, AMAZON_IE)
    played = play(known, site)
    found = {each.verdict.operator_key: each for each in played.incidents.values()}
    assert "own_resolver" in found["as:58461"].properties
    assert found["vendor:hikvision"].kind is Kind.NAME_LOOKUP


def test_multicast_names_are_no_lookups(known: Knowledge) -> None:
    """What is asked on the link goes nowhere."""
    site = Site()
    everybody = Host(b"\x01\x00\x5e\x00\x00\xfb", bytes((224, 0, 0, 251)))
    site.wire.udp(START, site.gate, 5353, everybody, 5353, messages.dns_query(0, HIK))
    assert play(known, site).told == []


def test_lookups_beyond_the_bound_are_concluded_early_and_none_is_lost(known: Knowledge) -> None:
    """A flood of names pushes older ones out of waiting, into the incident."""
    site = Site()
    played = engine(known)
    played.engine.attribution.lookups._max = 50
    for number in range(200):
        lookup(
            site.wire,
            START + number * MS,
            site.gate,
            site.server,
            f"n{number}.hik-connect.com",
            rcode=messages.NXDOMAIN,
        )
    played.feed(blocks(site.wire.frames())).finish()
    last = played.only()
    assert last.activity is Activity.UPDATE
    assert "200 times" in last.message
    assert played.engine.attribution.lookups.early == 150
