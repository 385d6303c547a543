"""Discovery of Bosch's cameras: a search to UDP 1757, answers to 1758 in 32 octets or in XML.

No specification is public; magics, offsets and element names are those of UniversalScanner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed, MalformedSeen, Want
from monitor.protocols.bounded_xml import Document
from monitor.protocols.device_text import mac_of, mac_of_octets, plain

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "bosch"
PORTS: Final = frozenset({1757, 1758})
MAGIC: Final = b"\x99\x39\xa4\x27"
_SEARCH: Final = b"\xff\x00\x06\xde"
"""At 8 of a search, behind magic and session."""
_SEARCH_SIZE: Final = 12
_ANSWER_SIZE: Final = 32
_XML: Final = b"OEMExt00"
"""In the namespace of an answer's root element and in its device type."""


def sniff(head: bytes, sport: int, dport: int) -> bool:
    """Whether this datagram is a search or an answer, by magic and size, or by port and namespace."""
    if head.startswith(MAGIC):
        return len(head) == _ANSWER_SIZE or _is_search(head)
    return head[:1] == b"<" and not PORTS.isdisjoint((sport, dport)) and _XML in head[:256]


def _is_search(data: bytes) -> bool:
    return len(data) == _SEARCH_SIZE and data.startswith(MAGIC) and data.endswith(_SEARCH)


class Parser:
    """One direction of a flow: each datagram is one message."""

    want = Want.MORE

    def feed(self, data: bytes) -> list[Fact]:
        """The search, or what the device says of itself."""
        if _is_search(data):
            return [DiscoveryQuery(LAYER, None)]
        if data.startswith(MAGIC) and len(data) == _ANSWER_SIZE:
            return [DeviceAnnounced(LAYER, mac=mac_of_octets(data[8:14]), message="response")]
        if not data.startswith(b"<"):
            raise Malformed(LAYER, "neither search nor answer")
        document = Document(data, LAYER)
        texts = document.texts()
        fact = DeviceAnnounced(
            LAYER,
            mac=mac_of(texts.get("physAddress")),
            name=plain(texts.get("unitName")),
            model=plain(texts.get("friendlyName")),
            serial=plain(texts.get("serialNumber")),
            message="response",
        )
        return [fact] if document.damage is None else [fact, MalformedSeen(LAYER, document.damage)]
