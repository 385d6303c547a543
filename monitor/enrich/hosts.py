"""Hosts: the records of all local hosts, how many there may be, and who makes room.

Strategy: whoever can send can make up hosts, and cameras too. So the longest silent goes first: of those that nobody
watches, then of those that were only recognised, then of those in networks that the user named. Configured ones stay.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import cython

from monitor.model.contacts import DeviceClass

if not cython.compiled:
    from monitor.model.contacts import Device

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from monitor.enrich.catalogue import Catalogue
    from monitor.enrich.claims import Claim
    from monitor.model.address import Address, Mac

SHARE: Final = 2
"""One in so many may be a device that was recognised by what it sent, and that nobody named: whoever can send can
make up cameras, each a device to judge and to tell of. The rest stays for hosts that nobody watches."""
GIVES_WAY_NS: Final = 3_600_000_000_000
"""A recognised device silent for so long gives its place to a new one: makers' MACs made up at line rate open no more
incidents an hour than there are places."""
HEARD_NS: Final = 1_000_000_000
"""A device heard again this soon keeps its place in the order of silence."""


class Sighting:
    """Which MAC was last seen to have an address."""

    def __init__(self, mac: Mac, earlier: Mac | None = None) -> None:
        self.mac = mac
        self.earlier = earlier
        """Whose the address was before."""
        self.last_ns = 0
        """When; 0: not since the address became this MAC's."""
        self.by = "traffic"
        self.claim: Claim | None = None
        """The last that another made on it."""


class Hosts:
    """Records by key, and by the MAC and the addresses that they have."""

    def __init__(self, catalogue: Catalogue, max_devices: int) -> None:
        self._catalogue = catalogue
        self._max = max_devices
        self._all: dict[str, Device] = {}
        self._strangers: OrderedDict[str, Device] = OrderedDict()
        self._watched: OrderedDict[str, Device] = OrderedDict()
        self._named: OrderedDict[str, Device] = OrderedDict()
        self.when_evicted: Callable[[Device], object] | None = None
        """Told of each device that is forgotten."""
        self._by_address: dict[Address, Device] = {}
        self._by_mac: dict[Mac, Device] = {}
        self._sightings: dict[Address, Sighting] = {}
        self._recognised: list[Device] = []
        self._earlier: dict[Mac, Device] = {}
        self.evicted = 0
        """Devices forgotten for want of room."""
        self.unwatched = 0
        """Times that a device was recognised and not watched, since there was no room for one more."""

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Device]:
        return iter(self._all.values())

    def named(self, key: str) -> Device | None:
        """The device of this key."""
        return self._all.get(key)

    def known(self, address: Address) -> Device | None:
        """The device with this address, if one was seen."""
        return self._by_address.get(address)

    def with_mac(self, mac: Mac) -> Device | None:
        """The device with this MAC, if it fronts one."""
        return self._by_mac.get(mac)

    def has_news(self) -> bool:
        """Whether ``newly_recognised`` has any."""
        return bool(self._recognised)

    def newly_recognised(self) -> list[Device]:
        """Take the devices that became watched since the last call."""
        taken, self._recognised = self._recognised, []
        return taken

    def remember(self, mac: Mac, earlier: Device) -> None:
        """An earlier run recognised the device with this MAC: when it is heard it is that again."""
        if len(self._earlier) < self._max:
            self._earlier[mac] = earlier

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

    def _create(self, key: str, mac: Mac | None, ts_ns: int) -> Device:
        known = self._all.get(key)
        if known is not None and not known.configured:
            if mac is not None and known.mac is None:
                self._set_mac(known, mac)
            return known
        if known is not None:
            key = f"host {key}"  # somebody named a configured device like this address
        device = self._all[key] = self._strangers[key] = Device(key, key, ts_ns, last_ns=ts_ns)
        if mac is not None:
            self._set_mac(device, mac)
        if len(self._all) > self._max:
            self._evict(keep=device)
        return device

    def _set_mac(self, device: Device, mac: Mac) -> None:
        device.mac = mac
        self._by_mac[mac] = device
        earlier = self._earlier.pop(mac, None)
        if earlier is not None:
            self._take_up(device, earlier)
        vendor = self._catalogue.vendor_of_mac(mac)
        if vendor is None:
            return
        if device.vendor is None:
            device.vendor, device.vendor_name, device.vendor_by = vendor.key, vendor.name, "oui"
        if self._catalogue.is_camera_mac(mac):
            self.recognise(device, DeviceClass.CAMERA, f"MAC prefix of {vendor.name}")

    def _take_up(self, device: Device, earlier: Device) -> None:
        """It is what an earlier run found it to be, until it says otherwise."""
        device.vendor, device.vendor_name, device.vendor_by = earlier.vendor, earlier.vendor_name, earlier.vendor_by
        device.model, device.firmware = earlier.model, earlier.firmware
        if not device.configured:
            device.name = earlier.name
        if earlier.recognised_by is not None:
            self.recognise(device, earlier.device_class, earlier.recognised_by)

    def _evict(self, keep: Device) -> None:
        """Forget the device that is missed least."""
        orders = (self._strangers, self._watched, self._named)
        victim = next((each for held in orders for each in held.values() if each is not keep), None)
        if victim is not None:
            self._drop(victim)

    def _drop(self, victim: Device) -> None:
        """Forget this device for want of room."""
        self._forget(victim)
        self.evicted += 1

    def _forget(self, victim: Device) -> None:
        """Forget this device and all that says who it is."""
        del self._all[victim.key]
        for order in (self._strangers, self._watched, self._named):
            order.pop(victim.key, None)
        if victim.mac is not None:
            self._by_mac.pop(victim.mac, None)
        for address in victim.addresses:
            self._by_address.pop(address, None)
            self._sightings.pop(address, None)
        if self.when_evicted is not None:
            self.when_evicted(victim)
