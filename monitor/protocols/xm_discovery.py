"""Discovery of Xiongmai's devices (XMEye, NETSurveillance and their brands): JSON behind a header over UDP 34569.

No specification is public; the header and its message numbers are those of python-dvr: FF, version, two octets,
session, sequence, two octets, message, length of the body. Messages that set something hold passwords and
are not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed, Want
from monitor.protocols.bounded_json import object_in, read_object, text_in
from monitor.protocols.device_text import mac_of

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "xm"
PORTS: Final = frozenset({34569, 34571})
"""34571: a camera that was taken apart by KostasEreksonas searched there."""
HEADER: Final = 20
SEARCH: Final = 1530
ANSWER: Final = 1531
_COMMON: Final = "NetWork.NetCommon"


def sniff(head: bytes, sport: int, dport: int) -> bool:
    """Whether this datagram is a search or an answer, whose length fits and, off the ports, whose shape is a tool's."""
    if head[:1] != b"\xff" or len(head) < HEADER:
        return False
    message, size = int.from_bytes(head[14:16], "little"), int.from_bytes(head[16:20], "little")
    if message not in {SEARCH, ANSWER} or not len(head) - HEADER <= size <= 0xFFFF:
        return False
    if not PORTS.isdisjoint((sport, dport)):
        return True
    return not any(head[1:14]) and (message == SEARCH or head[HEADER : HEADER + 1] == b"{")


class Parser:
    """One direction of a flow: each datagram is one message."""

    want = Want.MORE

    def feed(self, data: bytes) -> list[Fact]:
        """The search, or what the device says of itself; nothing of a body that was not all captured."""
        if len(data) < HEADER or data[0] != 0xFF:
            raise Malformed(LAYER, "no header")
        message, size = int.from_bytes(data[14:16], "little"), int.from_bytes(data[16:20], "little")
        if message == SEARCH:
            return [DiscoveryQuery(LAYER, None)]
        body = data[HEADER : HEADER + size]
        if message != ANSWER or len(body) < size:
            return []
        device = object_in(read_object(body, LAYER), _COMMON)
        return [
            DeviceAnnounced(
                LAYER,
                mac=mac_of(text_in(device, "MAC")),
                name=text_in(device, "HostName"),
                firmware=text_in(device, "Version") or text_in(device, "BuildDate"),
                serial=text_in(device, "SN"),
                message="response",
            )
        ]
