"""BcUDP, Reolink's peer-to-peer network: how apps find cameras through its servers, and Baichuan over UDP.

Names and shapes are those of QuantumEntangledAndy/neolink and of its kin bairelay (facts only). A discovery datagram
is ``3A CF 87 2A``, size, 1, a number (LE32), a CRC-32 without inversions, and XML under an XOR with that number. Its
first element says who sends to whom (C client, D device, M the server one asks first, R the server one registers at).
Data and acknowledgements have the magics 10 and 20. UIDs and tokens are not reported.
"""

from __future__ import annotations

import re
from typing import Final
from zlib import crc32

from monitor.model.facts import Malformed
from monitor.protocols.p2p import P2pParser

NETWORK: Final = "baichuan"
MAX_DATAGRAMS: Final = 64
"""Datagrams of one direction that are read: a camera's registration takes three, a client's connection ten."""

_DISCOVERY: Final = b"\x3a\xcf\x87\x2a"
_DATA: Final = b"\x10\xcf\x87\x2a"
_ACK: Final = b"\x20\xcf\x87\x2a"
_HEADERS: Final = {_DISCOVERY: 20, _DATA: 20, _ACK: 28}
_KEY: Final = (
    0x1F2D3C4B, 0x5A6C7F8D, 0x38172E4B, 0x8271635A, 0x863F1A2B, 0xA5C6F7D8, 0x8371E1B4, 0x17F2D3A5,
)  # fmt: skip
_MASK: Final = 0xFFFF_FFFF
_HEAD: Final = 64
"""Octets of XML that are read: the element that names the message comes first."""
_VERB: Final = re.compile(rb"<P2P>\s*<([CDMR]2[CDMR](?:_[A-Z]{1,8}){1,3})>")
_ROLES: Final = {"C": "client", "D": "device", "M": "server", "R": "server"}


def _word(datagram: bytes, at: int) -> int:
    return int.from_bytes(datagram[at : at + 4], "little")


def _is_framed(datagram: bytes) -> bool:
    """Whether magic, constant words and length are right."""
    header = _HEADERS.get(datagram[:4])
    if header is None or len(datagram) < header:
        return False
    rest = len(datagram) - header
    if header == _HEADERS[_ACK]:
        return _word(datagram, 8) == 0 and _word(datagram, 12) in {0, _MASK} and _word(datagram, 24) == rest
    if datagram.startswith(_DATA):
        return _word(datagram, 8) == 0 and _word(datagram, 16) == rest > 0
    return _word(datagram, 4) == rest > 0 and _word(datagram, 8) == 1


def _is_sound(datagram: bytes) -> bool:
    """Whether the checksum of a discovery datagram is right."""
    return crc32(datagram[20:], _MASK) ^ _MASK == _word(datagram, 16)


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  content alone decides
    """Whether this datagram is BcUDP: magic, constant words and length, and in a discovery the checksum."""
    return _is_framed(head) and (not head.startswith(_DISCOVERY) or _is_sound(head))


class Parser(P2pParser):
    """One direction of a flow."""

    network = NETWORK
    most = MAX_DATAGRAMS

    def read(self, datagram: bytes) -> tuple[str, str]:
        """The verb of a discovery, DATA or ACK."""
        if not sniff(datagram, 0, 0):
            raise Malformed(NETWORK, "magic, length or checksum is wrong")
        message = "DATA" if datagram.startswith(_DATA) else "ACK" if datagram.startswith(_ACK) else _verb(datagram)
        return message, _ROLES.get(message[0], "unknown") if "2" in message else "unknown"


def _verb(datagram: bytes) -> str:
    """What a discovery datagram is called: "D2M_Q", "C2D_C" ..., "UNKNOWN" if it does not say so."""
    number = _word(datagram, 12)
    key = b"".join((word + number & _MASK).to_bytes(4, "little") for word in _KEY) * (_HEAD // 32)
    found = _VERB.match(bytes(octet ^ mask for octet, mask in zip(datagram[20 : 20 + _HEAD], key, strict=False)))
    return found[1].decode("ascii") if found else "UNKNOWN"
