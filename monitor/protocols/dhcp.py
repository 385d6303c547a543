"""DHCP for IPv4: a host's MAC, name, class, fingerprint and address (RFC 2131, RFC 2132)."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Final

from monitor.model.facts import DeviceAnnounced, Malformed, MalformedSeen, Want
from monitor.protocols.names import read_label_case, spell

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "dhcp"
PORTS: Final = frozenset({67, 68})
COOKIE: Final = b"\x63\x82\x53\x63"
"""RFC 2131, 3."""
OPTIONS: Final = 240
"""Offset of the options, behind the cookie."""

_MESSAGES: Final = {
    1: "discover", 2: "offer", 3: "request", 4: "decline", 5: "ack", 6: "nak", 7: "release", 8: "inform",
}  # fmt: skip
_FROM_SERVERS: Final = frozenset({"offer", "ack", "nak"})
_PAD: Final = 0
_HOST_NAME: Final = 12
_REQUESTED: Final = 50
_OVERLOAD: Final = 52
_MESSAGE_TYPE: Final = 53
_PARAMETERS: Final = 55
_VENDOR_CLASS: Final = 60
_FQDN: Final = 81
_END: Final = 255


def sniff(head: bytes, sport: int, dport: int) -> bool:
    """Whether this datagram can be DHCP: its ports, a request or reply, and the magic cookie."""
    return (
        (sport in PORTS or dport in PORTS)
        and len(head) >= OPTIONS
        and head[0] in {1, 2}
        and head[OPTIONS - 4 : OPTIONS] == COOKIE
    )


class Parser:
    """One direction of DHCP: each datagram is one message about the client that it names."""

    want = Want.MORE

    def feed(self, data: bytes) -> list[Fact]:
        """What the message says of the client; ``address`` only where the client holds or demands it."""
        if not sniff(data, 67, 68):
            raise Malformed(LAYER, "no DHCP message")
        options, whole = _options(data)
        kind = options.get(_MESSAGE_TYPE, b"")
        message = _MESSAGES.get(kind[0]) if len(kind) == 1 else None
        if kind and message is None:
            raise Malformed(LAYER, "unknown message type")
        by_client = message not in _FROM_SERVERS and data[0] == 1
        fact = DeviceAnnounced(
            LAYER,
            mac=_mac(data),
            address=_address(data, options, message),
            name=_name(options),
            vendor_class=spell(options[_VENDOR_CLASS]) if by_client and _VENDOR_CLASS in options else None,
            fingerprint=",".join(map(str, options[_PARAMETERS])) if by_client and options.get(_PARAMETERS) else None,
            message=message or "bootp",
        )
        return [fact] if whole else [fact, MalformedSeen(LAYER, "option runs past its field")]


def _options(data: bytes) -> tuple[dict[int, bytes], bool]:
    """Options by code, their parts joined (RFC 3396, 5 to 7), and whether all of them are whole."""
    options: dict[int, bytes] = {}
    whole = _read(data[OPTIONS:], options)
    overload = options.get(_OVERLOAD, b"\x00")[:1]
    if overload in {b"\x01", b"\x03"}:
        whole &= _read(data[108:236], options)
    if overload in {b"\x02", b"\x03"}:
        whole &= _read(data[44:108], options)
    return options, whole


def _read(field: bytes, options: dict[int, bytes]) -> bool:
    offset = 0
    while offset < len(field):
        code = field[offset]
        if code == _END:
            break
        if code == _PAD:
            offset += 1
            continue
        end = offset + 2 + (field[offset + 1] if offset + 1 < len(field) else 256)
        if end > len(field):
            return False
        options[code] = options.get(code, b"") + field[offset + 2 : end]
        offset = end
    return True


def _mac(data: bytes) -> str | None:
    """``chaddr`` where it is an Ethernet address."""
    mac = data[28:34]
    return mac.hex(":") if data[1] == 1 and data[2] == 6 and any(mac) and not mac[0] & 1 else None


def _address(data: bytes, options: dict[int, bytes], message: str | None) -> str | None:
    current, given = data[12:16], data[16:20]
    if message == "ack" or (message is None and data[0] == 2):  # BOOTREPLY
        candidates = [given, current]
    elif message == "request":
        candidates = [current, options.get(_REQUESTED, b"")]
    elif message == "inform":
        candidates = [current]
    else:
        return None
    return next((str(IPv4Address(packed)) for packed in candidates if len(packed) == 4 and any(packed)), None)


def _name(options: dict[int, bytes]) -> str | None:
    """Option 12, else option 81 in either of its encodings (RFC 4702, 2.1, 2.3)."""
    host = options.get(_HOST_NAME, b"").rstrip(b"\x00")
    if host:
        return spell(host)
    fqdn = options.get(_FQDN, b"")
    if len(fqdn) <= 3:  # flags and two result codes
        return None
    if not fqdn[0] & 0x04:
        return spell(fqdn[3:].rstrip(b"\x00")) or None
    return wire_name(fqdn[3:])


def wire_name(field: bytes, layer: str = LAYER) -> str | None:
    """An uncompressed name that may lack its end (RFC 4702, 2.3.1; RFC 4704, 4.2)."""
    try:
        # A header's worth of octets in front, so that any pointer is refused.
        name = read_label_case(bytes(12) + field + b"\x00", 12, layer)[0]
    except Malformed:
        return None
    return None if name == "." else name
