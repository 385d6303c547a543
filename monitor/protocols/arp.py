"""ARP: which MAC holds which IPv4 address (RFC 826, RFC 5227)."""

from __future__ import annotations

from ipaddress import IPv4Address
from struct import Struct
from typing import TYPE_CHECKING, Final

from monitor.model.address import from_packed
from monitor.model.facts import DeviceAnnounced, Malformed

if TYPE_CHECKING:
    from monitor.model.address import Address
    from monitor.model.facts import Fact

LAYER: Final = "arp"

_PACKET: Final = Struct(">HHBBH6s4s6s4s")
_REQUEST: Final = 1
_REPLY: Final = 2
_UNSPECIFIED: Final = bytes(4)


def parse(frame_payload: bytes) -> list[Fact]:
    """What the sender says of itself; nothing for hardware other than Ethernet and for RARP.

    A probe asks whether ``address`` is free (sender 0.0.0.0, RFC 5227, 1.1).
    """
    if len(frame_payload) < 8:  # up to and with the operation
        raise Malformed(LAYER, "shorter than its header")
    if frame_payload[:6] != b"\x00\x01\x08\x00\x06\x04":
        return []
    if len(frame_payload) < _PACKET.size:
        raise Malformed(LAYER, "shorter than an Ethernet and IPv4 packet")
    *_, operation, mac, sender, _, target = _PACKET.unpack_from(frame_payload)
    if operation not in {_REQUEST, _REPLY}:
        return []
    if mac[0] & 1 or not any(mac):
        raise Malformed(LAYER, "sender is no single station")
    if sender == _UNSPECIFIED:
        if operation != _REQUEST or target == _UNSPECIFIED:
            return []
        message, address = "probe", target
    elif sender == target:
        message, address = "gratuitous", sender
    else:
        message, address = ("request" if operation == _REQUEST else "reply"), sender
    return [DeviceAnnounced(LAYER, mac=mac.hex(":"), address=str(IPv4Address(address)), message=message)]


def asked(frame_payload: bytes) -> tuple[Address, Address] | None:
    """Of a request: who asks, and for whose address. None of anything else, and of probes and announcements."""
    if len(frame_payload) < _PACKET.size or frame_payload[:6] != b"\x00\x01\x08\x00\x06\x04":
        return None
    *_, operation, _, sender, _, target = _PACKET.unpack_from(frame_payload)
    if operation != _REQUEST or sender in (_UNSPECIFIED, target):
        return None
    return from_packed(sender), from_packed(target)
