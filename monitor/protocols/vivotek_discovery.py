"""Discovery of Vivotek's cameras: types, lengths and values over UDP 10000.

No specification is public; magic and types are those of UniversalScanner. A session octet stands before the magic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed, Want
from monitor.protocols.device_text import field, mac_of_octets

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "vivotek"
MAGIC: Final = b"\x4a\x5d\x8f\x1c"
HEADER: Final = 5
_NAME: Final = 1
_MAC: Final = 2
_SINGLE: Final = 4
"""A type with one octet of value and no length."""
_MODEL: Final = 9
MAX_VALUES: Final = 64
"""Values of one message that are read; four types are known."""


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  the magic decides
    """Whether this datagram is a search, which is the header alone, or an answer."""
    return head[1:HEADER] == MAGIC


class Parser:
    """One direction of a flow: each datagram is one message."""

    want = Want.MORE

    def feed(self, data: bytes) -> list[Fact]:
        """The search, or what the device says of itself."""
        if data[1:HEADER] != MAGIC:
            raise Malformed(LAYER, "no header")
        if len(data) == HEADER:
            return [DiscoveryQuery(LAYER, None)]
        values = _values(data)
        return [
            DeviceAnnounced(
                LAYER,
                mac=mac_of_octets(values.get(_MAC, b"")),
                name=field(values.get(_NAME, b"")),
                model=field(values.get(_MODEL, b"")),
                message="response",
            )
        ]


def _values(data: bytes) -> dict[int, bytes]:
    """The first value of each type, up to type 0, the end, or one that runs past it."""
    values: dict[int, bytes] = {}
    at = HEADER
    for _ in range(MAX_VALUES):
        if at + 2 > len(data) or data[at] == 0:
            break
        kind, begin, size = data[at], at + 2, data[at + 1]
        if kind == _SINGLE:
            begin, size = at + 1, 1
        at = begin + size
        if at > len(data):
            break
        values.setdefault(kind, data[begin:at])
    return values
