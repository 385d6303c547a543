"""Names that hosts ask for, held against tshark: from DNS, from SNI in TLS and QUIC, from HTTP.

Each occurrence counts, not only each name: a question and its answer are two. What a mirror would have sent twice is
counted twice here, as tshark does. Names are compared in lower case without final dots, ports and brackets; what is not
graphic ASCII is escaped in different ways and counts as "?". Not compared:

* mDNS, LLMNR and SSDP, which have their own tests;
* a QUIC hello that is sent again in the same flow: it is read once;
* text that tshark shows where a name breaks the rules ("<Name too long>"), 10,000 of which are in one capture;
* what lies in frames that are not taken apart here, by ELSEWHERE.

All other differences are in MISSED and OUTSIDE. The 44 that are found here and not by tshark 4.0 are names of Google's
first QUIC, which it has in fields of its own; hosts of CONNECT requests without a Host field; HTTP, TLS and DNS on ports
where it expects another protocol or none; hosts that stand in an absolute target and differ from the Host field.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from tests.oracles.running import every_capture, observed, spread

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.app import Knowledge

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")

Names = Counter[tuple[str, str]]
"""How often each name is said, by "dns", "tls", "quic" or "http" and the name."""

AGREEMENT: Final = 0.999
TOTAL: Final = 6_600
"""Names in all captures that are compared, at least."""
FIELDS: Final = (
    "frame.protocols", "udp.stream", "dns.qry.name", "tls.handshake.extensions_server_name", "http.host",
)  # fmt: skip
ELSEWHERE: Final = {
    "capwap.data": "802.11 frames inside CAPWAP",
    "chdlc": "Cisco's HDLC, with a header of HTTP's link type",
    "cmd": "Cisco's metadata header (TrustSec)",
    "gre:wlan": "802.11 frames inside one maker's GRE",
    "gre:ppp": "a third tunnel inside two others",
    "gtp": "GTP",
    "http2": "decrypted by tshark with secrets inside the file",
    "icmp": "the start of a packet quoted in an ICMP error: it counts where it passed",
    "icmpv6": "likewise",
    "pktap": "a link type of Apple's",
    "sctp": "HTTP over SCTP",
}
"""Layers in which names are not looked for, and what they are."""
MISSED: Final = {
    "damaged on purpose: the header's opcode is not that of a query": {"ndpi/pcap/fuzz-2006-06-26-2594.pcap": 2},
    "damaged on purpose: the port is not DNS's any more": {"ndpi/pcap/fuzz-2006-06-26-2594.pcap": 1},
    "damaged on purpose: type and class of the question do not exist": {"ndpi/pcap/fuzz-2006-06-26-2594.pcap": 1},
    "the start line is a method and nothing else": {"zeek/Traces/http/methods.pcap": 1},
}
"""Occurrences that tshark has and this product has not, by the reason."""
OUTSIDE: Final = {
    "GENEVE to another port than its own (RFC 8926, 3.3), from it": {"arkime/arkime_synthetic.pcap": 1},
}
"""Likewise; here these are no tunnels, so that they do not count against AGREEMENT."""
WORKERS: Final = 2

ESCAPED: Final = re.compile(r"\\(?:x[0-9a-f]{2}|[0-9]{3}|[abfnrtv])|[^!-~]")
UNSPELLED: Final = re.compile(r"\?+")


class Said(NamedTuple):
    """What tshark says of one capture."""

    names: Names
    elsewhere: Names
    """Those in layers that are not entered, counted by layer and kind."""


def spelled(name: str) -> str | None:
    """The common spelling; None if it is tshark's remark on a name that breaks the rules."""
    if name.startswith("<"):
        return "." if name == "<Root>" else None
    plain = UNSPELLED.sub("?", ESCAPED.sub("?", name.lower())).replace("\\\\", "\\").replace("\\.", ".")
    return plain.rstrip(".") or "."


def host(value: str) -> str | None:
    """A Host field without user, port and brackets; tshark ends a string at a zero octet."""
    value = value.strip().partition("\\x00")[0].rpartition("@")[2]
    if value.startswith("["):
        value = value[1:].partition("]")[0]
    elif value.count(":") == 1:
        value = value.partition(":")[0]
    return spelled(value)


def theirs(capture: Path) -> Said:
    """Every name that tshark shows, with its defaults for reassembly and no secrets but those in the file."""
    command = ["nice", "tshark", "-n", "-r", str(capture), "-Y", " || ".join(FIELDS[2:])]
    command += ["-T", "fields", "-E", "occurrence=a", "-E", "aggregator=\x1f"]
    for field in FIELDS:
        command += ["-e", field]
    output = subprocess.run(command, capture_output=True, check=False).stdout.decode(errors="replace")
    said = Said(Counter(), Counter())
    hellos = set()
    for line in output.split("\n")[:-1]:
        layers, stream, asked, served, hosts = (cell.split("\x1f") if cell else [] for cell in line.split("\t"))
        passed = set(layers[0].split(":"))
        where = next((each for each in ELSEWHERE if each in passed or f":{each}:" in layers[0]), None)
        carrier = "quic" if "quic" in passed else "tls"
        found = [("dns", spelled(name)) for name in asked if not passed & {"mdns", "llmnr"}]
        found += [(carrier, spelled(name)) for name in served]
        found += [("http", host(value)) for value in hosts if "ssdp" not in passed]
        for kind, name in found:
            again = kind == "quic" and (stream[-1], name) in hellos
            if name is None or again:
                continue
            if kind == "quic":
                hellos.add((stream[-1], name))
            if where is None:
                said.names[kind, name] += 1
            else:
                said.elsewhere[where, kind] += 1
    return said


def ours(known: Knowledge, capture: Path) -> Names:
    """Every name of an observation."""
    names: Names = Counter()
    kinds = ("dns.query", "dns.answer", "tls.client_hello", "quic.client_hello", "http.request")
    for row in observed(known, capture, *kinds, copies=True):
        kind = row["kind"].partition(".")[0]
        name = row["name"] if kind == "dns" else row["host"] if kind == "http" else row["sni"]
        ports = {row["sport"], row["dport"]}
        if not name or (kind == "dns" and ports & {5353, 5355} and 53 not in ports):
            continue
        text = host(name) if kind == "http" else spelled(name)
        assert text is not None
        names[kind, text] += 1
    return names


def missed_in(file: str) -> int:
    """How many differences of this capture are accounted for."""
    return sum(files.get(file, 0) for files in (*MISSED.values(), *OUTSIDE.values()))


SAMPLE: Final = (
    "2ic80_dahua_rtsp/rtsp.pcapng", "arkime/arkime_synthetic.pcap", "arkime/socks-http-pass.pcap", "arkime/socks5-http-302-frag.pcap",
    "mercury/unit_tests/pcaps/quic-crypto-packets.pcap", "mercury/unit_tests/pcaps/socks4_5.pcap",
    "ndpi/pcap/dns-tunnel-iodine.pcap", "ndpi/pcap/fuzz-2006-06-26-2594.pcap", "ndpi/pcap/haproxy.pcap",
    "ndpi/pcap/malformed_dns.pcap", "ndpi/pcap/pop3_stls.pcap", "ndpi/pcap/quic_interop_V.pcapng",
    "ndpi/pcap/quic_t50.pcap", "ndpi/pcap/smtp-starttls.pcap", "zeek/Traces/http/methods.pcap",
    "zeek/Traces/http/no-uri.pcap", "zeek/Traces/socks-with-ssl.pcap",
)  # fmt: skip


@pytest.mark.parametrize("file", sorted({*SAMPLE, *spread(every_capture(), 24)}) if every_capture() else ())
def test_a_sample_has_the_names_of_tshark(file: str, captures: Path, known: Knowledge) -> None:
    """As many of each name, but for the differences that are accounted for."""
    missing = theirs(captures / file).names - ours(known, captures / file)
    assert missing.total() == missed_in(file), missing


@pytest.mark.slow
def test_all_captures_have_the_names_of_tshark(captures: Path, known: Knowledge) -> None:
    """AGREEMENT of all names, and each difference has its reason."""
    files = every_capture()
    total: Counter[str] = Counter()
    equal: Counter[str] = Counter()
    unexplained = {}
    with ThreadPoolExecutor(WORKERS) as pool:
        for file, said in zip(files, pool.map(lambda each: theirs(captures / each), files), strict=True):
            found = ours(known, captures / file)
            for (kind, _), count in said.names.items():
                total[kind] += count
            for (kind, _), count in (said.names & found).items():
                equal[kind] += count
            missing = said.names - found
            if missing.total() != missed_in(file):
                unexplained[file] = missing
    assert unexplained == {}
    compared = total.total() - sum(sum(files.values()) for files in OUTSIDE.values())
    assert compared >= TOTAL
    assert equal.total() >= AGREEMENT * compared, f"{equal} of {total}"
