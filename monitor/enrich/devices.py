"""Devices: which host is which, who made it, and whether it is one we watch.

Strategy: a device is its inventory name, else its MAC while that fronts one address, else its address. The
first key stays; addresses that turn up later are aliases. A MAC that carries traffic from elsewhere, or that
speaks for two IPv4 addresses at once, belongs to a router and identifies nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cython
from msgspec import Struct

from monitor.enrich.announcements import Announcements
from monitor.enrich.holders import ADDRESSED, LEASED, MAX_ROUTERS
from monitor.enrich.hosts import SHARE
from monitor.model.address import mac_from_text, mac_text, pack, unpack
from monitor.model.contacts import DeviceClass
from monitor.model.facts import PROXIED
from monitor.model.limits import Limit, Room

if not cython.compiled:
    from monitor.enrich.holders import Holders
    from monitor.model.contacts import Device

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.enrich.catalogue import Catalogue
    from monitor.enrich.catalogue.rows import Vendor
    from monitor.model.address import Address, IPNetwork, Mac
    from monitor.model.facts import DeviceAnnounced, ServiceBanner
    from monitor.model.identity import IdentityChange

MAX_DEVICES: Final = 4096
"""A /20 full of hosts, or four times the largest inventory; some 1 KiB each."""
_BINDING: Final = frozenset({"dhcp", "dhcpv6", "arp", "nd"})
"""Protocols that bind an address to a MAC."""
_BY_SERVERS: Final = frozenset({"offer", "ack", "nak", "advertise", "reply"})
"""Messages of DHCP about somebody else than their sender; of those, "ack" and "reply" alone have an address."""
_BOOT_MARKS: Final = frozenset({("dhcp", "discover"), ("arp", "probe")})
"""DHCP discover (RFC 2131) and address probes (RFC 5227, 2.1.1) come from hosts that have just come up."""


class InventoryEntry(Struct, frozen=True):
    """One configured device."""

    name: str
    device_class: DeviceClass
    addresses: tuple[Address, ...] = ()
    mac: Mac | None = None
    group: str | None = None
    label: str | None = None


class Devices(Holders):
    """All local hosts seen, and what they say of themselves."""

    def __init__(
        self,
        catalogue: Catalogue,
        inventory: Sequence[InventoryEntry] = (),
        cameras: Sequence[IPNetwork] = (),
        max_devices: int = MAX_DEVICES,
    ) -> None:
        """``cameras``: every host in these networks is a camera."""
        super().__init__(catalogue, cameras, max_devices)
        self._announcements = Announcements(catalogue, frozenset(entry.name for entry in inventory))
        for entry in inventory:
            self._configure(entry)

    def limits(self) -> list[Limit]:
        """The room for hosts, for those among them that were recognised, and for routers."""
        return [
            Limit(Room.DEVICES, self._max, len(self._all), self.evicted),
            Limit(Room.RECOGNISED, self._max // SHARE, len(self._watched), self.unwatched),
            Limit(Room.ROUTERS, MAX_ROUTERS, len(self._routers), self._routers_gone),
            Limit(Room.CARRIERS, MAX_ROUTERS, len(self._carried), self._carriers_gone),
            *self._claims.limits(),
        ]

    def resume(self, device: Device) -> Device | None:
        """Go on with a device of an earlier run, heard later than those before it. None: there is no room for it.

        If the inventory has one of this name, that gets the MAC and the addresses, as far as they are nobody else's.
        """
        mac, addresses = device.mac, device.addresses
        known = self._all.get(device.key)
        if known is None:
            if len(self._all) >= self._max:
                return None
            known, device.mac, device.addresses = device, None, []
            order = self._watched if device.watched else self._strangers
            self._all[device.key] = order[device.key] = device
        if mac is not None and known.mac is None and mac not in self._by_mac:
            self._set_mac(known, mac)
        for address in addresses:
            if address not in self._by_address:
                self._add_address(known, address)
        return known

    def changes(self, now_ns: int) -> list[IdentityChange]:
        """Take what is to be told by this time of who a device is; once a tick, and with the end of time at the end."""
        return self._claims.changes(now_ns)

    def learn(self, fact: DeviceAnnounced, source: Address | None, source_mac: Mac | None, ts_ns: int) -> Device | None:
        """A host said something about itself. The device it is about, if that can be told."""
        if fact.message == PROXIED:
            return None
        served = fact.protocol in LEASED and fact.message in _BY_SERVERS
        mac = mac_from_text(fact.mac) if fact.mac else None if served else source_mac
        address = pack(fact.address) if fact.address else None if served else source
        if address is not None and unpack(address).is_unspecified:
            address = None
        device = self._about(fact, mac, address, source, source_mac, ts_ns)
        if device is None:
            return None
        self._heard(device, ts_ns)
        own = self.speaks_itself(device, source_mac)
        if fact.protocol in LEASED:
            if fact.address:
                self._lease(device, pack(fact.address), ts_ns, fact.protocol, given=served)
            elif fact.message == "release" and fact.protocol == "dhcp" and own:
                self._release_all(device)
        if (fact.protocol, fact.message) in _BOOT_MARKS and own:
            device.booted_ns = ts_ns
        for kind, before, after in self._announcements.describe(device, fact, own=own):
            self._claims.said(device, kind, before, after, ts_ns)
        if fact.protocol in _BINDING or (own and (source_mac is None or source_mac not in self._routers)):
            self._classify(device, fact)
        return device

    def speaks_itself(self, device: Device, source_mac: Mac | None) -> bool:
        """Whether what came from this MAC can be the device's own word; None where the link has no MACs."""
        return (
            source_mac in (None, device.mac)
            or device.mac is None
            or source_mac in self._routers
            or device.v4_address is None  # nobody was seen to send from its MAC yet
        )

    def described(self, device: Device, fact: DeviceAnnounced, ts_ns: int) -> None:
        """The device answered a question of ours about itself."""
        for kind, before, after in self._announcements.describe(device, fact, own=True):
            self._claims.said(device, kind, before, after, ts_ns)

    def greeted(self, fact: ServiceBanner, address: Address, mac: Mac | None, ts_ns: int) -> None:
        """A local host took a part in a protocol that only one maker's firmware takes.

        Behind a router's MAC may be anybody's, so that makes nobody a camera.
        """
        maker = self._catalogue.vendor_of_speaker(fact.protocol, fact.role)
        if maker is None or (mac is not None and mac in self._routers):
            return
        device = self.of(address, mac, ts_ns)
        self.speaks(
            device, self._announcements.brand(device, maker, None), f"{fact.role} of {fact.protocol}, {maker.name}'s"
        )

    def speaks(self, device: Device, vendor: Vendor, by: str) -> None:
        """The device showed a mark that only this vendor's devices have: that outranks the MAC."""
        if device.vendor_by != "protocol":
            device.vendor, device.vendor_name, device.vendor_by = vendor.key, vendor.name, "protocol"
        self.recognise(device, DeviceClass.CAMERA, by)

    def reconfigure(self, inventory: Sequence[InventoryEntry]) -> None:
        """Another inventory: a host that is there already and is in it now keeps its key, and what is known of it."""
        kept = {entry.name for entry in inventory}
        for device in [each for each in self._all.values() if each.configured and each.name not in kept]:
            self._dismiss(device)
        self._pinned = {address for entry in inventory for address in entry.addresses}
        self._pinned_macs = {entry.mac for entry in inventory if entry.mac is not None}
        self._announcements.names = frozenset(kept)
        configured = {each.name: each for each in self._all.values() if each.configured}
        for entry in inventory:
            known = configured.get(entry.name) or self._met(entry)
            if known is None:
                self._configure(entry)
            else:
                self._appoint(known, entry)

    def _met(self, entry: InventoryEntry) -> Device | None:
        """The host that an entry is about, if it was seen and no other entry has it."""
        known = [self._by_mac.get(entry.mac)] if entry.mac is not None else []
        known += [self._by_address.get(address) for address in entry.addresses]
        return next((each for each in known if each is not None and not each.configured), None)

    def _appoint(self, device: Device, entry: InventoryEntry) -> None:
        """The host is the configured one from now on."""
        for order in (self._strangers, self._watched, self._named):
            order.pop(device.key, None)
        device.configured = device.named = True
        device.name, device.group, device.label = entry.name, entry.group, entry.label
        device.classify(entry.device_class)
        device.recognised_by = "configuration"
        if entry.mac is not None and device.mac is None and entry.mac not in self._by_mac:
            self._set_mac(device, entry.mac)
        for address in entry.addresses:
            if address not in self._by_address:
                self._add_address(device, address)

    def _dismiss(self, device: Device) -> None:
        """The device is in the inventory no more: it is a host like others, watched if it is recognised again."""
        device.configured = device.named = False
        device.group = device.label = None
        device.recognised_by = None
        device.classify(DeviceClass.UNKNOWN)
        self._strangers[device.key] = device
        if device.mac is not None and self._catalogue.is_camera_mac(device.mac):
            self.recognise(device, DeviceClass.CAMERA, f"MAC prefix of {device.vendor_name}")

    def _configure(self, entry: InventoryEntry) -> None:
        device = Device(entry.name, entry.name, 0, entry.device_class, configured=True, group=entry.group)
        device.label = entry.label
        device.recognised_by = "configuration"
        self._all[device.key] = device
        self._pinned.update(entry.addresses)
        if entry.mac is not None:
            self._pinned_macs.add(entry.mac)
            self._set_mac(device, entry.mac)
        for address in entry.addresses:
            self._add_address(device, address)

    def _classify(self, device: Device, fact: DeviceAnnounced) -> None:
        """Recognise it by what it said of itself."""
        for onvif, device_class in self._announcements.classes(fact):
            self.recognise(device, device_class, f"ONVIF {onvif}")
        vendor = self._announcements.vendor(device, fact)
        if vendor is not None:
            self.speaks(device, vendor, f"{fact.protocol} announcement of {vendor.name}")

    def _about(
        self,
        fact: DeviceAnnounced,
        mac: Mac | None,
        address: Address | None,
        source: Address | None,
        source_mac: Mac | None,
        ts_ns: int,
    ) -> Device | None:
        """The device that a message with this MAC and this address is about."""
        if fact.protocol in _BINDING and mac is not None and self._identifies(mac):
            return self._bound(fact, mac, address, ts_ns)
        if address is None:
            return None
        if mac is None and fact.protocol in LEASED:
            return self._by_address.get(address)
        if fact.protocol in ("arp", "nd") and fact.message != "probe":
            return self.of(address, mac, ts_ns, fact.protocol)
        if address == source and source_mac is not None and self._identifies(source_mac):
            return self.of(address, source_mac, ts_ns)
        device = self._by_address.get(address)
        if device is None or device.mac is None:
            # A MAC in the message need not be its sender's: it is taken where nobody is known by it.
            mac = None if mac in self._by_mac else mac
            device = self.of(address, mac, ts_ns, ADDRESSED)
            if device.mac is None and mac is not None and self._identifies(mac):
                self._set_mac(device, mac)
        return device

    def _bound(self, fact: DeviceAnnounced, mac: Mac, address: Address | None, ts_ns: int) -> Device | None:
        """The device of this MAC, which a protocol that binds it to an address names."""
        if address is not None and fact.message != "probe" and fact.protocol not in LEASED:
            owner = self.of(address, mac, ts_ns, fact.protocol)
            return self._by_mac.get(mac) or (owner if owner.mac is None else None)
        device = self._by_mac.get(mac)
        if device is None and fact.message == "probe" and address is not None and address not in self._by_address:
            device = self.of(address, mac, ts_ns, fact.protocol)
        return device or self._create(mac_text(mac), mac, ts_ns)
