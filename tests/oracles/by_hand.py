"""What a device did with each remote end, counted from tshark's fields by the rules of the architecture alone.

Nothing here is the product's: tshark dissects, and some forty lines count. A TCP attempt is a SYN with a new
(5-tuple, initial sequence number); a UDP attempt is the first datagram of a flow begun by the device, then at most
one a second until something answers, and so is an ICMP echo request, of which each with another identifier than the one before
is one too; payload both ways, or acknowledged over TCP, was transferred. A flow without connection ends after two
minutes of silence (RFC 4787, REQ-5). An ICMP error refuses the unanswered flow that it quotes, whoever sent it.
"""

from __future__ import annotations

import ipaddress
import subprocess
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIELDS: Final = (
    "frame.time_epoch", "frame.len", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "ip.proto", "ipv6.nxt",
    "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport", "tcp.flags", "tcp.seq_raw", "tcp.len", "udp.length",
    "icmp.type", "icmp.ident", "tcp.ack_raw",
)  # fmt: skip
SECOND: Final = 1_000_000_000
IDLE: Final = 121 * SECOND
"""Two minutes, and up to a second until the end of the last one is noticed."""
ICMP, TCP, UDP = 1, 6, 17
SYN, RST, ACK = 0x02, 0x04, 0x10
ECHO: Final = (0, 8)
UNREACHABLE: Final = 3
Key = tuple[str, int, int, int]
"""Remote address, protocol, the device's port, the remote one."""
OUTCOMES: Final = ("attempted", "refused", "answered", "transferred")


@dataclass(frozen=True, slots=True)
class Packet:
    """One IP packet as tshark sees it; of nested headers the outermost. ``payload``: octets; 0 in ICMP."""

    ns: int
    size: int
    source: str
    destination: str
    proto: int
    sport: int
    dport: int
    flags: int
    sequence: int
    """Of an echo: its identifier."""
    acknowledged: int
    payload: int
    icmp: int
    quoted: Key | None
    """Of an ICMP error: the flow that it is about, seen from the host that it went to."""


def packets(capture: Path) -> Iterator[Packet]:
    """All IP packets of a capture, fragments and streams not put together."""
    command = ["tshark", "-n", "-r", str(capture), "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=,"]
    command += ["-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE", "-o", "tcp.desegment_tcp_streams:FALSE"]
    command += chain.from_iterable(("-e", name) for name in FIELDS)
    for line in subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines():
        row = {name: text.split(",") for name, text in zip(FIELDS, line.split("\t"), strict=True)}
        sources, destinations = row["ip.src"], row["ip.dst"]
        if not sources[0]:
            sources, destinations = row["ipv6.src"], row["ipv6.dst"]
        if not sources[0]:
            continue
        seconds, _, rest = row["frame.time_epoch"][0].partition(".")
        proto = _number(row["ip.proto"][0] or row["ipv6.nxt"][0])
        sport, dport = (_number(row[f"tcp.{end}"][0] or row[f"udp.{end}"][0]) for end in ("srcport", "dstport"))
        kind = int(row["icmp.type"][0]) if row["icmp.type"][0] else -1
        quoted = None
        if proto == ICMP:
            if kind == UNREACHABLE and len(sources) > 1:
                quoted = (destinations[1], _number(row["ip.proto"][1]), sport, dport)
            sport = dport = 0
        length = row["tcp.len"][0]
        yield Packet(
            int(seconds) * SECOND + int(rest.ljust(9, "0")),
            int(row["frame.len"][0]),
            sources[0],
            destinations[0],
            proto,
            sport,
            dport,
            _number(row["tcp.flags"][0]),
            _number(row["icmp.ident" if proto == ICMP else "tcp.seq_raw"][0]),
            _number(row["tcp.ack_raw"][0]),
            0 if proto == ICMP else _number(length) if length else max(0, _number(row["udp.length"][0]) - 8),
            kind,
            quoted,
        )


def _number(text: str) -> int:
    return int(text, 0) if text else 0


@dataclass(slots=True)
class Dealings:
    """Of one local address with one remote one."""

    attempts: int = 0
    bytes_out: int = 0
    bytes_in: int = 0
    outcome: str = "attempted"


@dataclass(slots=True)
class _Flow:
    outward: bool
    last_ns: int
    counted_ns: int = 0
    answered: bool = False
    sent: int = 0
    received: int = 0
    sequences: set[int] = field(default_factory=set)
    identifier: int = -1
    first: dict[bool, int] = field(default_factory=dict)
    """Of each way, the sequence number of its first payload."""


def is_remote(address: str) -> bool:
    """Off the site, and a host: neither private nor multicast nor broadcast."""
    ip = ipaddress.ip_address(address)
    return ip.is_global and not ip.is_multicast


def dealings(capture: Path, local: str) -> dict[str, Dealings]:
    """What the host at this address did with each remote address, in the order in which they turned up."""
    found: dict[str, Dealings] = defaultdict(Dealings)
    flows: dict[Key, _Flow] = {}
    for packet in packets(capture):
        out = packet.source == local
        if not out and packet.destination != local:
            continue
        if packet.quoted is not None:
            flow = flows.get(packet.quoted)
            if not out and flow is not None and not flow.answered:
                _climb(found[packet.quoted[0]], "refused")
        remote = packet.destination if out else packet.source
        if not is_remote(remote):
            continue
        dealing = found[remote]
        if out:
            dealing.bytes_out += packet.size
        else:
            dealing.bytes_in += packet.size
        if packet.proto in (TCP, UDP) or (packet.proto == ICMP and packet.icmp in ECHO):
            mine, theirs = (packet.sport, packet.dport) if out else (packet.dport, packet.sport)
            _count(dealing, flows, (remote, packet.proto, mine, theirs), packet, out=out)
    return dict(found)


def _count(dealing: Dealings, flows: dict[Key, _Flow], key: Key, packet: Packet, *, out: bool) -> None:
    flow = flows.get(key)
    if flow is not None and packet.proto != TCP and packet.ns - flow.last_ns > IDLE:
        flow = None
    if flow is None:
        from_server = packet.proto == TCP and packet.flags & (SYN | ACK) == SYN | ACK
        flow = flows[key] = _Flow(outward=out != from_server, last_ns=packet.ns)
    flow.last_ns = packet.ns
    if packet.proto == TCP:
        if out and packet.flags & (SYN | ACK | RST) == SYN and packet.sequence not in flow.sequences:
            flow.sequences.add(packet.sequence)
            dealing.attempts += 1
        if not out and packet.flags & RST and not flow.answered:
            _climb(dealing, "refused")
            return
    elif out and flow.outward:
        another = packet.proto == ICMP and packet.sequence != flow.identifier
        if another or (not flow.answered and packet.ns - flow.counted_ns >= SECOND):
            flow.counted_ns = packet.ns
            dealing.attempts += 1
        flow.identifier = packet.sequence
    flow.answered = flow.answered or not out
    if out:
        flow.sent += packet.payload
    else:
        flow.received += packet.payload
    if flow.answered:
        _climb(dealing, "answered")
    if packet.proto == TCP and packet.payload:
        flow.first.setdefault(out, packet.sequence)
    taken = (packet.acknowledged - flow.first.get(not out, packet.acknowledged)) % 2**32
    if (flow.sent and flow.received) or (packet.flags & (ACK | RST) == ACK and 0 < taken < 2**31):
        _climb(dealing, "transferred")


def _climb(dealing: Dealings, outcome: str) -> None:
    if OUTCOMES.index(outcome) > OUTCOMES.index(dealing.outcome):
        dealing.outcome = outcome
