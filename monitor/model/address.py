"""Addresses as 16 packed bytes: hashable with a seed, one size, IPv4 mapped (RFC 4291, 2.5.5.2).

Text and ``ipaddress`` objects exist at the edges only. Python hashes integers without a seed, so an
attacker who picks addresses could make integer keys collide; bytes keys cannot be steered.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final, NewType

import cython

if not cython.compiled:
    from monitor.model.memo import Memo

if TYPE_CHECKING:
    from collections.abc import Sequence

Address = NewType("Address", bytes)
"""16 bytes, network order; IPv4 as ::ffff:a.b.c.d."""

Mac = NewType("Mac", bytes)
"""6 bytes, network order."""

MAPPED: Final = bytes(10) + b"\xff\xff"
NO_ADDRESS: Final = Address(bytes(16))
REMEMBERED: Final = 4096
"""Addresses that are kept in memory in each other form."""

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


def within(inner: IPNetwork, outer: IPNetwork) -> bool:
    """Whether all of the one network is in the other."""
    if isinstance(inner, ipaddress.IPv4Network):
        return isinstance(outer, ipaddress.IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, ipaddress.IPv6Network) and inner.subnet_of(outer)


def pack(text: str | IPAddress) -> Address:
    """The packed form. ValueError if ``text`` is no address."""
    packed: Address = _PACKED.of(text)
    return packed


def _pack(text: str | IPAddress) -> Address:
    packed = (ipaddress.ip_address(text) if isinstance(text, str) else text).packed
    return Address(MAPPED + packed if len(packed) == 4 else packed)


def from_packed(packed: bytes) -> Address:
    """From 4 or 16 bytes as they stand on the wire. ValueError on any other length."""
    if len(packed) == 4:
        return Address(MAPPED + packed)
    if len(packed) == 16:
        return Address(bytes(packed))
    msg = f"an address has 4 or 16 bytes, not {len(packed)}"
    raise ValueError(msg)


def is_v4(address: Address) -> bool:
    """Whether this is an IPv4 address."""
    return address.startswith(MAPPED)


def unpack(address: Address) -> IPAddress:
    """The ``ipaddress`` object; mapped IPv4 comes out as IPv4."""
    unpacked: IPAddress = _UNPACKED.of(address)
    return unpacked


def _unpack(address: Address) -> IPAddress:
    if is_v4(address):
        return ipaddress.IPv4Address(address[12:])
    return ipaddress.IPv6Address(address)


def text(address: Address) -> str:
    """The usual spelling (RFC 5952)."""
    spelled: str = _SPELLED.of(address)
    return spelled


def _text(address: Address) -> str:
    return str(_unpack(address))


_PACKED: Final = Memo(_pack, REMEMBERED)
_UNPACKED: Final = Memo(_unpack, REMEMBERED)
_SPELLED: Final = Memo(_text, REMEMBERED)


def is_address(spelled: str) -> bool:
    """Whether ``spelled`` is an IP address rather than a name."""
    if ":" not in spelled and not spelled[-1:].isdigit():
        return False
    try:
        ipaddress.ip_address(spelled)
    except ValueError:
        return False
    return True


def presentable(addresses: Sequence[Address]) -> list[Address]:
    """Addresses of one host, kept newest last, as people are shown them: newest first, IPv4 before IPv6.

    Those that do not lead beyond the link come after all others (RFC 3927; RFC 4291, 2.5.6).
    """
    newest_first = addresses[::-1]
    return sorted(newest_first, key=lambda each: (unpack(each).is_link_local, not is_v4(each)))


_EUI64_MARK: Final = b"\xff\xfe"


def eui64(address: Address) -> Mac | None:
    """The MAC in the interface identifier of an IPv6 address (RFC 4291, appendix A); None where there is none."""
    if address[11:13] != _EUI64_MARK or is_v4(address):
        return None
    mac = bytes((address[8] ^ 0x02,)) + address[9:11] + address[13:16]
    return None if mac[0] & 0x03 else Mac(mac)  # such identifiers are made from MACs of makers


def mac_text(mac: Mac) -> str:
    """Lower-case with colons: 44:19:b6:00:00:11."""
    return mac.hex(":")


def mac_from_text(spelled: str) -> Mac:
    """From colons, dashes, dots or bare hex digits. ValueError if it is none."""
    digits = spelled.replace(":", "").replace("-", "").replace(".", "")
    if len(digits) != 12:
        msg = f"{spelled!r} is no MAC address"
        raise ValueError(msg)
    return Mac(bytes.fromhex(digits))
