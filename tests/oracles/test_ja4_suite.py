"""JA4 of every client in the method's own suite, as ``observe`` prints it, against the suite's four implementations.

Out of scope, each with its reason: DTLS (no camera protocol needs it; ``dtls-udp.notest.cap``), TLS behind SOCKS (no
SOCKS parser; of the suite's snapshots only ``socks-https-example`` has it, whose capture is not part of it) and the
fingerprints of servers, certificates, HTTP, SSH and light distance, which are not freely licensed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from tests.oracles.running import observed

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.app import Knowledge

Client = tuple[str, str, str, str, str]
"""Transport, source, port, destination, port."""
HELLOS = ("tls.client_hello", "quic.client_hello")

PYTHON = (
    "CVE-2018-6794.pcap", "chrome-cloudflare-quic-with-secrets.pcapng", "dhcp.pcapng", "dhcpv6.pcap", "gre-sample.pcap",
    "http-empty-useragent.pcap", "http2-with-cookies.pcapng", "https3-301-get.pcap", "quic-tls-handshake.pcapng",
    "socks4-https.pcap", "ssh-r.pcap", "ssh.pcapng", "ssh2-malformed.pcap", "sshv1.pcap", "tcpdump-geneve.pcap",
    "tls-handshake.pcapng", "tls-sni.pcapng",
)  # fmt: skip
ARKIME = (
    "arkime_synthetic", "badcurveball", "curl-enabled-tls13", "https-connect", "https3-301-get", "openssl-ssl3",
    "openssl-tls1", "openssl-tls1-tls1_2", "quicietf", "quicietfooo", "ssl-selfsign", "tls13",
)  # fmt: skip


def clients(known: Knowledge, capture: Path) -> dict[Client, list[str]]:
    """Fingerprints of each client in the order in which it sent them."""
    found: dict[Client, list[str]] = defaultdict(list)
    for row in observed(known, capture, *HELLOS):
        found[row["proto"], row["src"], str(row["sport"]), row["dst"], str(row["dport"])].append(row["ja4"])
    return dict(found)


def of_python(path: Path) -> dict[Client, list[str]]:
    """The results of the Python implementation; a second hello (after HelloRetryRequest) is ``JA4.2``."""
    found = {}
    for stream in json.loads(path.read_text()):
        prints = [stream[key] for key in ("JA4.1", "JA4.2") if key in stream]
        if prints:
            proto = "udp" if prints[0][0] == "q" else "tcp"
            found[proto, stream["src"], stream["srcport"], stream["dst"], stream["dstport"]] = prints
    return found


def of_rust(path: Path) -> dict[Client, list[str]]:
    """The results of the Rust implementation; of each stream the flat part is read."""
    found = {}
    for stream in path.read_text().split("\n- ")[1:]:
        rows = dict(line.strip().split(": ", 1) for line in stream.splitlines() if ": " in line)
        if "ja4" in rows:
            key = (rows["transport"], rows["src"], rows["src_port"], rows["dst"], rows["dst_port"])
            found[key] = [rows["ja4"]]
    return found


def of_zeek(path: Path) -> dict[Client, list[str]]:
    """The results of the Zeek script; its log does not say the transport, the fingerprint's first letter does."""
    names: list[str] = []
    found = {}
    for line in path.read_text().splitlines():
        if line.startswith("#fields"):
            names = line.split("\t")[1:]
        elif not line.startswith("#") and names:
            row = dict(zip(names, line.split("\t"), strict=True))
            proto = "udp" if row["ja4"][0] == "q" else "tcp"
            found[proto, row["id.orig_h"], row["id.orig_p"], row["id.resp_h"], row["id.resp_p"]] = [row["ja4"]]
    return found


def of_arkime(path: Path) -> dict[Client, list[str]]:
    """What Arkime says of its own captures, DTLS left out."""
    found = {}
    for session in json.loads(path.read_text())["sessions3"]:
        body = session["body"]
        prints = body.get("tls", {}).get("ja4", [])
        if prints and prints[0][0] != "d":
            ends = body["source"], body["destination"]
            proto = "udp" if prints[0][0] == "q" else "tcp"
            found[proto, ends[0]["ip"], str(ends[0]["port"]), ends[1]["ip"], str(ends[1]["port"])] = prints
    return found


@pytest.mark.parametrize("name", PYTHON)
def test_python_results(name: str, captures: Path, known: Knowledge) -> None:
    """Every TLS and QUIC client has the published fingerprints, first and second hello, and no TLS client is added."""
    wanted = of_python(captures / "ja4" / "python" / "test" / "testdata" / f"{name}.json")
    found = clients(known, captures / "ja4" / "pcap" / name)
    assert {key: found.get(key) for key in wanted} == wanted
    assert {key for key in found if key[0] == "tcp"} == {key for key in wanted if key[0] == "tcp"}


def test_python_results_are_whole(captures: Path) -> None:
    """All result files are read; together they have 131 fingerprints, ten of them of second hellos."""
    files = sorted((captures / "ja4" / "python" / "test" / "testdata").glob("*.json"))
    assert [file.stem for file in files] == sorted(PYTHON)
    prints = [each for file in files for each in of_python(file).values()]
    assert (sum(map(len, prints)), sum(len(each) == 2 for each in prints)) == (131, 10)


def test_rust_snapshots(captures: Path, known: Knowledge) -> None:
    """Those whose captures are part of the suite: TLS and QUIC of one visit."""
    checked = 0
    for snapshot in sorted((captures / "ja4" / "rust").rglob("*.snap")):
        capture = captures / "ja4" / "pcap" / snapshot.stem.partition("@")[2]
        if capture.is_file():
            wanted = of_rust(snapshot)
            assert clients(known, capture) == wanted, snapshot.name
            checked += len(wanted)
    assert checked == 2


def test_zeek_log(captures: Path, known: Knowledge) -> None:
    """The QUIC clients that the Python results leave out are Zeek's, all twenty and no other."""
    wanted = of_zeek(captures / "ja4" / "zeek" / "tests" / "Traces" / "Scripts.ja4-tls-handshake" / "ssl.log")
    found = clients(known, captures / "ja4" / "pcap" / "tls-handshake.pcapng")
    quic = {key: prints for key, prints in found.items() if key[0] == "udp"}
    assert quic == {key: prints for key, prints in wanted.items() if key[0] == "udp"}
    assert len(quic) == 20


@pytest.mark.parametrize("name", ARKIME)
def test_arkime_results(name: str, captures: Path, known: Knowledge) -> None:
    """A fifth implementation agrees, also on SSL 3.0, on drafts of TLS 1.3 and behind HTTP CONNECT."""
    wanted = of_arkime(captures / "arkime" / f"{name}.test")
    found = clients(known, captures / "arkime" / f"{name}.pcap")
    assert wanted
    assert {key: found.get(key) for key in wanted} == wanted
