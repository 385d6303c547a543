"""Each packet of every real capture, decoded as tshark decodes it: who spoke to whom, from which port, in which VLAN.

tshark dissects all that is inside; compared is what lies inside at most one tunnel, of a kind that is entered here.
"""

from __future__ import annotations

import ipaddress
import shutil
import subprocess
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from collectors.captures import Captures
from monitor.wire import layout as at
from monitor.wire.flows import FlowTable
from monitor.wire.scan import Scanner
from tests.oracles.running import every_capture, spread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")

AGREEMENT: Final = 0.999
"""Share of packets that must agree (threat model C9, test 14)."""
PORTS: Final = {"tcp": 6, "udp": 17, "sctp": 132}
MESSAGES: Final = {"icmp": 1, "icmpv6": 58}
FIELDS: Final = (
    "frame.protocols", "vlan.id", "ieee8021ad.id", "ip.src", "ip.dst", "ip.proto", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport",
    "udp.srcport", "udp.dstport", "sctp.srcport", "sctp.dstport", "icmp.type", "icmpv6.type", "_ws.malformed",
)  # fmt: skip
CARRIERS: Final = {at.PROTO_IPIP, at.PROTO_IPV6, at.PROTO_GRE, at.PROTO_UDP}
NOT_ENTERED: Final = {
    "ah", "aruba_erm", "ayiya", "capwap.data", "cfp", "chdlc", "cmd", "erf", "esp", "etherip", "gtp", "gue", "l2tp", "lisp",
    "lisp-data", "lwapp", "mip", "nsh", "teredo", "tzsp", "vxlan_gpe", "wccp", "wlan",
}  # fmt: skip
"""What tshark looks into, and this decoder takes for the payload of a flow, or below IP for something other than IP.

The last is 802.11 inside GRE, as one maker's access points send it.
"""
TAGS: Final = {"vlan": "vlan.id", "ieee8021ad": "ieee8021ad.id"}


class Said(NamedTuple):
    """What one dissector says of one packet."""

    source: str
    destination: str
    proto: int
    sport: int
    dport: int
    vlans: tuple[int, ...]


@dataclass(slots=True)
class Compared:
    packets: int = 0
    agreed: int = 0
    differences: list[str] = field(default_factory=list)


def ours(capture: Path) -> Iterator[tuple[str, Said | None]]:
    """What this decoder says of each packet: its kind, and the fields where there is an IP packet."""
    table = FlowTable(1024, bytes(16))
    scanner = Scanner(table, duplicate_window_ns=0)
    scanner.due = 2**63 - 1
    scanner.tell_malformed = True
    for block in Captures([capture]).blocks():
        links = array("q", (each.link_type for each in block.interfaces))
        for number in range(block.count):
            row = block.index[number * 5 : number * 5 + 5]
            others = scanner.others
            scanner.begin(block.memory, row, 1, links)
            kind = "ip"
            while events := scanner.scan():
                if events & (at.EVICT | at.REUSE):
                    table.release(scanner.slot)
                kind = {at.MALFORMED: "malformed", at.FRAGMENT: "fragment"}.get(events, kind)
                if events == at.NEIGHBOUR and scanner.frame.ethertype == at.TYPE_ARP:
                    kind = "arp"
            frame = scanner.frame
            if scanner.others > others:
                kind = "other"
            said = None
            # A transport header that lies stands behind addresses that are read.
            if kind in {"ip", "fragment"} or (kind.startswith("malformed") and frame.layer >= at.AT_TCP):
                source, destination = (_text(each) for each in (frame.source(), frame.destination()))
                said = Said(source, destination, frame.proto, frame.sport, frame.dport, frame.vlans())
            if kind == "malformed":
                kind = f"malformed: {at.LAYERS[frame.layer]}, {at.REASONS[frame.reason]}"
            yield kind, said


def _text(packed: bytes) -> str:
    address = ipaddress.IPv6Address(packed)
    return str(address.ipv4_mapped or address)


def theirs(capture: Path) -> Iterator[tuple[str, Said | None, dict[str, list[str]]]]:
    """What tshark says: its layers, the fields of the innermost IP packet that is to be judged, and all it said."""
    command = ["tshark", "-n", "-r", str(capture), "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=|"]
    for option in (
        "ip.defragment:FALSE", "ipv6.defragment:FALSE", "tcp.desegment_tcp_streams:FALSE", "udp.check_checksum:FALSE",
        "ip.check_checksum:FALSE",
    ):  # fmt: skip
        command += ["-o", option]
    for name in FIELDS:
        command += ["-e", name]
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    for line in output.splitlines():
        cells = {name: cell.split("|") if cell else [] for name, cell in zip(FIELDS, line.split("\t"), strict=True)}
        layers = cells["frame.protocols"][0]
        yield layers, chosen(layers.split(":"), cells), cells


def chosen(layers: list[str], cells: dict[str, list[str]]) -> Said | None:
    """Walk from the outside in, to the second IP header at most, and stop at what is not entered."""
    seen = dict.fromkeys(("ip", "ipv6", *PORTS, *TAGS), 0)
    said: Said | None = None
    tags: list[int] = []
    depth = 0
    carried = True
    for position, layer in enumerate(layers):
        if layer in {"eth", "ppp"} and position:
            # Another frame: from here on it is what counts, whatever is in it.
            if depth > at.MAX_TUNNELS or not carried:
                break
            said, tags = None, [] if layer == "eth" else tags
        elif layer in TAGS and seen[layer] < len(cells[TAGS[layer]]):
            tags.append(int(cells[TAGS[layer]][seen[layer]], 0))
            seen[layer] += 1
        elif layer in {"ip", "ipv6"}:
            number = seen[layer]
            if depth > at.MAX_TUNNELS or not carried:
                break
            if number >= len(cells[f"{layer}.dst"]):
                said = None
                break
            seen[layer] += 1
            depth += 1
            source, destination = (str(ipaddress.ip_address(cells[f"{layer}.{end}"][number])) for end in ("src", "dst"))
            proto = int(cells["ip.proto"][number]) if layer == "ip" else -1
            said = Said(source, destination, proto, 0, 0, ())
        elif layer in PORTS and said:
            number = seen[layer]
            if number < len(cells[f"{layer}.dstport"]):
                sport, dport = (int(cells[f"{layer}.{end}"][number]) for end in ("srcport", "dstport"))
                said = said._replace(proto=PORTS[layer], sport=sport, dport=dport)
            seen[layer] += 1
            carried = layer == "udp" and said.dport in {at.PORT_VXLAN, at.PORT_VXLAN_LINUX, at.PORT_GENEVE}
        elif layer in MESSAGES and said:
            if cells[f"{layer}.type"]:
                said = said._replace(proto=MESSAGES[layer], sport=int(cells[f"{layer}.type"][0]))
            break
        elif layer in NOT_ENTERED and (depth or layer != "wlan"):
            break
    return said._replace(vlans=tuple(tag for tag in tags if tag)) if said else None


def difference(
    kind: str, mine: Said | None, other: Said | None, layers: str, cells: dict[str, list[str]]
) -> str | None:
    """What is not the same; None if nothing."""
    if mine is None or other is None:
        if mine is None and other is None:
            return None
        if kind.startswith("malformed") and (cells["_ws.malformed"] or "_ws.malformed" in layers):
            return None
        return f"{kind}: {mine} | {other} {layers}"
    if kind == "fragment" and layers.count("ip") > 1 and mine[:2] != other[:2]:
        # The first fragment of a carrier: tshark looks into it, and here it waits for the others.
        return (
            None
            if mine.proto in CARRIERS and mine.source in cells["ip.src"] + cells["ipv6.src"]
            else f"{kind} {layers}"
        )
    ports = mine.proto in {*PORTS.values(), *MESSAGES.values()} and kind != "fragment" and other.proto == mine.proto
    same = (
        mine[:2] == other[:2]
        and (mine.proto == other.proto or other.proto == -1)
        and (not ports or mine.sport == other.sport)
        and (not ports or mine.proto in MESSAGES.values() or mine.dport == other.dport)
        and mine.vlans == other.vlans[: at.MAX_TAGS]
    )
    return None if same else f"{kind}: {tuple(mine)} | {tuple(other)} {layers}"


def compared(capture: Path) -> Compared:
    """Hold a whole capture against tshark."""
    found = Compared()
    both = zip(ours(capture), theirs(capture), strict=False)
    for number, ((kind, mine), (layers, other, cells)) in enumerate(both, 1):
        found.packets += 1
        told = difference(kind, mine, other, layers, cells)
        if told is None:
            found.agreed += 1
        else:
            found.differences.append(f"{number} {told}")
    return found


TUNNELS: Final = (
    "arkime/80211http.pcap", "arkime/mpls-basic.pcap", "arkime/pppoe.pcap", "ndpi/pcap/6in4tunnel.pcap",
    "tcpdump/802.1ad_QinQ.pcap", "tcpdump/erspan-type-i-2.pcap", "tcpdump/erspan-type-ii-3.pcap",
    "tcpdump/erspan-type-iii-ft-7.pcap", "tcpdump/gso-ipv4-vxlan-ipv6.pcap", "tcpdump/gso-ipv6-geneve-ipv6.pcap",
    "zeek/Traces/erspan.pcap", "zeek/Traces/erspanII.pcap", "zeek/Traces/mixed-vlan-mpls.pcap",
    "zeek/Traces/pppoe-over-qinq.pcap", "zeek/Traces/tunnels/gre-pptp.pcap", "zeek/Traces/tunnels/vxlan.pcap",
)  # fmt: skip


@pytest.mark.parametrize("file", sorted({*TUNNELS, *spread(every_capture(), 5)}) if every_capture() else ())
def test_a_sample_is_decoded_as_by_tshark(file: str, captures: Path) -> None:
    """Addresses, protocol, ports and VLANs of every packet agree."""
    found = compared(captures / file)
    assert found.packets
    assert found.differences == []


@pytest.mark.slow
def test_every_capture_is_decoded_as_by_tshark(captures: Path) -> None:
    """Of all packets of all captures AGREEMENT agree; the rest is told, file by file."""
    packets = agreed = 0
    differences: dict[str, list[str]] = {}
    for file in every_capture():
        found = compared(captures / file)
        packets += found.packets
        agreed += found.agreed
        if found.differences:
            differences[file] = found.differences[:3]
    assert packets > 100_000
    assert agreed >= AGREEMENT * packets, f"{agreed} of {packets}: {differences}"
