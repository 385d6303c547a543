"""Site: which addresses are ours, which are elsewhere, and which are nobody's."""

from __future__ import annotations

import ipaddress
from enum import Enum
from typing import TYPE_CHECKING, Final

from monitor.model.address import is_v4, unpack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.model.address import Address, IPNetwork, Mac

MAX_REMEMBERED: Final = 65536
"""Addresses whose reach is remembered; as many as flows in the table."""
MAX_LEARNT: Final = 256
"""On-link prefixes and own global addresses learnt from the wire."""

LINK_PREFIX: Final = 64
"""Prefix length of a link that hosts configure themselves on (RFC 4291, 2.5.4; RFC 4862)."""


class Reach(Enum):
    LOCAL = "local"
    REMOTE = "remote"
    CORE = "core"
    """On the site, but in a network that cameras have no business in."""
    GROUP = "group"
    """Multicast, broadcast, unspecified, loopback, reserved: no host."""


_NOBODY: Final = tuple(
    ipaddress.ip_network(net)
    for net in (
        "0.0.0.0/8",  # this network, RFC 1122
        "127.0.0.0/8",  # loopback, RFC 1122
        "224.0.0.0/4",  # multicast, RFC 5771
        "240.0.0.0/4",  # reserved and limited broadcast, RFC 1112, RFC 919
        "::/127",  # unspecified and loopback, RFC 4291
        "ff00::/8",  # multicast, RFC 4291
    )
)
_LOCAL: Final = tuple(
    ipaddress.ip_network(net)
    for net in (
        "10.0.0.0/8",  # private, RFC 1918
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",  # link-local, RFC 3927
        "192.0.0.0/29",  # IPv4 service continuity, RFC 7335
        "192.0.0.64/32",  # Hikvision cameras out of the box and in rescue mode (catalogue: HIKTFTP)
        "192.0.0.128/32",
        "fc00::/7",  # unique local, RFC 4193
        "fe80::/10",  # link-local, RFC 4291
    )
)


class Site:
    """Decides the reach of an address; learns on-link IPv6 prefixes as it goes."""

    def __init__(self, networks: Sequence[IPNetwork] = (), core: Sequence[IPNetwork] = ()) -> None:
        """``networks`` are ours beside the private ones; ``core`` are ours and off limits."""
        self._networks = [*_LOCAL, *networks, *core]
        self._core = list(core)
        self._learnt: list[IPNetwork] = []
        self._own: dict[Address, Mac] = {}
        self._called: dict[Address, None] = {}
        self._known: dict[Address, Reach] = {}
        self.forgotten = 0
        """Prefixes and addresses not learnt for want of room."""

    def reach(self, address: Address) -> Reach:
        """Where this address is."""
        known = self._known.get(address)
        if known is None:
            known = self._judge(address)
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            self._known[address] = known
        return known

    def learn_prefix(self, prefix: str) -> None:
        """A router advertised this prefix as on-link (RFC 4861, 4.6.2)."""
        network = ipaddress.ip_network(prefix, strict=False)
        if network in self._learnt or network.version != 6 or network.prefixlen != LINK_PREFIX:
            return
        if len(self._learnt) >= MAX_LEARNT:
            self.forgotten += 1
            return
        self._learnt.append(network)
        self._known.clear()

    def learn_address(self, address: Address, mac: Mac | None) -> bool:
        """A host on the link sent from this global IPv6 address; whether it is now one of ours.

        An address that was a remote end before stays one: a device must not hide whom it calls by claiming to be it.
        """
        if is_v4(address) or mac is None or address in self._called:
            return False
        if len(self._own) >= MAX_REMEMBERED:
            self.forgotten += 1
            return False
        self._own[address] = mac
        self._known[address] = Reach.LOCAL
        return True

    def called(self, address: Address) -> None:
        """A device sent something to this address, which is elsewhere."""
        if not is_v4(address) and len(self._called) < MAX_REMEMBERED:
            self._called[address] = None

    def heard(self, address: Address, mac: Mac | None) -> None:
        """The address sent something: one that was learnt from another MAC was claimed falsely."""
        owner = self._own.get(address)
        if owner is not None and mac is not None and owner != mac:
            del self._own[address]
            self._known.pop(address, None)
            self.called(address)

    def _judge(self, address: Address) -> Reach:
        ip = unpack(address)
        if any(ip in net for net in _NOBODY if net.version == ip.version):
            return Reach.GROUP
        if any(ip in net for net in self._core if net.version == ip.version):
            return Reach.CORE
        ours = (net for net in (*self._networks, *self._learnt) if net.version == ip.version)
        if address in self._own or any(ip in net for net in ours):
            return Reach.LOCAL
        return Reach.REMOTE
