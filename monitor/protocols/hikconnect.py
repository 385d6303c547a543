"""Hik-Connect and EZVIZ, Hikvision's cloud: what of it is not inside TLS.

Three languages. Cameras speak MQTT in the clear to port 31006, their serial as the user's name, and XML over UDP to
31007, 6002 and 6003 to learn their address (seanblanchfield.com, EZVIZ DB1). Frames with ``9E BA AC E9`` and 32
octets of header carry commands; ``$`` frames with a message code carry video between relays and viewers
(RenierM26/pyEzvizApi, Apache-2.0; LethalEthan/LE-EZVIZ-VS). Of MQTT only the beginning of a CONNECT is read: behind
it stands a password. No XML datagram is published; elsewhere all XML of this cloud is a Request or a Response.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from monitor.model.facts import DeviceAnnounced, Malformed, P2pContact, Want

if TYPE_CHECKING:
    from monitor.model.facts import Fact

NETWORK: Final = "hikconnect"
MQTT_PORT: Final = 31006
STUN_PORTS: Final = frozenset({31007, 6002, 6003})
MAX_DATAGRAMS: Final = 8
"""Datagrams of one direction that are read: a question and its answer."""
MAX_HEAD: Final = 512
"""Octets at the beginning of a stream that are read: a CONNECT with the longest names that are allowed here."""

_MQTT: Final = (b"\x00\x04MQTT", b"\x00\x06MQIsdp")
"""Protocol names of MQTT 3.1.1 (OASIS 2014, 3.1.2.1) and 3.1."""
_CONNECT: Final = 0x10
_CONNACK: Final = b"\x20\x02\x00"
_HAS_USER: Final = 0x80
_SERIAL: Final = re.compile(rb"[A-Z0-9-]{9,64}")

_DOCUMENT: Final = re.compile(rb"<\?xml [^<>]{1,64}\?>\s{0,8}<(Request|Response)\s{0,8}>")
"""A declaration and the root elements of this cloud's published XML, which have no attributes (pyEzvizApi, cas.py)."""

_FRAME: Final = b"\x9e\xba\xac\xe9"
_FRAME_HEADER: Final = 32
_VERSIONS: Final = frozenset({b"\x01\x00\x00\x00", b"\x00\x00\x00\x01"})
_COMMANDS: Final = {
    0x2001: "OPERATION_CODE",
    0x2005: "VERIFY",
    0x300F: "DEVICE_MESSAGE",
    0x5003: "REPLAY_OPEN",
    0x5010: "REPLAY_KEEPALIVE",
}

_RELAY: Final = b"$\x00"
"""The magic, and channel 0: messages, not yet video."""
_RELAY_HEADER: Final = 8
_RELAY_CODES: Final = {
    0x12C: "RELAY_QUERY", 0x12D: "RELAY_ANSWER", 0x12E: "STREAM_START", 0x12F: "STREAM_START_ANSWER",
    0x135: "PEER_STREAM", 0x136: "PEER_STREAM_ANSWER", 0x139: "PLAYBACK_START", 0x13A: "PLAYBACK_START_ANSWER",
    0x13B: "STREAM_QUERY", 0x13C: "STREAM_ANSWER",
}  # fmt: skip
"""Messages with which a connection to a relay (VTM, VTDU) begins."""


def _mqtt_body(head: bytes) -> int | None:
    """Where the variable header of a CONNECT begins (OASIS MQTT 3.1.1, 2.2.3); None if this is none."""
    if len(head) < 2 or head[0] != _CONNECT:
        return None
    at = 1
    while at < min(len(head), 4) and head[at] & 0x80:
        at += 1
    return at + 1 if head.startswith(_MQTT, at + 1) else None


def _frame(head: bytes) -> str | None:
    if len(head) < _FRAME_HEADER or not head.startswith(_FRAME) or head[4:8] not in _VERSIONS or any(head[16:18]):
        return None
    return _COMMANDS.get(int.from_bytes(head[18:20], "big"), "FRAME")


def _relay(head: bytes) -> tuple[str, str] | None:
    """A relay's message that the first segment holds whole, numbered as one of the first."""
    if len(head) < _RELAY_HEADER or not head.startswith(_RELAY) or head[4]:
        return None
    code = int.from_bytes(head[6:8], "big")
    message = _RELAY_CODES.get(code)
    if message is None or int.from_bytes(head[2:4], "big") != len(head) - _RELAY_HEADER:
        return None
    return message, "server" if message.endswith("ANSWER") else "client"


def sniff_stream(head: bytes, sport: int, dport: int) -> bool:
    """Whether a stream begins so: MQTT on its port, a command's frame or a relay's message on any."""
    first = head[:1]
    if first == b"\x9e":
        return _frame(head) is not None
    if first == b"$":
        return _relay(head) is not None
    if MQTT_PORT not in {sport, dport}:
        return False
    return _mqtt_body(head) is not None if dport == MQTT_PORT else head.startswith(_CONNACK)


def sniff(head: bytes, sport: int, dport: int) -> bool:
    """Whether this datagram asks or tells an address in XML, on one of three ports: a whole Request or Response."""
    if STUN_PORTS.isdisjoint({sport, dport}):
        return False
    began = _DOCUMENT.match(head)
    return began is not None and b"</%b>" % began[1] in head


class StreamParser:
    """One direction of a connection: how it begins says all there is to know."""

    def __init__(self) -> None:
        self.want = Want.MORE
        self._head = b""

    def feed(self, data: bytes) -> list[Fact]:
        """What is spoken, once, and whose serial an MQTT connection has."""
        self._head += data[: MAX_HEAD - len(self._head)]
        body = _mqtt_body(self._head)
        if body is not None and len(self._head) < MAX_HEAD and _user(self._head, body) is None:
            return []  # the user's name is still to come
        self.want = Want.STOP
        if body is not None:
            user = _user(self._head, body) or b""
            facts: list[Fact] = [P2pContact(NETWORK, "MQTT_CONNECT", "device")]
            if _SERIAL.fullmatch(user):
                facts.append(DeviceAnnounced(NETWORK, serial=user.decode("ascii"), message="connect"))
            return facts
        if self._head.startswith(_CONNACK):
            return [P2pContact(NETWORK, "MQTT_CONNACK", "server")]
        frame, relay = _frame(self._head), _relay(self._head)
        if frame is not None:
            return [P2pContact(NETWORK, frame)]
        if relay is not None:
            return [P2pContact(NETWORK, *relay)]
        raise Malformed(NETWORK, "no beginning that is known")


def _user(head: bytes, body: int) -> bytes | None:
    """The user's name of a CONNECT, empty if it has none; None if there is not yet enough to tell (3.1.2, 3.1.3)."""
    at = body + 2 + int.from_bytes(head[body : body + 2], "big")
    if len(head) < at + 4:
        return None
    flags = head[at + 1]
    if not flags & _HAS_USER:
        return b""
    at += 4
    for _ in range(3 if flags & 0x04 else 1):  # client identifier; topic and message of a will
        at += 2 + int.from_bytes(head[at : at + 2], "big")
        if len(head) < at + 2:
            return None
    length = int.from_bytes(head[at : at + 2], "big")
    return head[at + 2 : at + 2 + length] if len(head) >= at + 2 + length else None


class Parser:
    """One direction of a flow over UDP."""

    def __init__(self, sport: int = 0, dport: int = 0) -> None:  # noqa: ARG002  the port of the server decides
        self.want = Want.MORE
        self._answers = sport in STUN_PORTS
        self._datagrams = 0
        self._told = False

    def feed(self, data: bytes) -> list[Fact]:
        """That an address is asked for or told, once."""
        self._datagrams += 1
        if self._datagrams >= MAX_DATAGRAMS:
            self.want = Want.STOP
        if not data.startswith(b"<?xml"):
            raise Malformed(NETWORK, "no XML")
        if self._told:
            return []
        self._told = True
        if self._answers:
            return [P2pContact(NETWORK, "STUN_ANSWER", "server")]
        return [P2pContact(NETWORK, "STUN_QUERY")]
