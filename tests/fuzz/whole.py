"""Targets that read more than one message: the engine, the scanner, captures, databases, the configuration.

Of the scanner and of the framing two builds are run and compared: the compiled one, which is what is installed, and the
same sources as ordinary Python, through which coverage leads the fuzzer.
"""

from __future__ import annotations

import ipaddress
import os
import tempfile
from array import array
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final

import maxminddb
import msgspec
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from collectors import captures
from collectors.blocks import Block, Interface
from collectors.compressed import Stream
from collectors.damage import CaptureError
from monitor.app import build_engine, knowledge
from monitor.config import Config, ConfigError, convert, parse
from monitor.enrich.geo import Geo, GeoError, _opened
from monitor.model.address import pack
from monitor.model.verdicts import Place
from monitor.sinks.mqtt import ResyncRequest
from tests.builds import other_build
from tests.collectors import written
from tests.fuzz import seeds
from tests.fuzz.target import Input, Target, joined
from tests.hostile.mutants import LINKS, on_link
from tests.wire.tap import Tap, fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.app import Knowledge

START: Final = 1_777_881_600_000_000_000
MOST_PACKETS: Final = 12
LINK_TYPES: Final = (*LINKS, 127)
"""And one that is not supported (radiotap)."""
CAMERAS: Final = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8::/32")]
MOST_UNPACKED: Final = 8 * 1024 * 1024
"""Bytes that are read of one compressed input; how much it would give in the end is no concern of the reader's."""
ASKED: Final = tuple(pack(each) for each in ("8.8.8.8", "52.30.100.10", "2001:4860:4860::8888", "2a00::1", "1.2.3.4"))


def targets() -> dict[str, Target]:
    return {
        "engine": Target(_engine, packet_seeds, 4096),
        "scanner": Target(_scanner, packet_seeds, 2048),
        "capture": Target(_capture, seeds.captures),
        "compressed": Target(_compressed, seeds.compressed),
        "mmdb": Target(_mmdb, databases),
        "config": Target(_config, configurations),
        "resync": Target(_resync, lambda: [b'{"from_seq": 12}'], 128),
    }


def packets_of(data: bytes) -> Iterator[tuple[int, bytes, int, int]]:
    """(time, frame, link type, length on the wire) of up to MOST_PACKETS packets."""
    given, now = Input(data), START
    while given and (now := now + (given.number() << 24)):
        link = LINK_TYPES[given.number() % len(LINK_TYPES)]
        more = given.number() & 0x3F
        frame = given.take(given.number(2))
        yield now, frame, link, len(frame) + more


def packet_seeds() -> list[bytes]:
    """Frames of the scenarios, on each link type in turn, four at a time."""
    found, links = [], list(LINKS)
    chosen = [each for each in seeds.frames() if len(each[0]) < 900][:: max(1, len(seeds.frames()) // 96)]
    for first in range(0, len(chosen), 4):
        link = links[first // 4 % len(links)]
        parts = []
        for frame, network in chosen[first : first + 4]:
            moved, _ = on_link(link, frame, network)
            parts.append(bytes((1, LINK_TYPES.index(link), 0)) + len(moved).to_bytes(2, "big") + moved)
        found.append(b"".join(parts))
    return found


@cache
def known() -> Knowledge:
    """Catalogue and databases, for as long as the process lives."""
    context = knowledge(Config())
    loaded = context.__enter__()
    loaded.operators.prepare()
    return loaded


@cache
def small() -> Config:
    return convert({"site": {"home": ["GB"]}, "limits": {"flows": 256, "contacts": 64, "devices": 16}}, "fuzz")


def _raise(defect: BaseException) -> None:
    raise defect


def _engine(data: bytes) -> None:
    """Packets through everything: no defect, every packet counted, every flow ended."""
    heard = 0

    def observer(*_: object) -> None:
        nonlocal heard
        heard += 1

    engine = build_engine(small(), known(), cameras=CAMERAS, observer=observer, on_fault=_raise, seed=bytes(16))
    count = 0
    for ts, frame, link, wire in packets_of(data):
        engine.feed(Block(frame, array("q", (ts, 0, len(frame), wire, 0)), 1, (Interface("capture", link),)))
        count += 1
        if count == MOST_PACKETS:
            break
    engine.tick(START + (200 << 30))
    engine.finish()
    scanner, table = engine.scanner, engine.scanner.table
    assert scanner.packets == count
    assert sum(scanner.malformed()) + scanner.others + scanner.duplicates <= count + len(engine.fragments)
    assert table.created == table.released == engine.counts.flow_ends
    assert table.used == table.watched == table.sources_used == 0


@cache
def hot_path() -> SimpleNamespace:
    rooms = ("link", "tunnels", "decode", "flows", "precedence", "scan")
    *_, decode, flows, _, scan = other_build(*(f"monitor.wire.{room}" for room in rooms))
    return SimpleNamespace(Frame=decode.Frame, FlowTable=flows.FlowTable, Scanner=scan.Scanner)


def _scanner(data: bytes) -> None:
    """Both builds say the same of every packet and count the same."""
    taps = [Tap(capacity=4, source_cap=3), Tap(hot_path(), capacity=4, source_cap=3)]
    for number, (ts, frame, link, wire) in enumerate(packets_of(data)):
        if number == MOST_PACKETS:
            break
        one, other = (tap.see(ts, frame, link=link, wire=wire) for tap in taps)
        assert one == other
        assert fields(taps[0].scanner) == fields(taps[1].scanner)
    assert taps[0].picture() == taps[1].picture()
    assert taps[0].scanner.malformed() == taps[1].scanner.malformed()
    for name in ("packets", "octets", "duplicates", "others", "truncated"):
        assert getattr(taps[0].scanner, name) == getattr(taps[1].scanner, name)


@cache
def framing() -> SimpleNamespace:
    names = ("collectors.clock", "collectors.framing", "collectors.reader", "collectors.captures")
    return SimpleNamespace(Captures=other_build(*names)[-1].Captures)


class InMemory:
    """A file without a disk."""

    def __init__(self, data: bytes) -> None:
        self._handle = os.memfd_create("fuzz")
        os.write(self._handle, data)
        self.path = f"/proc/self/fd/{self._handle}"

    def __enter__(self) -> str:
        return self.path

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)


def _capture(data: bytes) -> None:
    """Both builds read the same packets and find the same damage, with the widest and with the narrowest buffers."""
    with InMemory(data) as path:
        read = []
        for kind, sizes in ((captures.Captures, {}), (framing().Captures, {"block_packets": 1, "buffer_bytes": 1})):
            opened = kind([path], **sizes)
            read.append(
                (written.drained(opened), [(each.offset, each.reason) for each in opened.damage], opened.packets)
            )
        assert read[0] == read[1]


def _compressed(data: bytes) -> None:
    """Bytes come out, or one line says why not; what comes before a fault does not depend on the room."""
    with InMemory(data) as path:
        outputs = []
        for room in (65536, 997):
            stream, buffer, output = Stream(path), memoryview(bytearray(room)), bytearray()
            with suppress(CaptureError):
                while len(output) < MOST_UNPACKED and (taken := stream.readinto(buffer)):
                    output += buffer[:taken]
            stream.close()
            outputs.append(bytes(output[:MOST_UNPACKED]))
        assert outputs[0] == outputs[1]


def _mmdb(data: bytes) -> None:
    """A damaged database is refused at opening, or answers."""
    with InMemory(data) as path:
        try:
            reader = _opened(Path(path), maxminddb.MODE_MMAP)
            geo = Geo([("fuzz", reader)])
        except GeoError as error:
            assert "\n" not in str(error)
            return
        for address in ASKED:
            assert isinstance(geo.place(address), Place)
        geo.ages()
        geo.close()


def databases() -> list[bytes]:
    """Small ones of each form."""
    found = []
    records = (
        {"country": {"iso_code": "IE"}}, {"country_code": "FR", "asn": "AS15169", "as_name": "Google"},
        {"autonomous_system_number": 16509, "autonomous_system_organization": "Amazon"},
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        for number, record in enumerate(records):
            version = 4 if number == 0 else 6
            writer = MMDBWriter(version, "Test", languages=["en"], description="test", ipv4_compatible=version == 6)
            writer.insert_network(IPSet(["8.8.8.0/24", "52.30.0.0/16"]), record)
            path = Path(folder) / str(number)
            writer.to_db_file(str(path))
            found.append(path.read_bytes())
    return found


def _config(data: bytes) -> None:
    """A configuration, or one line that says what is wrong."""
    try:
        parse(data.decode("utf-8", "replace"), "fuzz")
    except ConfigError as error:
        assert str(error).startswith("fuzz: ")


def configurations() -> list[bytes]:
    examples = [Path(__file__).parents[2] / "deploy" / "camwarden.toml"]
    more = b"""
[site]
home = ["GB"]
networks = ["10.0.0.0/8"]
[[group]]
name = "g"
match = {vendor = "Hikvision", network = "10.0.0.0/8", mac = "44:19"}
allow = ["*.hik-connect.com https", "1.2.3.0/24", "AS15169 443/tcp", "country GB"]
isolated = true
[[device]]
name = "gate"
ip = ["10.0.0.1", "2001:db8::1"]
mac = "44:19:b6:00:00:01"
group = "g"
class = "recorder"
[limits]
flows = 256
quiet_hours = 0.5
"""
    return [*(path.read_bytes() for path in examples), more, b"a = " + b"[" * 9 + b"]" * 9]


def _resync(data: bytes) -> None:
    """What may be asked over MQTT, read as the sink reads it, is a number that the journal can be asked for."""
    with suppress(msgspec.DecodeError):
        request = msgspec.json.decode(data, type=ResyncRequest)
        assert 1 <= request.from_seq < 1 << 63


__all__ = ["joined", "targets"]
