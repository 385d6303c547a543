"""Redaction: which octets of a payload may be kept as evidence. Nothing of one may, unless a rule here says so.

Kept are: DNS messages; the greetings of TLS (ClientHello, ServerHello, Certificate) and of QUIC (Initial); NTP;
requests of TFTP; the openings of PPPP; the header of STUN; and of HTTP and RTSP, and what is written like them (SSDP,
Dahua's P2P), the first line and the names of all header fields, with the values of those in SHOWN. Of everything else,
and of every body, only the number of octets: passwords stand in Telnet, in FTP, in forms, in SOAP, in makers' own
protocols.
Octets that are not kept are cut where nothing follows, and otherwise blanked, so that what is kept stays in its place.
A line whose end is in another segment is not kept: half of a URI does not show that it holds a password. URIs and
values are judged by the same rule as in messages (secrets.cut); where that finds one the rest of the line is blanked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from monitor.protocols import dns, ntp, pppp, quic, tftp
from monitor.protocols.secrets import cut

if TYPE_CHECKING:
    from collections.abc import Callable

BLANK: Final = b"*"
MOST: Final = 1_600
"""Octets of a payload: a full segment of Ethernet."""
SHOWN: Final = frozenset(
    {
        b"accept", b"accept-encoding", b"accept-language", b"allow", b"cache-control", b"connection",
        b"content-encoding", b"content-length", b"content-range", b"content-type", b"cseq", b"date", b"host",
        b"last-modified", b"man", b"mx", b"nt", b"nts", b"public", b"range", b"server", b"st", b"transfer-encoding",
        b"upgrade", b"user-agent", b"usn",
    }
)  # fmt: skip
"""Header fields whose values are kept. They say what a program is and wants, not who its user is."""
_REQUEST: Final = re.compile(rb"([A-Z][A-Z_-]{2,19}) (\S{1,2048}) ((?:HTTP|RTSP)/1\.[01])\r?\n")
_RESPONSE: Final = re.compile(rb"(?:HTTP|RTSP)/1\.[01] [1-5][0-9][0-9](?: [A-Za-z '-]{0,64})?\r?\n")
_FOLDED: Final = b" \t"
"""What a line begins with that goes on with the value before it (RFC 9112, 5.2)."""

TLS_RECORD: Final = 5
TLS_HANDSHAKE: Final = 22
TLS_SHOWN: Final = frozenset({1, 2, 11})
"""ClientHello, ServerHello, Certificate (RFC 8446, 4; RFC 5246, 7.4)."""
TLS_MOST: Final = 16_384
"""Octets of a record (RFC 8446, 5.1)."""
STUN_HEADER: Final = 20
"""Type, length, cookie and transaction (RFC 8489, 5); a user's name and proof stand behind it."""
STUN_COOKIE: Final = b"\x21\x12\xa4\x42"
PPPP_OPENINGS: Final = frozenset((*range(4), 0x30, *range(0x40, 0x44), 0xE0, 0xE1))
"""Greetings, searches, punches and keep-alives (pppp._TYPES). Not logins; data holds the web interface's passwords."""

Kept = tuple[bytes, str]
"""Octets that may be kept, from the first one on, and what they are."""
NOTHING: Final[Kept] = (b"", "")


def of_datagram(payload: bytes, sport: int, dport: int) -> Kept:
    """What may be kept of a UDP datagram."""
    payload = payload[:MOST]
    for rule in _DATAGRAMS:
        kept = rule(payload, sport, dport)
        if kept[0]:
            return kept
    return NOTHING


def of_segment(payload: bytes, sport: int, dport: int) -> Kept:
    """What may be kept of a TCP segment that is no continuation of what was kept before (see hello_rest)."""
    payload = payload[:MOST]
    if payload[:1] == bytes((TLS_HANDSHAKE,)):
        return of_tls(payload)
    if not dns.PORTS.isdisjoint((sport, dport)) and dns.sniff_stream(payload, 0, 0):
        return payload[: 2 + int.from_bytes(payload[:2], "big")], "DNS"
    return of_head(payload)


def of_tls(payload: bytes) -> Kept:
    """Greetings in records that begin in this segment."""
    at = 0
    while _is_greeting(payload[at : at + TLS_RECORD + 1]):
        at += TLS_RECORD + int.from_bytes(payload[at + 3 : at + 5], "big")
    return (payload[:at], "TLS greeting") if at else NOTHING


def hello_rest(payload: bytes) -> int:
    """How many octets of the greetings that were kept of this segment are in those behind it."""
    at = 0
    while _is_greeting(payload[at : at + TLS_RECORD + 1]):
        at += TLS_RECORD + int.from_bytes(payload[at + 3 : at + 5], "big")
    return max(0, at - len(payload))


def of_head(payload: bytes) -> Kept:
    """The head of an HTTP or RTSP message: complete lines, without their secrets."""
    first = _REQUEST.match(payload)
    if first is not None:
        method, uri, version = first.groups()
        shown = method + b" " + _without_secrets(uri) + b" " + version
    else:
        first = _RESPONSE.match(payload)
        if first is None:
            return NOTHING
        shown = first[0].rstrip(b"\r\n")
    lines = [shown + payload[len(shown) : first.end()]]
    at = first.end()
    while (end := payload.find(b"\n", at)) >= 0:
        line = payload[at : end + 1]
        at = end + 1
        text = line.rstrip(b"\r\n")
        if not text:
            lines.append(line)
            break
        lines.append(_field(text) + line[len(text) :])
    return b"".join(lines), "head, values blanked"


def _field(line: bytes) -> bytes:
    """A header field, with its value if that is one to keep."""
    name, colon, value = line.partition(b":")
    if not colon or line[0] in _FOLDED:
        return BLANK * len(line)
    if name.lower() not in SHOWN or b"@" in value:
        return name + colon + BLANK * len(value)
    return name + colon + _without_secrets(value)


def _without_secrets(value: bytes) -> bytes:
    """A URI or value of the same length, blanked from the first secret on."""
    text = value.decode("latin-1")
    clean = cut(text)
    if clean == text and "@" not in text:
        return value
    same = 0
    if clean != text:
        while same < min(len(clean), len(text)) and clean[same] == text[same]:
            same += 1
    return value[:same] + BLANK * (len(value) - same)


def _is_greeting(head: bytes) -> bool:
    """Whether a TLS record with a greeting begins so."""
    return (
        len(head) == TLS_RECORD + 1
        and head[0] == TLS_HANDSHAKE
        and head[1] == 3
        and head[5] in TLS_SHOWN
        and int.from_bytes(head[3:5], "big") <= TLS_MOST
    )


def _dns(payload: bytes, sport: int, dport: int) -> Kept:
    spoken = not dns.PORTS.isdisjoint((sport, dport)) and dns.sniff(payload, 0, 0)  # parses to its last octet
    return (payload, "DNS") if spoken else NOTHING


def _ntp(payload: bytes, sport: int, dport: int) -> Kept:
    return (payload[:48], "NTP") if ntp.sniff(payload, sport, dport) else NOTHING


def _quic(payload: bytes, sport: int, dport: int) -> Kept:
    # A version 1 Initial has type 0, a version 2 one type 1 (RFC 9000, 17.2; RFC 9369, 3.2).
    initial = 1 if payload[1:5] == b"\x6b\x33\x43\xcf" else 0
    spoken = quic.sniff(payload, sport, dport) and payload[0] >> 4 & 3 == initial
    return (payload, "QUIC greeting") if spoken else NOTHING


def _pppp(payload: bytes, sport: int, dport: int) -> Kept:
    opening = pppp.sniff(payload, sport, dport) and payload[1] in PPPP_OPENINGS and len(payload) <= 64
    return (payload, "PPPP opening") if opening else NOTHING


def _stun(payload: bytes, sport: int, dport: int) -> Kept:  # noqa: ARG001  content alone decides
    spoken = payload[4:8] == STUN_COOKIE and payload[:1] < b"\x40"
    return (payload[:STUN_HEADER], "STUN header") if spoken else NOTHING


def _tftp(payload: bytes, sport: int, dport: int) -> Kept:
    if not tftp.sniff(payload, sport, dport):
        return NOTHING
    text = payload.decode("latin-1")
    return (payload, "TFTP request") if cut(text) == text and "@" not in text else NOTHING


def _head(payload: bytes, sport: int, dport: int) -> Kept:  # noqa: ARG001  content alone decides
    return of_head(payload)


_DATAGRAMS: Final[tuple[Callable[[bytes, int, int], Kept], ...]] = (_dns, _quic, _ntp, _pppp, _stun, _tftp, _head)
