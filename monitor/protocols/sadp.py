"""SADP, by which Hikvision's devices and those of its brands are found and set up: XML over UDP 37020.

No specification is public; element names are those of hiktools and UniversalScanner, and of answers that
their users published. An answer carries the firmware's version and the boot time to anybody who asks. Of requests
that set something only their type is reported: they may hold passwords and codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed, MalformedSeen, Want
from monitor.protocols.bounded_xml import Document, begins
from monitor.protocols.device_text import mac_of, plain
from monitor.protocols.firmware_text import spelled

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "sadp"
PORT: Final = 37020
_BEGIN: Final = 256
"""Octets in which the root element stands, behind an XML declaration."""


def sniff(head: bytes, sport: int, dport: int) -> bool:
    """Whether this datagram is SADP: its root element, and its port or the element that every message has."""
    if not begins(head):
        return False
    begin = head[:_BEGIN]
    if b"<Probe>" not in begin and b"<ProbeMatch>" not in begin:
        return False
    return PORT in {sport, dport} or b"<Types>" in head


class Parser:
    """One direction of a flow: each datagram is one message."""

    want = Want.MORE

    def feed(self, data: bytes) -> list[Fact]:
        """The type of a request, or what the device says of itself."""
        document = Document(data, LAYER)
        texts = document.texts()
        kind = plain(texts.get("Types"))
        if document.root == "Probe":
            fact: Fact = DiscoveryQuery(LAYER, kind)
        elif document.root == "ProbeMatch":
            fact = DeviceAnnounced(
                LAYER,
                mac=mac_of(texts.get("MAC")),
                model=plain(texts.get("DeviceDescription")),
                firmware=spelled(plain(texts.get("SoftwareVersion"))),
                serial=plain(texts.get("DeviceSN")),
                boot_time=plain(texts.get("BootTime")),
                message=kind,
            )
        else:
            raise Malformed(LAYER, "neither probe nor match")
        return [fact] if document.damage is None else [fact, MalformedSeen(LAYER, document.damage)]
