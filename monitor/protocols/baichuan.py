"""Baichuan, the control protocol of Reolink's devices on TCP 9000.

Names and shapes are those of QuantumEntangledAndy/neolink (facts only). A header is ``F0 DE BC 0A`` (or ``A0 CB ED
0F``), message id and body length (LE32), channel, stream, number, status and class (LE16); two classes add where the
payload begins. Bodies are XML under a fixed XOR until a login agrees on AES. Logins hold digests and are not read.
Message 67 brings a firmware; how its pieces are framed and enciphered is not known, so only their octets are counted.
"""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Final

from monitor.model.facts import DeviceAnnounced, FileRequest, ServiceBanner
from monitor.protocols.device_text import leaf
from monitor.protocols.framed import NONSENSE, FramedParser, Frames
from monitor.protocols.image import Image

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.model.facts import Fact

PROTOCOL: Final = "baichuan"
PORT: Final = 9000
HEADER: Final = 20
MAX_BODY: Final = 4_096
"""Octets of a body that are held: a VersionInfo answer has some 750."""
MAX_MESSAGES: Final = 64
"""Messages of one direction that are read: login and version come first; an upgrade has a connection of its own."""

_MAGICS: Final = (b"\xf0\xde\xbc\x0a", b"\xa0\xcb\xed\x0f")
_CLASSES: Final = {0x6514: 0, 0x6614: 0, 0x6414: 4, 0x6482: 4, 0x0000: 4}
"""Known classes, and how much longer their headers are."""
_LOGIN_CLASS: Final = 0x6514
_OFFER_CLASS: Final = 0x6614
_ANSWER_CLASS: Final = 0x0000
_MAX_ID: Final = 1_000
"""The highest known id is 627."""
_MAX_LENGTH: Final = 8 << 20
_UPGRADE: Final = 67
_VERSION: Final = 80
_KEY: Final = bytes((0x1F, 0x2D, 0x3C, 0x4B, 0x5A, 0x69, 0x78, 0xFF))
_XML: Final = b"<?xml"


def _word(header: bytes, at: int) -> int:
    return int.from_bytes(header[at : at + 4], "little")


def _class(header: bytes) -> int:
    return int.from_bytes(header[18:20], "little")


def _body_length(header: bytes) -> int:
    """Of what is behind 20 octets: the rest of the header counts as body."""
    more, length = _CLASSES.get(_class(header)), _word(header, 8)
    if more is None or not header.startswith(_MAGICS) or not 0 < _word(header, 4) <= _MAX_ID or length > _MAX_LENGTH:
        return NONSENSE
    return length + more


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  content alone decides
    """Whether a stream begins so with Baichuan: magic, a sane id and length, a known class."""
    return head.startswith(_MAGICS) and len(head) >= HEADER and _body_length(head[:HEADER]) != NONSENSE


class Parser(FramedParser):
    """One direction of a connection."""

    def __init__(self, sport: int = 0, dport: int = 0) -> None:
        super().__init__(PROTOCOL, Frames(HEADER, _body_length, MAX_BODY, self._taker), MAX_MESSAGES)
        self._port_role = "server" if sport == PORT else "client" if dport == PORT else None
        self._upgrade = False

    def _taker(self, header: bytes) -> Callable[[bytes], None] | None:
        """Pieces of a firmware are taken as they pass."""
        if _word(header, 4) != _UPGRADE or _class(header) == _ANSWER_CLASS:
            return None
        if self.image is None:
            self.image = Image(PROTOCOL, None, None, ("call",))
            self.image.gap()  # of what is known, nothing says that these octets are the file's
        return self.image.take

    def read(self, header: bytes, body: bytes, *, first: bool) -> list[Fact]:
        """Who speaks, once; what a device says of itself; that a firmware is sent."""
        facts: list[Fact] = [ServiceBanner(PROTOCOL, self._port_role or _role(header), None)] if first else []
        answer = _class(header) == _ANSWER_CLASS
        if _word(header, 4) == _UPGRADE and not answer and not self._upgrade:
            self._upgrade = True
            facts.append(FileRequest(PROTOCOL, "write", "firmware"))
        elif _word(header, 4) == _VERSION and answer:
            facts += _version(_clear(body[4:], header[12]))
        return facts


def _clear(body: bytes, channel: int) -> bytes:
    """A body without its XOR, if it has one."""
    if body.startswith(_XML):
        return body
    key = cycle(octet ^ channel for octet in _KEY[channel % 8 :] + _KEY[: channel % 8])
    return bytes(octet ^ mask for octet, mask in zip(body, key, strict=False))


def _version(document: bytes) -> list[Fact]:
    if not document.startswith(_XML) or b"<VersionInfo" not in document:
        return []  # behind a login that agreed on AES
    return [
        DeviceAnnounced(
            PROTOCOL,
            name=leaf(document, b"name"),
            model=leaf(document, b"type"),
            firmware=leaf(document, b"firmwareVersion"),
            serial=leaf(document, b"serialNumber"),
            message="VersionInfo",
        )
    ]


def _role(header: bytes) -> str:
    """By the class, where the port says nothing: a client begins, a device offers and answers."""
    status = int.from_bytes(header[16:18], "little")
    if _class(header) in {_OFFER_CLASS, _ANSWER_CLASS} or status >> 8 == 0xDD:
        return "server"
    return "client" if _class(header) == _LOGIN_CLASS or not status else "unknown"
