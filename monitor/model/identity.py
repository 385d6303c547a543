"""Identity over time: what changed about who a device is, and who claims to be it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from monitor.model.address import mac_text, text

if TYPE_CHECKING:
    from monitor.model.address import Address, Mac
    from monitor.model.contacts import Device

_LOCAL_BIT = 0x02
"""Universal/local bit of an EUI-48 (IEEE 802, 8.2.2): its user chose it, at random or to look like another."""


class IdentityKind(StrEnum):
    """What happened. The set is closed."""

    ADDRESS_CLAIMED = "address_claimed"
    """Two MACs have one address, and both live: spoofing, or two hosts with one setting."""
    MAC_CLONED = "mac_cloned"
    """One MAC lives at two IPv4 addresses in turn."""
    INVENTORY_MISMATCH = "inventory_mismatch"
    """MAC and address are not together as the inventory has them."""
    REPLACED = "replaced"
    """Another MAC has the address for good, and the earlier one is silent: other hardware, or it changed its MAC."""
    ADDRESS_MOVED = "address_moved"
    """A device has another address, or an address another device, as leases and settings change."""
    MODEL_CHANGED = "model_changed"
    SERIAL_CHANGED = "serial_changed"
    VENDOR_CHANGED = "vendor_changed"
    CLASS_CHANGED = "class_changed"
    """It says by the same protocol that it is another model, unit, make or type of device than it said before."""
    NAME_CHANGED = "name_changed"
    """Its DHCP host name is another."""


NOTES = frozenset({IdentityKind.ADDRESS_MOVED, IdentityKind.NAME_CHANGED})
"""What happens where nothing is wrong: never an alarm."""


class Evidence(StrEnum):
    """How it is known that a MAC had an address."""

    TRAFFIC = "traffic"
    """It sent packets from there."""
    ARP = "arp"
    ND = "nd"
    DHCP = "dhcp"
    DHCPV6 = "dhcpv6"
    INVENTORY = "inventory"
    """Nothing was seen: the user said so."""


class Claimant(Struct, frozen=True):
    """One of two that claim to be the same."""

    mac: Mac
    address: Address
    last_ns: int
    """When this MAC was last seen to have this address; 0: never."""
    by: Evidence

    @property
    def randomised(self) -> bool:
        """Whether the MAC is locally administered, so that it says nothing of who made the host."""
        return bool(self.mac[0] & _LOCAL_BIT)

    def __str__(self) -> str:
        """For people: MAC, address and evidence."""
        local = ", locally administered" if self.randomised else ""
        return f"{mac_text(self.mac)}{local} at {text(self.address)} by {self.by}"


class IdentityChange(Struct, frozen=True):
    """One thing that became different, or contradicts itself, about a device."""

    device: Device
    kind: IdentityKind
    before: str
    """What was known, for people."""
    after: str
    claimants: tuple[Claimant, ...]
    """Who had it and who claims it, in this order; none where the device speaks of itself."""
    ts_ns: int
    """Packet time of the evidence that decided."""
    alarm: bool
    """A watched device, or a router, may not be what it seems to be; otherwise it is only worth a note."""
    certain: bool = True
    """False: one host that changes its own address may show this too."""
