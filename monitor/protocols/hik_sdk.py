"""Hikvision's SDK protocol (HCNetSDK), by which recorders and desktop programs control its devices on TCP 8000.

A frame is its whole length (BE32) and three words; the second is 5A000000 in logins, which have 00010000 as the
fourth, and 63000000 in commands (RenierM26/pyEzvizApi hcnetsdk.py, Apache-2.0). A device greets who says nothing it
knows with a frame that nmap-service-probes has ("Hikvision IPCam control port"). What follows is encrypted or opaque;
it is not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import Malformed, ServiceBanner, Want

if TYPE_CHECKING:
    from monitor.model.facts import Fact

PROTOCOL: Final = "hikvision-sdk"
HEADER: Final = 16

_GREETINGS: Final = tuple(
    bytes.fromhex(words) for words in ("000000100000001e0000001e00000000", "000000100000000d0000000d00000000")
)
_LOGIN: Final = b"\x5a\x00\x00\x00"
_LOGIN_END: Final = b"\x00\x01\x00\x00"
_COMMAND: Final = b"\x63\x00\x00\x00"
_LONGEST: Final = 65_536


def _role(head: bytes) -> str | None:
    """Who begins so; None if it is another protocol."""
    if len(head) < HEADER:
        return None
    if head.startswith(_GREETINGS):
        return "server"
    length = int.from_bytes(head[:4], "big")
    if not max(len(head), HEADER + 1) <= length < _LONGEST:
        return None
    login = head[4:8] == _LOGIN and head[12:16] == _LOGIN_END
    # A command's last word is its number: three octets, of which the first seen are 01, 09 and 11.
    command = head[4:8] == _COMMAND and head[12] == 0 and head[13] != 0 and length == len(head)
    return "client" if login or command else None


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  content alone decides
    """Whether a stream begins so with the SDK protocol: one of its two greetings, a login or a command."""
    return head.startswith(b"\x00") and _role(head) is not None  # no frame is as long as 16 MiB


class Parser:
    """One direction of a connection: the header of its first frame says all there is to know."""

    def __init__(self) -> None:
        self.want = Want.MORE
        self._head = b""

    def feed(self, data: bytes) -> list[Fact]:
        """That the protocol is spoken, once."""
        self._head += data
        if len(self._head) < HEADER:
            return []
        self.want = Want.STOP
        role = _role(self._head)
        if role is None:
            raise Malformed(PROTOCOL, "no greeting, login or command")
        return [ServiceBanner(PROTOCOL, role, None)]
