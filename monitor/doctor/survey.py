"""Survey: what a mirror shows, told by the engine's own counters and by what it observes.

Strategy: the engine runs as it would in earnest, and the survey is its observer. At the end every flow is ended, so
each has been told of once, with what passed in either direction.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from collectors.blocks import COLUMNS, TS, WIRE
from monitor.enrich.site import Reach
from monitor.model.address import Address, is_v4, unpack
from monitor.model.contacts import DeviceClass
from monitor.model.facts import ClientHello, DeviceAnnounced, DnsAnswer, DnsQuery, FlowEnd
from monitor.wire.layout import PROTO_TCP

if TYPE_CHECKING:
    from collections.abc import Iterable

    from collectors.blocks import Block
    from collectors.live import Ledger, LinkEvent
    from monitor.engine import Engine
    from monitor.model.address import Mac
    from monitor.model.contacts import Device
    from monitor.model.facts import Observation, Where
    from monitor.model.flows import Flow

PROVES: Final = 3
"""Segments one way that prove the other way missing: at most two go unacknowledged (RFC 5681, 4.2)."""
BABY_GIANT: Final = 1600
"""Bytes of a frame of an MTU of 1500 with all that may be around it: tags, MPLS, the headers of ERSPAN or VXLAN."""
MAX_KEPT: Final = 4096
"""Hosts, and MACs, of which anything is kept."""
MAX_BEHIND: Final = 64
"""Addresses kept of one MAC."""
_GROUP_BIT: Final = 0x01
_VIEWING: Final = {DeviceClass.VIEWER: 2, DeviceClass.RECORDER: 3}
_ESTABLISHED: Final = frozenset({"answered", "transferred"})
_NEIGHBOURS: Final = frozenset({"arp", "nd"})
_LEASES: Final = frozenset({"dhcp", "dhcpv6"})


@dataclass(slots=True)
class Sides:
    """Conversations of one host, by what was seen of them."""

    both: int = 0
    only_from: int = 0
    """What is sent to the host is missing."""
    only_to: int = 0
    """What the host sends is missing."""


class Survey:
    """Filled while the engine runs; read afterwards."""

    def __init__(self, *, own_macs: Iterable[bytes] = (), largest: int = BABY_GIANT) -> None:
        """``own_macs``: those of the interfaces, whose traffic proves no mirror. ``largest``: bytes of a frame."""
        self._own = frozenset(own_macs)
        self._largest = largest
        self.largest = 0
        """Bytes of the largest frame."""
        self.merged = 0
        """Frames larger than any that this network can have carried."""
        self.first_ns = 0
        self.last_ns = 0
        self.steps_back = 0
        """Times that the packets' clock was set back."""
        self.gaps = 0
        """Times that it jumped ahead by more than an hour (collectors.limits.CLOCK_STEP_NS)."""
        self.clock_suspects = 0
        self.vlans: Counter[tuple[int, ...]] = Counter()
        """Flows and neighbours by the tags of their first packet."""
        self.announced: Counter[str] = Counter()
        """"lease" and "neighbour"."""
        self.queries = 0
        self.answers = 0
        self.hidden_names = 0
        """Hellos whose name is encrypted."""
        self.flows = 0
        self.passing = 0
        """Flows between two other hosts: only a mirror delivers these."""
        self.unclear = 0
        """One-sided conversations between two hosts that are equal to us."""
        self.two_sided = 0
        self.leaving = 0
        """Flows that devices began to the outside."""
        self.named = 0
        """Of these, those whose name is known."""
        self.senders: set[str] = set()
        """Keys of the devices that sent anything; to be sent something proves nothing."""
        self.sides: dict[str, Sides] = {}
        """By device key."""
        self.behind: dict[Mac, set[Address]] = {}
        """Local IPv4 addresses that sent with this MAC."""
        self.ttls: dict[Address, set[int]] = {}
        """Times to live of TCP payload that a local IPv4 address sent."""
        self.ledgers: tuple[Ledger, ...] = ()
        self.events: list[LinkEvent] = []
        self.engine: Engine

    @property
    def seconds(self) -> float:
        """From the first to the last packet."""
        return (self.last_ns - self.first_ns) / 1e9

    @property
    def only_from(self) -> int:
        """Conversations of which only what the local end sends was seen."""
        return sum(each.only_from for each in self.sides.values())

    @property
    def only_to(self) -> int:
        """Those of which only what is sent to the local end was seen."""
        return sum(each.only_to for each in self.sides.values())

    def block(self, block: Block) -> None:
        """Look at the sizes and times of these packets."""
        if not block.count:
            return
        stop = block.count * COLUMNS
        sizes = block.index[WIRE:stop:COLUMNS]
        largest = max(sizes)
        if largest > self._largest:
            self.merged += sum(1 for size in sizes if size > self._largest)
        self.largest = max(self.largest, largest)
        self.first_ns = self.first_ns or block.index[TS]
        self.last_ns = max(self.last_ns, block.index[stop - COLUMNS + TS])
        back = sum(1 for before, after in block.clock_steps if after < before)
        self.steps_back += back
        self.gaps += len(block.clock_steps) - back
        self.clock_suspects += block.clock_suspects

    def __call__(self, observation: Observation, flow: Flow | None) -> None:
        """Take what the engine observed."""
        fact, where = observation.fact, observation.where
        if isinstance(fact, FlowEnd):
            if flow is not None:
                self._ended(fact, where, flow)
            return
        if flow is None:
            self.vlans[where.vlan] += 1
            self._sent(where.src, where.src_mac)
        elif flow.proto == PROTO_TCP:
            self._lives(where.src)
        if isinstance(fact, DnsQuery):
            self.queries += 1
        elif isinstance(fact, DnsAnswer):
            self.answers += 1
        elif isinstance(fact, ClientHello):
            self.hidden_names += fact.ech
        elif isinstance(fact, DeviceAnnounced):
            self.announced["neighbour"] += fact.protocol in _NEIGHBOURS
            self.announced["lease"] += fact.protocol in _LEASES

    def _ended(self, fact: FlowEnd, where: Where, flow: Flow) -> None:
        """A flow is over; ``where`` is as its initiator sent."""
        self.flows += 1
        self.vlans[where.vlan] += 1
        macs = [mac for mac in (where.src_mac, where.dst_mac) if mac is not None]
        self.passing += not self._is_group(where.dst, where.dst_mac) and not self._own.intersection(macs)
        if fact.packets_out:
            self._sent(where.src, where.src_mac)
        if fact.packets_in:
            self._sent(where.dst, where.dst_mac)
        if flow.outward and flow.contact is not None and fact.packets_out:
            self.leaving += 1
            self.named += bool(flow.contact.names)
        if where.proto == PROTO_TCP:
            self._conversation(fact, where)

    def _conversation(self, fact: FlowEnd, where: Where) -> None:
        """Whether both directions of a TCP connection were seen, or one alone that proves the other."""
        both = bool(fact.packets_out and fact.packets_in)
        if not both and not _proves(fact):
            return
        self.two_sided += both
        ends = (self._device(where.src, where.src_mac), self._device(where.dst, where.dst_mac))
        if not both:
            ends = _one_of(ends)
            self.unclear += ends == (None, None)
        for device, sends in zip(ends, (fact.packets_out, fact.packets_in), strict=True):
            sides = self._sides(device)
            if sides is None:
                continue
            if both:
                sides.both += 1
            elif sends:
                sides.only_from += 1
            else:
                sides.only_to += 1

    def _sides(self, device: Device | None) -> Sides | None:
        if device is None or (device.key not in self.sides and len(self.sides) >= MAX_KEPT):
            return None
        return self.sides.setdefault(device.key, Sides())

    def _device(self, address: Address, mac: Mac | None) -> Device | None:
        """The local device at this end."""
        devices = self.engine.attribution.devices
        device = devices.known(address)
        if device is None and mac is not None and self._reach(address) is not Reach.REMOTE:
            device = devices.with_mac(mac)
        return device

    def _sent(self, address: Address, mac: Mac | None) -> None:
        """Something came from this address, with this MAC."""
        device = self._device(address, mac)
        if device is not None and (device.key in self.senders or len(self.senders) < MAX_KEPT):
            self.senders.add(device.key)
        if mac is None or not is_v4(address) or self._reach(address) is not Reach.LOCAL:
            return
        if unpack(address).is_link_local or (mac not in self.behind and len(self.behind) >= MAX_KEPT):
            return
        addresses = self.behind.setdefault(mac, set())
        if len(addresses) < MAX_BEHIND:
            addresses.add(address)

    def _lives(self, address: Address) -> None:
        """Note how many hops the present packet had left."""
        if not is_v4(address) or self._reach(address) is not Reach.LOCAL:
            return
        if address in self.ttls or len(self.ttls) < MAX_KEPT:
            self.ttls.setdefault(address, set()).add(self.engine.scanner.frame.ttl)

    def _reach(self, address: Address) -> Reach:
        return self.engine.attribution.site.reach(address)

    def _is_group(self, address: Address, mac: Mac | None) -> bool:
        return bool(mac[0] & _GROUP_BIT) if mac is not None else self._reach(address) is Reach.GROUP


def _one_of(ends: tuple[Device | None, Device | None]) -> tuple[Device | None, Device | None]:
    """The end that the other direction is missing of: the camera before its recorder, and that before other hosts."""
    first, second = map(_rank, ends)
    if first == second:
        return None, None
    return (ends[0], None) if first > second else (None, ends[1])


def _rank(device: Device | None) -> int:
    """How much a device is what all this is about."""
    if device is None:
        return 0
    if not device.watched:
        return 1
    return _VIEWING.get(device.device_class, 4)


def _proves(fact: FlowEnd) -> bool:
    """Whether what was seen in one direction shows that there was another."""
    if fact.packets_out:
        under_way = not fact.attempts and fact.payload_out > 0 and fact.packets_out >= PROVES
        return fact.outcome in _ESTABLISHED or under_way
    return fact.packets_in >= PROVES
