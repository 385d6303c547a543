"""Holders: who has an address, whose doing a packet from it is, and which MACs are routers'.

Strategy: an address stays with its device until a server leases it to another, or until another MAC has it for a minute
in which the device is silent. A claim beside that changes no record: what a watched MAC sends is its own device's,
anything else the address's, and both claimants are told.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import cython

from monitor.enrich.claims import CONCLUDE_NS, SETTLE_NS, Claims, claimant
from monitor.model.address import eui64, is_v4, mac_text, text, unpack
from monitor.model.contacts import DeviceClass
from monitor.model.identity import IdentityKind

if not cython.compiled:
    from monitor.enrich.hosts import Hosts, Sighting
    from monitor.model.contacts import Device

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.enrich.catalogue import Catalogue
    from monitor.enrich.claims import Claim
    from monitor.model.address import Address, IPNetwork, Mac
    from monitor.model.identity import Claimant

MAX_ADDRESSES: Final = 16
"""Addresses of one device; IPv6 privacy addresses rotate daily (RFC 8981)."""
MAX_ROUTERS: Final = 4096
CARRIES: Final = 3
"""Addresses of other hosts that one MAC must have sent to be a router's."""
AT_ONCE_NS: Final = 60_000_000_000
"""Two IPv4 addresses of one MAC within this time are two hosts behind a router, not a changed lease; two MACs of one
address within it are both there: nobody exchanges a camera so fast, and each boots for longer."""
LEASED: Final = frozenset({"dhcp", "dhcpv6"})
"""Protocols by which a server gives an address to a MAC, which need not be there yet."""
ADDRESSED: Final = "addressed"
"""In place of a protocol: a packet to the address was sent to the MAC, which says what its sender believes."""
FORWARDED: Final = "forwarded"
"""In place of a protocol: the packet's hop limit shows that the MAC's owner forwarded it (RFC 1812, 5.3.1), so that it
does not say that the address is the MAC's. ARP or neighbour discovery says so, of a clone too."""
TRAFFIC: Final = "traffic"
CLAIMED: Final = IdentityKind.ADDRESS_CLAIMED
CLONED: Final = IdentityKind.MAC_CLONED
MISMATCH: Final = IdentityKind.INVENTORY_MISMATCH
MOVED: Final = IdentityKind.ADDRESS_MOVED
REPLACED: Final = IdentityKind.REPLACED
"""Members looked up once: each look-up of one costs as much as a call."""
_GROUP_BIT: Final = 0x01
_UNSET: Final = bytes(6)


class Holders(Hosts):
    """Finds the device of an address and a MAC, and keeps both right as they change."""

    def __init__(self, catalogue: Catalogue, cameras: Sequence[IPNetwork], max_devices: int) -> None:
        """``cameras``: every host in these networks is a camera."""
        super().__init__(catalogue, max_devices)
        self._cameras = list(cameras)
        self._routers: OrderedDict[Mac, None] = OrderedDict()
        self._carried: OrderedDict[Mac, set[Address]] = OrderedDict()
        self._routers_gone = 0
        self._carriers_gone = 0
        self._pinned: set[Address] = set()
        """Addresses and MACs of the inventory: nobody else gets them."""
        self._pinned_macs: set[Mac] = set()
        self._claims = Claims(self.routes)

    def of(self, address: Address, mac: Mac | None, ts_ns: int, bound_by: str | None = None) -> Device:
        """The device that has this local address; ``mac`` as its frames carry it, if the link has one.

        ``bound_by``: ARP, neighbour discovery or DHCP, where one of them said that the address is this MAC's;
        "addressed" where a packet to the address went to this MAC, "forwarded" where this MAC passed one on.
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

    def routers(self) -> tuple[list[Mac], list[tuple[Mac, Address]]]:
        """MACs of routers, and addresses of others that MACs have carried which may be one's."""
        return list(self._routers), [(mac, each) for mac, carried in self._carried.items() for each in sorted(carried)]

    def resume_router(self, mac: Mac) -> None:
        """An earlier run knew that this MAC is a router's."""
        if len(self._routers) < MAX_ROUTERS:
            self._routers[mac] = None

    def is_host(self, mac: Mac) -> bool:
        """Whether this MAC is known as that of one host, or its prefix is a camera maker's."""
        return self._identifies(mac) and (mac in self._by_mac or self._catalogue.is_camera_mac(mac))

    def expects(self, address: Address, mac: Mac | None) -> bool:
        """Whether the user said that a host of this address, or of this MAC, is one to watch or to know."""
        ip = unpack(address)
        return mac in self._pinned_macs or any(ip in each for each in self._cameras if each.version == ip.version)

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
            if device is not None and is_v4(address) and bound_by != FORWARDED:
                self._beside(device, address, mac, ts_ns, bound_by or TRAFFIC)
        return apart

    def _may_have(self, device: Device, address: Address, mac: Mac, ts_ns: int, bound_by: str | None) -> bool:
        """Whether an address that turns up with this device's MAC can be its own, or is that of a host behind it."""
        if not is_v4(address):
            return mac in self._pinned_macs or eui64(address) in (None, mac)
        if mac in self._pinned_macs or unpack(address).is_link_local or not self._others(device, address):
            return True
        silent = ts_ns - device.v4_seen_ns >= AT_ONCE_NS
        if bound_by == FORWARDED:
            return False
        return silent and ((bound_by is not None and bound_by != ADDRESSED) or self._catalogue.is_camera_mac(mac))

    def _others(self, device: Device, address: Address) -> bool:
        """Whether the device has another IPv4 address that is not link-local."""
        return any(known != address and is_v4(known) and not unpack(known).is_link_local for known in device.addresses)

    def _sight(self, device: Device, address: Address, mac: Mac, ts_ns: int, bound_by: str | None) -> None:
        """The device's MAC, or that of a router in front of it, has the address now."""
        sighting = self._sightings.get(address)
        if sighting is None:
            sighting = self._sightings[address] = Sighting(mac)
        elif sighting.mac != mac:
            sighting.mac, sighting.last_ns, sighting.claim = mac, 0, None
        if sighting.claim is not None:
            self._defended(device, sighting, ts_ns, bound_by)
        sighting.last_ns = ts_ns  # also where the clock was set back, or it would be there for ever
        sighting.by = TRAFFIC if bound_by is None or bound_by == FORWARDED else bound_by
        if bound_by != FORWARDED and device.v4_address != address and device.mac == mac and is_v4(address):
            self._beside(device, address, mac, ts_ns, sighting.by)

    def _defended(self, device: Device, sighting: Sighting, ts_ns: int, bound_by: str | None) -> None:
        """Whoever has the address was heard after another claimed it, or after it used another address.

        One host that changes its address goes there and back too; two that live at once do so again and again.
        """
        claim, sighting.claim = sighting.claim, None
        if claim is None:
            return
        if claim.kind is not CLONED:
            self._claims.prove(claim, ts_ns)
        elif ts_ns - claim.last_ns < AT_ONCE_NS and bound_by != FORWARDED and not self._asked(device, claim.against):
            claim.returns += 1
            if claim.certain:
                self._claims.sharpen(claim)
                self._claims.prove(claim, ts_ns)
            else:
                self._claims.expect(claim, ts_ns + CONCLUDE_NS)

    def _asked(self, device: Device, used: Claimant) -> bool:
        """Whether the device asked for an address since it ``used`` another: by DHCP, or with address probes."""
        return device.booted_ns is not None and device.booted_ns >= self._holder(used.mac, used.address).last_ns

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
        if self._asked(device, held):
            return
        claim = self._claims.note(CLONED, device, held, taken, others=False)
        self._sightings[before].claim = claim

    def _holder(self, mac: Mac, address: Address) -> Claimant:
        """Who has the address, as last seen; ``mac`` if nobody was."""
        sighting = self._sightings.get(address)
        if sighting is None:
            return claimant(mac, address, 0, TRAFFIC)
        return claimant(sighting.mac, address, sighting.last_ns, sighting.by)

    def _contest(self, owner: Device, address: Address, mac: Mac, ts_ns: int, bound_by: str | None) -> Device:
        """Another MAC than the owner's has the owner's address: whose doing its packet is."""
        sighting = self._sightings.get(address)
        holder = owner.mac if owner.mac is not None or sighting is None else sighting.mac
        if holder is None or holder == mac:
            return self._adopt(owner, address, mac, ts_ns, bound_by)
        by = bound_by if bound_by is not None and bound_by != FORWARDED else TRAFFIC
        router = mac in self._routers
        if by == TRAFFIC and not router:
            self.carries_others(mac, address)
            router = mac in self._routers
        if by == TRAFFIC and router:
            return owner
        rival = self._by_mac.get(mac)
        if sighting is None:
            sighting = self._sightings[address] = Sighting(holder)
        there = sighting.by not in LEASED and ts_ns - sighting.last_ns < AT_ONCE_NS
        last_ns = sighting.last_ns or (0 if holder in self._pinned_macs else owner.last_ns)
        held, taken = claimant(holder, address, last_ns, sighting.by), claimant(mac, address, ts_ns, by)
        others = holder in self._routers or (rival is not None and rival.watched)
        if rival is not None and sighting.earlier == mac and by not in LEASED and (rival.watched or not there):
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
        elif not router and by not in LEASED and ts_ns - claim.first_ns >= AT_ONCE_NS:
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
            self._join(rival, owner)
            return rival
        self._sight(rival, address, mac, ts_ns, bound_by)
        if bound_by is None or bound_by == FORWARDED:
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
            last_ns, last_by = (sighting.last_ns, sighting.by) if sighting is not None else (0, TRAFFIC)
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
        self._inherit(owner, rival)

    def _join(self, device: Device, other: Device) -> None:
        """The other, which was known by an address alone, turned out to be this device."""
        if other.addresses or other.configured:
            return
        if other.recognised_by is not None:
            self.recognise(device, other.device_class, other.recognised_by)
        self._inherit(device, other)

    def _inherit(self, device: Device, other: Device) -> None:
        """What was known of the other is this one's, where nothing better is; the other is forgotten if it can be."""
        device.model, device.firmware = device.model or other.model, device.firmware or other.firmware
        device.booted_ns = device.booted_ns or other.booted_ns
        if other.vendor_by == "protocol" and device.vendor_by != "protocol":
            device.vendor, device.vendor_name, device.vendor_by = other.vendor, other.vendor_name, other.vendor_by
        if not other.held:
            self._forget(other)

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
            if sighting is not None and sighting.by == TRAFFIC:
                del self._sightings[address]
        for address in device.addresses[1:]:
            if address in carried and address not in self._pinned:
                self._take_from(device, address)

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
