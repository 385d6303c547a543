"""Discovery of Hanwha's (Wisenet, before Samsung Techwin's) cameras: fixed binary fields over UDP 7701 and 7711.

No specification is public; type octets and offsets are those of UniversalScanner. There is no magic, so the ports
must be right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed, Want
from monitor.protocols.device_text import field, mac_of

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "hanwha"
DEVICE_PORT: Final = 7701
TOOL_PORT: Final = 7711
SIZE: Final = 0x106
"""Octets of a message; a later one may have more behind them."""
_SEARCH: Final = 0x01
_ANSWER: Final = 0x0B
_MAC: Final = slice(0x13, 0x25)
_MODEL: Final = slice(0x6D, 0x77)


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  each kind has its destination
    """Whether this datagram is a search to 7701, or an answer to 7711 that holds a MAC as text."""
    if len(head) < SIZE:
        return False
    if dport == DEVICE_PORT:
        return head[0] == _SEARCH
    return dport == TOOL_PORT and head[0] == _ANSWER and mac_of(field(head[_MAC])) is not None


class Parser:
    """One direction of a flow: each datagram is one message."""

    want = Want.MORE

    def feed(self, data: bytes) -> list[Fact]:
        """The search, or what the device says of itself."""
        if len(data) < SIZE or data[0] not in {_SEARCH, _ANSWER}:
            raise Malformed(LAYER, "neither search nor answer")
        if data[0] == _SEARCH:
            return [DiscoveryQuery(LAYER, None)]
        mac = mac_of(field(data[_MAC]))
        return [DeviceAnnounced(LAYER, mac=mac, model=field(data[_MODEL]), message="response")]
