"""Discovery of Foscam's older cameras and their clones: fixed binary fields over UDP 10000.

No specification is public; offsets are those of UniversalScanner and python-dvr, which agree on them. An answer may
be masked with a key of eight octets that it carries itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed, Want
from monitor.protocols.device_text import field, mac_of

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "foscam"
MAGIC: Final = b"MO_I"
HEADER: Final = 23
"""Magic, operation (2), whether masked (1), key (8), length (4), four octets."""
ANSWER: Final = 0x55
"""Octets up to both versions; the web port behind them is not read."""
_SEARCH: Final = 0
_ANSWERED: Final = 1


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  the magic decides
    """Whether this datagram is a search or an answer."""
    return head.startswith(MAGIC) and len(head) >= HEADER and int.from_bytes(head[4:6], "little") <= _ANSWERED


class Parser:
    """One direction of a flow: each datagram is one message."""

    want = Want.MORE

    def feed(self, data: bytes) -> list[Fact]:
        """The search, or what the device says of itself; nothing of an answer that was not all captured."""
        if not data.startswith(MAGIC) or len(data) < HEADER:
            raise Malformed(LAYER, "no header")
        operation = int.from_bytes(data[4:6], "little")
        if operation == _SEARCH:
            return [DiscoveryQuery(LAYER, None)]
        if operation != _ANSWERED or len(data) < ANSWER:
            return []
        fields = data[:ANSWER]
        if data[6]:
            key = data[7:15]
            fields = fields[:HEADER] + bytes(octet ^ key[at % len(key)] for at, octet in enumerate(fields[HEADER:]))
        version = fields[0x4D:0x51]
        serial = field(fields[0x17:0x24])
        return [
            DeviceAnnounced(
                LAYER,
                mac=mac_of(serial),
                name=field(fields[0x24:0x39]),
                firmware=".".join(map(str, version)) if any(version) else None,
                serial=serial,
                message="response",
            )
        ]
