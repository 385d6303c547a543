"""What SYNs and their fate tell of a device: that it has started anew, that it searches the network."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from monitor.inspection.searches import HOSTS, PORTS
from monitor.model.incidents import Kind
from pcaps.packets import ACK, RST, SYN, Host, Segment, arp, frame, tcp
from pcaps.wire import MS, SECOND, START, Connection
from tests.engine.played import Played, Site, play

if TYPE_CHECKING:
    from monitor.app import Knowledge

IMAGE = b"\xe9\x9a\xf7\xb6" + bytes(range(256)) * 150
PUSH = (
    b"PUT /ISAPI/System/updateFirmware HTTP/1.1\r\nHost: 10.20.0.11\r\nContent-Type: application/octet-stream\r\n"
    b"Content-Length: %d\r\n\r\n" % len(IMAGE)
)
HERTZ = 100


def timestamps(ticks: int, echo: int = 0) -> bytes:
    """NOP, NOP, timestamps (RFC 7323, appendix A)."""
    return b"\x01\x01\x08\x0a" + struct.pack("!II", ticks & 0xFFFFFFFF, echo)


def hello(site: Site, at: int, number: int, ticks: int, *, asked: bool) -> None:
    """A connection between camera and server, opened by the server if ``asked``: the camera's SYN has its clock."""
    camera, server, port = site.gate, site.server, 40_000 + number
    client, other = (server, camera) if asked else (camera, server)
    theirs, own = timestamps(7), timestamps(ticks, 7 if asked else 0)
    syn = Segment(port, 554, 1000 + number, 0, SYN, options=theirs if asked else own)
    answer = Segment(554, port, 9000, 1001 + number, SYN | ACK, options=own if asked else theirs)
    site.wire.send(at, client, other, tcp(client, other, syn))
    site.wire.send(at + MS, other, client, tcp(other, client, answer))


def pushed(site: Site, at: int) -> None:
    connection = Connection(site.wire, site.phone, site.gate, 80, at=at, rng=site.rng)
    connection.open()
    connection.say(PUSH)
    for start in range(0, len(IMAGE), 1400):
        connection.say(IMAGE[start : start + 1400])
    connection.hear(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    connection.close()


def updates(played: Played) -> str:
    (last,) = [each for each in played.of("gate") if each.kind == Kind.FIRMWARE_UPDATE]
    return last.message


@pytest.mark.parametrize("asked", [False, True], ids=["SYN", "SYN-ACK"])
@pytest.mark.parametrize("restarts", [True, False])
def test_a_clock_that_begins_anew_joins_the_update(known: Knowledge, *, asked: bool, restarts: bool) -> None:
    site = Site()
    for number in range(6):
        hello(site, START + number * 20 * SECOND, number, 5_000_000 + number * 20 * HERTZ, asked=asked)
    pushed(site, START + 130 * SECOND)
    ticks = 700 if restarts else 5_000_000 + 200 * HERTZ
    hello(site, START + 200 * SECOND, 9, ticks, asked=asked)
    said = updates(play(known, site))
    assert ("the clock of its TCP segments began anew" in said) is restarts


def test_a_clock_alone_opens_no_update(known: Knowledge) -> None:
    site = Site()
    for number in range(6):
        hello(site, START + number * 20 * SECOND, number, 5_000_000 + number * 20 * HERTZ, asked=False)
    hello(site, START + 200 * SECOND, 9, 700, asked=False)
    assert [each for each in play(known, site).of("gate") if each.kind == Kind.FIRMWARE_UPDATE] == []


def attempt(site: Site, at: int, ip: str, port: int, *, refused: bool = False, answered: bool = False) -> None:
    """A SYN of the camera to a host of its own network."""
    host = Host.at(ip, "02:00:00:00:01:" + f"{int(ip.rpartition('.')[2]):02x}")
    syn = Segment(50_000 + port % 1000, port, at & 0xFFFF, 0, SYN)
    site.wire.send(at, site.gate, host, tcp(site.gate, host, syn))
    if refused or answered:
        back = Segment(port, syn.sport, 1, syn.seq + 1, RST | ACK if refused else SYN | ACK)
        site.wire.send(at + MS, host, site.gate, tcp(host, site.gate, back))


def searches(played: Played) -> list[str]:
    """What the ledger says that it was seen to do."""
    page = played.engine.inspection.ledger.known("gate")
    row = page.rows.get("network.scan") if page is not None else None
    return [] if row is None or row.exercised is None else [row.exercised.source]


@pytest.mark.parametrize("refused", [True, False], ids=["refused", "unanswered"])
def test_hosts_that_do_not_answer_are_a_search(known: Knowledge, *, refused: bool) -> None:
    site = Site()
    for number in range(HOSTS):
        attempt(site, START + number * SECOND, f"10.20.0.{100 + number}", 23, refused=refused)
    assert searches(play(known, site)) == [f"{HOSTS} hosts tried in vain on tcp/23 within 5 minutes"]


def test_ports_that_do_not_answer_are_a_search(known: Knowledge) -> None:
    site = Site()
    for number in range(PORTS):
        attempt(site, START + number * SECOND, "10.20.0.100", 20 + number, refused=True)
    assert searches(play(known, site)) == [f"{PORTS} ports of one host tried in vain within 5 minutes"]


DAY = 24 * 3600


@pytest.mark.parametrize(("after_s", "told"), [(DAY + 60, True), (3600, False)])
def test_one_who_searches_after_a_day_without_is_an_alarm(known: Knowledge, after_s: int, *, told: bool) -> None:
    site = Site()
    attempt(site, START, "10.20.0.100", 554, answered=True)
    for number in range(HOSTS):
        attempt(site, START + (after_s + number) * SECOND, f"10.20.0.{100 + number}", 23)
    alarms = [each for each in play(known, site).of("gate") if each.kind == Kind.DORMANT_FUNCTION]
    assert len(alarms) == told
    if told:
        assert "searches the network for other devices now" in alarms[0].message


def test_hosts_that_answer_are_none(known: Knowledge) -> None:
    site = Site()
    for number in range(2 * HOSTS):
        attempt(site, START + number * SECOND, f"10.20.0.{100 + number}", 554, answered=True)
    assert searches(play(known, site)) == []


def test_hosts_beyond_the_site_are_none(known: Knowledge) -> None:
    """A camera behind a firewall tries its maker's servers one after the other."""
    site = Site()
    for number in range(2 * HOSTS):
        syn = Segment(50_000 + number, 443, number, 0, SYN)
        remote = site.remote(f"52.30.100.{number + 1}")
        site.wire.send(START + number * SECOND, site.gate, remote, tcp(site.gate, remote, syn))
    assert searches(play(known, site)) == []


@pytest.mark.parametrize("there", [False, True], ids=["nobody there", "all there"])
def test_hosts_asked_for_by_arp(known: Knowledge, *, there: bool) -> None:
    """A sweep of the network; who is known to be there may be asked for."""
    site = Site()
    hosts = [Host.at(f"10.20.0.{100 + number}", f"02:00:00:00:01:{number:02x}") for number in range(HOSTS)]
    for number, host in enumerate(hosts):
        if there:
            site.wire.put(START + number * MS, frame(host, site.server, arp_like(host, site.server)))
        site.wire.put(START + SECOND + number * SECOND, arp(1, site.gate, host))
    expected = [] if there else [f"{HOSTS} hosts asked for by ARP in vain within 5 minutes"]
    assert searches(play(known, site)) == expected


def arp_like(host: Host, other: Host) -> bytes:
    """Any packet by which the host is known."""
    return tcp(host, other, Segment(4000, 9000, 1, 1, ACK))
