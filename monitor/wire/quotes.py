"""The packet that an ICMP error quotes: whose attempt was refused."""

from __future__ import annotations

from typing import Final, NamedTuple

from monitor.model.address import Address, from_packed
from monitor.wire.layout import PROTO_ICMP, PROTO_ICMP6, PROTO_TCP, PROTO_UDP

UNREACHABLE: Final = 3
"""ICMP destination unreachable (RFC 792); ICMPv6 has it as 1 (RFC 4443)."""
UNREACHABLE_V6: Final = 1
TOO_BIG_CODE: Final = 4
"""Fragmentation needed (RFC 792) is no refusal."""


class Quote(NamedTuple):
    """Addresses and ports of a quoted packet, as its sender sent it."""

    source: Address
    destination: Address
    sport: int
    dport: int
    proto: int


def refuses(proto: int, kind: int, code: int) -> bool:
    """Whether an ICMP message of this type and code refuses the packet that it quotes."""
    if proto == PROTO_ICMP:
        return kind == UNREACHABLE and code != TOO_BIG_CODE
    return proto == PROTO_ICMP6 and kind == UNREACHABLE_V6


def quoted(data: bytes) -> Quote | None:
    """The quoted packet, from its IP header to at least the ports (RFC 792; RFC 4443, 3.1); None if cut before."""
    if len(data) < 1:
        return None
    version = data[0] >> 4
    if version == 4:
        header = (data[0] & 15) * 4
        if header < 20 or len(data) < header + 4:
            return None
        proto, source, destination = data[9], data[12:16], data[16:20]
    elif version == 6:
        header = 40
        if len(data) < header + 4:
            return None
        proto, source, destination = data[6], data[8:24], data[24:40]
    else:
        return None
    sport = dport = 0
    if proto in (PROTO_TCP, PROTO_UDP):
        sport = int.from_bytes(data[header : header + 2], "big")
        dport = int.from_bytes(data[header + 2 : header + 4], "big")
    elif proto in (PROTO_ICMP, PROTO_ICMP6):
        # Echo requests are the pings that get refused; request and reply stand in for ports.
        sport, dport = (8, 0) if proto == PROTO_ICMP else (128, 129)
    return Quote(from_packed(source), from_packed(destination), sport, dport, proto)
