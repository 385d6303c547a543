"""Text before TLS in the same stream: STARTTLS of mail and FTP, and the line that a load balancer puts first.

Strategy: one parser reads either direction of SMTP (RFC 3207), POP3 and IMAP (RFC 2595) line by line, keeps nothing of
what it says, and hands over where a line would begin and a TLS record does. A dialogue that goes on in the clear is
left alone after a few lines. Behind a PROXY line (haproxy, proxy-protocol.txt, 2.1) any protocol may begin, and FTP
goes on behind its request for TLS in whatever way the server wants it (RFC 4217, 4).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from monitor.model.facts import Want

if TYPE_CHECKING:
    from monitor.model.facts import Fact

MAX_LINES: Final = 64
"""Lines of one direction; a server lists some twenty extensions twice."""
MAX_LINE: Final = 8_192
"""Octets of a line: IMAP allows 8,192 (RFC 7162, 4), SMTP 512 (RFC 5321, 4.5.3.1)."""

_HANDSHAKE: Final = b"\x16"
_AT_ONCE: Final = (b"PROXY TCP4 ", b"PROXY TCP6 ", b"PROXY UNKNOWN", b"AUTH TLS", b"AUTH SSL")
"""Single lines; what FTP says behind AUTH is TLS, or FTP as before where the server declined (RFC 4217, 4)."""
_CLIENT: Final = re.compile(
    rb"(?:EHLO |HELO |LHLO |(?:CAPA|STLS|AUTH)\r?\n|[A-Z0-9.]{1,16} (?:CAPABILITY|STARTTLS|ID[ \r]))", re.IGNORECASE
)
_SERVER: Final = re.compile(rb"(?:220[ -][^\r\n]*SMTP|\+OK[ \r]|\* OK[ \r])", re.IGNORECASE)
_GREETING: Final = b"220"
_SERVER_PORTS: Final = frozenset({25, 587})
"""Submission and transport of mail: some servers greet without a word that says so."""
_ENDS: Final = (b"MAIL ", b"DATA", b"QUIT", b"354 ", b"221 ")
"""Behind these nothing turns into TLS."""


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  the shape of every protocol
    """Whether a direction of a TCP stream begins with such a text."""
    if head.startswith(_GREETING) and sport in _SERVER_PORTS:
        return True
    return head.startswith(_AT_ONCE) or _CLIENT.match(head) is not None or _SERVER.match(head) is not None


class Parser:
    """One direction of a connection. Holds one line."""

    def __init__(self) -> None:
        self.want = Want.MORE
        self.tunnels = False
        """The text has ended: what follows is another protocol's."""
        self._held = bytearray()
        self._lines = 0

    def feed(self, data: bytes) -> list[Fact]:
        """Read on to where the text ends; it says nothing of its own."""
        held = self._held
        held += data
        while held and self.want is Want.MORE:
            if self._lines and held.startswith(_HANDSHAKE):
                self._hand_over()
                break
            end = held.find(b"\n", 0, MAX_LINE)
            if end < 0:
                if len(held) >= MAX_LINE:
                    self._stop()
                break
            self._lines += 1
            if held.startswith(_AT_ONCE):
                del held[: end + 1]
                self._hand_over()
                break
            if self._lines >= MAX_LINES or bytes(held[:5]).upper().startswith(_ENDS):
                self._stop()
                break
            del held[: end + 1]
        return []

    def behind(self) -> bytes:
        """What came behind the text so far."""
        return bytes(self._held)

    def _hand_over(self) -> None:
        self.want, self.tunnels = Want.STOP, True

    def _stop(self) -> None:
        self.want = Want.STOP
        self._held.clear()
