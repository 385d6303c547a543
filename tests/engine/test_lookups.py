"""Names that are only asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor.model.contacts import Outcome
from monitor.model.incidents import Activity, Kind, Severity
from pcaps import messages
from pcaps.packets import Host
from pcaps.wire import MINUTE, MS, SECOND, Connection, lookup
from tests.engine.played import AMAZON_IE, START, UNKNOWN_CN, Site, blocks, engine, play

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
