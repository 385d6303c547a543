"""IPv6 Neighbor Discovery: which MAC holds which address, and which prefixes are local (RFC 4861)."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network
from typing import TYPE_CHECKING, Final

from monitor.model.facts import DeviceAnnounced, Malformed, PrefixAnnounced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.model.address import Address
    from monitor.model.facts import Fact

LAYER: Final = "nd"

_ROUTER_SOLICITATION: Final = 133
_ROUTER_ADVERTISEMENT: Final = 134
_NEIGHBOR_SOLICITATION: Final = 135
_NEIGHBOR_ADVERTISEMENT: Final = 136
_FIXED: Final = {
    _ROUTER_SOLICITATION: 8, _ROUTER_ADVERTISEMENT: 16, _NEIGHBOR_SOLICITATION: 24, _NEIGHBOR_ADVERTISEMENT: 24,
}  # fmt: skip
"""Octets before the options (RFC 4861, 4.1 to 4.4)."""
_SOURCE_LINK: Final = 1
_TARGET_LINK: Final = 2
_PREFIX: Final = 3
MAX_OPTIONS: Final = 32
MAX_PREFIXES: Final = 8
_UNSPECIFIED: Final = bytes(16)


def parse(icmp6: bytes, source: Address) -> list[Fact]:
    """What an ICMPv6 message of type 133 to 136 says; its caller has checked that the hop limit is 255."""
    if not icmp6 or icmp6[0] not in _FIXED:
        return []
    kind = icmp6[0]
    fixed = _FIXED[kind]
    if len(icmp6) < fixed:
        raise Malformed(LAYER, "shorter than its fixed part")
    if icmp6[1]:
        raise Malformed(LAYER, "code other than zero")
    options = list(_options(icmp6, fixed))
    if kind == _NEIGHBOR_ADVERTISEMENT:
        return _holder(_target(icmp6), _link(options, _TARGET_LINK), "advertisement")
    if kind == _NEIGHBOR_SOLICITATION and source == _UNSPECIFIED:
        return [DeviceAnnounced(LAYER, address=str(_target(icmp6)), message="probe")]
    mac = _link(options, _SOURCE_LINK)
    if kind == _ROUTER_ADVERTISEMENT:
        return [*_holder(IPv6Address(source), mac, "router"), *_prefixes(options, mac)]
    if source == _UNSPECIFIED:
        return []
    return [DeviceAnnounced(LAYER, mac=mac, address=str(IPv6Address(source)), message="solicitation")]


def _holder(address: IPv6Address, mac: str | None, message: str) -> list[Fact]:
    if mac is None or address.is_unspecified:
        return []
    return [DeviceAnnounced(LAYER, mac=mac, address=str(address), message=message)]


def _target(icmp6: bytes) -> IPv6Address:
    target = IPv6Address(icmp6[8:24])
    if target.is_multicast:
        raise Malformed(LAYER, "target is a multicast address")
    return target


def _options(icmp6: bytes, offset: int) -> Iterator[bytes]:
    """Each option whole: type, length in units of 8 octets, data (RFC 4861, 4.6)."""
    for _ in range(MAX_OPTIONS):
        if offset + 2 > len(icmp6):
            return
        length = icmp6[offset + 1] * 8
        if not length:
            raise Malformed(LAYER, "option of length zero")
        if offset + length > len(icmp6):
            raise Malformed(LAYER, "option runs past the end")
        yield icmp6[offset : offset + length]
        offset += length


def _link(options: list[bytes], kind: int) -> str | None:
    """The Ethernet address of the first such option (RFC 2464, 6)."""
    for option in options:
        if option[0] == kind and len(option) == 8 and not option[2] & 1 and any(option[2:]):
            return option[2:].hex(":")
    return None


def _prefixes(options: list[bytes], mac: str | None) -> list[Fact]:
    """Prefixes with the on-link flag that are neither link-local nor withdrawn (RFC 4861, 4.6.2, 6.3.4)."""
    facts: list[Fact] = []
    for option in options:
        if option[0] != _PREFIX or len(option) != 32 or not option[3] & 0x80:
            continue
        prefix = IPv6Address(option[16:32])
        if option[2] > 128 or prefix.is_link_local or prefix.is_multicast or not any(option[4:8]):
            continue
        if len(facts) < MAX_PREFIXES:
            facts.append(PrefixAnnounced(str(IPv6Network((prefix, option[2]), strict=False)), mac))
    return facts
