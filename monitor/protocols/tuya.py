"""Tuya on the LAN: devices that announce themselves on UDP 6666 and 6667, apps that ask on 7000, control on TCP 6668.

Frames are those of jasonacox/tinytuya (MIT) and nDPI tuya_lp.c: ``00 00 55 AA``, sequence, command, length (BE32),
body, a CRC-32, ``00 00 AA 55``; or ``00 00 66 99``, two spare octets, the same, a tag instead of the CRC, ``00 00 99
66``. Bodies on 6666 are JSON; those on other ports are encrypted and not read. Tuya's cloud is inside TLS and known
by its names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zlib import crc32

import msgspec

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed, ServiceBanner, Want
from monitor.protocols.device_text import plain

if TYPE_CHECKING:
    from monitor.model.facts import Fact

PROTOCOL: Final = "tuya"
CONTROL_PORT: Final = 6668
MAX_DATAGRAMS: Final = 4
"""Datagrams of one direction that are read: a device repeats the same one every few seconds."""

_OLD: Final = b"\x00\x00\x55\xaa"
_OLD_END: Final = b"\x00\x00\xaa\x55"
_NEW: Final = b"\x00\x00\x66\x99"
_NEW_END: Final = b"\x00\x00\x99\x66"
_OLD_HEADER: Final = 16
_NEW_HEADER: Final = 18
_ASK: Final = 0x25
"""REQ_DEVINFO: an app asks devices to say who they are."""
_MAX_COMMAND: Final = 0x80
"""The highest known is 0x64."""
_LONGEST: Final = 2_048


class _Said(msgspec.Struct):
    serial: str | None = msgspec.field(default=None, name="gwId")
    product: str | None = msgspec.field(default=None, name="productKey")


_DECODER: Final = msgspec.json.Decoder(_Said)


def _command(head: bytes) -> int | None:
    """The command of a frame's header; None if it is none."""
    if head.startswith(_OLD):
        at, header, behind = 8, _OLD_HEADER, 0
    elif head.startswith(_NEW):
        at, header, behind = 10, _NEW_HEADER, len(_NEW_END)
    else:
        return None
    if len(head) < header:
        return None
    command, length = int.from_bytes(head[at : at + 4], "big"), int.from_bytes(head[at + 4 : at + 8], "big")
    known = command < _MAX_COMMAND and 8 <= length < _LONGEST
    return command if known and len(head) <= header + length + behind else None


def _is_whole(datagram: bytes) -> bool:
    """Whether a frame fills this datagram and ends as it should, the old one with its checksum."""
    if _command(datagram) is None:
        return False
    if datagram.startswith(_NEW):
        length = int.from_bytes(datagram[14:18], "big")
        return len(datagram) == _NEW_HEADER + length + len(_NEW_END) and datagram.endswith(_NEW_END)
    length = int.from_bytes(datagram[12:16], "big")
    sound = crc32(datagram[:-8]) == int.from_bytes(datagram[-8:-4], "big")
    return sound and len(datagram) == _OLD_HEADER + length and datagram.endswith(_OLD_END)


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  content alone decides
    """Whether this datagram is a frame: prefix, length, suffix and checksum."""
    return head.startswith((_OLD, _NEW)) and _is_whole(head)


def sniff_stream(head: bytes, sport: int, dport: int) -> bool:
    """Whether a stream on the control port begins with a frame's header."""
    return CONTROL_PORT in {sport, dport} and _command(head) is not None


class Parser:
    """One direction of a flow over UDP."""

    def __init__(self) -> None:
        self.want = Want.MORE
        self._datagrams = 0
        self._told: set[Fact] = set()

    def feed(self, data: bytes) -> list[Fact]:
        """Who announces itself, or that somebody asks; each once."""
        self._datagrams += 1
        if self._datagrams >= MAX_DATAGRAMS:
            self.want = Want.STOP
        if not _is_whole(data):
            raise Malformed(PROTOCOL, "prefix, length, suffix or checksum is wrong")
        fact: Fact = DiscoveryQuery(PROTOCOL, None) if _command(data) == _ASK else _announced(data)
        if fact in self._told:
            return []
        self._told.add(fact)
        return [fact]


class StreamParser:
    """One direction of a control connection: its first frame says all there is to know."""

    def __init__(self, sport: int = 0) -> None:
        self.want = Want.MORE
        self._role = "server" if sport == CONTROL_PORT else "client"

    def feed(self, data: bytes) -> list[Fact]:  # noqa: ARG002  what is in it is encrypted
        """That the protocol is spoken, once."""
        self.want = Want.STOP
        return [ServiceBanner(PROTOCOL, self._role, None)]


def _announced(datagram: bytes) -> DeviceAnnounced:
    start = datagram.find(b"{", _OLD_HEADER, _OLD_HEADER + 8)  # a return code may stand before the body
    if start < 0:
        return DeviceAnnounced(PROTOCOL, message="encrypted")
    try:
        said = _DECODER.decode(datagram[start:-8])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return DeviceAnnounced(PROTOCOL, message="encrypted")
    return DeviceAnnounced(PROTOCOL, model=plain(said.product), serial=plain(said.serial), message="broadcast")
