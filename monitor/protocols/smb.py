"""SMB over TCP: that it is spoken, by which side, and the dialect agreed on ([MS-SMB2], [MS-CIFS], RFC 1001, RFC 1002).

Messages are those of the NetBIOS session service: a type, a length of 24 bits, and the body (RFC 1002, 4.3.1;
[MS-SMB2], 2.1). Only the head of a body is held; the rest is counted through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import MalformedSeen, ServiceBanner, Want
from monitor.protocols import sides

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "smb"
PORTS: Final = frozenset({139, 445})
MAX_MESSAGES: Final = 8
"""Messages of a direction in which one that says enough must be: some three come before."""

_SMB1: Final = b"\xffSMB"
_SMB2: Final = b"\xfeSMB"
_ENCRYPTED: Final = b"\xfdSMB"
"""[MS-SMB2], 2.2.41: SMB 3 only."""
_COMPRESSED: Final = b"\xfcSMB"
"""[MS-SMB2], 2.2.42: SMB 3.1.1 only."""
_MAGICS: Final = frozenset({_SMB1, _SMB2, _ENCRYPTED, _COMPRESSED})
_SMALLEST: Final = 32
"""Octets of an SMB 1 header, the smallest ([MS-CIFS], 2.2.3.1)."""
_NEEDED: Final = 70
"""Octets of an SMB 2 header and of a NEGOTIATE response up to its dialect ([MS-SMB2], 2.2.1.2 and 2.2.4)."""

# RFC 1002, 4.3.1.
_MESSAGE: Final = 0x00
_SESSION_REQUEST: Final = b"\x81\x00\x00\x44\x20"
"""Two names of 34 octets, the first of which begins with its length (RFC 1002, 4.3.2)."""
_SESSION_GRANTED: Final = b"\x82\x00\x00\x00"
_SERVICE: Final = range(0x81, 0x86)

_REPLY_1: Final = 0x80
_RESPONSE_2: Final = 0x01
"""SMB2_FLAGS_SERVER_TO_REDIR."""
_ANY_2: Final = 0x02FF
"""An answer to SMB 1's negotiation: the dialect is agreed on by the next ([MS-SMB2], 2.2.4)."""
_DIALECTS: Final = {0x0202: "2.0.2", 0x0210: "2.1", 0x0300: "3.0", 0x0302: "3.0.2", 0x0311: "3.1.1"}


def sniff(head: bytes, sport: int, dport: int) -> bool:
    """Whether a direction of a TCP stream begins with an SMB message, or opens a NetBIOS session."""
    if head[:1] == b"\x00":
        if head[4:8] in _MAGICS:
            return int.from_bytes(head[1:4], "big") >= _SMALLEST
        return len(head) == 4 and head[1:] > b"\x00\x00\x1f" and (sport in PORTS or dport in PORTS)
    if head.startswith(_SESSION_REQUEST):
        return dport == 139
    return head.startswith(_SESSION_GRANTED) and sport == 139


class Parser:
    """One direction of a TCP connection."""

    def __init__(self, sport: int, dport: int) -> None:
        self.want = Want.MORE
        self._by_port = sides.role(sport, dport, PORTS)
        self._held = bytearray()
        """The present message, as far as it is needed."""
        self._skip = 0
        """Octets of the present message still to come and not needed."""
        self._messages = 0
        self._told: ServiceBanner | None = None

    def feed(self, data: bytes) -> list[Fact]:
        """The banner, and once more where its dialect is agreed on later."""
        facts: list[Fact] = []
        at = 0
        while at < len(data) and self.want is Want.MORE:
            if self._skip:
                taken = min(self._skip, len(data) - at)
                self._skip -= taken
                at += taken
                continue
            needed = 4 if len(self._held) < 4 else 4 + min(_NEEDED, int.from_bytes(self._held[1:4], "big"))
            part = data[at : at + needed - len(self._held)]
            self._held += part
            at += len(part)
            if len(self._held) >= 4 and len(self._held) == 4 + min(_NEEDED, int.from_bytes(self._held[1:4], "big")):
                self._message(facts)
        return facts

    def _message(self, facts: list[Fact]) -> None:
        kind, size, body = self._held[0], int.from_bytes(self._held[1:4], "big"), bytes(self._held[4:])
        self._skip = size - len(body)
        self._held.clear()
        self._messages += 1
        if self._messages >= MAX_MESSAGES:
            self.want = Want.STOP
        if kind in _SERVICE:
            return
        if kind != _MESSAGE or body[:4] not in _MAGICS:
            self.want = Want.STOP
            facts.append(MalformedSeen(LAYER, "no SMB message"))
            return
        banner, final = self._banner(body)
        if banner != self._told:
            self._told = banner
            facts.append(banner)
        if final:
            self.want = Want.STOP

    def _banner(self, body: bytes) -> tuple[ServiceBanner, bool]:
        """What this message says, and whether later ones cannot say more."""
        magic = body[:4]
        if magic == _SMB1 and len(body) >= _SMALLEST:
            if body[9] & _REPLY_1:
                return ServiceBanner(LAYER, "server", "1.0"), True
            return ServiceBanner(LAYER, "client", None), True  # what it offers, it need not get
        if magic == _SMB2 and len(body) >= 64:  # the header
            if not body[16] & _RESPONSE_2:
                return ServiceBanner(LAYER, "client", None), True
            negotiated = len(body) >= _NEEDED and body[12:14] == b"\x00\x00" and body[64] == 65  # StructureSize
            dialect = int.from_bytes(body[68:70], "little") if negotiated else 0
            return ServiceBanner(LAYER, "server", _DIALECTS.get(dialect)), dialect != _ANY_2
        return ServiceBanner(LAYER, self._by_port, "3" if magic in {_ENCRYPTED, _COMPRESSED} else None), True
