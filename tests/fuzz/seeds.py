"""What hosts really say, as inputs to begin with: harvested from the scenarios, and built where no scenario has it."""

from __future__ import annotations

import gzip
import struct
from array import array
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

import zstandard
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from collectors.captures import Captures
from monitor.wire import layout as at
from monitor.wire.flows import FlowTable
from monitor.wire.scan import Scanner
from pcaps import messages, packets, quic, scenarios, tls
from tests.collectors import written

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES: Final = 2000
"""Of one flow."""
MOST_PIECES: Final = 8
MOST_SEEDS: Final = 24


class Said(NamedTuple):
    """What was said in one flow, in order."""

    stream: bool
    ports: tuple[int, int]
    """Of the side that began it, and of the other."""
    pieces: tuple[tuple[int, bytes], ...]
    """Direction, 0 from the side that began it, and payload."""


@cache
def frames() -> tuple[tuple[bytes, int], ...]:
    """Distinct frames of the scenarios, the first of each length and beginning, and where their network header is."""
    chosen: dict[tuple[int, bytes], bytes] = {}
    for name in scenarios.NAMES:
        for block in Captures([scenarios.load(name).capture]).blocks():
            memory = bytes(block.memory)
            for row in range(block.count):
                offset, length = block.index[5 * row + 1], block.index[5 * row + 2]
                frame = memory[offset : offset + length]
                chosen.setdefault((length, frame[12:14] + frame[23:24] + frame[34:38]), frame)
    return tuple((frame, 18 if frame[12:14] == b"\x81\x00" else 14) for frame in chosen.values())


@cache
def said() -> tuple[Said, ...]:
    """What was said in each flow of the scenarios; equal beginnings once."""
    found: dict[tuple[bool, int, bytes], Said] = {}
    for name in scenarios.NAMES:
        for each in _harvest(name):
            found.setdefault((each.stream, len(each.pieces[0][1]), each.pieces[0][1][:12]), each)
    return (*found.values(), *_built())


def _harvest(name: str) -> Iterator[Said]:
    scanner = Scanner(FlowTable(65536, bytes(16)))
    scanner.due = 2**62
    held: dict[int, list[tuple[int, bytes]]] = {}
    ends: dict[int, tuple[bool, tuple[int, int]]] = {}
    for block in Captures([scenarios.load(name).capture]).blocks():
        links = array("q", (interface.link_type for interface in block.interfaces))
        scanner.begin(block.memory, block.index, block.count, links)
        view = memoryview(block.memory)
        while events := scanner.scan():
            if not events & at.PAYLOAD:
                continue
            frame, number = scanner.frame, scanner.table.field(scanner.slot, at.NUMBER)
            pieces = held.setdefault(number, [])
            ports = (frame.dport, frame.sport) if scanner.direction else (frame.sport, frame.dport)
            ends[number] = frame.proto == at.PROTO_TCP, ports
            if sum(len(piece) for _, piece in pieces) < MOST_BYTES and len(pieces) < MOST_PIECES:
                payload = bytes(view[frame.payload : frame.payload + frame.payload_length])
                pieces.append((scanner.direction, payload))
    for number, pieces in held.items():
        yield Said(*ends[number], tuple(pieces))


def _images() -> Iterator[Said]:
    """Firmware over HTTP: pushed, in a form, in ranges, in chunks, until close."""
    image = b"\xe9\x9a\xf7\xb6" + bytes(range(64))
    pushed = b"PUT /ISAPI/System/updateFirmware HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(image) + image
    fields = {"Content-Type": "application/octet-stream"}
    fine = messages.response("200 OK", "HTTP/1.1", fields, image)
    yield Said(True, (40000, 80), ((0, pushed), (1, fine)))
    piece = b'--b\r\nContent-Disposition: form-data; filename="a.pak&0-1-2-3-4&0&68"\r\n\r\n' + image + b"\r\n--b--\r\n"
    head = b"POST /api.cgi?cmd=Upgrade HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n"
    yield Said(True, (40000, 80), ((0, head % len(piece) + piece), (1, b"HTTP/1.1 200 OK\r\n\r\n" + image)))
    asked = messages.request("GET", "/firmware/check?version=1", "HTTP/1.1", {"Host": "h"})
    half = b"HTTP/1.1 206 P\r\nContent-Length: %d\r\nContent-Range: bytes %d-%d/68\r\n\r\n"
    parts = [(1, half % (34, at, at + 33) + image[at : at + 34]) for at in (0, 34)]
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n%s\r\n40\r\n%s\r\n0\r\n\r\n" % (
        image[:4],
        image[4:],
    )
    yield Said(True, (40000, 80), ((0, asked * 3), *parts, (1, chunks)))


def _built() -> Iterator[Said]:
    """Protocols that no scenario speaks."""
    question = messages.dns_query(7, "www.hik-connect.com")
    answer = messages.dns_answer(7, "www.hik-connect.com", addresses=("52.30.100.10",), alias="eu.hik-connect.com")
    framed = [len(message).to_bytes(2, "big") + message for message in (question, answer)]
    yield Said(True, (40000, 53), ((0, framed[0]), (1, framed[1])))
    asks = messages.request("GET", "/cgi-bin/x?user=a&pwd=b", "HTTP/1.1", {"Host": "cam.example:80", "User-Agent": "x"})
    posts = messages.request("POST", "/onvif", "HTTP/1.1", {"Host": "cam", "Transfer-Encoding": "chunked"})
    says = {"Server": "App-webs/", "Content-Type": "text/xml", "WWW-Authenticate": 'Digest realm="DS", nonce="1"'}
    told = messages.response("401 Unauthorized", "HTTP/1.1", says, b"<a/>")
    yield Said(True, (40000, 80), ((0, asks), (1, told), (0, posts + b"4\r\nbody\r\n0\r\n\r\n" + asks), (1, told)))
    yield from _images()
    tunnel = messages.request("CONNECT", "a.example:443", "HTTP/1.1", {})
    yield Said(True, (40000, 8080), ((0, tunnel + tls.first_flight(hello())),))
    duid = b"\x00\x03\x00\x01\x44\x19\xb6\x20\x00\x0b"
    address = struct.pack("!HH", 5, 24) + packets.address("2001:db8::b") + struct.pack("!II", 3600, 7200)
    options = (
        (1, duid), (3, bytes(12) + address), (16, struct.pack("!IH", 368, 4) + b"AXIS"),
        (39, b"\0" + messages.name("gate.example")),
    )  # fmt: skip
    asked = b"\x03\x00\x00\x07" + b"".join(struct.pack("!HH", code, len(body)) + body for code, body in options)
    relayed = b"\x0c\x00" + bytes(32) + struct.pack("!HH", 9, len(asked)) + asked
    yield Said(False, (546, 547), ((0, asked),))
    yield Said(False, (547, 547), ((0, relayed),))
    rng = Random(5)
    leaf = certificate("camera.example")
    chain = (len(leaf) + 3).to_bytes(3, "big") + len(leaf).to_bytes(3, "big") + leaf
    greeting = b"\x02\x00\x00\x26\x03\x03" + rng.randbytes(32) + b"\x00\xc0\x2f\x00"  # RFC 5246, 7.4.1.3
    flight = greeting + b"\x0b" + len(chain).to_bytes(3, "big") + chain
    yield Said(True, (40000, 443), ((1, tls.record(22, flight)),))


@cache
def certificate(*common_names: str) -> bytes:
    """A self-signed leaf, DER; the key is nobody's."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text) for text in common_names])
    start = datetime(2024, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, start, start + timedelta(days=9))
    return builder.sign(key, None).public_bytes(Encoding.DER)


def hello(name: str = "dev.hik-connect.com") -> bytes:
    """A ClientHello with its handshake header."""
    return tls.client_hello(Random(7), name, ("h2", "http/1.1"), grease=True)


def initial_frames() -> list[bytes]:
    """What is inside Initial packets of QUIC: whole, in pieces, acknowledged."""
    whole = hello()
    half = len(whole) // 2
    return [
        quic.crypto(0, whole),
        quic.crypto(half, whole[half:]) + quic.crypto(0, whole[:half]),
        quic.acknowledge(2) + quic.crypto(0, whole[:half]),
    ]


def captures() -> list[bytes]:
    """Every form of capture, small."""
    these = written.packets(4)
    forms = [
        written.pcap(these, order, magic) for order in "<>" for magic in (written.MICROSECONDS, written.NANOSECONDS)
    ]
    forms.append(written.pcap(these, "<", written.KUZNETZOV))
    forms += [written.pcapng(these, order) for order in "<>"]
    frame = these[0].frame
    forms.append(
        written.section()
        + written.interface(1, written.option(9, b"\x09") + written.option(14, bytes(8)) + written.option(0, b""))
        + written.interface(113, snap=64)
        + written.enhanced(written.NOON, frame)
        + written.simple(frame)
        + written.obsolete(written.NOON // 1000, frame, face=1)
        + written.block(5, bytes(12))
    )
    return forms


def compressed() -> list[bytes]:
    """The same, packed in each way."""
    plain = captures()[0]
    frame = zstandard.ZstdCompressor(write_checksum=True).compress(plain)
    skippable = (0x184D2A50).to_bytes(4, "little") + (3).to_bytes(4, "little") + b"abc"
    return [
        gzip.compress(plain, mtime=0),
        gzip.compress(plain[:40], mtime=0) + bytes(7) + gzip.compress(plain[40:], mtime=0),
        frame,
        skippable + frame + frame,
        plain,
    ]
