"""DHDiscover, by which Dahua's devices and those of its brands are found: JSON behind a header over UDP 37810.

No specification is public; the header is that of DahuaConsole and UniversalScanner: its own length (32), "DHIP",
zeros, and the body's length twice. Devices also answer to a single octet FF, thirty times over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed, Want
from monitor.protocols.bounded_json import object_in, read_object, text_in
from monitor.protocols.device_text import mac_of

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "dhdiscover"
PORT: Final = 37810
HEADER: Final = 32
MAGIC: Final = b"\x20\x00\x00\x00DHIP"
PROBE: Final = b"\xff"
"""Enough to be answered."""
_ANSWER: Final = "client.notifyDevInfo"


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  an answer's magic needs no port
    """Whether this datagram is DHDiscover: its header, or the one-octet probe to its port."""
    return head.startswith(MAGIC) or (head == PROBE and dport == PORT)


class Parser:
    """One direction of a flow: each datagram is one message."""

    want = Want.MORE

    def feed(self, data: bytes) -> list[Fact]:
        """The method that is called, or what the device says of itself; nothing of a body that was not all captured."""
        if data == PROBE:
            return [DiscoveryQuery(LAYER, None)]
        if len(data) < HEADER or not data.startswith(MAGIC):
            raise Malformed(LAYER, "no header")
        size = int.from_bytes(data[16:20], "little")
        body = data[HEADER : HEADER + size]
        if len(body) < size:
            return []
        message = read_object(body, LAYER)
        method = text_in(message, "method")
        if method != _ANSWER:
            return [DiscoveryQuery(LAYER, method)] if method else []
        device = object_in(object_in(message, "params"), "deviceInfo")
        return [
            DeviceAnnounced(
                LAYER,
                mac=mac_of(text_in(message, "mac")),
                name=text_in(device, "MachineName"),
                vendor=text_in(device, "Vendor"),
                model=text_in(device, "DeviceType"),
                firmware=text_in(device, "Version"),
                serial=text_in(device, "SerialNo"),
                message="notify_device_info",
            )
        ]
