"""Discovery of Panasonic's (i-PRO's) cameras: a search to UDP 10670, answers to 10669 in types, lengths and values.

No specification is public; offsets and types are those of UniversalScanner, and its sample shows that the length at 2
counts what stands behind the fixed fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed, Want
from monitor.protocols.device_text import field, mac_of_octets
from monitor.protocols.tlv import first_values

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "panasonic"
PORTS: Final = frozenset({10669, 10670})
SEARCH: Final = 52
FIXED: Final = 53
MAX_VALUES: Final = 128
"""Values of one message that are read; two types are known."""
_VERSION: Final = b"\x00\x01"
_SEARCHES: Final = b"\x00\x0d"
_ANSWERS: Final = b"\x00\x0e"
"""At 4: what kind of message."""
_LONG_NAME: Final = 0xA7
_SHORT_NAME: Final = 0xA8


def _is_search(data: bytes) -> bool:
    return len(data) == SEARCH and data.startswith(_VERSION + b"\x00\x00" + _SEARCHES)


def _is_answer(data: bytes) -> bool:
    return (
        len(data) >= FIXED
        and data.startswith(_VERSION)
        and data[4:6] == _ANSWERS
        and len(data) <= FIXED + int.from_bytes(data[2:4], "big")
    )


def sniff(head: bytes, sport: int, dport: int) -> bool:
    """Whether this datagram is a search or an answer on these ports."""
    return not PORTS.isdisjoint((sport, dport)) and (_is_search(head) or _is_answer(head))


class Parser:
    """One direction of a flow: each datagram is one message."""

    want = Want.MORE

    def feed(self, data: bytes) -> list[Fact]:
        """The search, or what the device says of itself."""
        if _is_search(data):
            return [DiscoveryQuery(LAYER, None)]
        if not _is_answer(data):
            raise Malformed(LAYER, "neither search nor answer")
        values = first_values(data, FIXED, 2, 2, MAX_VALUES)
        model = field(values.get(_LONG_NAME, b"")) or field(values.get(_SHORT_NAME, b""))
        return [DeviceAnnounced(LAYER, mac=mac_of_octets(data[6:12]), model=model, message="response")]
