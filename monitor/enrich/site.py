"""Site: which addresses are ours, which are elsewhere, and which are nobody's."""

from __future__ import annotations

import ipaddress
from enum import Enum
from typing import TYPE_CHECKING, Final

from monitor.model.address import MAPPED, is_v4
from monitor.model.limits import Limit, Room

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.model.address import Address, IPNetwork, Mac

MAX_REMEMBERED: Final = 16_384
"""Addresses of which something is remembered: their reach, which can be worked out again, whose own they are, or that
they were called. Hosts and remote ends of a site are some thousands."""
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


CORE: Final = Reach.CORE
"""Looked up once: each look-up of a member costs as much as a call."""
Row = tuple[int, int, Reach]
"""Network mask, network address, and where an address in it is."""

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
        self._rows = self._sorted()
        self.forgotten = 0
        """Prefixes and addresses not learnt for want of room."""
        self._prefixes_refused = 0
        self._own_refused = 0
        self._called_refused = 0
        self._cleared = 0

    def reconfigure(self, networks: Sequence[IPNetwork], core: Sequence[IPNetwork]) -> None:
        """Another configuration: these are ours beside the private ones, and these off limits."""
        self._networks = [*_LOCAL, *networks, *core]
        self._core = list(core)
        self._rows = self._sorted()
        self._known.clear()

    def limits(self) -> list[Limit]:
        """The room for what is remembered of addresses."""
        return [
            Limit(Room.REACHES, MAX_REMEMBERED, len(self._known), self._cleared),
            Limit(Room.PREFIXES, MAX_LEARNT, len(self._learnt), self._prefixes_refused),
            Limit(Room.OWN_ADDRESSES, MAX_REMEMBERED, len(self._own), self._own_refused),
            Limit(Room.CALLED_ADDRESSES, MAX_REMEMBERED, len(self._called), self._called_refused),
        ]

    def reach(self, address: Address) -> Reach:
        """Where this address is."""
        known = self._known.get(address)
        if known is None:
            known = self._judge(address)
            if len(self._known) >= MAX_REMEMBERED:
                self._cleared += len(self._known)
                self._known.clear()
            self._known[address] = known
        return known

    def is_core(self, address: Address) -> bool:
        """Whether this address is in a network of the site that is off limits."""
        return self.reach(address) is CORE

    def learn_prefix(self, prefix: str) -> None:
        """A router advertised this prefix as on-link (RFC 4861, 4.6.2)."""
        network = ipaddress.ip_network(prefix, strict=False)
        if network in self._learnt or network.version != 6 or network.prefixlen != LINK_PREFIX:
            return
        if len(self._learnt) >= MAX_LEARNT:
            self.forgotten += 1
            self._prefixes_refused += 1
            return
        self._learnt.append(network)
        self._rows = self._sorted()
        self._known.clear()

    def learn_address(self, address: Address, mac: Mac | None) -> bool:
        """A host on the link sent from this global IPv6 address; whether it is now one of ours.

        An address that was a remote end before stays one: a device must not hide whom it calls by claiming to be it.
        """
        if is_v4(address) or mac is None or address in self._called:
            return False
        if len(self._own) >= MAX_REMEMBERED:
            self.forgotten += 1
            self._own_refused += 1
            return False
        self._own[address] = mac
        self._known.pop(address, None)
        return True

    def called(self, address: Address) -> None:
        """A device sent something to this address, which is elsewhere."""
        if is_v4(address) or address in self._called:
            return
        if len(self._called) >= MAX_REMEMBERED:
            self.forgotten += 1
            self._called_refused += 1
            return
        self._called[address] = None

    def heard(self, address: Address, mac: Mac | None) -> None:
        """The address sent something: one that was learnt from another MAC was claimed falsely."""
        owner = self._own.get(address)
        if owner is not None and mac is not None and owner != mac:
            del self._own[address]
            self._known.pop(address, None)
            self.called(address)

    def sent_on(self, address: Address, mac: Mac | None) -> None:
        """The host of this MAC sent a packet to the address by way of another: it is not its own, whatever it said."""
        if mac is not None and self._own.get(address) == mac:
            del self._own[address]
            self._known.pop(address, None)

    def learnt(self) -> tuple[list[str], list[tuple[Address, Mac]], list[Address]]:
        """Prefixes, own addresses with their MACs, and addresses that were called: to be learnt again in that order."""
        return [str(each) for each in self._learnt], list(self._own.items()), list(self._called)

    def _sorted(self) -> tuple[list[Row], list[Row]]:
        """What decides, in the order in which it does, over IPv4 and over IPv6."""
        rows: tuple[list[Row], list[Row]] = ([], [])
        ours = [*self._networks, *self._learnt]
        for networks, reach in ((_NOBODY, Reach.GROUP), (self._core, Reach.CORE), (ours, Reach.LOCAL)):
            for network in networks:
                mask, prefix = int(network.netmask), int(network.network_address)
                rows[network.version == 6].append((mask, prefix, reach))
        return rows

    def _judge(self, address: Address) -> Reach:
        v4 = is_v4(address)
        value = int.from_bytes(address[len(MAPPED) :] if v4 else address, "big")
        for mask, prefix, reach in self._rows[not v4]:
            if value & mask == prefix:
                return reach
        return Reach.LOCAL if address in self._own else Reach.REMOTE
