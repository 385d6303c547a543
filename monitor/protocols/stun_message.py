"""Messages of STUN and TURN: how they are told from other datagrams, and what is read of them.

RFC 8489 and RFC 8656; RFC 3489, their older form without a magic cookie, where length and attributes fit to the last
octet; [MS-TURN]. User names, nonces and integrity values are not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from monitor.model.address import from_packed, text
from monitor.model.facts import MalformedSeen
from monitor.protocols.names import spell
from monitor.protocols.secrets import cut

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "stun"
HEADER: Final = 20
"""Octets of type, length, magic cookie and transaction identifier (RFC 8489, 5)."""
MAX_PEERS: Final = 8
"""Peers of one message that are read."""
COOKIE: Final = b"\x21\x12\xa4\x42"

# IANA, STUN Methods.
_METHODS: Final = {
    0x001: "Binding", 0x002: "SharedSecret", 0x003: "Allocate", 0x004: "Refresh", 0x006: "Send", 0x007: "Data",
    0x008: "CreatePermission", 0x009: "ChannelBind", 0x00A: "Connect", 0x00B: "ConnectionBind",
    0x00C: "ConnectionAttempt", 0x080: "GoogPing",
}  # fmt: skip
_CLASSES: Final = ("request", "indication", "success", "error")
_CLASSIC_TYPES: Final = {
    0x0001: ("Binding", "request"), 0x0101: ("Binding", "success"), 0x0111: ("Binding", "error"),
    0x0002: ("SharedSecret", "request"), 0x0102: ("SharedSecret", "success"), 0x0112: ("SharedSecret", "error"),
    0x0003: ("Allocate", "request"), 0x0103: ("Allocate", "success"), 0x0113: ("Allocate", "error"),
    0x0004: ("Send", "request"), 0x0104: ("Send", "success"), 0x0114: ("Send", "error"), 0x0115: ("Data", "indication"),
}  # fmt: skip
"""RFC 3489, 11.1, and draft-rosenberg-midcom-turn-08, 9.1."""

# Attributes (IANA, STUN Attributes).
_MAPPED: Final = 0x0001
_XOR_MAPPED: Final = frozenset({0x0020, 0x8020})
"""The second is its number in drafts of RFC 5389, and in [MS-TURN]."""
_XOR_PEER: Final = 0x0012
_REALM: Final = 0x0014
_XOR_RELAYED: Final = 0x0016
_SOFTWARE: Final = 0x8022
_MS_MAGIC: Final = b"\x00\x0f\x00\x04\x72\xc6\x4b\xc6"
"""The attribute of Microsoft's TURN, where MAPPED-ADDRESS is the relay's and 0x0014 a nonce ([MS-TURN], 2.2.2)."""
_MS_REALM: Final = 0x0015
_ADDRESS_SIZES: Final = {1: 8, 2: 20}
"""Octets of an address attribute by its family (RFC 8489, 14.1)."""
_CLASSIC_ADDRESSES: Final = frozenset({0x0001, 0x0002, 0x0004, 0x0005, 0x000B})
"""MAPPED-, RESPONSE-, SOURCE-, CHANGED-ADDRESS and REFLECTED-FROM (RFC 3489, 11.2)."""
_CLASSIC_LAST: Final = 0x0014
"""The last attribute of RFC 3489 and midcom-turn that must be understood; those from 0x8000 on need not be."""
_OPTIONAL: Final = 0x8000

CHANNELS: Final = range(0x40, 0x50)
"""First octets of channel numbers (RFC 8656, 12)."""
_DISTINCT: Final = 6
"""Different octets in a transaction identifier, which is to be random: sixteen have so few once in 10 ** 12."""


def is_message(head: bytes) -> bool:
    """Whether a header with the magic cookie begins here."""
    return len(head) >= HEADER and head[0] < 0x40 and head[4:8] == COOKIE


def is_whole(head: bytes) -> bool:
    """Whether this datagram is one message; a capture that cuts frames leaves less than the length says."""
    if not is_message(head):
        return False
    missing = (head[2] << 8 | head[3]) + HEADER - len(head)
    return missing == 0 or (missing > 0 and not head[3] & 3)


def is_classic(head: bytes, *, on_port: bool) -> bool:
    """Whether a datagram without magic cookie is a message of RFC 3489 to its last octet."""
    size = len(head)
    if size < HEADER or (head[2] << 8 | head[3]) + HEADER != size or head[4:8] == COOKIE:
        return False
    if (head[0] << 8 | head[1]) not in _CLASSIC_TYPES or (not on_port and len(set(head[4:20])) < _DISTINCT):
        return False
    at = HEADER
    while at < size:
        if at + 4 > size:
            return False
        kind, length = head[at] << 8 | head[at + 1], head[at + 2] << 8 | head[at + 3]
        if not (0 < kind <= _CLASSIC_LAST or kind >= _OPTIONAL or on_port):
            return False
        if kind in _CLASSIC_ADDRESSES and length != _ADDRESS_SIZES[1]:
            return False
        at += 4 + length
    return at == size


def is_channel_data(head: bytes) -> bool:
    """Whether this datagram has the shape of channel data, which may be padded (RFC 8656, 12.5)."""
    return len(head) > 4 and head[0] in CHANNELS and 0 <= len(head) - 4 - (head[2] << 8 | head[3]) <= 3


def kind_of(data: bytes) -> tuple[str, str]:
    """Method and class of a message (RFC 8489, 5)."""
    kind = data[0] << 8 | data[1]
    if data[4:8] != COOKIE:
        return _CLASSIC_TYPES[kind]
    number = (kind & 0x0F) | (kind & 0xE0) >> 1 | (kind & 0x3E00) >> 2
    return _METHODS.get(number, f"0x{number:03x}"), _CLASSES[kind >> 4 & 1 | kind >> 7 & 2]


class Addresses(NamedTuple):
    """What one message says of addresses."""

    mapped: str | None
    relayed: str | None
    peer: str | None


class Said(NamedTuple):
    """What the attributes of one message say."""

    addresses: Addresses
    peers: list[str]
    software: str | None
    realm: str | None
    damage: list[Fact]
    """How they break off, if they do."""

    def each_peer(self) -> list[Addresses]:
        """The addresses, once for each peer."""
        return [self.addresses._replace(peer=peer) for peer in self.peers] or [self.addresses]


def attributes(data: bytes) -> Said:
    """What a message says, as far as its attributes are there."""
    mapped = relayed = software = realm = None
    peers: list[str] = []
    damage: list[Fact] = []
    padded = data[4:8] == COOKIE and not data[3] & 3  # RFC 3489 and [MS-TURN] do not pad
    microsoft = _MS_MAGIC in data
    realm_is = _MS_REALM if microsoft else _REALM if data[4:8] == COOKIE else None  # drafts have a nonce there
    mask = data[4:HEADER]
    at, end = HEADER, HEADER + (data[2] << 8 | data[3])
    while at + 4 <= min(end, len(data)):
        kind, length = data[at] << 8 | data[at + 1], data[at + 2] << 8 | data[at + 3]
        value = data[at + 4 : at + 4 + length]
        if at + 4 + length > end:
            damage.append(MalformedSeen(LAYER, "attribute runs past its message"))
            break
        if kind == _XOR_RELAYED:
            relayed = _address(value, mask)
        elif kind == _MAPPED and microsoft:
            relayed = _address(value)
        elif kind == _MAPPED:
            mapped = mapped or _address(value)
        elif kind in _XOR_MAPPED:
            mapped = _address(value, mask) or mapped
        elif kind == _XOR_PEER:
            peer = _address(value, mask)
            if peer is not None and len(peers) < MAX_PEERS:
                peers.append(peer)
        elif kind == _SOFTWARE:
            software = cut(spell(value.rstrip(b"\0"))) or None
        elif kind == realm_is:
            realm = cut(spell(value.rstrip(b"\0"))) or None
        at += 4 + length + (-length % 4 if padded else 0)
    return Said(Addresses(mapped, relayed, None), peers, software, realm, damage)


def _address(value: bytes, mask: bytes | None = None) -> str | None:
    """Address and port of an attribute (RFC 8489, 14.1 and 14.2)."""
    if len(value) < 2 or len(value) != _ADDRESS_SIZES.get(value[1]):
        return None
    port, packed = value[2:4], value[4:]
    if mask is not None:
        port = bytes(a ^ b for a, b in zip(port, mask, strict=False))
        packed = bytes(a ^ b for a, b in zip(packed, mask, strict=False))
    return f"{text(from_packed(packed))} {int.from_bytes(port, 'big')}"
