"""Vendors' networks and control protocols are found where they are, and nowhere else.

None of the captures holds Kalay, Dahua P2P, XMEye, Hik-Connect, EHome, BcUDP, DVRIP, Sofia, Baichuan, DUML or Tuya frames
(tests/oracles/test_pppp_found.py says where PPPP is): whatever finds one of them there is wrong. SIP is in a few.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from collectors.blocks import CAPTURED, COLUMNS, INTERFACE, OFFSET
from collectors.captures import Captures
from monitor.protocols import (
    baichuan,
    bcudp,
    dahua_p2p,
    dji,
    dvrip,
    ehome,
    hik_sdk,
    hikconnect,
    kalay,
    sip,
    sofia,
    tuya,
    xmeye,
)
from tests.oracles.running import every_capture, observed, spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import Any

    from collectors.blocks import Block
    from monitor.app import Knowledge

PROTOCOLS = frozenset(
    {"baichuan", "dhip", "duml", "dvrip", "ehome", "gb28181", "hikconnect", "hikvision-sdk", "sofia", "tuya"}
)
NETWORKS = frozenset({"baichuan", "dahua", "ehome", "hikconnect", "kalay", "tuya", "xmeye"})
LAYERS = PROTOCOLS | NETWORKS | {"sip"}
KINDS = (
    "p2p.contact",
    "service.banner",
    "device.announced",
    "discovery.query",
    "file.request",
    "sip.message",
    "malformed",
)
HAVE_SIP = {
    "arkime/arkime_synthetic.pcap",
    "ndpi/pcap/fuzz-2006-06-26-2594.pcap",
    "suricata_verify/tests/sip-header-multi-value/sip_header_multi_val.pcap",
    "suricata_verify/tests/sip-method/sip.pcap",
    "suricata_verify/tests/sip-sdp/sdp.pcap",
    "zeek/Traces/sip/wireshark.pcap",
}
WITHOUT = 40
"""How many of the other captures the normal suite looks at."""


def ours(rows: Iterable[dict[str, Any]]) -> Counter[str]:
    """What these parsers said, by protocol."""
    said: Counter[str] = Counter()
    for row in rows:
        names = {
            row.get("network"),
            row.get("protocol"),
            row.get("layer"),
            "sip" if row["kind"] == "sip.message" else None,
        }
        said.update(str(name) for name in names & LAYERS)
    return said


@pytest.mark.parametrize("file", sorted(HAVE_SIP))
def test_sip_is_found(file: str, captures: Path, known: Knowledge) -> None:
    """Each capture that has SIP shows it, and no other of these protocols."""
    assert set(ours(observed(known, captures / file, *KINDS))) == {"sip"}


def test_methods_and_agents_of_a_real_call(captures: Path, known: Knowledge) -> None:
    """Wireshark's sample: a phone registers, is refused, and calls."""
    rows = observed(known, captures / "zeek/Traces/sip/wireshark.pcap", "sip.message")
    assert {row["method"] for row in rows} == {"REGISTER", "INVITE", "CANCEL", "ACK"}
    assert {401, 403, 200, 408} <= {row["status"] for row in rows}
    assert any("SIPPS" in str(row["user_agent"]) for row in rows)


@pytest.mark.parametrize("file", spread({*every_capture()} - HAVE_SIP, WITHOUT))
def test_nothing_is_found_elsewhere(file: str, captures: Path, known: Knowledge) -> None:
    """A sample of the other captures shows none."""
    assert ours(observed(known, captures / file, *KINDS)) == Counter()


@pytest.mark.slow
def test_nothing_is_found_in_any_other(captures: Path, known: Knowledge) -> None:
    """All captures: SIP in those listed, the rest in none."""
    found = {file: set(said) for file in every_capture() if (said := ours(observed(known, captures / file, *KINDS)))}
    assert found == {file: {"sip"} for file in HAVE_SIP}


DATAGRAMS = {
    "bcudp": bcudp.sniff,
    "dahua": dahua_p2p.sniff,
    "duml": dji.sniff,
    "ehome": ehome.sniff,
    "hikconnect": hikconnect.sniff,
    "kalay": kalay.sniff,
    "tuya": tuya.sniff,
    "xmeye": xmeye.sniff,
}
SEGMENTS = {
    "baichuan": baichuan.sniff,
    "dvrip": dvrip.sniff,
    "ehome": ehome.sniff,
    "hikconnect": hikconnect.sniff_stream,
    "hikvision-sdk": hik_sdk.sniff,
    "sip": sip.sniff,
    "sofia": sofia.sniff,
    "tuya": tuya.sniff_stream,
}


LINK_HEADERS = {1: 14, 101: 0, 228: 0, 0: 4, 108: 4, 113: 16, 276: 20}
"""Octets before IP by LINKTYPE_: Ethernet, raw, BSD loopback, Linux cooked."""
TCP, UDP = 6, 17


def payloads(block: Block) -> Iterator[tuple[int, int, int, bytes]]:
    """Protocol, ports and payload of each TCP or UDP packet over IPv4 or IPv6 without extension headers."""
    memory = memoryview(block.memory)
    for at in range(0, block.count * COLUMNS, COLUMNS):
        skip = LINK_HEADERS.get(block.interfaces[block.index[at + INTERFACE]].link_type)
        start = block.index[at + OFFSET]
        frame = bytes(memory[start : start + block.index[at + CAPTURED]])
        if skip is None:
            continue
        while skip == 14 and frame[12:14] in {b"\x81\x00", b"\x88\xa8"}:
            frame = frame[:12] + frame[16:]
        packet = frame[skip:]
        if len(packet) < 40 or packet[0] >> 4 not in {4, 6}:
            continue
        four = packet[0] >> 4 == 4
        header = (packet[0] & 15) * 4 if four else 40
        end = int.from_bytes(packet[2:4], "big") if four else 40 + int.from_bytes(packet[4:6], "big")
        segment = packet[header : end or None]
        protocol = packet[9] if four else packet[6]
        if protocol not in {TCP, UDP} or len(segment) < 20 - 12 * (protocol == UDP):
            continue
        body = segment[8:] if protocol == UDP else segment[(segment[12] >> 4) * 4 :]
        if body:
            yield protocol, int.from_bytes(segment[:2], "big"), int.from_bytes(segment[2:4], "big"), body


@pytest.mark.slow
def test_no_packet_at_all_is_taken(captures: Path) -> None:
    """Every datagram and every segment of the captures, as if it began a flow: SIP alone is recognised."""
    taken: Counter[str] = Counter()
    looked = 0
    for file in every_capture():
        for block in Captures([captures / file]).blocks():
            for protocol, sport, dport, payload in payloads(block):
                looked += 1
                for name, sniff in (DATAGRAMS if protocol == UDP else SEGMENTS).items():
                    taken[name] += sniff(payload, sport, dport)
    assert looked > 80_000
    assert set(+taken) == {"sip"}
