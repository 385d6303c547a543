"""DHCP for IPv6: a host's MAC, name, class and address (RFC 8415)."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Final

from monitor.model.facts import DeviceAnnounced, Malformed, Want
from monitor.protocols.dhcp import wire_name
from monitor.protocols.names import spell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.model.facts import Fact

LAYER: Final = "dhcpv6"
PORTS: Final = frozenset({546, 547})

_MESSAGES: Final = {
    1: "solicit", 2: "advertise", 3: "request", 4: "confirm", 5: "renew", 6: "rebind", 7: "reply", 8: "release",
    9: "decline", 10: "reconfigure", 11: "information-request",
}  # fmt: skip
_RELAYED: Final = frozenset({12, 13})
_RELAY_HEADER: Final = 34
"""Type, hop count, link and peer address (RFC 8415, 9)."""
MAX_RELAYS: Final = 8
"""HOP_COUNT_LIMIT (RFC 8415, 7.6)."""
MAX_OPTIONS: Final = 64
_HOLDING: Final = frozenset({"request", "confirm", "renew", "rebind", "reply"})
"""Messages whose address the client holds or demands."""

_CLIENT_ID: Final = 1
_IA_NA: Final = 3
_IA_ADDRESS: Final = 5
_RELAY_MESSAGE: Final = 9
_VENDOR_CLASS: Final = 16
_FQDN: Final = 39


def sniff(head: bytes, sport: int, dport: int) -> bool:
    """Whether this datagram can be DHCPv6: its ports and a known message type."""
    if len(head) < 4 or not (sport in PORTS or dport in PORTS):  # type and transaction
        return False
    return head[0] in _MESSAGES or (head[0] in _RELAYED and len(head) >= _RELAY_HEADER)


class Parser:
    """One direction of DHCPv6: each datagram is one message, perhaps wrapped by relays."""

    want = Want.MORE

    def feed(self, data: bytes) -> list[Fact]:
        """What the message says of the client, nothing if it names none."""
        message = _unwrapped(data)
        kind = _MESSAGES[message[0]]
        mac = address = name = vendor_class = None
        for code, value in _options(message, 4):
            if code == _CLIENT_ID:
                mac = _mac(value)
            elif code == _FQDN and len(value) > 1:
                name = wire_name(value[1:], LAYER)
            elif code == _VENDOR_CLASS and kind not in {"advertise", "reply"}:
                vendor_class = _vendor_class(value)
            elif code == _IA_NA and kind in _HOLDING and address is None:
                address = _address(value, granted=kind == "reply")
        if not (mac or address or name or vendor_class):
            return []
        return [DeviceAnnounced(LAYER, mac=mac, address=address, name=name, vendor_class=vendor_class, message=kind)]


def _unwrapped(data: bytes) -> bytes:
    for _ in range(MAX_RELAYS + 1):
        if len(data) < 4:  # type and transaction
            raise Malformed(LAYER, "shorter than a header")
        if data[0] in _MESSAGES:
            return data
        if data[0] not in _RELAYED:
            raise Malformed(LAYER, "unknown message type")
        inner = next((value for code, value in _options(data, _RELAY_HEADER) if code == _RELAY_MESSAGE), None)
        if inner is None:
            raise Malformed(LAYER, "relay message without a message")
        data = inner
    raise Malformed(LAYER, "relayed too often")


def _options(message: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    for _ in range(MAX_OPTIONS):
        if offset + 4 > len(message):
            return
        code = int.from_bytes(message[offset : offset + 2], "big")
        end = offset + 4 + int.from_bytes(message[offset + 2 : offset + 4], "big")
        if end > len(message):
            raise Malformed(LAYER, "option runs past the end")
        yield code, message[offset + 4 : end]
        offset = end


def _mac(duid: bytes) -> str | None:
    """The Ethernet address of a DUID-LLT or DUID-LL (RFC 8415, 11.2, 11.4)."""
    if duid[:4] == b"\x00\x01\x00\x01" and len(duid) == 14:
        return duid[8:].hex(":")
    if duid[:4] == b"\x00\x03\x00\x01" and len(duid) == 10:
        return duid[4:].hex(":")
    return None


def _vendor_class(value: bytes) -> str | None:
    """The first class behind the enterprise number (RFC 8415, 21.16)."""
    length = int.from_bytes(value[4:6], "big")
    return spell(value[6 : 6 + length]) or None


def _address(association: bytes, *, granted: bool) -> str | None:
    """The first address of an IA_NA, if ``granted`` one of a valid lifetime above zero (RFC 8415, 21.4, 21.6)."""
    for code, value in _options(association, 12):
        if code == _IA_ADDRESS and len(value) >= 24 and (any(value[20:24]) or not granted):
            return str(IPv6Address(value[:16]))
    return None
