"""Discovery of Vstarcam's, Wanscam's and their kin's cameras: fixed fields over UDP 8600.

No specification is public; offsets are those of UniversalScanner and python-dvr, which agree on them. Behind the
versions an answer carries the user's name and password in the clear: nothing there is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed, Want
from monitor.protocols.device_text import field, mac_of_octets

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "vstarcam"
SEARCH: Final = b"DH\x01\x01"
ANSWER: Final = b"DH\x01\x08"
READ: Final = 0xDC
"""Octets up to the end of the firmware's version."""


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  magic and size decide
    """Whether this datagram is a search or an answer."""
    return head == SEARCH or (head.startswith(ANSWER) and len(head) >= READ)


class Parser:
    """One direction of a flow: each datagram is one message."""

    want = Want.MORE

    def feed(self, data: bytes) -> list[Fact]:
        """The search, or what the device says of itself."""
        if data == SEARCH:
            return [DiscoveryQuery(LAYER, None)]
        if not data.startswith(ANSWER) or len(data) < READ:
            raise Malformed(LAYER, "neither search nor answer")
        return [
            DeviceAnnounced(
                LAYER,
                mac=mac_of_octets(data[0x54:0x5A]),
                name=field(data[0x7C:0x9C]),
                firmware=field(data[0xCC:READ]),
                serial=field(data[0x5C:0x7C]),
                message="response",
            )
        ]
