"""Devices: which host is which, who made it, and whether it is one we watch.

Strategy: a device is its inventory name, else its MAC while that fronts one address, else its address. The
first key stays; addresses that turn up later are aliases. A MAC that carries traffic from elsewhere, or that
speaks for two IPv4 addresses at once, belongs to a router and identifies nobody.

An address stays with its device until a server leases it to another, or until another MAC has it for a minute in which
the device is silent. A claim beside that changes no record: what a watched MAC sends is its own device's, anything else
the address's, and both claimants are told.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import cython
from msgspec import Struct

from monitor.enrich.announcements import Announcements
from monitor.enrich.claims import CONCLUDE_NS, SETTLE_NS, Claims, claimant
from monitor.model.address import eui64, is_v4, mac_from_text, mac_text, pack, text, unpack
from monitor.model.contacts import DeviceClass
from monitor.model.facts import PROXIED
from monitor.model.identity import IdentityKind
from monitor.model.limits import Limit, Room

if not cython.compiled:
    from monitor.model.contacts import Device

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from monitor.enrich.catalogue import Catalogue
    from monitor.enrich.catalogue.rows import Vendor
    from monitor.enrich.claims import Claim
    from monitor.model.address import Address, IPNetwork, Mac
    from monitor.model.facts import DeviceAnnounced, ServiceBanner
    from monitor.model.identity import Claimant, IdentityChange

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
"""Two IPv4 addresses of one MAC within this time are two hosts behind a router, not a changed lease; two MACs of one
address within it are both there: nobody exchanges a camera so fast, and each boots for longer."""
HEARD_NS: Final = 1_000_000_000
"""A device heard again this soon keeps its place in the order of silence."""

_GROUP_BIT: Final = 0x01
_UNSET: Final = bytes(6)
_BINDING: Final = frozenset({"dhcp", "dhcpv6", "arp", "nd"})
"""Protocols that bind an address to a MAC."""
_LEASED: Final = frozenset({"dhcp", "dhcpv6"})
"""Those by which a server gives an address to a MAC, which need not be there yet."""
_BY_SERVERS: Final = frozenset({"offer", "ack", "nak", "advertise", "reply"})
"""Messages about somebody else than their sender; of those, "ack" and "reply" alone have an address."""
ADDRESSED: Final = "addressed"
"""In place of a protocol: a packet to the address was sent to the MAC, which says what its sender believes."""
_TRAFFIC: Final = "traffic"
_BOOT_MARKS: Final = frozenset({("dhcp", "discover"), ("arp", "probe")})
"""DHCP discover (RFC 2131) and address probes (RFC 5227, 2.1.1) come from hosts that have just come up."""
CLAIMED: Final = IdentityKind.ADDRESS_CLAIMED
CLONED: Final = IdentityKind.MAC_CLONED
MISMATCH: Final = IdentityKind.INVENTORY_MISMATCH
MOVED: Final = IdentityKind.ADDRESS_MOVED
REPLACED: Final = IdentityKind.REPLACED
"""Members looked up once: each look-up of one costs as much as a call."""


class InventoryEntry(Struct, frozen=True):
    """One configured device."""

    name: str
    device_class: DeviceClass
    addresses: tuple[Address, ...] = ()
    mac: Mac | None = None
    group: str | None = None
    label: str | None = None


class Sighting:
    """Which MAC was last seen to have an address."""

    def __init__(self, mac: Mac, earlier: Mac | None = None) -> None:
        self.mac = mac
        self.earlier = earlier
        """Whose the address was before."""
        self.last_ns = 0
        """When; 0: not since the address became this MAC's."""
        self.by = _TRAFFIC
        self.claim: Claim | None = None
        """The last that another made on it."""


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
        self._sightings: dict[Address, Sighting] = {}
        self._pinned = {address for entry in inventory for address in entry.addresses}
        self._pinned_macs = {entry.mac for entry in inventory if entry.mac is not None}
        self._claims = Claims(self.routes)
        self._announcements = Announcements(catalogue, frozenset(entry.name for entry in inventory))
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
            *self._claims.limits(),
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

    def changes(self, now_ns: int) -> list[IdentityChange]:
        """Take what is to be told by this time of who a device is; once a tick, and with the end of time at the end."""
        return self._claims.changes(now_ns)

    def of(self, address: Address, mac: Mac | None, ts_ns: int, bound_by: str | None = None) -> Device:
        """The device that has this local address; ``mac`` as its frames carry it, if the link has one.

        ``bound_by``: ARP, neighbour discovery or DHCP, where one of them said that the address is this MAC's;
        "addressed" where a packet to the address went to this MAC.
        """
        device = self._by_address.get(address)
        if device is None:
            device = self._by_identity(address, mac if self._identifies(mac) else None, ts_ns, bound_by)
            self._add_address(device, address)
            if mac is not None and bound_by != ADDRESSED and (mac == device.mac or bound_by in ("arp", "nd")):
                self._sight(device, address, mac, ts_ns, bound_by)
        elif mac is not None and bound_by != ADDRESSED:
            if mac == device.mac:
                self._sight(device, address, mac, ts_ns, bound_by)
            elif mac != _UNSET and not mac[0] & _GROUP_BIT:
                device = self._contest(device, address, mac, ts_ns, bound_by)
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

        One forged packet must not hide a camera, and a camera's own MAC prefix is no router's, nor a configured MAC.
        """
        if mac is None or mac in self._routers or mac in self._pinned_macs or self._catalogue.is_camera_mac(mac):
            return
        carried = self._carried.setdefault(mac, set())
        carried.add(address)
        if len(carried) >= CARRIES:
            del self._carried[mac]
            self._routers[mac] = None
            self._routes_now(mac, carried)
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
        served = fact.protocol in _LEASED and fact.message in _BY_SERVERS
        mac = mac_from_text(fact.mac) if fact.mac else None if served else source_mac
        address = pack(fact.address) if fact.address else None if served else source
        if address is not None and unpack(address).is_unspecified:
            address = None
        device = self._about(fact, mac, address, source, source_mac, ts_ns)
        if device is None:
            return None
        self._heard(device, ts_ns)
        own = (
            source_mac in (None, device.mac)
            or device.mac is None
            or source_mac in self._routers
            or device.v4_address is None  # nobody was seen to send from its MAC yet
        )
        if fact.protocol in _LEASED:
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
        if mac is None and fact.protocol in _LEASED:
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
        if address is not None and fact.message != "probe" and fact.protocol not in _LEASED:
            owner = self.of(address, mac, ts_ns, fact.protocol)
            return self._by_mac.get(mac) or (owner if owner.mac is None else None)
        device = self._by_mac.get(mac)
        if device is None and fact.message == "probe" and address is not None and address not in self._by_address:
            device = self.of(address, mac, ts_ns, fact.protocol)
        return device or self._create(mac_text(mac), mac, ts_ns)

    def _lease(self, device: Device, address: Address, ts_ns: int, by: str, *, given: bool) -> None:
        """The device asked for this address, or was ``given`` it: a holder that is there must not lose it so."""
        owner = self._by_address.get(address)
        if owner is None:
            self._add_address(device, address)
            if device.mac is not None:
                self._sightings[address] = Sighting(device.mac)
        elif owner is not device and given and device.mac is not None:
            sighting = self._sightings.get(address)
            there = sighting is not None and ts_ns - sighting.last_ns < AT_ONCE_NS
            if address in self._pinned or there or owner.mac is None:
                self._contest(owner, address, device.mac, ts_ns, by)
                return
            last_ns, last_by = (sighting.last_ns, sighting.by) if sighting is not None else (0, _TRAFFIC)
            held = claimant(owner.mac, address, last_ns or owner.last_ns, last_by)
            taken = claimant(device.mac, address, ts_ns, by)
            self._move(address, owner, device, owner.mac)
            claim = self._claims.note(MOVED, device, held, taken, others=False)
            self._claims.settle(claim, MOVED, device)

    def _release_all(self, device: Device) -> None:
        """It gives its leases back (RFC 2131, 4.4.6): whoever gets one of these addresses takes it from nobody."""
        for address in device.addresses:
            sighting = self._sightings.get(address)
            if sighting is not None and is_v4(address):
                sighting.last_ns = 0

    def _sight(self, device: Device, address: Address, mac: Mac, ts_ns: int, bound_by: str | None) -> None:
        """The device's MAC, or that of a router in front of it, has the address now."""
        sighting = self._sightings.get(address)
        if sighting is None:
            sighting = self._sightings[address] = Sighting(mac)
        elif sighting.mac != mac:
            sighting.mac, sighting.last_ns, sighting.claim = mac, 0, None
        if sighting.claim is not None:
            self._defended(sighting, ts_ns)
        sighting.last_ns = ts_ns  # also where the clock was set back, or it would be there for ever
        sighting.by = bound_by or _TRAFFIC
        if device.v4_address != address and device.mac == mac and is_v4(address):
            self._beside(device, address, mac, ts_ns, sighting.by)

    def _defended(self, sighting: Sighting, ts_ns: int) -> None:
        """Whoever has the address was heard after another claimed it, or after it used another address."""
        claim, sighting.claim = sighting.claim, None
        if claim is not None and (claim.kind is not CLONED or ts_ns - claim.last_ns < AT_ONCE_NS):
            self._claims.prove(claim, ts_ns)

    def _beside(self, device: Device, address: Address, mac: Mac, ts_ns: int, by: str) -> None:
        """The device's MAC is seen with an IPv4 address beside the one that it had last."""
        if unpack(address).is_link_local:
            return
        before, device.v4_address = device.v4_address, address
        taken = claimant(mac, address, ts_ns, by)
        if mac in self._pinned_macs and address not in self._pinned:
            for pinned in device.addresses:
                if pinned in self._pinned and is_v4(pinned):
                    held = self._holder(mac, pinned)
                    claim = self._claims.note(MISMATCH, device, held, taken, others=False)
                    self._claims.expect(claim, ts_ns + SETTLE_NS)
                    break
        if before is None:
            return
        held = self._holder(mac, before)
        if not held.last_ns or held.mac != mac:
            return
        if ts_ns - held.last_ns >= AT_ONCE_NS:
            self._claims.settle(self._claims.note(MOVED, device, held, taken, others=False), MOVED, device)
            return
        claim = self._claims.note(CLONED, device, held, taken, others=False)
        self._sightings[before].claim = claim

    def _holder(self, mac: Mac, address: Address) -> Claimant:
        """Who has the address, as last seen; ``mac`` if nobody was."""
        sighting = self._sightings.get(address)
        if sighting is None:
            return claimant(mac, address, 0, _TRAFFIC)
        return claimant(sighting.mac, address, sighting.last_ns, sighting.by)

    def _contest(self, owner: Device, address: Address, mac: Mac, ts_ns: int, bound_by: str | None) -> Device:
        """Another MAC than the owner's has the owner's address: whose doing its packet is."""
        by = bound_by or _TRAFFIC
        sighting = self._sightings.get(address)
        holder = owner.mac if owner.mac is not None or sighting is None else sighting.mac
        if holder is None or holder == mac:
            return self._adopt(owner, address, mac, ts_ns, bound_by)
        router = mac in self._routers
        if bound_by is None and not router:
            self.carries_others(mac, address)
            router = mac in self._routers
        if bound_by is None and router:
            return owner
        rival = self._by_mac.get(mac)
        if sighting is None:
            sighting = self._sightings[address] = Sighting(holder)
        there = sighting.by not in _LEASED and ts_ns - sighting.last_ns < AT_ONCE_NS
        last_ns = sighting.last_ns or (0 if holder in self._pinned_macs else owner.last_ns)
        held, taken = claimant(holder, address, last_ns, sighting.by), claimant(mac, address, ts_ns, by)
        others = holder in self._routers or (rival is not None and rival.watched)
        if rival is not None and sighting.earlier == mac and by not in _LEASED and (rival.watched or not there):
            claim = self._claims.note(CLAIMED, rival, held, taken, others=owner.watched)
            self._claims.settle(claim, CLAIMED, rival)
            self._move(address, owner, rival, None)
            self._sight(rival, address, mac, ts_ns, by)
            return rival
        unseen = not sighting.last_ns and holder in self._pinned_macs
        claim = self._claims.note(MISMATCH if unseen else CLAIMED, owner, held, taken, others=others)
        if there:
            self._claims.prove(claim, ts_ns)
        elif unseen:
            self._claims.expect(claim, ts_ns + SETTLE_NS)
        elif not router and by not in _LEASED and ts_ns - claim.first_ns >= AT_ONCE_NS:
            return self._succeed(owner, address, mac, claim, rival)
        else:
            self._claims.expect(claim, ts_ns + CONCLUDE_NS)
            sighting.claim = claim
        if rival is not None and rival.watched and not router and (there or not owner.configured):
            return rival
        return owner

    def _adopt(self, owner: Device, address: Address, mac: Mac, ts_ns: int, bound_by: str | None) -> Device:
        """A device whose MAC was not known is seen with one."""
        rival = self._by_mac.get(mac)
        if mac in self._routers:
            if bound_by in ("arp", "nd"):
                self._sight(owner, address, mac, ts_ns, bound_by)
            return owner
        if rival is None:
            self._set_mac(owner, mac)
            self._sight(owner, address, mac, ts_ns, bound_by)
            return owner
        if address in self._pinned:
            if not rival.configured and not self._others(rival, address):
                self._absorb(owner, rival, mac)
                self._sight(owner, address, mac, ts_ns, bound_by)
            return owner
        if self._may_have(rival, address, mac, ts_ns, bound_by):
            self._move(address, owner, rival, None)
            self._sight(rival, address, mac, ts_ns, bound_by)
            return rival
        self._sight(rival, address, mac, ts_ns, bound_by)
        if bound_by is None:
            self.carries_others(mac, address)
        return owner

    def _succeed(self, owner: Device, address: Address, mac: Mac, claim: Claim, rival: Device | None) -> Device:
        """Another MAC has the address for good, and its holder is silent."""
        self._claims.settle(claim, MISMATCH if owner.mac in self._pinned_macs else REPLACED, owner)
        if address in self._pinned:
            if owner.mac in self._pinned_macs or (rival is not None and rival.configured):
                return owner
            former = owner.mac
            if former is not None:
                self._by_mac.pop(former, None)
            owner.mac = owner.vendor = owner.vendor_name = owner.vendor_by = owner.model = owner.firmware = None
            owner.model_rank = owner.firmware_rank = 0
            owner.said = ()
            if rival is None:
                self._set_mac(owner, mac)
            else:
                self._absorb(owner, rival, mac)
            self._sightings[address] = Sighting(mac, former)
            return owner
        heir = rival if rival is not None else self._create(mac_text(mac), mac, claim.last_ns)
        if owner.watched:
            self.recognise(heir, owner.device_class, f"took the address of {owner.name}")
            if not heir.watched:
                return owner
        if self._by_address.get(address) is owner:
            self._move(address, owner, heir, owner.mac)
        else:  # it made room for its heir
            self._add_address(heir, address)
        return heir

    def _move(self, address: Address, owner: Device, heir: Device, earlier: Mac | None) -> None:
        """The address is another device's from now on; the contacts that it had stay where they are."""
        self._take_from(owner, address)
        self._add_address(heir, address)
        if heir.mac is not None:
            self._sightings[address] = Sighting(heir.mac, earlier)

    def _take_from(self, owner: Device, address: Address) -> None:
        """The address is nobody's."""
        owner.addresses.remove(address)
        if owner.v4_address == address:
            owner.v4_address = None
        del self._by_address[address]
        self._sightings.pop(address, None)

    def _absorb(self, owner: Device, rival: Device, mac: Mac) -> None:
        """The MAC and the addresses that were a device of their own are the configured device's."""
        self._by_mac.pop(mac, None)
        rival.mac = None
        for address in list(rival.addresses):
            if address not in self._pinned:
                sighting = self._sightings.get(address)
                self._take_from(rival, address)
                self._add_address(owner, address)
                if sighting is not None:
                    self._sightings[address] = sighting
        self._set_mac(owner, mac)
        owner.model, owner.firmware = owner.model or rival.model, owner.firmware or rival.firmware
        owner.booted_ns = owner.booted_ns or rival.booted_ns
        if rival.vendor_by == "protocol" and owner.vendor_by != "protocol":
            owner.vendor, owner.vendor_name, owner.vendor_by = rival.vendor, rival.vendor_name, rival.vendor_by
        if not rival.held:
            self._forget(rival)

    def _routes_now(self, mac: Mac, carried: set[Address]) -> None:
        """The MAC turned out to be a router's: it is no device's, and what it carried belongs to others."""
        device = self._by_mac.pop(mac, None)
        if device is None:
            return
        device.mac = None
        if device.vendor_by == "oui":
            device.vendor = device.vendor_name = device.vendor_by = None
        for address in device.addresses:
            sighting = self._sightings.get(address)
            if sighting is not None and sighting.by == _TRAFFIC:
                del self._sightings[address]
        for address in device.addresses[1:]:
            if address in carried and address not in self._pinned:
                self._take_from(device, address)

    def _others(self, device: Device, address: Address) -> bool:
        """Whether the device has another IPv4 address that is not link-local."""
        return any(known != address and is_v4(known) and not unpack(known).is_link_local for known in device.addresses)

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
        if entry.mac is not None:
            self._set_mac(device, entry.mac)
        for address in entry.addresses:
            self._add_address(device, address)

    def _identifies(self, mac: Mac | None) -> bool:
        return mac is not None and mac != _UNSET and not mac[0] & _GROUP_BIT and mac not in self._routers

    def _by_identity(self, address: Address, mac: Mac | None, ts_ns: int, bound_by: str | None) -> Device:
        if mac is None:
            return self._create(text(address), None, ts_ns)
        device = self._by_mac.get(mac)
        if device is None:
            if eui64(address) in (None, mac):
                return self._create(mac_text(mac), mac, ts_ns)
        elif self._may_have(device, address, mac, ts_ns, bound_by):
            return device
        self.carries_others(mac, address)
        apart = self._create(text(address), None, ts_ns)
        vendor = self._catalogue.vendor_of_mac(mac)
        if vendor is not None and self._catalogue.is_camera_mac(mac):
            self.recognise(apart, DeviceClass.CAMERA, f"MAC prefix of {vendor.name}")
        if bound_by != ADDRESSED:
            self._sight(apart, address, mac, ts_ns, bound_by)
            if device is not None and is_v4(address):
                self._beside(device, address, mac, ts_ns, bound_by or _TRAFFIC)
        return apart

    def _may_have(self, device: Device, address: Address, mac: Mac, ts_ns: int, bound_by: str | None) -> bool:
        """Whether an address that turns up with this device's MAC can be its own, or is that of a host behind it."""
        if not is_v4(address):
            return eui64(address) in (None, mac)
        if mac in self._pinned_macs or unpack(address).is_link_local or not self._others(device, address):
            return True
        silent = ts_ns - device.v4_seen_ns >= AT_ONCE_NS
        return silent and ((bound_by is not None and bound_by != ADDRESSED) or self._catalogue.is_camera_mac(mac))

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
            self._take_from(device, self._least_used(device))
        ip = unpack(address)
        if any(ip in network for network in self._cameras if network.version == ip.version):
            self._name(device)

    def _least_used(self, device: Device) -> Address:
        """The address that was seen longest ago, of IPv6 if there is one; neither a configured one nor the newest."""
        known = [each for each in device.addresses[:-1] if each not in self._pinned]
        rotating = [each for each in known if not is_v4(each)]
        return min(rotating or known or device.addresses[-1:], key=self._last_used)

    def _last_used(self, address: Address) -> int:
        sighting = self._sightings.get(address)
        return sighting.last_ns if sighting is not None else 0

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
