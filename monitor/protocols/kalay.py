"""Kalay (IOTC, TUTK), the peer-to-peer network of ThroughTek.

No specification is public. Names, sizes and the scrambling are those of AlexxIT/go2rtc pkg/tutk (MIT). A header is
``04 02``, version, stage, body length (LE16, without these 16 octets), sequence, command (LE16), from and to (one
octet), session; its first 16 octets are scrambled without a secret. Newer devices send the clear ``51 CC`` form.

Strategy: no datagram is de-scrambled in vain. ``04 02`` end up in octets 8 to 11 of the scrambled block, where 15
bits are the same whatever the version, stage and command are; only what has those is turned back and held against its
length.

Checked on what real devices send: the two pings that Foscam cameras exchange with servers on port 10001
(libprotoident, lpi_foscam.cc: ``3E 2F 8D CC`` and ``7E 2A 9D EC``, 60 octets) are Kalay's 0104/14 and 0106/41.
"""

from __future__ import annotations

import struct
from typing import Final

from monitor.model.facts import Malformed
from monitor.protocols.p2p import P2pParser

NETWORK: Final = "kalay"
MAX_DATAGRAMS: Final = 32
"""Datagrams of one direction that are read: looking up a peer and shaking hands takes some ten."""
HEADER: Final = 16

_KEY: Final = b"Charlie is the designer of P2P!!"[:HEADER]
_ORDER: Final = (11, 9, 8, 15, 13, 10, 12, 14, 2, 1, 5, 0, 6, 4, 7, 3)
"""Which octet of a turned block goes to each place."""
_WORDS: Final = struct.Struct("<4I")
_MASK: Final = 0xFFFF_FFFF
_MAGIC: Final = b"\x04\x02"
_VERSIONS: Final = range(0x10, 0x20)
"""0x12, 0x19 and 0x1A were seen."""

_CLEAR: Final = b"\x51\xcc\x00\x00"
_CLEAR_HEADER: Final = 12
"""Octets that the length of the clear form leaves out."""
_CLEAR_COMMANDS: Final = {0x1002: "CLEAR_DISCOVERY", 0x1202: "CLEAR_KEEPALIVE", 0x1502: "CLEAR_DTLS"}

_COMMANDS: Final = {
    0x0104: "MASTER_PING",
    0x0105: "MASTER_PING",  # the known four octets leave the lowest bit open
    0x0106: "MASTER_PONG",
    0x0107: "MASTER_PONG",
    0x0203: "PEER_QUERY",
    0x0301: "PEER_ANSWER",
    0x0401: "SESSION_REQUEST",
    0x0402: "SESSION_ACK",
    0x0404: "SESSION_OK",
    0x0407: "DATA",
    0x0408: "DATA",
    0x0427: "PONG",
    0x0428: "PING",
    0x0601: "LAN_SEARCH",
    0x0602: "LAN_REPLY",
    0x1007: "PUBLIC_ADDRESS_QUERY",
}
_ROLES: Final = {0x12: "device", 0x14: "device", 0x21: "client", 0x34: "client", 0x41: "server", 0x43: "server"}
"""From and to, a half octet each: 1 a device, 2 and 3 a client near and far, 4 a master."""


def _left(word: int, by: int) -> int:
    return (word << by | word >> 32 - by) & _MASK if by else word


def _right(word: int, by: int) -> int:
    return _left(word, (32 - by) % 32)


def descramble(block: bytes) -> bytes:
    """A header's 16 octets as they were before scrambling."""
    turned = _WORDS.pack(*(_left(word, 4 * at + 3) for at, word in enumerate(_WORDS.unpack(block))))
    placed = bytes(turned[source] ^ key for source, key in zip(_ORDER, _KEY, strict=True))
    return _WORDS.pack(*(_left(word, 4 * at + 1) for at, word in enumerate(_WORDS.unpack(placed))))


# Of the block before its last turn, octet 0 is 04 02 turned right by one, with the key, and octet 1 likewise but for
# the version's lowest bit. They go to the third word (octets 11 and 9), which is turned right by 11.
_FIXED: Final = _right(0x41_00_69_00, 11)
_FIXED_BITS: Final = _right(0xFF_00_7F_00, 11)


def _header(datagram: bytes) -> bytes | None:
    """The header in clear; None if this is no Kalay datagram."""
    if len(datagram) < HEADER or int.from_bytes(datagram[8:12], "little") & _FIXED_BITS != _FIXED:
        return None
    header = descramble(datagram[:HEADER])
    right = header.startswith(_MAGIC) and header[2] in _VERSIONS
    return header if right and int.from_bytes(header[4:6], "little") == len(datagram) - HEADER else None


def _is_clear(datagram: bytes) -> bool:
    return (
        datagram.startswith(_CLEAR)
        and len(datagram) >= 2 * _CLEAR_HEADER  # through the session
        and int.from_bytes(datagram[4:6], "little") in _CLEAR_COMMANDS
        and int.from_bytes(datagram[6:8], "little") == len(datagram) - _CLEAR_HEADER
    )


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  content alone decides
    """Whether this datagram is Kalay's: magic, version and length of the de-scrambled header, or the clear form."""
    return _is_clear(head) or _header(head) is not None


class Parser(P2pParser):
    """One direction of a flow."""

    network = NETWORK
    most = MAX_DATAGRAMS

    def read(self, datagram: bytes) -> tuple[str, str]:
        """The command."""
        if _is_clear(datagram):
            return _CLEAR_COMMANDS[int.from_bytes(datagram[4:6], "little")], "unknown"
        header = _header(datagram)
        if header is None:
            raise Malformed(NETWORK, "magic or length is wrong")
        message = _COMMANDS.get(int.from_bytes(header[8:10], "little"), "UNKNOWN")
        return message, _ROLES.get(header[10], "unknown")
