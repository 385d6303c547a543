"""Ticks, quiet ends, gaps and steps of the clock; floods that are bounded and counted exactly."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from monitor.incidents.book import MANY, MAX_PER_DEVICE
from monitor.model.contacts import Outcome
from monitor.model.incidents import Activity
from pcaps.packets import SYN, Host, Segment, frame, icmp6, ip, tcp
from pcaps.savefile import Frame
from pcaps.wire import MINUTE, MS, SECOND, START, Connection, lookup
from tests.engine.played import AMAZON_IE, UNKNOWN_CN, Played, Site, blocks, configured, engine, play

if TYPE_CHECKING:
    from monitor.app import Knowledge

HOUR = 60 * MINUTE


def tried(site: Site, at: int, address: str = UNKNOWN_CN, port: int = 8000) -> None:
    Connection(site.wire, site.gate, site.remote(address), port, at=at, rng=site.rng).unanswered(())


def test_an_incident_ends_after_a_quiet_day(known: Knowledge) -> None:
    """24 hours after its last packet, in packet time; a later attempt opens another."""
    site = Site()
    tried(site, START)
    tried(site, START + 20 * HOUR)
    site.wire.arp(START + 43 * HOUR, site.hall, site.server)
    tried(site, START + 50 * HOUR)
    played = play(known, site)
    assert [each.activity for each in played.told] == [Activity.NEW, Activity.END, Activity.NEW]
    opened, ended, again = played.told
    assert (ended.attempts, again.attempts) == (2, 1)
    assert START + 44 * HOUR <= ended.time_ns <= START + 44 * HOUR + SECOND
    assert opened.incident == ended.incident != again.incident
    assert again.first_ns == START + 50 * HOUR
    assert len({each.uid for each in played.told}) == 3


def test_the_quiet_time_is_configured(known: Knowledge) -> None:
    """limits.quiet_hours."""
    site = Site()
    tried(site, START)
    tried(site, START + 2 * HOUR)
    played = play(known, site, configured(limits={"quiet_hours": 1}))
    assert [each.activity for each in played.told] == [Activity.NEW, Activity.END, Activity.NEW]


def test_an_opening_waits_no_longer_than_it_must_in_a_silence(known: Knowledge) -> None:
    """Where no packet follows for hours, the incident is told at the next whole second, as a live tap would."""
    site = Site()
    tried(site, START + 950 * MS)
    site.wire.arp(START + 5 * HOUR, site.hall, site.server)
    played = play(known, site)
    assert played.told[0].time_ns <= START + 2 * SECOND


def test_the_clock_may_be_set_back(known: Knowledge) -> None:
    """An hour back: attempts after it are told without waiting for the old time to come again."""
    site = Site()
    tried(site, START + HOUR)
    frames = site.wire.frames()
    later = Site()
    for number in range(5):
        tried(later, START + number * MINUTE, AMAZON_IE, 9000 + number)
    played = engine(known).feed(blocks(frames + later.wire.frames()))
    told = {each.evidences[0].remote_ip for each in played.openings()}
    assert told == {UNKNOWN_CN, AMAZON_IE}
    played.finish()
    assert {each.verdict.operator: each.attempts for each in played.incidents.values()}["Amazon"] == 5


def test_a_jump_far_ahead_is_quick(known: Knowledge) -> None:
    """A silence of eighty years takes no time, and ends what is open."""
    site = Site()
    tried(site, START)
    lookup(site.wire, START + SECOND, site.gate, site.server, "dev.hik-connect.com", AMAZON_IE)
    site.wire.arp(START + 80 * 365 * 24 * HOUR, site.hall, site.server)
    started = time.perf_counter()
    played = play(known, site)
    assert time.perf_counter() - started < 2
    assert [each.activity for each in played.told].count(Activity.END) == 2


@pytest.mark.parametrize("ts", [0, 1, -5 * SECOND, -1])
def test_captures_from_before_time_began(ts: int, known: Knowledge) -> None:
    """Zero and negative times are times."""
    site = Site()
    tried(site, START)
    frames = [Frame(each.ts_ns - START + ts, each.data) for each in site.wire.frames()]
    played = engine(known).feed(blocks(frames)).finish()
    assert played.only().attempts == 1
    assert played.only().first_ns == ts


def scan(known: Knowledge, count: int, *, distance: int, hello: bool = False) -> Played:
    """A camera that tries ``count`` addresses in as many networks."""
    site = Site()
    frames = []
    for number in range(count):
        there = site.remote(f"{(1, 2, 3, 4, 5, 6, 8, 9, 11)[number % 9]}.{number // 9 % 250}.{number // 2250}.7")
        if hello:
            connection = Connection(
                site.wire, site.gate, there, 443, at=START + number * distance, rng=site.rng, rtt=150 * MS
            )
            connection.tls(site.rng, f"www.name-{number}.com")
        else:
            packet = tcp(site.gate, there, Segment(40000, 80, number + 1, 0, SYN))
            frames.append(Frame(START + number * distance, frame(site.gate, there, packet)))
    return engine(known).feed(blocks(frames or site.wire.frames())).finish()


def test_a_scan_of_ten_thousand_addresses(known: Knowledge) -> None:
    """Bounded incidents, of which one stands for all further operators, and every attempt counted once."""
    played = scan(known, 10_000, distance=MS)
    lasting = [each for each in played.incidents.values() if each.merged_into is None]
    assert len(lasting) <= MAX_PER_DEVICE + 1
    assert sum(each.attempts for each in lasting) == 10_000
    assert played.engine.book.folded > 0
    assert len(played.told) < 12 * (MAX_PER_DEVICE + 1)
    assert len(played.engine.attribution.contacts) <= 4096


def test_hellos_that_come_late_do_not_open_more_incidents_than_there_may_be(known: Knowledge) -> None:
    """Operators beyond the bound share one incident also when each is first known by its network only."""
    played = scan(known, 3 * MAX_PER_DEVICE, distance=SECOND, hello=True)
    assert len(played.engine.book) <= MAX_PER_DEVICE + 1
    lasting = [each for each in played.incidents.values() if each.merged_into is None]
    assert sum(each.attempts for each in lasting) == 3 * MAX_PER_DEVICE
    assert len([key for key in played.engine.book._open if key[1] == MANY]) <= 1


def test_a_scanner_that_is_recognised_late_is_judged_in_time(known: Knowledge) -> None:
    """Four thousand contacts at once are judged without holding up the tap."""
    site = Site()
    late = Host.at("10.20.0.55", "02:00:00:00:00:55")
    frames = []
    for number in range(4000):
        there = site.remote(f"{1 + number % 8}.{number // 8 % 250}.{number // 2000}.7")
        frames.append(
            Frame(START + number * MS, frame(late, there, tcp(late, there, Segment(40000, 80, number + 1, 0, SYN))))
        )
    played = engine(known).feed(blocks(frames))
    assert played.told == []
    device = played.engine.attribution.devices.known(b"\0" * 10 + b"\xff\xff" + late.ip)  # type: ignore[arg-type]
    assert device is not None
    from monitor.model.contacts import DeviceClass

    played.engine.attribution.devices.recognise(device, DeviceClass.CAMERA, "a test")
    started = time.perf_counter()
    played.feed(blocks([Frame(START + 5 * SECOND, frames[0].data)]))
    took = time.perf_counter() - started
    played.finish()
    lasting = [each for each in played.incidents.values() if each.merged_into is None]
    assert sum(each.attempts for each in lasting) == 4000
    assert took < 1


def test_evicted_flows_lose_no_attempt(known: Knowledge) -> None:
    """With a table of 256 flows, ten thousand attempts are ten thousand."""
    site = Site()
    there = site.remote(UNKNOWN_CN)
    frames = [
        Frame(
            START + number * MS, frame(site.gate, there, tcp(site.gate, there, Segment(1024 + number, 80, 5, 0, SYN)))
        )
        for number in range(10_000)
    ]
    played = engine(known, configured(limits={"flows": 256})).feed(blocks(frames)).finish()
    last = played.only()
    assert last.attempts == 10_000
    assert last.bytes_out == sum(len(each.data) for each in frames)
    assert last.visibility.evictions > 9_000
    assert len(played.told) <= 10


def test_local_addresses_are_bounded(known: Knowledge) -> None:
    """Made-up neighbours, with a camera maker's prefix too, are no more devices than there may be, half of them cameras."""
    site = Site()
    frames = []
    for number in range(3000):
        mac = (
            "44:19:b6" if number % 2 else "02:00:00"
        ) + f":{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
        host = Host.at(f"10.30.{number >> 8}.{number & 255}", mac)
        there = site.remote(UNKNOWN_CN)
        frames.append(Frame(START + number * MS, frame(host, there, tcp(host, there, Segment(5000, 80, 5, 0, SYN)))))
    played = engine(known, configured(limits={"devices": 64})).feed(blocks(frames)).finish()
    assert len(played.engine.attribution.devices) <= 64
    assert played.engine.attribution.devices.evicted > 2900
    told, unwatched = (
        sum(each.attempts for each in played.incidents.values()),
        played.engine.attribution.devices.unwatched,
    )
    assert told == 32
    assert told + unwatched == 1500


def fragments(site: Site, ident: int, payload: bytes, at: int, size: int = 512, *, last: bool = True) -> list[Frame]:
    """A UDP datagram to UNKNOWN_CN in fragments, a millisecond apart."""
    there = site.remote(UNKNOWN_CN)
    datagram = (
        (40000).to_bytes(2, "big")
        + (7000).to_bytes(2, "big")
        + (8 + len(payload)).to_bytes(2, "big")
        + bytes(2)
        + payload
    )
    made = []
    for offset in range(0, len(datagram), size):
        more = offset + size < len(datagram)
        packet = bytearray(ip(site.gate, there, 17, datagram[offset : offset + size]))
        packet[4:6] = ident.to_bytes(2, "big")
        packet[6:8] = ((0x2000 if more else 0) | offset // 8).to_bytes(2, "big")
        if more or last:
            made.append(Frame(at + len(made) * MS, frame(site.gate, there, bytes(packet))))
    return made


def test_fragments_are_counted_once_on_their_flow(known: Knowledge) -> None:
    """Whole or given up: one attempt, and the bytes of every fragment."""
    site = Site()
    whole = fragments(site, 1, b"x" * 3000, START)
    cut = fragments(site, 2, b"y" * 3000, START + MINUTE, last=False)
    played = engine(known).feed(blocks(whole + cut)).finish()
    last = played.only()
    assert last.attempts == 2
    assert last.bytes_out == sum(len(each.data) for each in whole + cut)
    assert played.engine.scanner.packets == len(whole) + len(cut)
    assert played.engine.scanner.octets == last.bytes_out


def test_a_datagram_that_never_became_whole_is_its_senders(known: Knowledge) -> None:
    """The first part is handed on later, beside other hosts' packets, and is no doing of theirs; nor is it of that hour."""
    site = Site()
    cut = fragments(site, 2, b"y" * 3000, START, last=False)
    other = Host.at("10.20.0.90", "da:a1:19:4e:07:3c")
    site.wire.udp(START + 10 * SECOND, other, 39999, site.remote("81.2.69.142"), 7000, b"x" * 20)
    for number in range(3):
        site.wire.udp(
            START + 5 * HOUR + number * MINUTE, other, 40000 + number, site.remote("81.2.69.142"), 7000, b"x" * 20
        )
    config = configured(device=[{"name": "gate", "mac": "44:19:b6:20:00:0b"}])
    played = engine(known, config).feed(blocks(cut + site.wire.frames())).finish()
    last = played.only()
    assert last.device.name == "gate"
    assert last.device.ip == "10.20.0.11"
    assert last.first_ns <= START + MINUTE


def test_a_chain_of_fragments_within_fragments_ends(known: Knowledge) -> None:
    """Two thousand datagrams each of which would complete the next: none does."""
    here, there = Host.at("2001:db8::b", "44:19:b6:20:00:0b"), Host.at("2a00:1450::1", "00:00:0c:07:ac:01")

    def header(offset: int, ident: int, *, more: bool) -> bytes:
        return bytes((44, 0)) + (offset | more).to_bytes(2, "big") + ident.to_bytes(4, "big")

    frames = [
        Frame(
            START + number,
            frame(here, there, ip(here, there, 44, header(0, ident, more=True) + header(8, ident + 1, more=False))),
        )
        for number, ident in enumerate(range(2000, 0, -1))
    ]
    last = frame(here, there, ip(here, there, 44, header(8, 1, more=False) + bytes(8)))
    played = engine(known).feed(blocks([*frames, Frame(START + MS, last)])).finish()
    assert played.engine.scanner.packets == 2001


def test_an_error_refuses_only_what_it_quotes(known: Knowledge) -> None:
    """The attempt of the quoted ports; a fragmentation-needed or a quote of somebody else's packet refuses nothing."""
    site = Site()
    first = Connection(site.wire, site.gate, site.remote(UNKNOWN_CN), 8000, at=START, rng=site.rng)
    first.unanswered(())
    quote = tcp(site.gate, site.remote(UNKNOWN_CN), Segment(first.ports[0] + 7, 8000, 1, 0, SYN))
    site.wire.send(
        START + SECOND, site.router, site.gate, ip(site.router, site.gate, 1, b"\x03\x0d" + bytes(6) + quote)
    )
    right = tcp(site.gate, site.remote(UNKNOWN_CN), Segment(first.ports[0], 8000, 1, 0, SYN))
    site.wire.send(
        START + SECOND, site.router, site.gate, ip(site.router, site.gate, 1, b"\x03\x04" + bytes(6) + right)
    )
    site.wire.send(
        START + SECOND, site.router, site.gate, ip(site.router, site.gate, 1, b"\x0b\x00" + bytes(6) + right)
    )
    assert play(known, site).only().outcome is Outcome.ATTEMPTED
    site.wire.send(
        START + 2 * SECOND, site.router, site.gate, ip(site.router, site.gate, 1, b"\x03\x0d" + bytes(6) + right)
    )
    last = play(known, site).only()
    assert (last.outcome, last.refused_by) == (Outcome.REFUSED, "10.20.0.1")


def test_an_error_over_ipv6(known: Knowledge) -> None:
    """The same by ICMPv6."""
    site = Site()
    here, router = Host.at("2001:db8:20::b", "44:19:b6:20:00:0b"), Host.at("2001:db8:20::1", "00:00:0c:07:ac:01")
    there = router.beyond("240e::60")
    attempt = tcp(here, there, Segment(40000, 8000, 1, 0, SYN))
    site.wire.send(START, here, there, attempt)
    site.wire.send(START + MS, router, here, icmp6(router, here, 1, 1, bytes(4) + attempt))
    config = configured(
        site={"home": ["GB"], "camera_networks": ["2001:db8:20::/64"]},
        device=[{"name": "gate", "mac": "44:19:b6:20:00:0b"}],
    )
    last = play(known, site, config).only()
    assert (last.outcome, last.refused_by) == (Outcome.REFUSED, "2001:db8:20::1")


def test_a_malformed_packet_is_observed_as_nobodys(known: Knowledge) -> None:
    """Its observation has no address of the packet before."""
    site = Site()
    tried(site, START)
    site.wire.put(START + MS, b"\x00\x00\x0c\x07\xac\x01" + site.hall.mac + b"\x08\x00" + b"\x55" * 40)
    seen = []
    play(known, site, observer=lambda observation, _: seen.append(observation))
    (malformed,) = (each for each in seen if each.fact.__struct_config__.tag == "malformed")
    assert (malformed.where.src, malformed.where.src_mac) == (bytes(16), site.hall.mac)
