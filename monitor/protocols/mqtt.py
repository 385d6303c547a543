"""MQTT in the clear: that a client connects, and nothing it says (MQTT 3.1, 3.1; MQTT 3.1.1 and 5.0, 3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import Malformed, ServiceBanner, Want

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "mqtt"

_CONNECT: Final = 0x10
_LONGEST_LENGTH: Final = 4
"""Octets of the remaining length (MQTT 5.0, 2.1.4)."""
_NAMES: Final = {b"\x00\x06MQIsdp": (3,), b"\x00\x04MQTT": (4, 5)}
"""Protocol names and the levels that stand behind them."""
_BRIDGE: Final = 0x80
"""Set in the level by brokers that connect as a bridge (Mosquitto's try_private)."""
_RESERVED: Final = 0x01
"""The connect flag that must be zero."""
_LONGEST_HEADER: Final = 1 + _LONGEST_LENGTH + 8 + 2


def _connects(head: bytes) -> bool:
    """Whether these octets begin with a CONNECT packet up to its flags."""
    if head[:1] != b"\x10":
        return False
    for at in range(1, 1 + _LONGEST_LENGTH):
        if at >= len(head):
            return False
        if head[at] < 0x80:
            break
    else:
        return False
    for name, levels in _NAMES.items():
        if head.startswith(name, at + 1):
            end = at + 1 + len(name)
            return len(head) >= end + 2 and head[end] & ~_BRIDGE in levels and not head[end + 1] & _RESERVED
    return False


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  content alone decides
    """Whether a direction of a TCP stream begins with a CONNECT packet."""
    return _connects(head)


class Parser:
    """A client's direction of a TCP connection: one banner, then no more."""

    def __init__(self) -> None:
        self.want = Want.MORE
        self._held = b""

    def feed(self, data: bytes) -> list[Fact]:
        """That this is a client; its identifier, user name and password are not looked at."""
        if self.want is Want.STOP:
            return []
        self._held += data[: _LONGEST_HEADER - len(self._held)]
        if not _connects(self._held):
            if len(self._held) < _LONGEST_HEADER:
                return []
            self.want = Want.STOP
            raise Malformed(LAYER, "no CONNECT packet")
        self.want = Want.STOP
        return [ServiceBanner(LAYER, "client", None)]
