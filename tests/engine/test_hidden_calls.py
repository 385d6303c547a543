"""What somebody on the camera network does so that a call home is taken for something else."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from monitor.model.contacts import Outcome
from monitor.model.incidents import Activity, Kind, Severity
from pcaps import packets, quic, tls
from pcaps.packets import ACK, SYN, Host, Segment
from pcaps.wire import MS, SECOND, START, Connection, lookup
from tests.engine.played import AMAZON_IE, UNKNOWN_CN, Site, configured, group, play

if TYPE_CHECKING:
    from monitor.app import Knowledge

LATER = START + 200 * SECOND
"""Later than a mapping lives that may be older than the capture."""
FAR = "240e:e1:8200::77"


def segment(
    site: Site, ends: tuple[Host, Host], at: int, flags: int, numbers: tuple[int, int], ports: tuple[int, int]
) -> None:
    site.wire.send(at, *ends, packets.tcp(*ends, Segment(*ports, *numbers, flags, 502, b"", b"")))


def talk(site: Site, at: int, here: Host, there: Host, ports: tuple[int, int], count: int = 20) -> None:
    """A datagram a second, each with another content."""
    for number in range(count):
        site.wire.udp(at + number * SECOND, here, ports[0], there, ports[1], bytes([number + 1]) * 500)


def warmed() -> Site:
    site = Site()
    site.wire.arp(START, site.gate, site.server)
    return site


def test_a_forged_request_invites_no_datagrams(known: Knowledge) -> None:
    """Somebody asks the camera for a page in a remote end's name; that the camera answers is no session with it."""
    site = warmed()
    there = site.remote(UNKNOWN_CN)
    ports = (50000, 80)
    segment(site, (there, site.gate), LATER, SYN, (100, 0), ports)
    segment(site, (site.gate, there), LATER + MS, SYN | ACK, (900, 101), ports[::-1])
    talk(site, LATER + 5 * SECOND, site.gate, there, (40000, 9999), 50)
    (told,) = [each for each in play(known, site).told if each.activity is Activity.NEW]
    assert told.kind is Kind.UNEXPECTED_CONTACT


def test_a_viewer_of_long_ago_invites_nothing_now(known: Knowledge) -> None:
    site = warmed()
    viewer = site.remote(UNKNOWN_CN)
    session = Connection(site.wire, viewer, site.gate, 554, at=LATER, rng=site.rng)
    session.open()
    session.say(b"OPTIONS rtsp://10.20.0.11/ RTSP/1.0\r\nCSeq: 1\r\n\r\n")
    session.hear(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n")
    session.close()
    talk(site, LATER + 40 * 3600 * SECOND, site.gate, viewer, (40000, 9999))
    assert any(each.kind is Kind.UNEXPECTED_CONTACT for each in play(known, site).told)


def test_a_low_source_port_hides_no_contact_with_the_core(known: Knowledge) -> None:
    """From port 123 a camera looks like a server that answers."""
    site = warmed()
    talk(site, LATER, site.gate, site.remote("10.99.0.5"), (123, 9999))
    played = play(known, site, configured(site={"home": ["GB"], "core_networks": ["10.99.0.0/24"]}))
    assert {each.kind for each in played.told} == {Kind.CORE_CONTACT}


def test_whoever_claims_an_address_cannot_call_it(known: Knowledge) -> None:
    """A frame in the name of the address that the camera is about to call does not make it one of the site's own."""
    site = warmed()
    gate = Host.at("fd00:20::11", "44:19:b6:20:00:0b")
    there, other = site.router.beyond(FAR), site.router.beyond("2a00:1450:4009::1")
    talk(site, LATER - 9 * SECOND, gate, other, (40000, 9998), 1)
    talk(site, LATER, Host(gate.mac, there.ip, 64), other, (40001, 9999), 1)
    talk(site, LATER + 5 * SECOND, gate, there, (40002, 9999))
    assert any(FAR in {end.remote_ip for end in each.evidences} for each in play(known, site).told)


def test_who_never_answered_did_not_answer(known: Knowledge) -> None:
    """What was reached under one name of an address was not reached under the other."""
    site = warmed()
    there, rng = site.remote(AMAZON_IE), Random(3)
    lookup(site.wire, LATER - SECOND, site.gate, site.server, "good.acme-shop.com", AMAZON_IE)
    good = Connection(site.wire, site.gate, there, 443, at=LATER, rng=rng)
    good.tls(rng, "good.acme-shop.com")
    good.say(b"d" * 3000)
    good.hear(b"e" * 400)
    chosen, mine = rng.randbytes(8), rng.randbytes(8)
    hello = tls.client_hello(rng, "www.evil-c2.net", ("h3",), quic=quic.transport_parameters(mine))
    for number in range(3):
        initial = quic.initial(quic.Keys.of(chosen, "client"), quic.Path(chosen, mine), number, quic.crypto(0, hello))
        site.wire.udp(LATER + (20 + number) * SECOND, site.gate, 45000, there, 443, initial)
    played = play(known, site, group(allow=["good.acme-shop.com"]))
    last = played.told[-1]
    assert (last.outcome, last.severity) == (Outcome.ATTEMPTED, Severity.MEDIUM)
    assert "nothing answered" in last.message


def test_the_end_of_an_incident_says_why(known: Knowledge) -> None:
    """It was allowed after all, or another incident has what it counted: neither reads like an attempt."""
    site = warmed()
    there = site.remote(AMAZON_IE)
    first = Connection(site.wire, site.gate, there, 443, at=LATER, rng=site.rng)
    first.open()
    first.say(b"\x01\x02\x03")
    lookup(site.wire, LATER + 9 * SECOND, site.gate, site.server, "good.acme-shop.com", AMAZON_IE)
    second = Connection(site.wire, site.gate, there, 443, at=LATER + 10 * SECOND, rng=site.rng)
    second.tls(site.rng, "good.acme-shop.com")
    allowed = play(known, site, group(allow=["good.acme-shop.com"]))
    (end,) = [each for each in allowed.told if each.activity is Activity.END]
    assert end.message.endswith("; it turned out to be allowed")


def test_a_merged_incident_says_where_it_goes_on(known: Knowledge) -> None:
    site = warmed()
    lookup(site.wire, START + SECOND, site.gate, site.server, "www.evil-c2.net", UNKNOWN_CN)
    call = Connection(site.wire, site.gate, site.remote(UNKNOWN_CN), 443, at=START + 60 * SECOND, rng=site.rng)
    call.tls(site.rng, "www.evil-c2.net")
    told = play(known, site).told
    (end,) = [each for each in told if each.merged_into is not None]
    assert end.message.endswith(f"is told as incident {end.merged_into} from now on")
    assert "nothing was sent" not in end.message
    assert any(each.incident == end.merged_into for each in told)
