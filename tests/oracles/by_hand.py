"""What a device did with each remote end, counted from tshark's fields by the rules of the architecture alone.

Nothing here is the product's: tshark dissects, and some thirty lines count. A TCP attempt is a SYN with a new
(5-tuple, initial sequence number); a UDP attempt is the first datagram of a flow begun by the device, then at most
one a second until something answers; a UDP flow ends after two minutes of silence (RFC 4787, REQ-5).
"""

from __future__ import annotations

import ipaddress
import subprocess
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIELDS: Final = (
    "frame.time_epoch", "frame.len", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "ip.proto", "ipv6.nxt",
    "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport", "tcp.flags", "tcp.seq_raw", "tcp.len", "udp.length",
    "icmp.type",
)  # fmt: skip
SECOND: Final = 1_000_000_000
UDP_IDLE: Final = 120 * SECOND
SYN, RST, ACK = 0x02, 0x04, 0x10
OUTCOMES: Final = ("attempted", "refused", "answered", "transferred")


@dataclass(frozen=True, slots=True)
class Packet:
    """One IP packet as tshark sees it; of nested headers the outermost."""

    ns: int
    size: int
    source: str
    destination: str
    proto: int
    sport: int
    dport: int
    flags: int
    sequence: int
    payload: int
    icmp: int


def packets(capture: Path) -> Iterator[Packet]:
    """All IP packets of a capture, fragments and streams not put together."""
    command = ["tshark", "-n", "-r", str(capture), "-T", "fields", "-E", "occurrence=f"]
    command += ["-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE", "-o", "tcp.desegment_tcp_streams:FALSE"]
    command += [part for name in FIELDS for part in ("-e", name)]
    for line in subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines():
        row = dict(zip(FIELDS, line.split("\t"), strict=True))
        source, destination = row["ip.src"] or row["ipv6.src"], row["ip.dst"] or row["ipv6.dst"]
        if not source:
            continue
        seconds, _, rest = row["frame.time_epoch"].partition(".")
        yield Packet(
            int(seconds) * SECOND + int(rest.ljust(9, "0")),
            int(row["frame.len"]),
            source,
            destination,
            _number(row["ip.proto"] or row["ipv6.nxt"]),
            _number(row["tcp.srcport"] or row["udp.srcport"]),
            _number(row["tcp.dstport"] or row["udp.dstport"]),
            _number(row["tcp.flags"]),
            _number(row["tcp.seq_raw"]),
            _number(row["tcp.len"]) if row["tcp.len"] else max(0, _number(row["udp.length"]) - 8),
            int(row["icmp.type"]) if row["icmp.type"] else -1,
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
    near_idle: bool = False
    """A UDP flow was silent for just about two minutes: whether that was one flow or two is the clock's choice."""
    services: set[tuple[int, int]] = field(default_factory=set)


@dataclass(slots=True)
class _Flow:
    outward: bool
    last_ns: int
    counted_ns: int = 0
    answered: bool = False
    sent: int = 0
    received: int = 0
    sequences: set[int] = field(default_factory=set)


def is_remote(address: str) -> bool:
    """Off the site, and a host: neither private nor multicast nor broadcast."""
    ip = ipaddress.ip_address(address)
    return ip.is_global and not ip.is_multicast


def dealings(capture: Path, local: str) -> dict[str, Dealings]:
    """What the host at this address did with each remote address, in the order in which they turned up."""
    found: dict[str, Dealings] = defaultdict(Dealings)
    flows: dict[tuple[str, int, int, int], _Flow] = {}
    for packet in packets(capture):
        out = packet.source == local
        if not out and packet.destination != local:
            continue
        remote = packet.destination if out else packet.source
        if not is_remote(remote):
            continue
        dealing = found[remote]
        if out:
            dealing.bytes_out += packet.size
        else:
            dealing.bytes_in += packet.size
        if packet.proto not in (6, 17):
            if out and packet.icmp == 8 and not dealing.attempts:
                dealing.attempts += 1
            continue
        mine, theirs = (packet.sport, packet.dport) if out else (packet.dport, packet.sport)
        dealing.services.add((packet.proto, theirs))
        _count(dealing, flows, (remote, packet.proto, mine, theirs), packet, out=out)
    return dict(found)


def _count(
    dealing: Dealings, flows: dict[tuple[str, int, int, int], _Flow], key: tuple[str, int, int, int], packet: Packet, *, out: bool
) -> None:
    flow = flows.get(key)
    if flow is not None and packet.proto == 17:
        silence = packet.ns - flow.last_ns
        dealing.near_idle |= UDP_IDLE - SECOND < silence < UDP_IDLE + 4 * SECOND
        if silence > UDP_IDLE + 2 * SECOND:
            flow = None
    if flow is None:
        from_server = packet.proto == 6 and packet.flags & (SYN | ACK) == SYN | ACK
        flow = flows[key] = _Flow(outward=out != from_server, last_ns=packet.ns)
    flow.last_ns = packet.ns
    if packet.proto == 6:
        if out and packet.flags & (SYN | ACK | RST) == SYN and packet.sequence not in flow.sequences:
            flow.sequences.add(packet.sequence)
            dealing.attempts += 1
        if not out and packet.flags & RST and not flow.answered:
            _climb(dealing, "refused")
        elif not out:
            flow.answered = True
    elif out and flow.outward and not flow.answered:
        if packet.ns - flow.counted_ns >= SECOND:
            flow.counted_ns = packet.ns
            dealing.attempts += 1
    elif not out:
        flow.answered = True
    if out:
        flow.sent += packet.payload
    else:
        flow.received += packet.payload
    if flow.answered:
        _climb(dealing, "answered")
    if flow.sent and flow.received:
        _climb(dealing, "transferred")


def _climb(dealing: Dealings, outcome: str) -> None:
    if OUTCOMES.index(outcome) > OUTCOMES.index(dealing.outcome):
        dealing.outcome = outcome
