"""DVRIP and DHIP, the control protocols of Dahua's devices on TCP 37777, 5000 and 80.

Both have headers of 32 octets; shapes are those of mcw0/DahuaConsole net.py (MIT). DVRIP begins with a command (A0
login, B0 answer, F4 and F6 text and JSON) and a body length (LE32 at 4); DHIP with ``20 00 00 00 DHIP`` and the
length twice (LE32 at 16 and 24). Logins hold digests, answers to them a nonce: of those only the realm is read.
Data may stand behind DHIP's JSON: then the length at 16 is that of both, and LE32 at 28 that of the data. Pieces of a
firmware (upgrader.appendData) come so in one client of it, which no capture confirms: their octets are only counted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from monitor.model.facts import DeviceAnnounced, FirmwareCall, ServiceBanner
from monitor.protocols.device_text import plain
from monitor.protocols.exploits import of_login
from monitor.protocols.framed import NONSENSE, FramedParser, Frames
from monitor.protocols.image import Image
from monitor.protocols.upgrade_calls import RPC, UPLOAD

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.model.facts import Fact

HEADER: Final = 32
PORTS: Final = frozenset({37777, 35000, 8888})
"""Dahua's, Lorex's (a configuration on GitHub), and the second one of libprotoident lpi_dahua_tcp.cc."""
MAX_BODY: Final = 16_384
"""Octets of a body that are held: what a device says of itself has some hundred; lists of settings are longer."""
MAX_MESSAGES: Final = 64
"""Messages of one direction that are read: login and what a device is come first."""

_MAX_LENGTH: Final = 1 << 24
_DHIP: Final = b"\x20\x00\x00\x00DHIP"
_LOGIN_END: Final = b"\x00\x00\xa1\xaa"
_LOGINS: Final = frozenset({b"\xa0\x00", b"\xa0\x01", b"\xa0\x05"})
_ANSWERS: Final = frozenset({b"\xb0\x00", b"\xb0\x01"})
_JSON: Final = b"\xf6\x00\x00\x00"
_TEXT: Final = b"\xf4\x00\x00"
_FIRST: Final = frozenset({0x20, 0xA0, 0xB0, 0xF4, 0xF6})
"""What a connection begins with."""
_REALM: Final = re.compile(rb'Realm:([^\r\n]{1,200})\r\n|"realm"\s*:\s*"([^"]{1,200})"')


class _Version(msgspec.Struct):
    version: str = msgspec.field(name="Version")


class _Params(msgspec.Struct):
    version: _Version | None = None
    """magicBox.getSoftwareVersion"""
    type: str | None = None
    """magicBox.getDeviceType"""
    sn: str | None = None
    """magicBox.getSerialNo"""


_ABSENT: Final = msgspec.Raw()


class _Message(msgspec.Struct):
    method: str | None = None
    result: msgspec.Raw = _ABSENT
    params: msgspec.Raw = _ABSENT


_MESSAGES: Final = msgspec.json.Decoder(_Message)
_PARAMS: Final = msgspec.json.Decoder(_Params)
_UNREADABLE: Final = (msgspec.MsgspecError, ValueError, RecursionError)


def _body_length(header: bytes) -> int:
    if header.startswith(_DHIP):
        length = int.from_bytes(header[16:20], "little")
        right = length == int.from_bytes(header[24:28], "little") + int.from_bytes(header[28:32], "little")
    elif header.startswith(_JSON):
        length = int.from_bytes(header[4:8], "little")
        right = length == int.from_bytes(header[16:20], "little")
    elif header[:2] in _LOGINS:
        # A 3DES login holds its digests in the header, where others have zeros; only A0 05 with a length has a body.
        length = int.from_bytes(header[4:8], "little")
        right = header.endswith(_LOGIN_END)
    else:
        length = int.from_bytes(header[4:8], "little")
        right = 0xA0 <= header[0] <= 0xF6  # commands of a connection that was recognised; few are documented
    return length if right and length <= _MAX_LENGTH else NONSENSE


def sniff(head: bytes, sport: int, dport: int) -> bool:
    """Whether a stream begins so with DVRIP or DHIP: a whole header whose lengths, or whose last octets, agree."""
    if len(head) < HEADER or head[0] not in _FIRST or _body_length(head[:HEADER]) == NONSENSE:
        return False
    if head.startswith((_DHIP, _JSON)):
        return head[HEADER : HEADER + 1] in {b"", b"{"}
    if head[:2] in _LOGINS:
        return True
    if PORTS.isdisjoint({sport, dport}):
        return False
    if head[:2] in _ANSWERS:
        return sport in PORTS
    return head.startswith(_TEXT) and head[HEADER : HEADER + 256].isascii() and b":" in head[HEADER : HEADER + 64]


class Parser(FramedParser):
    """One direction of a connection."""

    def __init__(self, sport: int = 0, dport: int = 0) -> None:
        super().__init__("dvrip", Frames(HEADER, _body_length, MAX_BODY, self._taker), MAX_MESSAGES)
        self._port_role = "server" if sport in PORTS else "client" if dport in PORTS else "unknown"

    def _taker(self, header: bytes) -> Callable[[bytes], None] | None:
        """Pieces of a firmware are taken as they pass, without the JSON before each of them."""
        image, said = self.image, int.from_bytes(header[24:28], "little")
        if image is None or not header.startswith(_DHIP) or not any(header[28:32]):
            return None

        def take(part: bytes) -> None:
            nonlocal said
            passed = min(said, len(part))
            said -= passed
            image.take(part[passed:])

        return take

    def read(self, header: bytes, body: bytes, *, first: bool) -> list[Fact]:
        """Who speaks, once; what a device says of itself; a log-in that is none; that it is to take a firmware."""
        message = _json(body)
        facts: list[Fact] = []
        if first:
            self.protocol = "dhip" if header.startswith(_DHIP) else "dvrip"
            realm = None if header[:2] in _LOGINS else _REALM.search(body)
            text = plain(realm[1] or realm[2]) if realm else None
            facts.append(ServiceBanner(self.protocol, _role(header, message) or self._port_role, text))
        attempt = of_login(body) if message is not None and message.method else None
        if attempt is not None:
            facts.append(attempt)
        if message is not None and message.result and message.params:
            facts += self._said(message.params)
        call = RPC.get((message.method or "").encode()) if message is not None else None
        if call is not None:
            facts += self._called(call.operation)
        return facts

    def _called(self, operation: str) -> list[Fact]:
        """An upgrade begins, or is executed."""
        facts = self.told(complete=False) if operation in {UPLOAD, "install", "cancel"} else []
        if operation == UPLOAD:
            self.image = Image("rpc", None, None, ("call",))
            self.image.gap()  # nothing says that these octets are the file's
        return facts if operation == "status" else [*facts, FirmwareCall("rpc", operation, None)]

    def _said(self, params: msgspec.Raw) -> list[Fact]:
        try:
            said = _PARAMS.decode(params)
        except _UNREADABLE:
            return []  # an answer to another question
        firmware = said.version.version if said.version is not None else None
        model, serial = said.type, said.sn
        if firmware is None and model is None and serial is None:
            return []
        return [
            DeviceAnnounced(
                self.protocol,
                model=plain(model),
                firmware=plain(firmware),
                serial=plain(serial),
                message="magicBox",
            )
        ]


def _json(body: bytes) -> _Message | None:
    if not body.startswith(b"{"):
        return None
    try:
        return _MESSAGES.decode(body.rstrip(b"\x00\n"))
    except _UNREADABLE:
        return None


def _role(header: bytes, message: _Message | None) -> str | None:
    if message is not None:
        if message.method is None:
            return "server"
        return "server" if message.method.startswith("client.") else "client"  # client.notify... come from the device
    if header[:2] in _LOGINS:
        return "client"
    return "server" if header[:2] in _ANSWERS else None
