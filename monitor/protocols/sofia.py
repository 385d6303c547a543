"""Sofia (DVRIP-XM, NETSurveillance), the control protocol of Xiongmai's devices on TCP 34567.

The frame is that of OpenIPC/python-dvr (MIT): ``FF``, 00 or 01, two octets for media, session, sequence (LE32), two
octets of numbering, command (LE16), length (LE32), JSON. An even command asks, the odd one behind it answers. Spoken
on the LAN it says nothing of a cloud: that is xmeye. Logins hold a password's digest and are not read but for the
device's type. An upgrade is 1520, then pieces of the file (1522) with ascending numbers in the place of the sequence,
then one of these without a body that has 1 in the second octet of numbering; the answers have Ret 511 to 515.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from monitor.model.facts import DeviceAnnounced, FileRequest, FirmwareCall, ServiceBanner
from monitor.protocols.device_text import plain
from monitor.protocols.framed import NONSENSE, FramedParser, Frames
from monitor.protocols.image import Image

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.model.facts import Fact

PROTOCOL: Final = "sofia"
HEADER: Final = 20
MAX_BODY: Final = 8_192
"""Octets of a body that are held: a SystemInfo answer has some 800, media slices have 8,192 (Besder write-up)."""
MAX_MESSAGES: Final = 64
"""Messages of one direction that are read: login, system information and abilities come first."""

_MAX_LENGTH: Final = 1 << 20
_COMMANDS: Final = range(1000, 3600)
"""Login is 1000; the highest that python-dvr knows is 2308, forks go on into the 3000s."""
_LOGIN_ANSWER: Final = 1001
_SYSTEM_INFO: Final = 1021
_UPGRADE: Final = 1520
_UPGRADE_ANSWER: Final = 1521
_PIECE: Final = 1522
_LAST: Final = 13
"""Octet of the header that says that no more pieces come."""
_ENDINGS: Final = b"\x00\n"


class _Login(msgspec.Struct):
    device_type: str | None = msgspec.field(default=None, name="DeviceType ")  # with a blank, in every firmware seen


class _System(msgspec.Struct):
    model: str | None = msgspec.field(default=None, name="DeviceModel")
    hardware: str | None = msgspec.field(default=None, name="HardWare")
    serial: str | None = msgspec.field(default=None, name="SerialNo")
    firmware: str | None = msgspec.field(default=None, name="SoftWareVersion")


class _SystemInfo(msgspec.Struct):
    info: _System | None = msgspec.field(default=None, name="SystemInfo")


class _Upgrade(msgspec.Struct):
    action: str | None = msgspec.field(default=None, name="Action")
    what: str | None = msgspec.field(default=None, name="Type")


class _UpgradeRequest(_Upgrade):
    inner: _Upgrade | None = msgspec.field(default=None, name="OPSystemUpgrade")


_LOGINS: Final = msgspec.json.Decoder(_Login)
_SYSTEMS: Final = msgspec.json.Decoder(_SystemInfo)
_UPGRADES: Final = msgspec.json.Decoder(_UpgradeRequest)
_ANSWER: Final = re.compile(rb'"Ret"\s*:\s*([0-9]{1,4})')
_UNREADABLE: Final = (msgspec.MsgspecError, ValueError, RecursionError)


def _command(header: bytes) -> int:
    return int.from_bytes(header[14:16], "little")


def _body_length(header: bytes) -> int:
    length = int.from_bytes(header[16:20], "little")
    right = header[0] == 0xFF and header[1] <= 1 and _command(header) in _COMMANDS and length <= _MAX_LENGTH
    return length if right else NONSENSE


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  content alone decides
    """Whether a stream begins so with Sofia: a whole header, nothing in its spare octets, JSON or nothing behind it."""
    return (
        len(head) >= HEADER
        and head[0] == 0xFF
        and not any(head[2:4])
        and not any(head[12:14])
        and _body_length(head[:HEADER]) != NONSENSE
        and head[HEADER : HEADER + 1] in {b"", b"{"}
    )


class Parser(FramedParser):
    """One direction of a connection."""

    def __init__(self) -> None:
        super().__init__(PROTOCOL, Frames(HEADER, _body_length, MAX_BODY, self._taker), MAX_MESSAGES)
        self._piece = 0

    def _taker(self, header: bytes) -> Callable[[bytes], None] | None:
        """Pieces of a firmware are taken as they pass."""
        if _command(header) != _PIECE or self.image is None:
            return None
        if int.from_bytes(header[8:12], "little") != self._piece:
            self.image.gap()
        self._piece += 1
        return self.image.take

    def read(self, header: bytes, body: bytes, *, first: bool) -> list[Fact]:
        """Who speaks, once; what a device says of itself; that a firmware is sent."""
        command, body = _command(header), body.rstrip(_ENDINGS)
        facts: list[Fact] = []
        if first:
            text = _device_type(body) if command == _LOGIN_ANSWER else None
            facts.append(ServiceBanner(PROTOCOL, "server" if command % 2 else "client", text))
        if command == _SYSTEM_INFO:
            facts += _system_info(body)
        elif command == _UPGRADE:
            facts += self._upgrade(body)
        elif command == _UPGRADE_ANSWER:
            taken = _ANSWER.search(body)
            accepted = taken[1] in {b"100", b"511", b"515"} if taken else None
            facts.append(FirmwareCall(PROTOCOL, "upload", None, accepted))
        elif command == _PIECE and self.image is not None and header[_LAST] == 1:
            facts += self.told(complete=True)
        return facts

    def _upgrade(self, body: bytes) -> list[Fact]:
        """An upgrade is asked about, or begins."""
        asked = _upgrade(body)
        if not asked:
            return []
        facts = self.told(complete=False)
        self.image, self._piece = Image(PROTOCOL, None, None, ("call",), self.spool), 0
        return [*facts, *asked, FirmwareCall(PROTOCOL, "upload", None)]


def _device_type(body: bytes) -> str | None:
    try:
        return plain(_LOGINS.decode(body).device_type)
    except _UNREADABLE:
        return None  # newer firmware encrypts what it says


def _system_info(body: bytes) -> list[Fact]:
    try:
        info = _SYSTEMS.decode(body).info
    except _UNREADABLE:
        return []
    if info is None:
        return []
    return [
        DeviceAnnounced(
            PROTOCOL,
            model=plain(info.model or info.hardware),
            firmware=plain(info.firmware),
            serial=plain(info.serial),
            message="SystemInfo",
        )
    ]


def _upgrade(body: bytes) -> list[Fact]:
    try:
        request = _UPGRADES.decode(body)
    except _UNREADABLE:
        return []
    asked = request.inner or request
    return [FileRequest(PROTOCOL, "write", plain(asked.what) or "firmware")] if asked.action == "Start" else []
