"""Targets of what is parsed beside conversations: one function each, which may raise Malformed and nothing else."""

from __future__ import annotations

import gzip
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Final

from monitor.model.address import MAPPED, Address
from monitor.model.facts import Malformed, TlsClientHello
from monitor.protocols import arp, certificate, clienthello, http_fields, metadata, names, nd, quic, secrets
from monitor.wire.fragments import Fragments
from monitor.wire.quotes import quoted, refuses
from monitor.wire.streams import MAX_BYTES as MAX_WAITING
from monitor.wire.streams import MAX_SEGMENTS, MODULUS, Stream
from pcaps import packets
from pcaps import quic as building
from pcaps.packets import Host
from tests.fuzz import seeds
from tests.fuzz.conversations import CONTROL
from tests.fuzz.target import Input, Target, joined

if TYPE_CHECKING:
    from collections.abc import Callable

LINK_LOCAL: Final = Address(packets.link_local(bytes.fromhex("4419b620000b")))
CONNECTION_ID: Final = bytes(range(8))


def targets() -> dict[str, Target]:
    """By the name of what is parsed."""
    return {
        "arp": Target(parsing(arp.parse), arps, 64),
        "nd": Target(
            parsing(lambda data: nd.parse(data[1:], Address(bytes(16)) if data[:1] < b"\x80" else LINK_LOCAL)), nds, 256
        ),
        "metadata": Target(_metadata, metadata_seeds),
        "clienthello": Target(parsing(_hello), lambda: [seeds.hello()[4:]]),
        "certificate": Target(parsing(certificate.describe), certificates),
        "http-fields": Target(parsing(_fields), fields),
        "names": Target(parsing(_names), name_seeds, 512),
        "secrets": Target(_secrets, uris, 1024),
        "quic-frames": Target(_quic_frames, lambda: [b"\0" + joined(each) for each in seeds.initial_frames()]),
        "quotes": Target(_quote, quotes, 128),
        "fragments": Target(_fragments, fragment_seeds, 2048),
        "streams": Target(_stream, stream_seeds, 2048),
    }


def parsing(parse: Callable[[bytes], object]) -> Callable[[bytes], None]:
    """Whatever it gives, it gives, or says Malformed."""

    def run(data: bytes) -> None:
        with suppress(Malformed):
            parse(data)

    return run


def _hello(data: bytes) -> None:
    clienthello.describe(clienthello.parse(data), TlsClientHello, "t")


def _metadata(data: bytes) -> None:
    """Packets of one stream, of either kind."""
    given = Input(data)
    stream = metadata.Metadata(("VND.ONVIF.METADATA", "VND.ONVIF.METADATA.GZIP")[given.number() & 1])
    for packet in given.messages(8):
        stream.feed(packet)


def metadata_seeds() -> list[bytes]:
    """A document with an event, plain and compressed."""
    event = b"<tt:Event><wsnt:Topic>tns1:RuleEngine/Recognition/Face</wsnt:Topic></tt:Event>"
    head = bytes.fromhex("80eb000100015f90000000ff")
    return [bytes(1) + joined(head + event), b"\1" + joined(head + gzip.compress(event, mtime=0))]


def _fields(data: bytes) -> None:
    fields, _ = http_fields.split(data)
    http_fields.length_of(fields)
    http_fields.realm_of(fields)
    for name in list(fields):
        text = http_fields.text_of(fields, name)
        assert text is not None
        assert not CONTROL.search(text)
    http_fields.host_of(data.decode("latin-1"))


def _names(data: bytes) -> None:
    given = Input(data)
    offset = given.number()
    message = given.rest()
    text, behind = names.read_name(message, offset)
    assert 0 < behind <= len(message)
    assert len(text) <= 4 * names.MAX_NAME
    assert not CONTROL.search(text)
    with suppress(Malformed):
        names.skip_name(message, offset)


def _secrets(data: bytes) -> None:
    """No secret that its name gives away stays, whatever follows it."""
    text = names.spell(data, 1024)
    secrets.cut(text)
    secrets.is_secret(text)
    planted = secrets.cut("/cgi?a=1&password=hunter2xyz&" + text)
    assert "hunter2xyz" not in planted


def _quic_frames(data: bytes) -> None:
    """Frames inside Initial packets that open: a mutated packet never does."""
    given = Input(data)
    size = (0, building.LEAST_DATAGRAM)[given.number() & 1]
    keys, path = building.Keys.of(CONNECTION_ID, "client"), building.Path(CONNECTION_ID, b"\x01\x02")
    parser = quic.Parser()
    for number, frames in enumerate(given.messages(6)):
        with suppress(Malformed):
            parser.feed(building.initial(keys, path, number, frames, datagram=size))


def _quote(data: bytes) -> None:
    quoted(data)
    if len(data) > 2:
        refuses(data[0], data[1], data[2])


def _fragments(data: bytes) -> None:
    """What waits is counted exactly, and no datagram is longer than IP can say."""
    given = Input(data)
    kept, now = Fragments(max_bytes=8192), 0
    ends = [Address(MAPPED + bytes((10, 0, 0, last))) for last in (1, 2)] + [
        LINK_LOCAL,
        Address(LINK_LOCAL[:15] + b"\x01"),
    ]
    while given:
        how = given.number()
        now += given.number() << 28
        pair = ends[:2] if how & 1 else ends[2:]
        header = (b"\x45" if how & 1 else b"\x60").ljust(20 if how & 1 else 40, b"\0")
        offset, size = given.number(2) & 0x1FFF, given.number()
        whole = kept.add(
            now, pair[0], pair[1], (17, 6)[how >> 1 & 1], how >> 2 & 3, offset * 8, header, given.take(size), size + 34,
            more=bool(how & 0x80),
        )  # fmt: skip
        if whole is not None:
            assert len(whole.memory) <= 40 + 65535
        if how & 0x40:
            kept.expire(now)
        assert kept.held == sum(entry.held for entry in kept._open.values()) <= 8192
    kept.expire(2**63 - 1)
    assert len(kept) == kept.held == 0


def _stream(data: bytes) -> None:
    """What waits is counted exactly, within its bounds, and lies behind what is expected."""
    given = Input(data)
    stream, start = Stream(), given.number(4)
    stream.open((start - 1) % MODULUS)
    read = 0
    while given:
        ahead, size, missing = given.number(2) - 4096, given.number(), given.number() & 15
        for piece in stream.push((start + ahead) % MODULUS, given.take(size), missing):
            read += len(piece or b"")
        assert read <= (stream.expected - start) % MODULUS
        assert stream.expected not in stream.waiting
        assert stream.waiting_bytes == sum(len(part) for part, _ in stream.waiting.values()) <= MAX_WAITING
        assert len(stream.waiting) <= MAX_SEGMENTS


def arps() -> list[bytes]:
    gate, router = Host.at("10.20.0.11", "44:19:b6:20:00:0b"), Host.at("10.20.0.1", "00:00:0c:07:ac:01")
    return [packets.arp(kind, gate, router)[14:] for kind in (packets.ARP_REQUEST, packets.ARP_REPLY)]


def nds() -> list[bytes]:
    host = Host(bytes.fromhex("4419b620000b"), bytes(LINK_LOCAL))
    found = [
        packets.router_solicitation(host), packets.router_advertisement(host, "2001:db8:20::"),
        packets.neighbour_solicitation(host, bytes(LINK_LOCAL))[1], packets.neighbour_advertisement(host, host),
    ]  # fmt: skip
    return [b"\xff" + packet[40:] for packet in found]


def certificates() -> list[bytes]:
    return [seeds.certificate("a,b"), seeds.certificate("a\n\x1b[2J", "camera.example")]


def fields() -> list[bytes]:
    return [
        b'Host: [2001:db8::1]:80\r\nUser-Agent: x\r\nContent-Length: 12\r\nWWW-Authenticate: Digest realm="a\\"b"\r\n\r\n',
        b"Content-Length: 1, 1\r\n folded\r\n:none\r\nSet-Cookie: session=1\r\n\r\n",
    ]


def name_seeds() -> list[bytes]:
    return [bytes((0,)) + b"\x03www\x07example\x03com\x00", bytes((16,)) + bytes(12) + b"\x03com\x00\x01a\xc0\x0c"]


def uris() -> list[bytes]:
    return [
        b"rtsp://admin:pa/ss@10.0.0.1:554/a?user=u&password=p&x=%75ser%3Dq",
        b'/cgi-bin/x?loginuse=admin&loginpas=a&b&token={"key":1}',
    ]


def quotes() -> list[bytes]:
    gate, there = Host.at("10.20.0.11", "44:19:b6:20:00:0b"), Host.at("52.30.100.10", "00:00:0c:07:ac:01")
    return [
        packets.udp(gate, there, 40000, 53, b"x"),
        packets.udp(*(Host.at(ip, gate.mac.hex()) for ip in ("2001:db8::1", "2a00::1")), 1, 2, b"x"),
    ]


def fragment_seeds() -> list[bytes]:
    def one(how: int, offset: int, body: bytes) -> bytes:
        return bytes((how, 0)) + offset.to_bytes(2, "big") + bytes((len(body),)) + body

    return [
        one(0x81, 0, bytes(16)) + one(0x01, 2, bytes(8)),
        one(0x80, 0, bytes(16)) + one(0x00, 2, bytes(8)) + one(0xC1, 0, bytes(8)),
    ]


def stream_seeds() -> list[bytes]:
    def one(ahead: int, body: bytes, missing: int = 0) -> bytes:
        return (ahead + 4096).to_bytes(2, "big") + bytes((len(body), missing)) + body

    rng = Random(1)
    return [
        bytes(4) + one(0, b"abc") + one(6, b"ghi") + one(3, b"def"),
        b"\xff\xff\xff\xf0" + b"".join(one(rng.randrange(64), rng.randbytes(9), rng.randrange(3)) for _ in range(20)),
    ]
