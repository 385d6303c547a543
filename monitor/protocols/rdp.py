"""RDP: the connection request of a client and its confirmation ([MS-RDPBCGR], 2.2.1.1 and 2.2.1.2).

Both are X.224 (RFC 2126, 4.2 and ITU-T X.224, 13.3) in a TPKT (RFC 1006, 6), as are those of S7, MMS and H.323;
RDP's own are its cookie or routing token, its negotiation structure, or the port.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import Malformed, ServiceBanner, Want

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "rdp"
PORT: Final = 3389

_FIXED: Final = 11
"""Octets of TPKT and X.224 header; what follows is RDP's."""
_LONGEST: Final = 5 + 255
"""An X.224 header's length indicator is one octet."""
_REQUEST: Final = 0xE0
_CONFIRM: Final = 0xD0
_TOKENS: Final = (b"Cookie: mstshash=", b"Cookie: msts=", b"tsv://")
_NEGOTIATION: Final = 8
"""Octets of RDP_NEG_REQ, RDP_NEG_RSP and RDP_NEG_FAILURE."""
_NEGOTIATION_TYPES: Final = {_REQUEST: (0x01,), _CONFIRM: (0x02, 0x03)}
_PROTOCOLS_MAX: Final = 0x1F
"""All the protocols, and failures, that are defined ([MS-RDPBCGR], 2.2.1.1.1 and 2.2.1.2.2)."""


def _negotiates(rest: bytes, kind: int) -> bool:
    """Whether a negotiation structure ends ``rest``, or stands before the correlation of a request."""
    ends = (len(rest), len(rest) - 36)  # RDP_NEG_CORRELATION_INFO
    return any(_is_negotiation(rest[max(0, end - _NEGOTIATION) : max(0, end)], kind) for end in ends)


def _is_negotiation(part: bytes, kind: int) -> bool:
    return (
        len(part) == _NEGOTIATION
        and part[0] in _NEGOTIATION_TYPES[kind]
        and part[2:4] == b"\x08\x00"
        and int.from_bytes(part[4:], "little") <= _PROTOCOLS_MAX
    )


def sniff(head: bytes, sport: int, dport: int) -> bool:
    """Whether a direction of a TCP stream begins with a request or confirmation of RDP, at least its first field."""
    if len(head) < _FIXED or head[:2] != b"\x03\x00" or head[5] not in _NEGOTIATION_TYPES:
        return False
    size = int.from_bytes(head[2:4], "big")
    if not _FIXED <= size <= _LONGEST or head[4] != size - 5 or head[6:8] != b"\x00\x00" or head[10]:
        return False
    rest = head[_FIXED:size]
    if rest.startswith(_TOKENS) or _is_negotiation(rest[:_NEGOTIATION], head[5]):
        return True
    if len(head) < size:
        return False
    if _negotiates(rest, head[5]):
        return True
    return PORT in {sport, dport} and not rest


class Parser:
    """One direction of a TCP connection: one banner, then no more."""

    def __init__(self, sport: int, dport: int) -> None:
        self.want = Want.MORE
        self._ports = sport, dport
        self._held = b""

    def feed(self, data: bytes) -> list[Fact]:
        """Which side this is; the user name of the cookie is not looked at."""
        if self.want is Want.STOP:
            return []
        self._held += data[: _LONGEST - len(self._held)]
        held = self._held
        if len(held) < 4 or len(held) < min(int.from_bytes(held[2:4], "big"), _LONGEST):
            return []
        self.want = Want.STOP
        if not sniff(held, *self._ports):
            raise Malformed(LAYER, "no connection request or confirmation")
        return [ServiceBanner(LAYER, "client" if held[5] == _REQUEST else "server", None)]
