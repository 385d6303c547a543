"""Devices: which host is which, who made it, and whether it is one we watch.

Strategy: a device is its inventory name, else its MAC while that fronts one address, else its address. The
first key stays; addresses that turn up later are aliases. A MAC that carries traffic from elsewhere, or that
speaks for two IPv4 addresses at once, belongs to a router and identifies nobody.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from monitor.model.address import is_v4, mac_from_text, mac_text, pack, text, unpack
from monitor.model.contacts import Device, DeviceClass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor.enrich.catalogue import Catalogue
    from monitor.enrich.catalogue.rows import Vendor
    from monitor.model.address import Address, IPNetwork, Mac
    from monitor.model.facts import DeviceAnnounced

MAX_DEVICES: Final = 16384
MAX_ADDRESSES: Final = 16
"""Addresses of one device; IPv6 privacy addresses rotate daily (RFC 8981)."""
MAX_ROUTERS: Final = 4096
CARRIES: Final = 3
"""Addresses of other hosts that one MAC must have sent to be a router's."""
AT_ONCE_NS: Final = 60_000_000_000
"""Two IPv4 addresses of one MAC within this time are two hosts behind a router, not a changed lease."""

_GROUP_BIT: Final = 0x01
_BINDING: Final = frozenset({"dhcp", "dhcpv6", "arp", "nd"})
"""Protocols that bind an address to a MAC."""
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


class Devices:
    """All local hosts seen, bounded; those not watched go first, the longest silent first. Configured ones stay."""

    def __init__(
        self,
        catalogue: Catalogue,
        inventory: Sequence[InventoryEntry] = (),
        cameras: Sequence[IPNetwork] = (),
        max_devices: int = MAX_DEVICES,
    ) -> None:
        """``cameras``: every host in these networks is a camera."""
        self._catalogue = catalogue
        self._cameras = list(cameras)
        self._max = max_devices
        self._all: dict[str, Device] = {}
        self._strangers: OrderedDict[str, Device] = OrderedDict()
        self._watched: OrderedDict[str, Device] = OrderedDict()
        self._by_address: dict[Address, Device] = {}
        self._by_mac: dict[Mac, Device] = {}
        self._v4_seen: dict[str, int] = {}
        self._routers: OrderedDict[Mac, None] = OrderedDict()
        self._carried: OrderedDict[Mac, set[Address]] = OrderedDict()
        self._names = {entry.name for entry in inventory}
        self._recognised: list[Device] = []
        self.evicted = 0
        """Devices forgotten for want of room."""
        for entry in inventory:
            self._configure(entry)

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Device]:
        return iter(self._all.values())

    def has_news(self) -> bool:
        """Whether ``newly_recognised`` has any."""
        return bool(self._recognised)

    def newly_recognised(self) -> list[Device]:
        """Take the devices that became watched since the last call."""
        taken, self._recognised = self._recognised, []
        return taken

    def of(self, address: Address, mac: Mac | None, ts_ns: int, *, bound: bool = False) -> Device:
        """The device that has this local address; ``mac`` as its frames carry it, if the link has one.

        ``bound``: ARP, neighbour discovery or DHCP said that the address is this MAC's, not just some packet.
        """
        device = self._by_address.get(address)
        if device is None:
            device = self._by_identity(address, mac if self._identifies(mac) else None, ts_ns, bound=bound)
            self._add_address(device, address)
        elif device.mac is None and mac is not None and self._identifies(mac) and mac not in self._by_mac:
            self._set_mac(device, mac)
        if is_v4(address) and ts_ns > self._v4_seen.get(device.key, 0):
            self._v4_seen[device.key] = ts_ns
        self._heard(device, ts_ns)
        return device

    def known(self, address: Address) -> Device | None:
        """The device with this address, if one was seen."""
        return self._by_address.get(address)

    def with_mac(self, mac: Mac) -> Device | None:
        """The device with this MAC, if it fronts one."""
        return self._by_mac.get(mac)

    def is_host(self, mac: Mac) -> bool:
        """Whether this MAC is known as that of one host, or its prefix is a camera maker's."""
        return self._identifies(mac) and (mac in self._by_mac or self._catalogue.is_camera_mac(mac))

    def routes(self, mac: Mac) -> bool:
        """Whether this MAC is known as a router's."""
        return mac in self._routers

    def carries_others(self, mac: Mac | None, address: Address) -> None:
        """A packet of another host's ``address`` came with this source MAC. Several of them make it a router's.

        One forged packet must not hide a camera, and a camera's own MAC prefix is no router's.
        """
        if mac is None or mac in self._routers or self._catalogue.is_camera_mac(mac):
            return
        carried = self._carried.setdefault(mac, set())
        carried.add(address)
        if len(carried) >= CARRIES:
            del self._carried[mac]
            self._routers[mac] = None
        for held in (self._carried, self._routers):
            if len(held) > MAX_ROUTERS:
                held.popitem(last=False)

    def learn(self, fact: DeviceAnnounced, source: Address | None, source_mac: Mac | None, ts_ns: int) -> Device | None:
        """A host said something about itself. The device it is about, if that can be told."""
        mac = mac_from_text(fact.mac) if fact.mac else source_mac
        address = pack(fact.address) if fact.address else source
        device: Device | None = None
        if mac is not None and fact.protocol in _BINDING:
            device = self._by_mac.get(mac)
            if device is None and address is not None and unpack(address).is_unspecified:
                address = None
            if device is None and self._identifies(mac) and (address is None or self._has_other_mac(address, mac)):
                device = self._create(mac_text(mac), mac, ts_ns)
        if device is None and address is not None:
            device = self.of(address, mac, ts_ns, bound=fact.protocol in _BINDING)
        if device is None:
            return None
        self._heard(device, ts_ns)
        if fact.protocol in ("dhcp", "dhcpv6") and fact.address:
            self._lease(device, pack(fact.address), given=fact.message == "ack")
        if (fact.protocol, fact.message) in _BOOT_MARKS:
            device.booted_ns = ts_ns
        self._describe(device, fact)
        return device

    def speaks(self, device: Device, vendor: Vendor, by: str) -> None:
        """The device showed a mark that only this vendor's devices have: that outranks the MAC."""
        if device.vendor_by != "protocol":
            device.vendor, device.vendor_name, device.vendor_by = vendor.key, vendor.name, "protocol"
        self.recognise(device, DeviceClass.CAMERA, by)

    def recognise(self, device: Device, device_class: DeviceClass, by: str) -> None:
        """The device is one we watch. What is configured or already recognised stays."""
        if device.configured or device.watched:
            return
        device.device_class = device_class
        device.recognised_by = by
        self._recognised.append(device)
        if self._strangers.pop(device.key, None) is not None:
            self._watched[device.key] = device

    def _heard(self, device: Device, ts_ns: int) -> None:
        """The device sent or was sent something; a configured one is there from its first packet on, not before."""
        device.first_ns = device.first_ns or ts_ns
        device.last_ns = max(device.last_ns, ts_ns)
        for held in (self._strangers, self._watched):
            if device.key in held:
                held.move_to_end(device.key)

    def _has_other_mac(self, address: Address, mac: Mac) -> bool:
        owner = self._by_address.get(address)
        return owner is not None and owner.mac not in (None, mac)

    def _lease(self, device: Device, address: Address, *, given: bool) -> None:
        """The device asked for this address, or was ``given`` it: whoever had it before has it no more."""
        owner = self._by_address.get(address)
        if owner is not None and given and owner is not device and owner.mac is not None:
            owner.addresses.remove(address)
            owner = None
        if owner is None:
            self._add_address(device, address)

    def _configure(self, entry: InventoryEntry) -> None:
        device = Device(entry.name, entry.name, 0, entry.device_class, configured=True, group=entry.group)
        device.label = entry.label
        device.recognised_by = "configuration"
        self._all[device.key] = device
        if entry.mac is not None:
            self._set_mac(device, entry.mac)
        for address in entry.addresses:
            self._add_address(device, address)

    def _identifies(self, mac: Mac | None) -> bool:
        return mac is not None and mac != bytes(6) and not mac[0] & _GROUP_BIT and mac not in self._routers

    def _by_identity(self, address: Address, mac: Mac | None, ts_ns: int, *, bound: bool) -> Device:
        if mac is None:
            return self._create(text(address), None, ts_ns)
        device = self._by_mac.get(mac)
        if device is None:
            return self._create(mac_text(mac), mac, ts_ns)
        if is_v4(address) and not unpack(address).is_link_local and not device.configured:
            others = [known for known in device.addresses if is_v4(known) and not unpack(known).is_link_local]
            if others and (not bound or ts_ns - self._v4_seen.get(device.key, 0) < AT_ONCE_NS):
                self.carries_others(mac, address)
                return self._create(text(address), None, ts_ns)
        return device

    def _create(self, key: str, mac: Mac | None, ts_ns: int) -> Device:
        device = self._all[key] = self._strangers[key] = Device(key, key, ts_ns, last_ns=ts_ns)
        if mac is not None:
            self._set_mac(device, mac)
        if len(self._all) > self._max:
            self._evict(keep=device)
        return device

    def _set_mac(self, device: Device, mac: Mac) -> None:
        device.mac = mac
        self._by_mac[mac] = device
        vendor = self._catalogue.vendor_of_mac(mac)
        if vendor is None:
            return
        if device.vendor is None:
            device.vendor, device.vendor_name, device.vendor_by = vendor.key, vendor.name, "oui"
        if self._catalogue.is_camera_mac(mac):
            self.recognise(device, DeviceClass.CAMERA, f"MAC prefix of {vendor.name}")

    def _add_address(self, device: Device, address: Address) -> None:
        self._by_address[address] = device
        device.addresses.append(address)
        if len(device.addresses) > MAX_ADDRESSES:
            gone = device.addresses.pop(0)
            if self._by_address.get(gone) is device:
                del self._by_address[gone]
        ip = unpack(address)
        if any(ip in network for network in self._cameras if network.version == ip.version):
            self.recognise(device, DeviceClass.CAMERA, "named as a camera network")

    def _describe(self, device: Device, fact: DeviceAnnounced) -> None:
        device.model = fact.model or device.model
        device.firmware = fact.firmware or device.firmware
        if fact.name and not device.configured and fact.name not in self._names:
            device.name = fact.name
        vendor = None
        if fact.vendor_class or fact.name:
            vendor = self._catalogue.vendor_of_dhcp(fact.vendor_class, fact.name)
        for service in fact.services:
            vendor = vendor or self._catalogue.vendor_of_service(service)
        if vendor is not None:
            self.speaks(device, vendor, f"{fact.protocol} announcement of {vendor.name}")

    def _evict(self, keep: Device) -> None:
        """Forget the stranger that was silent for longest; where there is none, the watched one."""
        oldest_first = (each for held in (self._strangers, self._watched) for each in held.values())
        victim = next((each for each in oldest_first if each is not keep), None)
        if victim is None:
            return
        del self._all[victim.key]
        self._strangers.pop(victim.key, None)
        self._watched.pop(victim.key, None)
        self._v4_seen.pop(victim.key, None)
        if victim.mac is not None:
            self._by_mac.pop(victim.mac, None)
        for address in victim.addresses:
            self._by_address.pop(address, None)
        self.evicted += 1
