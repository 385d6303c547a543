"""Which packets an incident gets: those that led to it, the same in every replay, within bounds, and no credential."""

from __future__ import annotations

import gc
import pickle
import tracemalloc
from hashlib import sha256
from random import Random
from struct import pack
from typing import TYPE_CHECKING, Any, Final

import pytest

from monitor.app import build_engine
from monitor.evidence.config import EvidenceConfig
from monitor.evidence.folder import Folder
from monitor.evidence.spool import ImageSpool
from monitor.model.address import pack as packed
from monitor.model.contacts import DeviceClass
from monitor.model.incidents import Kind
from monitor.model.limits import Limit, Room
from monitor.protocols import redaction
from monitor.traces import DEVICES, MOST_BYTES, MOST_GIVEN, PAIRS, PER_DEVICE, PER_MESSAGE, RING
from pcaps import messages
from pcaps.packets import Host, admin_prohibited, udp
from pcaps.site import HIKVISION
from pcaps.tls import client_hello, first_flight
from pcaps.wire import MS, SECOND, START, Connection, lookup
from tests.engine.played import AMAZON_IE, SEED, UNKNOWN_CN, Played, Site, blocks, configured, engine, play
from tests.engine.test_firmware_seen import IMAGE, pieces
from tests.protocols.test_redaction import DIALOGUES, SECRET, leaks

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.app import Knowledge
    from monitor.model.exhibits import Packet
    from monitor.model.incidents import Transition


OPT: Final = 41
"""A record that carries options (RFC 6891)."""
PADDING: Final = 12
"""An option that is no more than long (RFC 7830)."""
LONG: Final = 1_400
"""Octets of padding with which a question still fits a frame of Ethernet."""
STRANGER: Final = "02:00:00"
"""No maker's prefix."""
BLOCK: Final = 1_024
"""Packets of that length that fit the buffer of played.blocks."""


def called(site: Site, *, at: int = START, name: str = "cloud.example") -> Connection:
    """The gate looks a name up and calls."""
    at = lookup(site.wire, at, site.gate, site.server, name, UNKNOWN_CN)
    connection = Connection(site.wire, site.gate, site.remote(UNKNOWN_CN), 443, at=at + MS, rng=site.rng)
    connection.open()
    connection.tls(site.rng, name)
    connection.close()
    return connection


def packets(told: list[Transition]) -> list[Packet]:
    return [packet for each in told for packet in each.packets]


def keeping(known: Knowledge, site: Site, **more: Any) -> Played:
    return play(known, site, keeps=True, **more)


def test_what_led_to_an_incident(known: Knowledge) -> None:
    """The question and its answer, the SYN, the greeting; each says what it is."""
    site = Site()
    called(site)
    found = packets(keeping(known, site).told)
    notes = [packet.note for packet in found]
    assert any("attempt" in note for note in notes)
    assert notes.count("DNS") >= 2
    assert any("TLS greeting" in note for note in notes)
    assert any(b"\x05cloud\x07example\x00" in packet.data for packet in found)


def test_nothing_is_kept_unless_it_is_asked_for(known: Knowledge) -> None:
    """Without a folder there are no traces at all."""
    site = Site()
    called(site)
    played = play(known, site)
    assert played.engine.traces is None
    assert packets(played.told) == []
    off = play(known, site, configured(evidence={"packets": False}), keeps=True)
    assert off.engine.traces is None


def test_a_replay_keeps_the_same_whatever_the_blocks_are(known: Knowledge) -> None:
    """Nothing depends on how packets are handed over, nor on the seed of the flow table."""
    site = Site()
    for number in range(5):
        called(site, at=START + number * 30 * SECOND, name=f"c{number}.example")
    whole = keeping(known, site)
    pieces_ = keeping(known, site, size=1, seed=b"another seed 16b")
    assert [each.packets for each in whole.told] == [each.packets for each in pieces_.told]
    assert packets(whole.told)


def test_a_refusal_by_a_router_is_kept(known: Knowledge) -> None:
    """With the incident of the attempt that it is about, although it was sent by another host."""
    site = Site()
    connection = Connection(site.wire, site.gate, site.remote(UNKNOWN_CN), 443, at=START, rng=site.rng)
    connection.prohibited(site.router)
    played = keeping(known, site)
    refusals = [each for each in packets(played.told) if "refusal" in each.note]
    assert refusals
    assert all(len(each.data) <= 14 + 20 + 8 + 60 + 8 for each in refusals)


def test_of_what_a_refusal_quotes_only_headers_are_kept(known: Knowledge) -> None:
    """Routers quote much of a datagram, and what was in it (RFC 1812, 4.3.2.3)."""
    site = Site()
    remote = site.remote(UNKNOWN_CN)
    datagram = udp(site.gate, remote, 4000, 4001, b"password=" + SECRET.encode())
    site.wire.send(START, site.gate, remote, datagram)
    site.wire.send(START + MS, site.router, site.gate, admin_prohibited(site.router, datagram))
    found = packets(keeping(known, site).told)
    assert any("refusal" in each.note for each in found)
    assert not any(b"password" in each.data or leaks(each.data) for each in found)


def test_a_defect_in_what_reads_payloads_stops_no_watch(known: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted and told, the flow leaves no further trace, and the incident is told all the same."""
    defects: list[BaseException] = []
    site = Site()
    called(site)
    played = Played(build_engine(configured(), known, seed=SEED, keeps=True, on_fault=defects.append))
    monkeypatch.setattr(redaction, "_DATAGRAMS", (None,))
    for block in blocks(site.wire.frames()):
        played.told += played.engine.feed(block)
    assert [type(each) for each in defects] == [TypeError]
    assert played.engine.counts.faults == 1
    assert played.openings()


def test_media_is_not_kept(known: Knowledge) -> None:
    """Of application data only the headers, whatever passes."""
    site = Site()
    connection = called(site)
    connection.say(b"\x17\x03\x03\x40\x00" + b"VIDEOVIDEO" * 1638)
    assert not any(b"VIDEO" in each.data for each in packets(keeping(known, site).told))


@pytest.mark.parametrize("name", sorted(DIALOGUES))
@pytest.mark.parametrize("step", [1400, 16])
def test_no_credential_reaches_a_file(known: Knowledge, tmp_path: Path, name: str, step: int) -> None:
    """From a camera to a cloud and back, in one segment or in many; the files are written and searched."""
    site, data = Site(), DIALOGUES[name].encode("latin-1")
    port = {"ftp": 21, "telnet": 23, "rtsp": 554, "rtsp-path": 554, "challenge": 554, "sofia": 34567}.get(name, 80)
    for by_client in (True, False):
        connection = Connection(site.wire, site.gate, site.remote(UNKNOWN_CN), port, at=START, rng=site.rng)
        connection.open()
        for at in range(0, len(data), step):
            connection.say(data[at : at + step], by_client=by_client)
        connection.close()
    site.wire.udp(START + SECOND, site.gate, 4000, site.remote(UNKNOWN_CN), 4001, data)
    folder = Folder(tmp_path, EvidenceConfig(), hurried=False)
    named = [folder.exhibit(each) for each in keeping(known, site).told]
    assert any(each is not None for each in named)
    for path in folder.path.iterdir():
        assert not leaks(path.read_bytes())


def test_the_room_is_bounded(known: Knowledge) -> None:
    """Hosts without number: the rings stay within their bounds, and what had to go is counted."""
    site = Site()
    for number in range(PAIRS + 500):
        remote = site.remote(f"115.231.{number >> 8}.{number & 255}")
        Connection(site.wire, site.gate, remote, 443, at=START + number * MS, rng=site.rng).syn()
    traces = keeping(known, site).engine.traces
    assert traces is not None
    for limit in traces.limits():
        assert limit.size <= limit.capacity
    assert traces.bytes <= MOST_BYTES
    assert traces.forgotten == 500


def asked(label: str, pad: int = 0) -> bytes:
    """A question of this first label, padded (RFC 7830)."""
    question = messages.dns_query(7, f"{label}.flood.example")
    padding = pack("!HH", PADDING, pad) + bytes(pad)
    return question[:10] + b"\x00\x01" + question[12:] + messages.dns_record(b"\0", OPT, 0, padding, rclass=1232)


def held(played: Played) -> dict[Room, Limit]:
    """What there is of traces."""
    assert played.engine.traces is not None
    return {limit.name: limit for limit in played.engine.traces.limits()}


def flood(site: Site, at: int, askers: int, each: int, maker: str = STRANGER) -> int:
    """So many made-up senders ask, in datagrams as long as there may be; returns when the last one passes."""
    for number in range(askers):
        high, low = divmod(number, 256)
        sender = Host.at(f"10.20.{16 + high}.{low}", f"{maker}:00:{high:02x}:{low:02x}")
        for turn in range(each):
            at += MS // 10
            site.wire.udp(at, sender, 40000, site.server, 53, asked(f"q{turn}", LONG))
    return at


def flooded(askers: int, each: int) -> Site:
    """The gate looks a name up, then there is a flood, then it calls whom it asked for."""
    site = Site()
    at = lookup(site.wire, START, site.gate, site.server, "cloud.example", UNKNOWN_CN)
    at = flood(site, at, askers, each)
    connection = Connection(site.wire, site.gate, site.remote(UNKNOWN_CN), 443, at=at + MS, rng=site.rng)
    connection.open()
    connection.tls(site.rng, "cloud.example")
    connection.close()
    return site


@pytest.mark.parametrize(("askers", "each"), [(DEVICES + 50, 1), (DEVICES // 6, PER_DEVICE)])
def test_made_up_askers_push_out_no_question_of_a_camera(known: Knowledge, askers: int, each: int) -> None:
    """Many of them, or much from each: what they asked goes first, and all octets are within the bound and told."""
    played = keeping(known, flooded(askers, each), size=BLOCK)
    led = [packet for packet in packets(played.told) if b"\x05cloud\x07example\x00" in packet.data]
    assert [packet.note for packet in led].count("DNS") >= 2
    limits = held(played)
    assert all(limit.size <= limit.capacity for limit in limits.values())
    sent = (DEVICES if each == 1 else askers * each) * LONG
    assert limits[Room.TRACED].size > min(sent, MOST_BYTES - PER_DEVICE * 2 * LONG)
    assert limits[Room.TRACED_NAMES].turned_away > 0


@pytest.mark.parametrize("maker", [STRANGER, HIKVISION])
def test_made_up_askers_push_out_no_connection_of_a_camera(known: Knowledge, maker: str) -> None:
    """One that was refused after they came is told with the packets that began it before.

    Neither do those that look like cameras: the gate is in the inventory, and they are not.
    """
    site = Site()
    connection = Connection(site.wire, site.gate, site.remote(UNKNOWN_CN), 443, at=START, rng=site.rng)
    connection.syn()
    flood(site, START + MS, DEVICES // 6, PER_DEVICE, maker)
    connection.now = START + 10 * SECOND
    connection.reset()
    played = keeping(known, site, size=BLOCK)
    assert held(played)[Room.TRACED_NAMES].turned_away > 0
    of_gate = [each for each in played.told if each.device.name == "gate"]
    assert any("attempt" in packet.note for packet in of_gate[-1].packets)
    looks_like_one = [each for each in played.engine.attribution.devices if each.watched and not each.named]
    assert bool(looks_like_one) == (maker == HIKVISION)


def test_memory_is_counted_as_it_is(known: Knowledge) -> None:
    """What the bound counts is what the packets take, a quarter more or less."""
    site = Site()
    for number in range(4000):
        remote = site.remote(f"115.{231 + number // 65_536}.{number >> 8 & 255}.{number & 255}")
        connection = Connection(site.wire, site.gate, remote, 443, at=START + number * MS, rng=site.rng)
        connection.open()
        connection.reset()
    traces = keeping(known, site).engine.traces
    assert traces is not None
    kept = pickle.dumps([each for each in gc.get_referents(traces) if isinstance(each, tuple)])
    tracemalloc.start()
    try:
        again = pickle.loads(kept)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(again[0][-1]) == 4000
    assert 0.75 * traces.bytes < taken < 1.25 * traces.bytes


def test_what_made_room_for_a_flood_is_the_same_in_each_replay(known: Knowledge) -> None:
    """Whatever the blocks are, and the seed of the flow table."""
    site = flooded(DEVICES // 6, PER_DEVICE)
    whole = keeping(known, site, size=BLOCK)
    other = keeping(known, site, size=97, seed=b"another seed 16b")
    assert [each.packets for each in whole.told] == [each.packets for each in other.told]
    assert held(whole) == held(other)


def test_octets_of_questions_are_counted_while_they_are_kept(known: Knowledge) -> None:
    """The same question again takes no more room, and the oldest gives its own back."""
    sizes = []
    for times, labels in ((1, 1), (3, 1), (1, PER_DEVICE), (2, PER_DEVICE + 9)):
        site = Site()
        for number in range(times * labels):
            at = START + number * SECOND
            site.wire.udp(at, site.gate, 4000, site.server, 53, asked(f"q{number % labels:03}"))
        sizes.append(held(keeping(known, site))[Room.TRACED].size)
    one = sizes[0]
    assert one > len(asked("q000"))
    each = one - RING
    assert sizes == [one, one, RING + PER_DEVICE * each, RING + PER_DEVICE * each]


def test_who_turns_out_to_be_a_camera_is_no_stranger(known: Knowledge) -> None:
    """What it had asked before is kept with what it asks from then on, and looked for in one place."""
    site, late = Site(), Host.at("10.20.0.77", "02:00:00:00:00:77")
    at = lookup(site.wire, START, late, site.server, "cloud.example", UNKNOWN_CN)
    played = engine(known, keeps=True).feed(blocks(site.wire.frames()))
    device = played.engine.attribution.devices.known(packed("10.20.0.77"))
    assert device is not None
    played.engine.attribution.devices.recognise(device, DeviceClass.CAMERA, "a test")
    site = Site()
    at = lookup(site.wire, at + SECOND, late, site.server, "other.example", UNKNOWN_CN)
    flood(site, at, DEVICES + 50, 1)
    connection = Connection(site.wire, late, site.remote(UNKNOWN_CN), 443, at=at + SECOND, rng=site.rng)
    connection.open()
    connection.tls(site.rng, "cloud.example")
    played.feed(blocks(site.wire.frames(), BLOCK)).finish()
    found = [packet.data for packet in packets(played.told)]
    assert any(b"\x05cloud\x07example\x00" in data for data in found)


def test_a_message_brings_so_many_packets(known: Knowledge) -> None:
    """No more than its share, and all messages of a second no more than theirs."""
    site = Site()
    for number in range(40):
        called(site, at=START + number * SECOND)
    played = keeping(known, site)
    assert all(len(each.packets) <= PER_MESSAGE for each in played.told)
    assert sum(len(each.data) for each in packets(played.told)) < MOST_GIVEN * 60


def test_a_pushed_image_is_kept_and_named(known: Knowledge, tmp_path: Path) -> None:
    """Through the whole engine: the file of the update's message is what the device got."""
    site = Site()
    connection = Connection(site.wire, site.phone, site.gate, 80, at=START, rng=site.rng, rtt=MS)
    connection.open()
    head = b"PUT /ISAPI/System/updateFirmware HTTP/1.1\r\nHost: 10.20.0.11\r\nContent-Length: %d\r\n\r\n" % len(IMAGE)
    connection.say(head + IMAGE)
    connection.hear(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    connection.close()
    folder = Folder(tmp_path, EvidenceConfig(images=True), hurried=False)
    played = play(known, site, keeps=True, spool=ImageSpool(folder, threaded=False))
    (last,) = [each for each in played.incidents.values() if each.kind is Kind.FIRMWARE_UPDATE]
    exhibit = folder.exhibit(last)
    assert exhibit is not None
    assert exhibit.image is not None
    assert exhibit.image.sha256 == sha256(IMAGE).hexdigest()
    assert (folder.path / exhibit.image.sha256).read_bytes() == IMAGE
    assert exhibit.packets is not None


@pytest.mark.parametrize("lost", [0, 1])
def test_a_download_with_a_hole_is_not_kept(known: Knowledge, tmp_path: Path, lost: int) -> None:
    """One segment less, and there is no file; with all of them there is."""
    site = Site()
    connection = Connection(site.wire, site.gate, site.remote(AMAZON_IE), 80, at=START, rng=site.rng)
    connection.open()
    connection.say(b"GET /firmware/digicap.dav HTTP/1.1\r\nHost: up.example\r\n\r\n")
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % len(IMAGE)
    for piece in pieces(head + IMAGE):
        connection.hear(piece)
    connection.close()
    frames = site.wire.frames()
    full = [number for number, frame in enumerate(frames) if len(frame.data) > 1400]
    for number in full[5 : 5 + lost]:
        del frames[number]
    folder = Folder(tmp_path, EvidenceConfig(images=True), hurried=False)
    engine(known, keeps=True, spool=ImageSpool(folder, threaded=False)).feed(blocks(frames)).finish()
    assert len(list(folder.path.iterdir())) == 1 - lost


def test_long_greetings_are_whole(known: Knowledge) -> None:
    """A greeting that needs two segments can be read by Wireshark too."""
    site, rng = Site(), Random(3)
    hello = first_flight(client_hello(rng, "cloud.example"))
    connection = Connection(site.wire, site.gate, site.remote(UNKNOWN_CN), 443, at=START, rng=site.rng)
    connection.open()
    connection.say(hello[:120])
    connection.say(hello[120:] + b"\x17\x03\x03\x00\x20" + b"V" * 32)
    connection.close()
    found = packets(keeping(known, site).told)
    assert any(each.data.endswith(hello[:120]) for each in found)
    assert any(each.data.endswith(hello[120:]) and "continued" in each.note for each in found)
