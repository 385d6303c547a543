"""Dahua's older discovery: fixed binary fields over UDP 5050.

No specification is public; offsets are those of UniversalScanner, DahuaConsole and python-dvr, which agree on them.
An answer has 120 octets, a MAC and model as text, and lines "name:value". Its four version numbers are no firmware
version as other protocols spell it, so they are left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed, Want
from monitor.protocols.device_text import field, mac_of

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "dahua_v1"
REQUEST: Final = 32
FIXED: Final = 120
MAX_LINES: Final = 32
"""Lines of one message that are read; two names are known."""
_MAC: Final = 17
"""Octets of a MAC as text."""
_ANSWER: Final = b"\xb3\x00"
_PAYLOAD: Final = b"\x58\x00\x00\x00"
"""The 88 octets of an answer's fixed fields behind its header, at 4."""


def _is_request(data: bytes) -> bool:
    """A3 01 00 and 00 or 01, then zeros but for 02 at 16: tools differ in the fourth octet."""
    return (
        len(data) == REQUEST
        and data.startswith(b"\xa3\x01\x00")
        and data[3] < 2
        and data[4:] == bytes(12) + b"\x02" + bytes(15)
    )


def _is_answer(data: bytes) -> bool:
    """The fixed fields and, as far as captured, the two sections whose lengths stand at 2 and 20."""
    return (
        len(data) >= FIXED
        and data.startswith(_ANSWER)
        and data[4:8] == _PAYLOAD
        and data[16:20] == b"\x02\x00\x00\x00"
        and len(data) <= FIXED + data[2] + int.from_bytes(data[20:22], "little")
    )


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  magic and lengths decide
    """Whether this datagram is a search or an answer."""
    return head.startswith((b"\xa3", b"\xb3")) and (_is_request(head) or _is_answer(head))


class Parser:
    """One direction of a flow: each datagram is one message."""

    want = Want.MORE

    def feed(self, data: bytes) -> list[Fact]:
        """The search, or what the device says of itself."""
        if _is_request(data):
            return [DiscoveryQuery(LAYER, None)]
        if not _is_answer(data):
            raise Malformed(LAYER, "neither search nor answer")
        end = FIXED + data[2]
        lines = _lines(data[end:])
        return [
            DeviceAnnounced(
                LAYER,
                mac=mac_of(field(data[FIXED : min(end, FIXED + _MAC)])),
                name=field(data[40:56]),
                model=field(data[FIXED + _MAC : end]) or lines.get("Device"),
                serial=lines.get("SerialNo"),
                message="response",
            )
        ]


def _lines(section: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in section.split(b"\n", MAX_LINES)[:MAX_LINES]:
        name, _, value = line.partition(b":")
        text = field(value)
        if text:
            found.setdefault(name.decode("latin-1").strip(), text)
    return found
