"""NTP: who asks whom for the time (RFC 5905, RFC 9327)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import Malformed, NtpMessage, Want

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "ntp"
PORT: Final = 123

_MODES: Final = {
    1: "symmetric", 2: "symmetric", 3: "client", 4: "server", 5: "broadcast", 6: "control", 7: "private",
}  # fmt: skip
_SHORTEST: Final = {6: 12, 7: 8}
"""Octets of a control message's header (RFC 9327, 2) and of a private one's."""
_TIME_MESSAGE: Final = 48
"""Octets of a time message without extensions (RFC 5905, 7.3)."""
_CONTROL: Final = 6


def sniff(head: bytes, sport: int, dport: int) -> bool:
    """Whether this datagram can be NTP version 1 to 4: port 123 on a side, a sane first octet, long enough."""
    if not head or PORT not in {sport, dport}:
        return False
    mode = head[0] & 7
    return mode in _MODES and 1 <= head[0] >> 3 & 7 <= 4 and len(head) >= _SHORTEST.get(mode, _TIME_MESSAGE)


class Parser:
    """One direction of NTP; a message is reported where it differs from the one before."""

    def __init__(self) -> None:
        self.want = Want.MORE
        self._last: NtpMessage | None = None

    def feed(self, data: bytes) -> list[Fact]:
        """The message, unless it repeats the mode, version and stratum of the last one."""
        if not sniff(data, PORT, PORT):
            raise Malformed(LAYER, "no time, control or private message")
        mode = data[0] & 7
        message = NtpMessage(_MODES[mode], data[0] >> 3 & 7, data[1] if mode < _CONTROL else 0)
        if message == self._last:
            return []
        self._last = message
        return [message]
