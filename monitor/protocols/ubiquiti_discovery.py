"""Discovery of Ubiquiti's devices, cameras among them: types, lengths and values over UDP 10001.

No specification is public; types are those of UniversalScanner. A message is its version and command, the length of
what follows and values of a type (1), a length (2) and their octets, in network order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed, Want
from monitor.protocols.device_text import field, mac_of_octets
from monitor.protocols.tlv import first_values

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "ubiquiti"
PORT: Final = 10001
HEADER: Final = 4
SEARCH: Final = b"\x01\x00\x00\x00"
MAX_VALUES: Final = 64
"""Values of one message that are read; six types are known."""
_VERSIONS: Final = frozenset({1, 2})
_MAC: Final = 0x01
_MAC_AND_ADDRESS: Final = 0x02
_FIRMWARE: Final = 0x03
_MODEL: Final = 0x0C
_LONG_MODEL: Final = 0x15
_FIRMWARE_VERSION: Final = 0x16


def _is_answer(data: bytes) -> bool:
    return (
        len(data) > HEADER
        and data[0] in _VERSIONS
        and len(data) <= HEADER + int.from_bytes(data[2:4], "big")
        and not first_values(data, HEADER, 1, 2, MAX_VALUES).keys().isdisjoint((_MAC, _MAC_AND_ADDRESS))
    )


def sniff(head: bytes, sport: int, dport: int) -> bool:
    """Whether this datagram is a search or an answer with a MAC, on the port."""
    return PORT in {sport, dport} and (head == SEARCH or _is_answer(head))


class Parser:
    """One direction of a flow: each datagram is one message."""

    want = Want.MORE

    def feed(self, data: bytes) -> list[Fact]:
        """The search, or what the device says of itself."""
        if data == SEARCH:
            return [DiscoveryQuery(LAYER, None)]
        if not _is_answer(data):
            raise Malformed(LAYER, "neither search nor answer")
        values = first_values(data, HEADER, 1, 2, MAX_VALUES)
        mac = values.get(_MAC) or values.get(_MAC_AND_ADDRESS, b"")[:6]
        return [
            DeviceAnnounced(
                LAYER,
                mac=mac_of_octets(mac),
                model=field(values.get(_MODEL, b"")) or field(values.get(_LONG_MODEL, b"")),
                firmware=field(values.get(_FIRMWARE, b"")) or field(values.get(_FIRMWARE_VERSION, b"")),
                message="response",
            )
        ]
