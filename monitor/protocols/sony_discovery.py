"""Discovery of Sony's cameras: lines of text between 02 and 03, each ended by FF, over UDP 2380.

No specification is public; markers and names are those of UniversalScanner. Requests that set something hold
a user's name and password; only inquiries are taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed, Want
from monitor.protocols.device_text import field, mac_of

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "sony"
_INQUIRY: Final = b"\x02ENQ:"
_ANSWER: Final = b"\x02MAC:"
_LINE_END: Final = b"\xff"
MAX_LINES: Final = 64
"""Lines of one message that are read; four names are known."""


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  markers and the first name decide
    """Whether this datagram is an inquiry or an answer to one."""
    return head.startswith((_INQUIRY, _ANSWER)) and _LINE_END in head


class Parser:
    """One direction of a flow: each datagram is one message."""

    want = Want.MORE

    def feed(self, data: bytes) -> list[Fact]:
        """What is asked for, or what the device says of itself."""
        if not data.startswith((_INQUIRY, _ANSWER)):
            raise Malformed(LAYER, "neither inquiry nor answer")
        lines: dict[bytes, str] = {}
        for line in data[1:].split(_LINE_END, MAX_LINES)[:MAX_LINES]:
            name, _, value = line.partition(b":")
            text = field(value)
            if text:
                lines.setdefault(name.strip().upper(), text)
        if data.startswith(_INQUIRY):
            return [DiscoveryQuery(LAYER, lines.get(b"ENQ"))]
        return [
            DeviceAnnounced(
                LAYER,
                mac=mac_of(lines.get(b"MAC")),
                model=lines.get(b"MODEL"),
                firmware=lines.get(b"SOFTVERSION"),
                serial=lines.get(b"SERIAL"),
                message="response",
            )
        ]
