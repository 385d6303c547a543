"""VNC: the protocol version that both sides say first (RFC 6143, 7.1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import Malformed, ServiceBanner, Want
from monitor.protocols import sides

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "vnc"
PORTS: Final = frozenset(range(5900, 5910))
"""5900 and a display number (RFC 6143, 3)."""

_SIZE: Final = 12


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  content alone decides
    """Whether a direction of a TCP stream begins with a version: ``RFB 003.008`` and a line feed."""
    return (
        head.startswith(b"RFB ")
        and head[7:8] == b"."
        and head[11:12] == b"\n"
        and head[4:7].isdigit()
        and head[8:11].isdigit()
    )


class Parser:
    """One direction of a TCP connection: one banner, then no more."""

    def __init__(self, sport: int, dport: int) -> None:
        self.want = Want.MORE
        self._role = sides.role(sport, dport, PORTS)
        self._held = b""

    def feed(self, data: bytes) -> list[Fact]:
        """The version as it is said."""
        if self.want is Want.STOP:
            return []
        self._held += data[: _SIZE - len(self._held)]
        if len(self._held) < _SIZE:
            return []
        self.want = Want.STOP
        if not sniff(self._held, 0, 0):
            raise Malformed(LAYER, "no protocol version")
        return [ServiceBanner(LAYER, self._role, self._held[4:11].decode("ascii"))]
