"""The handshake of Hikvision's boot loader before it fetches firmware by TFTP (scottlamb/hikvision-tftpd).

At boot a device sends "SWKH" and zeros from UDP 9979 to 9978 of a fixed address; a server that echoes it is
asked for an image, which is then written to flash. An echo says that somebody means to replace the firmware.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import Malformed, ServiceBanner, Want

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "hikvision-tftp"
SERVER_PORT: Final = 9978
DEVICE_PORT: Final = 9979
MAGIC: Final = b"SWKH"
HANDSHAKE: Final = MAGIC + bytes(16)


def sniff(head: bytes, sport: int, dport: int) -> bool:
    """Whether this datagram is the handshake, on either of its ports."""
    return head == HANDSHAKE and not {sport, dport}.isdisjoint((SERVER_PORT, DEVICE_PORT))


class Parser:
    """One direction of a flow; one handshake says it all."""

    def __init__(self, sport: int, dport: int) -> None:
        """The ports are those of this direction: who sends to 9978 is the device."""
        self.want = Want.MORE
        self._role = "client" if dport == SERVER_PORT or sport == DEVICE_PORT else "server"

    def feed(self, data: bytes) -> list[Fact]:
        """The handshake, with the sender's role."""
        if self.want is Want.STOP:
            return []
        if data != HANDSHAKE:
            raise Malformed(LAYER, "no handshake")
        self.want = Want.STOP
        return [ServiceBanner(LAYER, self._role, MAGIC.decode())]
