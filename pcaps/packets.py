"""Frames from values: Ethernet, ARP, IPv4, IPv6, UDP, TCP, ICMP and neighbour discovery, every checksum right.

All functions are pure and return bytes; only a Host remembers anything (its next IP identification and port).
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from typing import Final

ETHERTYPE_IPV4: Final = 0x0800
ETHERTYPE_ARP: Final = 0x0806
ETHERTYPE_VLAN: Final = 0x8100
ETHERTYPE_IPV6: Final = 0x86DD

ICMP: Final = 1
TCP: Final = 6
UDP: Final = 17
ICMPV6: Final = 58

FIN: Final = 0x01
SYN: Final = 0x02
RST: Final = 0x04
PSH: Final = 0x08
ACK: Final = 0x10

ARP_REQUEST: Final = 1
ARP_REPLY: Final = 2

ETHERNET_MINIMUM: Final = 60
"""Shortest frame without its check sequence (IEEE 802.3, 3.2.8); shorter ones are padded with zeros."""
BROADCAST: Final = b"\xff" * 6
EPHEMERAL: Final = range(32768, 61000)
"""Source ports of Linux (net.ipv4.ip_local_port_range)."""


def address(spelled: str) -> bytes:
    """4 or 16 bytes in network order."""
    return ipaddress.ip_address(spelled).packed


def text(ip: bytes) -> str:
    """The usual spelling of 4 or 16 bytes."""
    return str(ipaddress.ip_address(ip))


def mac(spelled: str) -> bytes:
    """6 bytes from ``44:19:b6:00:00:11``."""
    return bytes.fromhex(spelled.replace(":", ""))


@dataclass(slots=True, eq=False)
class Host:
    """One address as it is seen at the tap, with what its IP stack remembers between packets."""

    mac: bytes
    """Of the host, or of the router that stands for it."""
    ip: bytes
    """4 or 16 bytes."""
    ttl: int = 64
    """Hop limit that its packets still have at the tap."""
    ident: int = 1
    port: int = EPHEMERAL.start

    @classmethod
    def at(cls, ip: str, hardware: str, *, ttl: int = 64) -> Host:
        """On this link. The counters start at a place of its own."""
        packed = address(ip)
        start = int.from_bytes(packed[-2:], "big") * 2654435761 >> 7
        return cls(mac(hardware), packed, ttl, start & 0xFFFF, EPHEMERAL[start % len(EPHEMERAL)])

    def beyond(self, ip: str, *, ttl: int = 48) -> Host:
        """A host that is reached through this one."""
        return Host.at(ip, self.mac.hex(), ttl=ttl)

    def next_ident(self) -> int:
        """1 to 65535, in a circle."""
        self.ident = self.ident % 0xFFFF + 1
        return self.ident

    def next_port(self) -> int:
        """One of EPHEMERAL, in a circle."""
        self.port = self.port + 1 if self.port + 1 in EPHEMERAL else EPHEMERAL.start
        return self.port


def multicast(ip: str) -> Host:
    """The group as a destination (RFC 1112, 6.4; RFC 2464, 7); 255.255.255.255 is everybody."""
    packed = address(ip)
    if packed == b"\xff" * 4:
        return Host(BROADCAST, packed)
    if len(packed) == 4:
        return Host(b"\x01\x00\x5e" + bytes([packed[1] & 0x7F]) + packed[2:], packed)
    return Host(b"\x33\x33" + packed[12:], packed)


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071). ``data`` must not be all zeros."""
    if len(data) % 2:
        data += b"\0"
    return 0xFFFF - (int.from_bytes(data, "big") % 0xFFFF or 0xFFFF)


def ethernet(destination: bytes, source: bytes, ethertype: int, payload: bytes, vlan: tuple[int, ...] = ()) -> bytes:
    """A frame without check sequence; ``vlan`` is outermost first (IEEE 802.1Q)."""
    tags = b"".join(struct.pack("!HH", ETHERTYPE_VLAN, tag) for tag in vlan)
    frame = destination + source + tags + struct.pack("!H", ethertype) + payload
    return frame.ljust(ETHERNET_MINIMUM + 4 * len(vlan), b"\0")


def frame(source: Host, destination: Host, packet: bytes, vlan: tuple[int, ...] = ()) -> bytes:
    """An IP packet on the link between two hosts."""
    ethertype = ETHERTYPE_IPV4 if packet[0] >> 4 == 4 else ETHERTYPE_IPV6
    return ethernet(destination.mac, source.mac, ethertype, packet, vlan)


def arp(operation: int, sender: Host, target: Host, vlan: tuple[int, ...] = ()) -> bytes:
    """A request goes to everybody, a reply to the target (RFC 826). A probe has 0.0.0.0 as sender (RFC 5227)."""
    asked = operation == ARP_REQUEST
    hardware = bytes(6) if asked else target.mac
    head = struct.pack("!HHBBH", 1, ETHERTYPE_IPV4, 6, 4, operation)
    body = head + sender.mac + sender.ip + hardware + target.ip
    return ethernet(BROADCAST if asked else target.mac, sender.mac, ETHERTYPE_ARP, body, vlan)


def ip(source: Host, destination: Host, protocol: int, payload: bytes, *, ttl: int | None = None) -> bytes:
    """IPv4 (RFC 791, do not fragment) or IPv6 (RFC 8200), by the source's address."""
    hops = source.ttl if ttl is None else ttl
    if len(source.ip) == 16:
        return struct.pack("!IHBB", 6 << 28, len(payload), protocol, hops) + source.ip + destination.ip + payload
    total = 20 + len(payload)
    head = struct.pack("!BBHHHBB", 0x45, 0, total, source.next_ident(), 0x4000, hops, protocol)
    ends = source.ip + destination.ip
    return head + struct.pack("!H", checksum(head + ends)) + ends + payload


def one_hop_on(packet: bytes) -> bytes:
    """The same IPv4 packet after a router: TTL one less, header checksum anew."""
    head = packet[:8] + bytes([packet[8] - 1]) + packet[9:10]
    return head + struct.pack("!H", checksum(head + packet[12:20])) + packet[12:]


def with_checksum(source: Host, destination: Host, protocol: int, segment: bytes, at: int) -> bytes:
    """``segment`` with its checksum at offset ``at``, over the pseudo-header (RFC 9293, 3.1; RFC 8200, 8.1)."""
    pseudo = source.ip + destination.ip + struct.pack("!II", len(segment), protocol)
    value = checksum(pseudo + segment)
    if protocol == UDP and value == 0:
        value = 0xFFFF
    return segment[:at] + struct.pack("!H", value) + segment[at + 2 :]


def udp(source: Host, destination: Host, sport: int, dport: int, payload: bytes) -> bytes:
    """An IP packet with one datagram (RFC 768)."""
    datagram = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload
    return ip(source, destination, UDP, with_checksum(source, destination, UDP, datagram, 6))


@dataclass(frozen=True, slots=True)
class Segment:
    """What a TCP header says (RFC 9293, 3.1)."""

    sport: int
    dport: int
    seq: int
    ack: int
    flags: int
    window: int = 502
    options: bytes = b""
    payload: bytes = b""


def tcp(source: Host, destination: Host, segment: Segment) -> bytes:
    """An IP packet with one segment; its options fill whole words."""
    offset = 5 + len(segment.options) // 4
    head = struct.pack(
        "!HHIIBBHHH",
        segment.sport,
        segment.dport,
        segment.seq & 0xFFFFFFFF,
        segment.ack & 0xFFFFFFFF,
        offset << 4,
        segment.flags,
        segment.window,
        0,
        0,
    )
    whole = head + segment.options + segment.payload
    return ip(source, destination, TCP, with_checksum(source, destination, TCP, whole, 16))


def admin_prohibited(router: Host, refused: bytes) -> bytes:
    """ICMP type 3 code 13 to the sender of ``refused``, which it quotes (RFC 1812, 5.2.7.1; ICMPv6: RFC 4443, 3.1)."""
    if refused[0] >> 4 == 4:
        sender = Host(b"", refused[12:16])
        body = struct.pack("!BBHI", 3, 13, 0, 0) + refused
        body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
        return ip(router, sender, ICMP, body)
    sender = Host(b"", refused[8:24])
    return icmp6(router, sender, 1, 1, bytes(4) + refused)


def icmp6(source: Host, destination: Host, kind: int, code: int, body: bytes, *, ttl: int | None = None) -> bytes:
    """An ICMPv6 message (RFC 4443, 2.1)."""
    message = struct.pack("!BBH", kind, code, 0) + body
    return ip(source, destination, ICMPV6, with_checksum(source, destination, ICMPV6, message, 2), ttl=ttl)


def link_local(hardware: bytes) -> bytes:
    """fe80::/64 with the modified EUI-64 of a MAC (RFC 4291, appendix A)."""
    return eui64("fe80::", hardware)


def eui64(prefix: str, hardware: bytes) -> bytes:
    """The address that SLAAC makes of a /64 and a MAC (RFC 4862)."""
    return address(prefix)[:8] + bytes([hardware[0] ^ 2]) + hardware[1:3] + b"\xff\xfe" + hardware[3:]


def router_solicitation(source: Host) -> bytes:
    """Asks all routers to announce themselves (RFC 4861, 4.1)."""
    return icmp6(source, multicast("ff02::2"), 133, 0, bytes(4) + b"\x01\x01" + source.mac, ttl=255)


def router_advertisement(router: Host, prefix: str) -> bytes:
    """Announces one on-link /64 for SLAAC (RFC 4861, 4.2 and 4.6.2)."""
    flags = struct.pack("!BBHII", 64, 0, 1800, 0, 0)
    source = b"\x01\x01" + router.mac
    information = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 86400, 14400, 0) + address(prefix)
    return icmp6(router, multicast("ff02::1"), 134, 0, flags + source + information, ttl=255)


def solicited_node(target: bytes) -> Host:
    """The group in which an address listens for its neighbours (RFC 4291, 2.7.1)."""
    return multicast(str(ipaddress.IPv6Address(address("ff02::1:ff00:0")[:13] + target[13:])))


def neighbour_solicitation(source: Host, target: bytes) -> tuple[Host, bytes]:
    """Where it goes and the packet. From ``::`` it is duplicate address detection (RFC 4862, 5.4.2)."""
    group = solicited_node(target)
    option = b"\x01\x01" + source.mac if any(source.ip) else b""
    return group, icmp6(source, group, 135, 0, bytes(4) + target + option, ttl=255)


def neighbour_advertisement(source: Host, destination: Host) -> bytes:
    """Solicited, with the sender's link address (RFC 4861, 4.4)."""
    return icmp6(source, destination, 136, 0, b"\x60\0\0\0" + source.ip + b"\x02\x01" + source.mac, ttl=255)
