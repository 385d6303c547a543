"""Addresses that no camera has: a poll that goes there was led there.

Sources: IANA special-purpose registries (RFC 6890) through ``ipaddress``; the metadata services as their clouds
document them, since they answer whoever asks with the credentials of the machine.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

METADATA: Final = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, Azure, Google, Oracle and most others
        "169.254.170.2",  # AWS ECS, credentials of a task
        "fd00:ec2::254",  # AWS over IPv6
        "fd20:ce::254",  # Google over IPv6
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure, the host's own service
    )
)
_NAT64: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
"""RFC 6052 and RFC 8215: the last 32 bits are an IPv4 address."""


def refusal(address: IPv4Address | IPv6Address) -> str:
    """Why this address is not asked; empty where it may be."""
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return "an address with a zone"
        inside = _embedded(address)
        if inside is not None:
            return refusal(inside) or "an IPv4 address inside an IPv6 address"
    kinds = (
        (address in METADATA, "a cloud's metadata service"),
        (address.is_loopback, "this machine itself (loopback)"),
        (address.is_unspecified, "no address"),
        (address.is_link_local, "link-local"),
        (address.is_multicast, "multicast"),
        (address.is_reserved, "reserved"),
    )
    return next((what for applies, what in kinds if applies), "")


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if any(address in network for network in _NAT64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
