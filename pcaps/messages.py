"""Payloads of the small protocols: DNS, DHCP, NTP, HTTP, RTSP, RTP and PPPP. Pure, one function a message."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pcaps.packets import Host

A: Final = 1
CNAME: Final = 5
PTR: Final = 12
TXT: Final = 16
AAAA: Final = 28
SRV: Final = 33

NOERROR: Final = 0
NXDOMAIN: Final = 3

QUESTION_NAME: Final = b"\xc0\x0c"
"""Pointer to the question's name, which starts after the 12 bytes of header (RFC 1035, 4.1.4)."""


def name(text: str) -> bytes:
    """Labels without compression (RFC 1035, 3.1)."""
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".") if label) + b"\0"


def dns_query(ident: int, asked: str, qtype: int = A) -> bytes:
    """One question, recursion desired."""
    return struct.pack("!6H", ident, 0x0100, 1, 0, 0, 0) + name(asked) + struct.pack("!HH", qtype, 1)


def dns_record(owner: bytes, rtype: int, ttl: int, data: bytes, *, rclass: int = 1) -> bytes:
    """A resource record (RFC 1035, 4.1.3); ``owner`` is already in wire form."""
    return owner + struct.pack("!HHIH", rtype, rclass, ttl, len(data)) + data


def dns_answer(
    ident: int,
    asked: str,
    qtype: int = A,
    *,
    addresses: tuple[str, ...] = (),
    alias: str | None = None,
    rcode: int = NOERROR,
    ttl: int = 300,
) -> bytes:
    """A resolver's answer; with ``alias`` the addresses belong to that name."""
    records = []
    owner = QUESTION_NAME
    if alias is not None:
        records.append(dns_record(owner, CNAME, ttl, name(alias)))
        owner = name(alias)
    records += [dns_record(owner, qtype, ttl, ipaddress.ip_address(text).packed) for text in addresses]
    head = struct.pack("!6H", ident, 0x8180 | rcode, 1, len(records), 0, 0)
    return head + name(asked) + struct.pack("!HH", qtype, 1) + b"".join(records)


def mdns_announcement(service: str, instance: str, target: str, ip: bytes, txt: str) -> bytes:
    """A service, where it is and its address (RFC 6762, 8.3; RFC 6763, 4)."""
    full = f"{instance}.{service}"
    unique = 0x8001  # class IN with the cache-flush bit (RFC 6762, 10.2)
    records = (
        dns_record(name(service), PTR, 4500, name(full)),
        dns_record(name(full), SRV, 120, struct.pack("!HHH", 0, 0, 80) + name(target), rclass=unique),
        dns_record(name(full), TXT, 4500, bytes([len(txt)]) + txt.encode(), rclass=unique),
        dns_record(name(target), A if len(ip) == 4 else AAAA, 120, ip, rclass=unique),
    )
    return struct.pack("!6H", 0, 0x8400, 0, len(records), 0, 0) + b"".join(records)


class Dhcp(IntEnum):
    """Message types (RFC 2132, 9.6)."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    ACK = 5


@dataclass(frozen=True, slots=True)
class Lease:
    """What the two sides of a DHCP exchange say."""

    xid: int
    client: Host
    server: Host
    resolver: bytes
    time_server: bytes
    hostname: str
    vendor_class: str
    parameters: tuple[int, ...] = (1, 3, 6, 12, 15, 28, 42)
    """Option 55, in the client's order."""
    seconds: int = 86400


def dhcp(kind: Dhcp, lease: Lease, *, renewal: bool = False) -> bytes:
    """A BOOTP message with DHCP options (RFC 2131, 2; RFC 2132), padded to BOOTP's 300 bytes.

    A renewal names the address in the header and neither it nor the server in the options (RFC 2131, 4.3.2).
    """
    asks = kind in {Dhcp.DISCOVER, Dhcp.REQUEST}
    options: list[tuple[int, bytes]] = [(53, bytes([kind]))]
    if asks:
        options += [(61, b"\x01" + lease.client.mac), (12, lease.hostname.encode()), (60, lease.vendor_class.encode())]
        if kind == Dhcp.REQUEST and not renewal:
            options += [(50, lease.client.ip), (54, lease.server.ip)]
        options.append((55, bytes(lease.parameters)))
    else:
        options += [(54, lease.server.ip), (51, struct.pack("!I", lease.seconds)), (1, b"\xff\xff\xff\x00")]
        options += [(3, lease.server.ip), (6, lease.resolver), (42, lease.time_server)]
    mine = lease.client.ip if renewal else bytes(4)
    yours = bytes(4) if asks else lease.client.ip
    head = struct.pack("!BBBBIHH", 1 if asks else 2, 1, 6, 0, lease.xid, 0, 0) + mine + yours + bytes(8)
    body = head + lease.client.mac.ljust(16, b"\0") + bytes(192) + b"\x63\x82\x53\x63"
    body += b"".join(bytes([code, len(value)]) + value for code, value in options) + b"\xff"
    return body.ljust(300, b"\0")


NTP_EPOCH_S: Final = 2_208_988_800
"""Seconds from 1900 to 1970."""


def ntp_time(ts_ns: int) -> bytes:
    """64-bit timestamp (RFC 5905, 6)."""
    seconds, rest = divmod(ts_ns, 1_000_000_000)
    return struct.pack("!II", seconds + NTP_EPOCH_S & 0xFFFFFFFF, (rest << 32) // 1_000_000_000)


def ntp_request(ts_ns: int) -> bytes:
    """Version 4, client mode (RFC 5905, 7.3)."""
    return b"\x23\x00\x06\xec" + bytes(36) + ntp_time(ts_ns)


def ntp_reply(request: bytes, ts_ns: int) -> bytes:
    """A stratum 2 server's answer; its reference is 10.0.0.1, a clock of the same site."""
    head = b"\x24\x02\x06\xe8" + struct.pack("!II", 0x0280, 0x0410) + b"\x0a\x00\x00\x01"
    return head + ntp_time(ts_ns - 30_000_000_000) + request[40:48] + ntp_time(ts_ns) + ntp_time(ts_ns + 20_000)


def request(method: str, uri: str, version: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """An HTTP or RTSP request (RFC 9112, 3; RFC 2326, 6), headers in their order."""
    return _message(f"{method} {uri} {version}", headers, body)


def response(status: str, version: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """An HTTP or RTSP response; ``status`` is code and reason."""
    return _message(f"{version} {status}", headers, body)


def _message(start: str, headers: dict[str, str], body: bytes) -> bytes:
    lines = [start, *(f"{key}: {value}" for key, value in headers.items())]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


AUDIO_TRACK: Final = """\
m=audio 0 RTP/AVP 8
a=rtpmap:8 PCMA/8000
a=control:trackID=2
a=sendonly
"""


def sdp(ip: str, session: str, *, audio: bool = False) -> bytes:
    """One H.264 track (RFC 8866; RFC 6184, 8.2.1), and one of G.711 behind it (RFC 3551, 4.5.14)."""
    lines = f"""\
v=0
o=- 1 1 IN IP4 {ip}
s={session}
c=IN IP4 0.0.0.0
t=0 0
m=video 0 RTP/AVP 96
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1
a=control:trackID=1
a=sendonly
"""
    return (lines + AUDIO_TRACK * audio).replace("\n", "\r\n").encode()


def rtp(sequence: int, timestamp: int, source: int, payload: bytes, *, last: bool = False, kind: int = 96) -> bytes:
    """A packet of payload type ``kind`` (RFC 3550, 5.1); ``last`` marks the last one of a picture."""
    head = struct.pack("!BBHII", 0x80, 0x80 * last | kind, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, source)
    return head + payload


class Pppp(IntEnum):
    """Message types of the CS2 P2P protocol that the scenarios use."""

    HELLO = 0x00
    HELLO_ACK = 0x01
    DEV_LGN = 0x10
    DEV_LGN_ACK = 0x11
    P2P_REQ = 0x20
    P2P_REQ_ACK = 0x21
    PUNCH_TO = 0x40
    ALIVE = 0xE0
    ALIVE_ACK = 0xE1


PPPP_PORT: Final = 32100


def pppp(kind: Pppp, body: bytes = b"") -> bytes:
    """Magic, type, length of what follows, big-endian."""
    return struct.pack("!BBH", 0xF1, kind, len(body)) + body


def pppp_uid(prefix: str, number: int, check: str) -> bytes:
    """A device's identity: 8 bytes, a number, 8 bytes."""
    return prefix.encode().ljust(8, b"\0") + struct.pack("!I", number) + check.encode().ljust(8, b"\0")


def pppp_address(ip: bytes, port: int) -> bytes:
    """An IPv4 end as the protocol writes it: a little-endian sockaddr_in."""
    return struct.pack("<HH", 2, port) + ip[::-1] + bytes(8)
