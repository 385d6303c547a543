"""RTP and RTCP over UDP, known by their shape (RFC 3550).

Strategy: a header proves next to nothing, so a source is on probation as in RFC 3550, A.1: it is believed when two of
its packets stand in sequence. Where a session has announced the ports, one packet is enough. A handful of datagrams
says which sources there are; media is never read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from monitor.model.facts import MediaStream, Want
from monitor.protocols.sdp import STATIC

if TYPE_CHECKING:
    from monitor.model.facts import Fact

HEADER: Final = 12
"""Octets of the fixed header (RFC 3550, 5.1)."""
DYNAMIC: Final = range(96, 128)
"""Payload types that a session assigns (RFC 3551, 6)."""
RTCP_TYPES: Final = range(200, 207)
"""SR, RR, SDES, BYE, APP (RFC 3550, 12.1), RTPFB and PSFB (RFC 4585, 6.1)."""
RTCP_RANGE: Final = range(192, 224)
"""What a second octet means RTCP where both share a port (RFC 5761, 4)."""
MAX_DATAGRAMS: Final = 32
"""Datagrams of one direction that are read: enough for sound and pictures that share a port (RFC 8843)."""
MORE_SOURCES: Final = 6
"""Datagrams read after a source was believed: sound and picture that share a path take turns."""
MAX_STRAYS: Final = 4
"""Datagrams of another shape among them: STUN keeps such a path open (RFC 7983)."""
MAX_SOURCES: Final = 8
"""Sources of one direction that may be on probation or reported."""
MAX_STEP: Final = 900_000
"""Ticks between the timestamps of packets in sequence: ten seconds of the 90 kHz clock (RFC 3551, 5)."""

_VERSION: Final = 2
_ASSIGNED: Final = frozenset({*DYNAMIC, *STATIC})
_EXTENDED: Final = 0x10
_PADDED: Final = 0x20


class Header(NamedTuple):
    """What is read of a fixed header."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    size: int
    """Octets of the whole packet."""


def header(data: bytes, size: int) -> Header | None:
    """The header of an RTP packet of ``size`` octets, of which ``data`` is the beginning; None if it cannot be one."""
    if size < HEADER or len(data) < HEADER or data[0] >> 6 != _VERSION or data[1] in RTCP_RANGE:
        return None
    smallest = HEADER + 4 * (data[0] & 15)
    if data[0] & _EXTENDED:
        if len(data) >= smallest + 4:
            smallest += 4 * int.from_bytes(data[smallest + 2 : smallest + 4], "big")
        smallest += 4
    if data[0] & _PADDED:
        padding = data[-1] if len(data) == size else 1
        smallest += padding
        if not padding:
            return None
    if size < smallest:
        return None
    return Header(data[1] & 0x7F, data[2] << 8 | data[3], _u32(data, 4), _u32(data, 8), size)


def body(packet: bytes) -> bytes:
    """What a whole RTP packet, of which ``header`` could be read, carries behind its header and before its padding."""
    at, end = HEADER + 4 * (packet[0] & 15), len(packet)
    if packet[0] & _EXTENDED:
        at += 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")
    if packet[0] & _PADDED:
        end -= packet[-1]
    return packet[at:end]


def _u32(data: bytes, at: int) -> int:
    first = data[at] << 8 | data[at + 1]
    return first << 16 | data[at + 2] << 8 | data[at + 3]


def is_rtcp(datagram: bytes) -> bool:
    """Whether the datagram is RTCP packets from end to end (RFC 3550, A.2; the first may be any, RFC 5506)."""
    at, size = 0, len(datagram)
    if size < 8 or datagram[1] not in RTCP_TYPES or datagram[0] & _PADDED:
        return False
    while at + 4 <= size:
        if datagram[at] >> 6 != _VERSION or datagram[at + 1] not in RTCP_RANGE:
            return False
        at += 4 + 4 * int.from_bytes(datagram[at + 2 : at + 4], "big")
    return at == size


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  content alone decides
    """Whether this datagram can be RTP of a type that is assigned or dynamic, or RTCP; the parser wants more."""
    if len(head) < 8 or head[0] >> 6 != _VERSION:
        return False
    if head[1] in RTCP_RANGE:
        return is_rtcp(head)
    return head[1] & 0x7F in _ASSIGNED and likely(header(head, len(head)))


def likely(packet: Header | None) -> bool:
    """Whether the header is one that nobody needs to announce: its type is assigned or dynamic, its source is one."""
    return (
        packet is not None
        and packet.ssrc != 0  # chosen at random (RFC 3550, 8); zeros are another protocol's fields
        and packet.payload_type in _ASSIGNED
    )


class Probation:
    """Which sources of one direction are believed (RFC 3550, A.1)."""

    def __init__(self) -> None:
        self._last: dict[int, Header] = {}
        self._believed: set[int] = set()
        self.dropped = 0
        """Packets of sources beyond MAX_SOURCES."""

    def passes(self, packet: Header, *, announced: bool = False) -> bool:
        """Whether this packet makes its source believed; once a source."""
        ssrc = packet.ssrc
        if ssrc in self._believed:
            return False
        last = self._last.get(ssrc)
        if last is None and len(self._last) >= MAX_SOURCES:
            self.dropped += 1
            return False
        self._last[ssrc] = packet
        if not announced and (last is None or not _follows(packet, last)):
            return False
        self._believed.add(ssrc)
        return True


def _follows(packet: Header, last: Header) -> bool:
    step = (packet.timestamp - last.timestamp) & 0xFFFFFFFF
    return (
        packet.sequence == (last.sequence + 1) & 0xFFFF
        and packet.size != last.size + 1  # else it may be a length, which stands there in many protocols
        and packet.payload_type == last.payload_type
        and (step <= MAX_STEP or step >= (1 << 32) - MAX_STEP)  # pictures are sent in the order of decoding
    )


class Parser:
    """One direction of a UDP flow: each source is reported once, then the rest is left alone."""

    def __init__(self, *, announced: bool = False) -> None:
        """``announced``: a session said that media comes here."""
        self.want = Want.MORE
        self._announced = announced
        self._probation = Probation()
        self._strays = 0
        self._left = MAX_DATAGRAMS
        """Datagrams that are still read; a source that is believed leaves few to look for another in."""

    def feed(self, data: bytes) -> list[Fact]:
        """The source of this datagram, where it is new and believed."""
        if self.want is Want.STOP:
            return []
        self._left -= 1
        packet = header(data, len(data))
        fits = packet is not None and (self._announced or likely(packet))
        if not fits and not is_rtcp(data):
            self._strays += 1
        if self._left <= 0 or self._strays >= MAX_STRAYS:
            self.want = Want.STOP
        if packet is None or not fits or not self._probation.passes(packet, announced=self._announced):
            return []
        if self._announced:
            self.want = Want.STOP
        self._left = min(self._left, MORE_SOURCES)
        return [stream("udp", packet)]


def stream(transport: str, packet: Header, media: str | None = None, codec: str | None = None) -> MediaStream:
    """That this source is heard; where the session does not say what it is, its payload type may."""
    by_type = STATIC.get(packet.payload_type, (None, None))
    return MediaStream(transport, packet.ssrc, packet.payload_type, media or by_type[0], codec or by_type[1])
