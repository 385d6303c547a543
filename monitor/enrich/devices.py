"""Devices: which host is which, who made it, and whether it is one we watch.

Strategy: a device is its inventory name, else its MAC while that fronts one address, else its address. The
first key stays; addresses that turn up later are aliases. A MAC that carries traffic from elsewhere, or that
speaks for two IPv4 addresses at once, belongs to a router and identifies nobody.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import cython
from msgspec import Struct

from monitor.model.address import is_v4, mac_from_text, mac_text, pack, text, unpack
from monitor.model.contacts import DeviceClass
from monitor.model.facts import PROXIED
from monitor.model.limits import Limit, Room

if not cython.compiled:
    from monitor.model.contacts import Device

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from monitor.enrich.catalogue import Catalogue
    from monitor.enrich.catalogue.rows import Vendor
    from monitor.model.address import Address, IPNetwork, Mac
    from monitor.model.facts import DeviceAnnounced, ServiceBanner

MAX_DEVICES: Final = 4096
"""A /20 full of hosts, or four times the largest inventory; some 1 KiB each."""
SHARE: Final = 2
"""One in so many may be a device that was recognised by what it sent, and that nobody named: whoever can send can
make up cameras, each a device to judge and to tell of. The rest stays for hosts that nobody watches."""
GIVES_WAY_NS: Final = 3_600_000_000_000
"""A recognised device silent for so long gives its place to a new one: makers' MACs made up at line rate open no more
incidents an hour than there are places."""
MAX_ADDRESSES: Final = 16
"""Addresses of one device; IPv6 privacy addresses rotate daily (RFC 8981)."""
MAX_ROUTERS: Final = 4096
CARRIES: Final = 3
"""Addresses of other hosts that one MAC must have sent to be a router's."""
AT_ONCE_NS: Final = 60_000_000_000
"""Two IPv4 addresses of one MAC within this time are two hosts behind a router, not a changed lease."""

HEARD_NS: Final = 1_000_000_000
"""A device heard again this soon keeps its place in the order of silence."""

_GROUP_BIT: Final = 0x01
_BINDING: Final = frozenset({"dhcp", "dhcpv6", "arp", "nd"})
"""Protocols that bind an address to a MAC."""
_BOOT_MARKS: Final = frozenset({("dhcp", "discover"), ("arp", "probe")})
"""DHCP discover (RFC 2131) and address probes (RFC 5227, 2.1.1) come from hosts that have just come up."""
_NAME_RANKS: Final = {"dhcp": 4, "dhcpv6": 4, "mdns": 3, "wsdiscovery": 1, "ssdp": 0}
"""What a name is worth: whoever runs the site chooses host names, while scopes of ONVIF have their factory's."""
_DISCOVERY_RANK: Final = 2
"""What a name is worth that a vendor's own discovery tells."""
_ONVIF_CLASSES: Final = {
    "NetworkVideoStorage": DeviceClass.RECORDER,
    "NetworkVideoRecorder": DeviceClass.RECORDER,
    "NetworkVideoDisplay": DeviceClass.VIEWER,
    "NetworkVideoTransmitter": DeviceClass.CAMERA,
}
"""Types of devices (ONVIF Core Specification 2.x, 7.3.2.1; "Recorder" is said in place of "Storage").

A recorder passes on the streams of its cameras as a transmitter does, so that comes last.
"""


class InventoryEntry(Struct, frozen=True):
    """One configured device."""

    name: str
    device_class: DeviceClass
    addresses: tuple[Address, ...] = ()
    mac: Mac | None = None
    group: str | None = None
    label: str | None = None


class Devices:
    """All local hosts seen, bounded; the longest silent goes first.

    Before others go those that nobody watches, then those that were only recognised, then those in networks that the
    user named. Configured ones stay.
    """

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
        self._named: OrderedDict[str, Device] = OrderedDict()
        self.when_evicted: Callable[[Device], object] | None = None
        """Told of each device that is forgotten."""
        self._by_address: dict[Address, Device] = {}
        self._by_mac: dict[Mac, Device] = {}
        self._routers: OrderedDict[Mac, None] = OrderedDict()
        self._carried: OrderedDict[Mac, set[Address]] = OrderedDict()
        self._names = {entry.name for entry in inventory}
        self._recognised: list[Device] = []
        self.evicted = 0
        """Devices forgotten for want of room."""
        self.unwatched = 0
        """Times that a device was recognised and not watched, since there was no room for one more."""
        self._routers_gone = 0
        self._carriers_gone = 0
        for entry in inventory:
            self._configure(entry)

    def __len__(self) -> int:
        return len(self._all)

    def limits(self) -> list[Limit]:
        """The room for hosts, for those among them that were recognised, and for routers."""
        return [
            Limit(Room.DEVICES, self._max, len(self._all), self.evicted),
            Limit(Room.RECOGNISED, self._max // SHARE, len(self._watched), self.unwatched),
            Limit(Room.ROUTERS, MAX_ROUTERS, len(self._routers), self._routers_gone),
            Limit(Room.CARRIERS, MAX_ROUTERS, len(self._carried), self._carriers_gone),
        ]

    def __iter__(self) -> Iterator[Device]:
        return iter(self._all.values())

    def named(self, key: str) -> Device | None:
        """The device of this key."""
        return self._all.get(key)

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

    def routers(self) -> tuple[list[Mac], list[tuple[Mac, Address]]]:
        """MACs of routers, and addresses of others that MACs have carried which may be one's."""
        return list(self._routers), [(mac, each) for mac, carried in self._carried.items() for each in carried]

    def resume_router(self, mac: Mac) -> None:
        """An earlier run knew that this MAC is a router's."""
        if len(self._routers) < MAX_ROUTERS:
            self._routers[mac] = None

    def has_news(self) -> bool:
        """Whether ``newly_recognised`` has any."""
        return bool(self._recognised)

    def newly_recognised(self) -> list[Device]:
        """Take the devices that became watched since the last call."""
        taken, self._recognised = self._recognised, []
        return taken

    def of(self, address: Address, mac: Mac | None, ts_ns: int, bound_by: str | None = None) -> Device:
        """The device that has this local address; ``mac`` as its frames carry it, if the link has one.

        ``bound_by``: ARP, neighbour discovery or DHCP, where one of them said that the address is this MAC's.
        """
        device = self._by_address.get(address)
        if device is None:
            device = self._by_identity(
                address, mac if self._identifies(mac) else None, ts_ns, bound=bound_by is not None
            )
            self._add_address(device, address)
        elif device.mac is None and mac is not None and self._identifies(mac) and mac not in self._by_mac:
            self._set_mac(device, mac)
        if ts_ns > device.v4_seen_ns and is_v4(address):
            device.v4_seen_ns = ts_ns
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
        if len(self._carried) > MAX_ROUTERS:
            self._carried.popitem(last=False)
            self._carriers_gone += 1
        if len(self._routers) > MAX_ROUTERS:
            self._routers.popitem(last=False)
            self._routers_gone += 1

    def learn(self, fact: DeviceAnnounced, source: Address | None, source_mac: Mac | None, ts_ns: int) -> Device | None:
        """A host said something about itself. The device it is about, if that can be told."""
        if fact.message == PROXIED:
            return None
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
            device = self.of(address, mac, ts_ns, fact.protocol if fact.protocol in _BINDING else None)
        if device is None:
            return None
        self._heard(device, ts_ns)
        if fact.protocol in ("dhcp", "dhcpv6") and fact.address:
            self._lease(device, pack(fact.address), given=fact.message == "ack")
        if (fact.protocol, fact.message) in _BOOT_MARKS:
            device.booted_ns = ts_ns
        self._describe(device, fact)
        if fact.protocol in _BINDING or source_mac is None or source_mac not in self._routers:
            self._classify(device, fact)
        return device

    def greeted(self, fact: ServiceBanner, address: Address, mac: Mac | None, ts_ns: int) -> None:
        """A local host took a part in a protocol that only one maker's firmware takes.

        Behind a router's MAC may be anybody's, so that makes nobody a camera.
        """
        maker = self._catalogue.vendor_of_speaker(fact.protocol, fact.role)
        if maker is None or (mac is not None and mac in self._routers):
            return
        device = self.of(address, mac, ts_ns)
        self.speaks(device, self._brand(device, maker, None), f"{fact.role} of {fact.protocol}, {maker.name}'s")

    def speaks(self, device: Device, vendor: Vendor, by: str) -> None:
        """The device showed a mark that only this vendor's devices have: that outranks the MAC."""
        if device.vendor_by != "protocol":
            device.vendor, device.vendor_name, device.vendor_by = vendor.key, vendor.name, "protocol"
        self.recognise(device, DeviceClass.CAMERA, by)

    def recognise(self, device: Device, device_class: DeviceClass, by: str) -> None:
        """The device is one we watch. What is configured or already recognised stays."""
        if device.configured or device.watched or not (device.named or self._has_place(device)):
            return
        device.classify(device_class)
        device.recognised_by = by
        self._recognised.append(device)
        if self._strangers.pop(device.key, None) is not None:
            self._watched[device.key] = device

    def _has_place(self, device: Device) -> bool:
        """Whether one more may be watched because of what it sent."""
        if len(self._watched) < self._max // SHARE:
            return True
        longest_silent: Device = next(iter(self._watched.values()))
        if device.last_ns - longest_silent.last_ns < GIVES_WAY_NS:
            self.unwatched += 1
            return False
        self._drop(longest_silent)
        return True

    def _name(self, device: Device) -> None:
        """The user named the network it is in: it goes after those that were only recognised."""
        device.named = True
        self.recognise(device, DeviceClass.CAMERA, "named as a camera network")
        if not device.configured and self._watched.pop(device.key, None) is not None:
            self._named[device.key] = device

    def _heard(self, device: Device, ts_ns: int) -> None:
        """The device sent or was sent something; a configured one is there from its first packet on, not before."""
        if not device.first_ns:
            device.first_ns = ts_ns
        device.last_ns = max(device.last_ns, ts_ns)
        if ts_ns - device.heard_ns < HEARD_NS:
            return
        device.heard_ns = ts_ns
        if device.named:
            if device.key in self._named:
                self._named.move_to_end(device.key)
        elif device.key in self._watched:
            self._watched.move_to_end(device.key)
        elif device.key in self._strangers:
            self._strangers.move_to_end(device.key)

    def _has_other_mac(self, address: Address, mac: Mac) -> bool:
        owner = self._by_address.get(address)
        return owner is not None and owner.mac is not None and owner.mac != mac

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
            if others and (not bound or ts_ns - device.v4_seen_ns < AT_ONCE_NS):
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
            self._name(device)

    def _describe(self, device: Device, fact: DeviceAnnounced) -> None:
        """The newest word of the best witness stays: of model and firmware, that is a protocol of the maker's own."""
        rank = _NAME_RANKS.get(fact.protocol, _DISCOVERY_RANK)
        own = 2 if self._catalogue.vendor_of_announcement(fact.protocol) is not None else min(rank, 1)
        if fact.model and own >= device.model_rank:
            device.model, device.model_rank = fact.model, own
        if fact.firmware and own >= device.firmware_rank:
            device.firmware, device.firmware_rank = fact.firmware, own
        if fact.name and not device.configured and rank >= device.name_rank and fact.name not in self._names:
            device.name, device.name_rank = fact.name, rank

    def _classify(self, device: Device, fact: DeviceAnnounced) -> None:
        """Recognise it by what it said of itself."""
        if fact.protocol == "wsdiscovery":
            for each, device_class in _ONVIF_CLASSES.items():
                if each in fact.services:
                    self.recognise(device, device_class, f"ONVIF {each}")
        maker = self._catalogue.vendor_of_announcement(fact.protocol)
        vendor = self._brand(device, maker, fact.vendor) if maker is not None else None
        if vendor is None and (fact.vendor_class or fact.name):
            vendor = self._catalogue.vendor_of_dhcp(fact.vendor_class, fact.name)
        for service in fact.services:
            vendor = vendor or self._catalogue.vendor_of_service(service)
        if vendor is not None:
            self.speaks(device, vendor, f"{fact.protocol} announcement of {vendor.name}")

    def _brand(self, device: Device, maker: Vendor, said: str | None) -> Vendor:
        """Who sells it: whom it ``said``, else whose MAC it has if they sell the maker's devices, else the maker."""
        named = self._catalogue.vendor_named(said) if said else None
        if named is not None and named.key != maker.key:
            return named
        if device.vendor is not None and self._catalogue.sells(device.vendor, maker):
            return self._catalogue.vendor(device.vendor) or maker
        return maker

    def _evict(self, keep: Device) -> None:
        """Forget the device that is missed least."""
        orders = (self._strangers, self._watched, self._named)
        victim = next((each for held in orders for each in held.values() if each is not keep), None)
        if victim is not None:
            self._drop(victim)

    def _drop(self, victim: Device) -> None:
        """Forget this device and all that says who it is."""
        del self._all[victim.key]
        for order in (self._strangers, self._watched, self._named):
            order.pop(victim.key, None)
        if victim.mac is not None:
            self._by_mac.pop(victim.mac, None)
        for address in victim.addresses:
            self._by_address.pop(address, None)
        self.evicted += 1
        if self.when_evicted is not None:
            self.when_evicted(victim)
