"""JA4 against its specification, and against what FoxIO's own tools say of FoxIO's captures."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.model.facts import ClientHello, Malformed, Want
from monitor.protocols import quic, tls
from monitor.protocols.ja4 import GREASE, fingerprint

CAPTURES = Path(os.environ.get("CAMWARDEN_CAPTURES", Path(__file__).parents[3] / "shared" / "captures")) / "ja4"

CIPHERS = (
    0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC013, 0xC014, 0x009C, 0x009D, 0x002F,
    0x0035,
)  # fmt: skip
EXTENSIONS = (
    0x001B, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002D, 0x000D, 0x0005, 0x0023, 0x0012, 0x002B, 0xFF01, 0x000B,
    0x000A, 0x0015,
)  # fmt: skip
ALGORITHMS = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)


def test_example_of_the_specification() -> None:
    """The worked example, technical_details/JA4.md."""
    assert fingerprint("t", 0x0304, CIPHERS, EXTENSIONS, b"h2", ALGORITHMS) == "t13d1516h2_8daaf6152771_e5627efa2ab1"


def test_example_without_signature_algorithms() -> None:
    """Without signature algorithms the hashed text has no underscore."""
    assert fingerprint("t", 0x0304, CIPHERS, EXTENSIONS, b"h2", ()).endswith("_6d807ffa2a79")


def test_order_and_grease_do_not_matter() -> None:
    """Browsers shuffle extensions and add GREASE; only signature algorithms keep their order."""
    grease = sorted(GREASE)
    assert len(grease) == 16
    assert grease[0] == 0x0A0A
    assert grease[-1] == 0xFAFA
    shuffled = fingerprint(
        "t", 0x0304, (*grease, *reversed(CIPHERS)), (*grease, *reversed(EXTENSIONS)), b"h2", (*grease, *ALGORITHMS)
    )
    assert shuffled == "t13d1516h2_8daaf6152771_e5627efa2ab1"
    turned = fingerprint("t", 0x0304, CIPHERS, EXTENSIONS, b"h2", ALGORITHMS[::-1])
    assert turned != shuffled


@pytest.mark.parametrize(
    ("protocol", "shown"),
    [
        (b"", "00"),
        (b"h2", "h2"),
        (b"http/1.1", "h1"),
        (b"h", "hh"),
        (b"\xab", "ab"),
        (b"\x20", "20"),
        (b"\xab\xcd", "ad"),
        (b"\x20\x61", "21"),
        (b"\x30\xab", "3b"),
        (b"\x61\x20", "60"),
        (b"\x30\x31\xab\xcd", "3d"),
        (b"\x30\xab\xcd\x31", "01"),
    ],
)
def test_alpn_characters(protocol: bytes, shown: str) -> None:
    """The table of the specification, "ALPN Extension Value"."""
    assert fingerprint("t", 0x0304, CIPHERS, EXTENSIONS, protocol, ())[8:10] == shown


@pytest.mark.parametrize(
    ("version", "shown"),
    [(0x0304, "13"), (0x0303, "12"), (0x0302, "11"), (0x0301, "10"), (0x0300, "s3"), (2, "s2"), (0x7F1C, "00")],
)
def test_version_characters(version: int, shown: str) -> None:
    """The table of the specification, "TLS and DTLS Version"."""
    assert fingerprint("q", version, CIPHERS, EXTENSIONS, b"h3", ())[:3] == "q" + shown


def test_empty_and_overfull_lists() -> None:
    """No ciphers or extensions hash to zeros; counts stop at 99; without server_name it is "i"."""
    assert fingerprint("t", 0x0301, (), (), b"", ()) == "t10i000000_000000000000_000000000000"
    assert fingerprint("t", 0x0301, (), (0, 16), b"", ALGORITHMS) == "t10d000200_000000000000_000000000000"
    assert fingerprint("t", 0x0301, range(1, 120), range(1, 130), b"", ())[:10] == "t10i999900"


Flow = tuple[str, str, str, str]
Reader = Callable[[Path], set[tuple[Flow, str]]]
FIELDS = (
    "ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "tcp.srcport", "udp.srcport", "tcp.dstport", "udp.dstport",
    "tcp.seq_raw", "tcp.payload", "udp.payload",
)  # fmt: skip


def payloads(capture: Path) -> tuple[dict[Flow, list[tuple[int, bytes]]], dict[Flow, list[bytes]]]:
    """TCP segments and UDP datagrams of each direction, as tshark sees them."""
    command = ["tshark", "-n", "-r", str(capture), "-Y", "tcp.len > 0 || udp.payload", "-T", "fields"]
    command += [part for field in FIELDS for part in ("-e", field)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    segments: dict[Flow, list[tuple[int, bytes]]] = defaultdict(list)
    datagrams: dict[Flow, list[bytes]] = defaultdict(list)
    for line in output.splitlines():
        v4src, v6src, v4dst, v6dst, tsport, usport, tdport, udport, seq, stream, datagram = line.split("\t")
        flow = (v4src or v6src, v4dst or v6dst, tsport or usport, tdport or udport)
        if stream:
            segments[flow].append((int(seq), bytes.fromhex(stream)))
        else:
            datagrams[flow].append(bytes.fromhex(datagram))
    return segments, datagrams


def in_order(segments: list[tuple[int, bytes]]) -> list[bytes]:
    """Segments by sequence number from the first one on, repeats cut away, up to a hole."""
    first = segments[0][0]
    expected = 0
    chunks = []
    for at, data in sorted((((seq - first + (1 << 31)) & 0xFFFFFFFF) - (1 << 31), data) for seq, data in segments):
        if at > expected:
            break
        if at + len(data) > expected >= 0 <= at:
            chunks.append(data[expected - at :])
            expected = at + len(data)
    return chunks


def hellos(capture: Path) -> set[tuple[Flow, str]]:
    """Every flow's JA4 that the parsers find."""
    segments, datagrams = payloads(capture)
    found = set()
    for flow, chunks, protocol in [
        *((flow, in_order(pieces), tls) for flow, pieces in segments.items()),
        *((flow, pieces, quic) for flow, pieces in datagrams.items()),
    ]:
        if not protocol.sniff(chunks[0], int(flow[2]), int(flow[3])):
            continue
        parser = protocol.Parser()
        for chunk in chunks:
            try:
                facts = parser.feed(chunk)
            except Malformed as error:
                pytest.fail(f"{capture.name} {flow}: {error}")
            found |= {(flow, fact.ja4) for fact in facts if isinstance(fact, ClientHello)}
            if parser.want is Want.STOP:
                break
    return found


def of_python(report: Path) -> set[tuple[Flow, str]]:
    """What ja4.py found; the second hello of a flow ("JA4.2") is left out, as only the first is reported."""
    return {
        ((row["src"], row["dst"], row["srcport"], row["dstport"]), row["JA4.1"])
        for row in json.loads(report.read_text())
        if "JA4.1" in row
    }


def of_rust(snapshot: Path) -> set[tuple[Flow, str]]:
    """What the ja4 tool in Rust found."""
    found = set()
    for stream in re.split(r"(?m)^- ", snapshot.read_text())[1:]:
        row = dict(re.findall(r"(?m)^ {0,2}(\w+): (\S+)$", stream))
        if "ja4" in row:
            found.add(((row["src"], row["dst"], row["src_port"], row["dst_port"]), row["ja4"]))
    return found


def of_zeek(log: Path) -> set[tuple[Flow, str]]:
    """What Zeek with FoxIO's package found."""
    lines = [line.split("\t") for line in log.read_text().splitlines()]
    names = next(line[1:] for line in lines if line[0] == "#fields")
    rows = [dict(zip(names, line, strict=True)) for line in lines if not line[0].startswith("#")]
    return {((row["id.orig_h"], row["id.resp_h"], row["id.orig_p"], row["id.resp_p"]), row["ja4"]) for row in rows}


ORACLES = [
    ("tls-handshake.pcapng", of_python, "python/test/testdata/tls-handshake.pcapng.json", 59),
    ("tls-handshake.pcapng", of_zeek, "zeek/tests/Traces/Scripts.ja4-tls-handshake/ssl.log", 20),
    ("tls-sni.pcapng", of_python, "python/test/testdata/tls-sni.pcapng.json", 59),
    ("http2-with-cookies.pcapng", of_python, "python/test/testdata/http2-with-cookies.pcapng.json", 1),
    ("https3-301-get.pcap", of_python, "python/test/testdata/https3-301-get.pcap.json", 1),
    (
        "chrome-cloudflare-quic-with-secrets.pcapng",
        of_rust,
        "rust/ja4/src/snapshots/ja4__insta@chrome-cloudflare-quic-with-secrets.pcapng.snap",
        2,
    ),
]


@pytest.mark.skipif(not CAPTURES.is_dir(), reason=f"no captures at {CAPTURES} (set CAMWARDEN_CAPTURES)")
@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark, which reads the captures here, is not installed")
@pytest.mark.parametrize(
    ("capture", "read", "report", "count"), ORACLES, ids=[f"{o[0]}-{o[1].__name__}" for o in ORACLES]
)
def test_agrees_with_the_tools_of_its_authors(capture: str, read: Reader, report: str, count: int) -> None:
    """Every first hello of a TLS or QUIC flow that they fingerprint has the same fingerprint here."""
    expected = read(CAPTURES / report)
    assert len(expected) == count
    assert expected - hellos(CAPTURES / "pcap" / capture) == set()
