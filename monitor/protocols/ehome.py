"""EHome, today ISUP: how Hikvision's devices call the platform they are set to serve, by default on port 7660.

Version 2 is clear XML over UDP or TCP, a ``PPVSPMessage`` with a CommandType and a Command, or WhichCommand in an
answer (365seal.com, mhzhuji.com 1827). Version 5 encrypts with a key of the device's; no source says how it looks, it
is not seen. Passwords in registrations are not read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from monitor.model.facts import DeviceAnnounced, Malformed, P2pContact, Want
from monitor.protocols.device_text import leaf

if TYPE_CHECKING:
    from monitor.model.facts import Fact

NETWORK: Final = "ehome"
MAX_MESSAGE: Final = 16_384
"""Octets of a message; a registration has some 500, a configuration a few thousand."""
MAX_MESSAGES: Final = 64
"""Messages of one direction that are read: registration comes first, then a keep-alive every 15 s."""

_ROOT: Final = b"<PPVSPMessage>"
_END: Final = b"</PPVSPMessage>"
_HEAD: Final = 160
"""Octets in which the root stands: an XML declaration and blanks come before it."""
_NAME: Final = re.compile(r"[A-Za-z_]{1,32}")
_DEVICE_ASKS: Final = frozenset({"REGISTER", "UNREGISTER", "KEEPALIVE", "ALARM"})
"""Commands that a device sends; in all others the platform asks."""


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  content alone decides
    """Whether a datagram or a stream begins so with EHome 2: XML whose root is PPVSPMessage."""
    return head.startswith(b"<") and _ROOT in head[:_HEAD]


class Parser:
    """One direction of a connection or flow; each type of message is reported once."""

    def __init__(self) -> None:
        self.want = Want.MORE
        self._held = bytearray()
        self._messages = 0
        self._seen: set[tuple[str, str]] = set()

    def feed(self, data: bytes) -> list[Fact]:
        """The messages that were not seen before in this direction, and what a registration says of the device."""
        facts: list[Fact] = []
        self._held += data
        while (end := self._held.find(_END)) >= 0:
            document = bytes(self._held[:end])
            del self._held[: end + len(_END)]
            self._messages += 1
            facts += self._message(document)
            if self._messages == MAX_MESSAGES:
                self.want = Want.STOP
                self._held.clear()
                return facts
        if len(self._held) > MAX_MESSAGE:
            self.want = Want.STOP
            self._held.clear()
            if not facts:
                raise Malformed(NETWORK, "a message longer than is read")
        return facts

    def _message(self, document: bytes) -> list[Fact]:
        if _ROOT not in document:
            return []
        asks = leaf(document, b"CommandType") != "RESPONSE"
        named = leaf(document, b"Command" if asks else b"WhichCommand") or ""
        command = named if _NAME.fullmatch(named) else "UNKNOWN"
        key = command, "REQUEST" if asks else "RESPONSE"
        if key in self._seen:
            return []
        self._seen.add(key)
        role = "unknown"
        if command != "UNKNOWN":
            role = "device" if asks == (command in _DEVICE_ASKS) else "server"
        facts: list[Fact] = [P2pContact(NETWORK, command if asks else f"{command}_ANSWER", role)]
        if key == ("REGISTER", "REQUEST"):
            serial = leaf(document, b"SerialNumber") or leaf(document, b"DeviceID")
            firmware = leaf(document, b"FirmwareVersion")
            facts.append(DeviceAnnounced(NETWORK, firmware=firmware, serial=serial, message=command))
        return facts
