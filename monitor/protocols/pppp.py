"""PPPP, the peer-to-peer protocol of CS2 Network, Yi, iLnk and their kin.

No specification is public. Types, names and sizes are those of pppp.fdesc 0.3 (pmarrapese/iot) and of
the message structures of the vendors' PPPP_Proto.h; a fork may send more. A message is ``F1``, its type,
its length (big-endian, without these four octets) and its body. Variants that encrypt are not seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from monitor.model.facts import Malformed, P2pContact, Want

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.model.facts import Fact

NETWORK: Final = "pppp"
PORTS: Final = frozenset({32100, 32108})
"""The servers' port and that of searches on the LAN (PPPP_Proto.h, PPPP.md of magicus/pppp-dissector)."""
MAGIC: Final = 0xF1
MAX_DATAGRAMS: Final = 32
"""Datagrams of one direction that are read: a session's opening takes some ten."""

_DEVICE: Final = "device"
_CLIENT: Final = "client"
_SERVER: Final = "server"
_UNKNOWN: Final = "unknown"
_UID: Final = 20
"""Octets of a device's identifier: prefix (8), serial (4), check code (8)."""


def _uid(body: bytes, offset: int = 0) -> bool:
    """An identifier: a capital-letter prefix and check code, both padded with zeros."""
    prefix = body[offset : offset + 8].rstrip(b"\x00")
    check = body[offset + 12 : offset + _UID].rstrip(b"\x00")
    return all(3 <= len(part) <= 8 and part.isalnum() and part.isascii() for part in (prefix, check))


def _socket_address(body: bytes) -> bool:
    """A sockaddr_in, in either byte order, whose last eight octets are zero."""
    return body[:2] in {b"\x00\x02", b"\x02\x00"} and not any(body[8:16])


def _drw(body: bytes) -> bool:
    return len(body) >= 4 and body[0] == 0xD1 and body[1] < 8  # a magic and one of eight channels


def _drw_ack(body: bytes) -> bool:
    return _drw(body) and len(body) == 4 + 2 * int.from_bytes(body[2:4], "big")


def _relays(body: bytes) -> bool:
    return len(body) >= 4 and len(body) == 4 + 16 * body[0]


def _empty(body: bytes) -> bool:
    return not body


class _Type(NamedTuple):
    name: str
    role: str
    sizes: tuple[int, ...] = ()
    """Octets of the body; none given: any."""
    shape: Callable[[bytes], bool] | None = None
    """Whether a body proves itself; None: its size is all there is to check."""


# MSG_ names without their prefix.
_TYPES: Final = {
    0x00: _Type("HELLO", _UNKNOWN, (0,), _empty),
    0x01: _Type("HELLO_ACK", _SERVER, (16,), _socket_address),
    0x02: _Type("HELLO_TO", _SERVER, (32,), _socket_address),
    0x03: _Type("HELLO_TO_ACK", _UNKNOWN, (0,), _empty),
    0x08: _Type("QUERY_DID", _DEVICE, (64,)),
    0x09: _Type("QUERY_DID_ACK", _SERVER, (64,)),
    0x10: _Type("DEV_LGN", _DEVICE, (40,), _uid),
    0x11: _Type("DEV_LGN_ACK", _SERVER, (4,)),
    0x12: _Type("DEV_LGN_CRC", _DEVICE, (44,)),
    0x13: _Type("DEV_LGN_ACK_CRC", _SERVER, (8,)),
    0x14: _Type("DEV_LGN_KEY", _DEVICE, (104,), _uid),
    0x15: _Type("DEV_LGN_ACK_KEY", _SERVER, (4,)),
    0x16: _Type("DEV_LGN_DSK", _DEVICE, (68,)),
    0x18: _Type("DEV_ONLINE_REQ", _CLIENT, (20,), _uid),
    0x19: _Type("DEV_ONLINE_REQ_ACK", _SERVER, (8,)),
    0x20: _Type("P2P_REQ", _CLIENT, (36,), _uid),
    0x21: _Type("P2P_REQ_ACK", _SERVER, (4,)),
    0x26: _Type("P2P_REQ_DSK", _CLIENT, (64,), _uid),
    0x30: _Type("LAN_SEARCH", _CLIENT, (0,), _empty),
    0x31: _Type("LAN_NOTIFY", _DEVICE, (20,), _uid),
    0x32: _Type("LAN_NOTIFY_ACK", _UNKNOWN, (20,), _uid),
    0x40: _Type("PUNCH_TO", _SERVER, (16,), _socket_address),
    0x41: _Type("PUNCH_PKT", _UNKNOWN, (20, 24), _uid),
    0x42: _Type("P2P_RDY", _DEVICE, (20, 24), _uid),
    0x43: _Type("P2P_RDY_ACK", _UNKNOWN, (0,), _empty),
    0x60: _Type("RS_LGN", _SERVER, (28,), _uid),
    0x61: _Type("RS_LGN_ACK", _SERVER, (4,)),
    0x62: _Type("RS_LGN1", _SERVER, (44,), _uid),
    0x63: _Type("RS_LGN1_ACK", _SERVER, (4,)),
    0x67: _Type("LIST_REQ1", _UNKNOWN, (20,), _uid),
    0x68: _Type("LIST_REQ", _UNKNOWN, (0,), _empty),
    0x69: _Type("LIST_REQ_ACK", _SERVER, (), _relays),
    0x6A: _Type("LIST_REQ_DSK", _UNKNOWN, (44,), _uid),
    0x70: _Type("RLY_HELLO", _UNKNOWN, (0,), _empty),
    0x71: _Type("RLY_HELLO_ACK", _SERVER, (0,), _empty),
    0x72: _Type("RLY_PORT", _UNKNOWN, (0,), _empty),
    0x73: _Type("RLY_PORT_ACK", _SERVER, (8,)),
    0x74: _Type("RLY_PORT_KEY", _UNKNOWN, (84,), _uid),
    0x75: _Type("RLY_PORT_ACK_KEY", _SERVER, (8,)),
    0x78: _Type("RLY_BYTE_COUNT", _SERVER, (4,)),
    0x80: _Type("RLY_REQ", _UNKNOWN, (40,), _uid),
    0x81: _Type("RLY_REQ_ACK", _SERVER, (4,)),
    0x82: _Type("RLY_TO", _SERVER, (20,), _socket_address),
    0x83: _Type("RLY_PKT", _UNKNOWN, (28,), lambda body: _uid(body, 4)),
    0x84: _Type("RLY_RDY", _UNKNOWN, (20,), _uid),
    0x85: _Type("RLY_TO_ACK", _UNKNOWN, (28,), lambda body: _uid(body, 4)),
    0x87: _Type("RLY_SERVER_REQ", _UNKNOWN, (20,), _uid),
    0x90: _Type("SDEV_RUN", _DEVICE, (0,), _empty),
    0x91: _Type("SDEV_LGN", _DEVICE, (20,), _uid),
    0x92: _Type("SDEV_LGN_CRC", _DEVICE, (24,)),
    0x94: _Type("SDEV_REPORT", _DEVICE, (116,)),
    0xA0: _Type("CONNECT_REPORT", _UNKNOWN, (40,)),
    0xA1: _Type("REPORT_REQ", _SERVER, (4,)),
    0xA2: _Type("REPORT", _UNKNOWN, (60,)),
    0xD0: _Type("DRW", _UNKNOWN, (), _drw),
    0xD1: _Type("DRW_ACK", _UNKNOWN, (), _drw_ack),
    0xD8: _Type("PSR", _UNKNOWN, (), _drw),
    0xE0: _Type("ALIVE", _UNKNOWN, (0,), _empty),
    0xE1: _Type("ALIVE_ACK", _UNKNOWN, (0,), _empty),
    0xF0: _Type("CLOSE", _UNKNOWN, (0,), _empty),
    0xF9: _Type("REPORT_SESSION_READY", _UNKNOWN, (84,)),
}


def _framed(datagram: bytes) -> bool:
    """Whether magic and length are right."""
    return (
        len(datagram) >= 4  # the header
        and datagram[0] == MAGIC
        and (datagram[2] << 8 | datagram[3]) == len(datagram) - 4
    )


def _proves_itself(datagram: bytes) -> bool:
    """Whether a framed datagram is of a type whose size and shape no chance makes."""
    kind = _TYPES.get(datagram[1])
    if kind is None or kind.shape is None or (kind.sizes and len(datagram) - 4 not in kind.sizes):
        return False
    return kind.shape(datagram[4:])


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  the parser weighs the ports
    """Whether this datagram can be PPPP: magic, length and a known type."""
    return _framed(head) and head[1] in _TYPES


class Parser:
    """One direction of a flow; each type of message is reported once.

    Off PPPP's ports a first datagram that does not prove itself, such as a fork's own body, is held
    back until a second one of a known type follows; anything else in its place ends the parser.
    """

    def __init__(self, sport: int = 0, dport: int = 0) -> None:
        """The ports are those of this direction, 0 where they are not known."""
        self.want = Want.MORE
        self._proven = sport in PORTS or dport in PORTS
        self._datagrams = 0
        self._seen: set[int] = set()
        self._pending: list[Fact] = []

    def feed(self, data: bytes) -> list[Fact]:
        """The messages that were not seen before in this direction."""
        if self.want is Want.STOP:
            return []
        self._datagrams += 1
        if self._datagrams >= MAX_DATAGRAMS:
            self.want = Want.STOP
        if not self._proven and not sniff(data, 0, 0):
            self.want = Want.STOP
            self._pending.clear()
            return []
        # A capture that cuts frames leaves less than the length says.
        if len(data) < 4 or data[0] != MAGIC or (data[2] << 8 | data[3]) < len(data) - 4:
            raise Malformed(NETWORK, "magic or length is wrong")
        kind = _TYPES.get(data[1])
        if kind is None:
            return []
        self._proven = self._proven or self._datagrams > 1 or _proves_itself(data)
        if data[1] not in self._seen:
            self._seen.add(data[1])
            self._pending.append(P2pContact(NETWORK, kind.name, _role(data, kind)))
        if not self._proven:
            return []
        facts, self._pending = self._pending, []
        return facts


def _role(datagram: bytes, kind: _Type) -> str:
    """Who sends it; where both may, the body says so in a few types."""
    body = datagram[4:]
    if kind.name == "RLY_PKT" and len(body) in kind.sizes:  # CorD: 0 client, 1 device
        return _DEVICE if body[24] else _CLIENT
    return kind.role
