"""Traces: the last control packets between two hosts, until an incident asks what led to it.

Strategy: of the packets at which the scanner stops (never video) the first few of each flow are kept, headers and what
redaction lets through, in a ring of each pair of hosts; an incident is known only later, and then names the pair. What
was looked up stands apart, by device and question, for the resolver is another host. Both share one room: what was used
longest ago goes first, that of hosts that nobody watches before all else, then that of hosts which only look like
cameras: or made-up senders would push out those of the inventory.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeVar

import cython

from monitor.model.address import is_address, pack
from monitor.model.exhibits import Packet
from monitor.model.limits import Limit, Room
from monitor.protocols import redaction

if not cython.compiled:
    from monitor.wire import layout as at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from monitor.model.contacts import Device
    from monitor.model.flows import Flow
    from monitor.model.incidents import Evidence
    from monitor.wire.scan import Scanner

PER_FLOW: Final = 12
"""Packets of a flow: a TCP handshake, both greetings, a request and its answer, and how it ended."""
PER_PAIR: Final = 32
"""Packets between two hosts: the last few connections."""
PER_DEVICE: Final = 48
"""Messages about names that a device is remembered by: questions and answers count apart."""
PAIRS: Final = 8_192
DEVICES: Final = 2_048
"""Twice as many cameras as there may be in the inventory."""
MOST_BYTES: Final = 16 * 1024 * 1024
"""Bytes of memory for packets in all, of pairs and of names: some 30,000 of them, 60 a camera of 500."""
BESIDE: Final = 384
"""Bytes of memory that a packet takes beside its octets (tracemalloc, CPython 3.11: 374 in a pair's ring, 325 as a
question)."""
RING: Final = 768
"""Bytes of memory that a pair or a device takes with the first of its packets: the same, a deque has room for 64."""
MOST_GIVEN: Final = 1024 * 1024
"""Octets that are given to incidents in a second of packet time: what waits for a slow disk stays bounded."""
PER_MESSAGE: Final = 48
"""Packets that one message of an incident brings, so that its first one does not take the room of later news."""
BEFORE_NS: Final = 60 * 1_000_000_000
"""What passed so long before an incident led to it."""
SECOND_NS: Final = 1_000_000_000
NO_HELLO: Final = (0, 0)
HELLOS: Final = 256
"""Greetings that go on in the next segment, at a time."""
HEADER: Final = 60
"""Octets of the longest TCP header (RFC 9293, 3.1)."""
QUOTED_V6: Final = 40
"""Octets of the IPv6 header that an ICMP error quotes (RFC 4443, 3)."""
SHORT: Final = 8
"""Octets of any other protocol's header."""
REMEMBERED: Final = 1024
"""Spelled addresses whose octets are kept in memory."""
DNS_PORTS: Final = frozenset({53, 5353, 5355})
CONTROL: Final = at.ATTEMPT | at.ANSWER | at.REFUSE | at.ERROR | at.SYN
_EVENTS: Final = ((at.ATTEMPT, "attempt"), (at.ANSWER, "answer"), (at.REFUSE, "refusal"))

TIERS: Final = range(3)
"""See ``_tier``."""

T = TypeVar("T")
Ring = deque[tuple[tuple[int, int], Packet]]
"""Ports and packet, the oldest first."""
Questions = OrderedDict[bytes, Packet]
"""The last packet about each question, that of the one asked longest ago first."""


class Traces:
    """What was kept of the wire. No clock: time is that of the packets."""

    def __init__(self, scanner: Scanner, most_bytes: int = MOST_BYTES) -> None:
        self._scanner = scanner
        self._most_bytes = most_bytes
        self._pairs: tuple[OrderedDict[bytes, Ring], ...] = tuple(OrderedDict() for _ in TIERS)
        self._names: tuple[OrderedDict[bytes, Questions], ...] = tuple(OrderedDict() for _ in TIERS)
        """Both by tier, the lowest first."""
        self._hellos: OrderedDict[tuple[int, int, int], tuple[int, int]] = OrderedDict()
        """By flow, its start and direction: octets of a greeting that are still to come, and where they begin."""
        self.bytes = 0
        """Memory of all packets that are kept."""
        self.forgotten = 0
        """Pairs that made room."""
        self.unnamed = 0
        """Devices whose questions were forgotten."""
        self.withheld = 0
        """Packets that an incident did not get, since others had got so many."""
        self._given = 0
        self._given_ns = 0

    def limits(self) -> Iterator[Limit]:
        """The room for packets."""
        yield Limit(Room.TRACES, PAIRS, sum(map(len, self._pairs)), self.forgotten)
        yield Limit(Room.TRACED_NAMES, DEVICES, sum(map(len, self._names)), self.unnamed)
        yield Limit(Room.TRACED, self._most_bytes, self.bytes, self.withheld)

    def packet(self, flow: Flow, events: int, view: memoryview) -> None:
        """The scanner stopped at this packet of a flow, of which no more than PER_FLOW were kept.

        While more comes than can be looked at, what nobody watches leaves no trace.
        """
        if self._scanner.precedence.hurried and (flow.device is None or not flow.device.watched):
            return
        packet, payload, what = self._kept(flow, events, view)
        if what == "DNS" and flow.proto == at.PROTO_UDP:
            # The resolver is another host, and its flow may go on for ever: this is asked for by its question.
            begun = flow.responder_port in DNS_PORTS
            device = flow.device if flow.outward == begun else flow.peer
            asker = flow.initiator if begun else flow.responder
            self._asked(asker, _tier(device), _question(payload), packet)
            return
        flow.kept += 1
        if what or flow.contact is not None or events & CONTROL:
            self._add(flow, packet)

    def refusal(self, flow: Flow, view: memoryview) -> None:
        """The present packet is an ICMP error about this flow, sent by whoever refused it."""
        self._add(flow, self._kept(flow, at.REFUSE, view)[0])

    def of(self, evidences: Sequence[Evidence], first_ns: int, *, alone: bool) -> tuple[Packet, ...]:
        """The packets behind a message (see model.exhibits.Packets)."""
        found: dict[Packet, None] = {}
        for evidence in evidences:
            device = _address(evidence.device_ip)
            if device is None:
                continue
            if evidence.remote_name is not None:
                found.update(dict.fromkeys(self._about(device, evidence.remote_name)))
            remote = _address(evidence.remote_ip)
            if remote is None:
                continue
            key, ends = _pair(device, remote), {evidence.device_port, evidence.remote_port}
            for ports, packet in _found(self._pairs, key) or ():
                if packet.ts_ns >= first_ns - BEFORE_NS and (not alone or set(ports) == ends):
                    found[packet] = None
        return self._give(sorted(found, key=_time))

    def _give(self, packets: list[Packet]) -> tuple[Packet, ...]:
        """As many of them as may be given at present."""
        if self._scanner.ts - self._given_ns >= SECOND_NS or self._scanner.ts < self._given_ns:
            self._given, self._given_ns = 0, self._scanner.ts
        if len(packets) > PER_MESSAGE:  # how it began, and what is new
            packets = packets[: PER_MESSAGE // 2] + packets[-PER_MESSAGE // 2 :]
        size = sum(len(packet.data) for packet in packets)
        if self._given + size > MOST_GIVEN:
            self.withheld += len(packets)
            return ()
        self._given += size
        return tuple(packets)

    def _add(self, flow: Flow, packet: Packet) -> None:
        key = _pair(flow.initiator, flow.responder)
        ring = _used(self._pairs, key, _tier(flow.device), deque)
        if not ring:
            self.bytes += RING
        if len(ring) >= PER_PAIR:
            self.bytes -= _size(ring.popleft()[1])
        ring.append(((flow.initiator_port, flow.responder_port), packet))
        self.bytes += _size(packet)
        if sum(map(len, self._pairs)) > PAIRS:
            self._forget_pair(_lowest(self._pairs))
        self._shrink()

    def _asked(self, asker: bytes, tier: int, question: bytes, packet: Packet) -> None:
        """A device asked for a name, or was told about it; the last time counts."""
        known = _used(self._names, asker, tier, OrderedDict)
        if not known:
            self.bytes += RING
        earlier = known.pop(question, None)
        if earlier is None and len(known) >= PER_DEVICE:
            _, earlier = known.popitem(last=False)
        if earlier is not None:
            self.bytes -= _size(earlier)
        known[question] = packet
        self.bytes += _size(packet)
        if sum(map(len, self._names)) > DEVICES:
            self._forget_names(_lowest(self._names))
        self._shrink()

    def _shrink(self) -> None:
        """Forget what was used longest ago until the rest has room, the lowest tier first."""
        while self.bytes > self._most_bytes:
            pairs, names = next(each for each in zip(self._pairs, self._names, strict=True) if each[0] or each[1])
            if not names or (pairs and _pair_used(pairs) <= _names_used(names)):
                self._forget_pair(pairs)
            else:
                self._forget_names(names)

    def _forget_pair(self, pairs: OrderedDict[bytes, Ring]) -> None:
        """The one that was used longest ago makes room."""
        _, oldest = pairs.popitem(last=False)
        self.bytes -= RING + sum(_size(each) for _, each in oldest)
        self.forgotten += 1

    def _forget_names(self, names: OrderedDict[bytes, Questions]) -> None:
        """Those of the device that was heard of longest ago make room."""
        _, oldest = names.popitem(last=False)
        self.bytes -= RING + sum(_size(each) for each in oldest.values())
        self.unnamed += 1

    def _about(self, device: bytes, name: str) -> list[Packet]:
        """What this device asked and was told about a name."""
        wanted = _wire_name(name)
        known = _found(self._names, device) or Questions()
        return [packet for question, packet in known.items() if question.startswith(wanted)]

    def _kept(self, flow: Flow, events: int, view: memoryview) -> tuple[Packet, bytes, str]:
        """The present packet without what may not be kept of it; what is kept of its payload, and what that is."""
        scanner, frame = self._scanner, self._scanner.frame
        link, start, payload = scanner.link(), frame.start, frame.payload
        kept, what, left = b"", "", 0
        if frame.proto == at.PROTO_TCP:
            end = min(payload, frame.transport + HEADER)
        else:
            end = min(payload, frame.transport + SHORT)
        if frame.proto in (at.PROTO_TCP, at.PROTO_UDP):
            if frame.payload_length > 0:
                data = bytes(view[payload : payload + frame.payload_length])
                if frame.proto == at.PROTO_TCP:
                    kept, what = self._segment(flow, data)
                else:
                    kept, what = redaction.of_datagram(data, frame.sport, frame.dport)
            left = frame.payload_wire - len(kept)
        elif events & (at.ERROR | at.REFUSE) and frame.proto in (at.PROTO_ICMP, at.PROTO_ICMP6):
            end = min(frame.transport_end, _quote_end(view, frame.transport, frame.transport_end))
        data = bytes(view[start:end]) + kept
        note = _note(events, what, left)
        link = at.LINK_RAW if link == at.LINK_SAME else link
        return Packet(scanner.ts, data, max(frame.wire, len(data)), link, note), kept, what

    def _segment(self, flow: Flow, data: bytes) -> redaction.Kept:
        """Of a TCP segment. A greeting that began in the one before it goes on in this one."""
        frame, hello = self._scanner.frame, (flow.slot, flow.start_ns, self._scanner.direction)
        rest, begins = self._hellos.pop(hello, NO_HELLO) if self._hellos else NO_HELLO
        following = (frame.sequence + len(data)) & 0xFFFFFFFF
        if rest and begins == frame.sequence:
            if rest > len(data):
                self._hellos[hello] = (rest - len(data), following)
            return data[:rest], "TLS greeting, continued"
        kept = redaction.of_segment(data, frame.sport, frame.dport)
        if kept[1] == "TLS greeting":
            rest = redaction.hello_rest(data)
            if rest:
                self._hellos[hello] = (rest, following)
                if len(self._hellos) > HELLOS:
                    self._hellos.popitem(last=False)
        return kept


def _tier(device: Device | None) -> int:
    """How hard a host is to make up: anybody, one that looks like a camera, one of the inventory."""
    if device is None or not device.watched:
        return 0
    return 2 if device.named else 1


def _found(tiers: Sequence[OrderedDict[bytes, T]], key: bytes) -> T | None:
    """What stands under this key."""
    for each in tiers:
        found = each.get(key)
        if found is not None:
            return found
    return None


def _used(tiers: Sequence[OrderedDict[bytes, T]], key: bytes, tier: int, make: Callable[[], T]) -> T:
    """The same, used now; it stands in this tier from now on, or in a higher one that it has been in."""
    found = None
    for rank, each in enumerate(tiers):
        if key in each:
            if rank >= tier:
                each.move_to_end(key)
                return each[key]
            found = each.pop(key)
            break
    kept = tiers[tier][key] = found if found is not None else make()
    return kept


def _lowest(tiers: Sequence[OrderedDict[bytes, T]]) -> OrderedDict[bytes, T]:
    """The tier that makes room first."""
    return next(each for each in tiers if each)


def _size(packet: Packet) -> int:
    """Bytes of memory."""
    return BESIDE + len(packet.data)


def _quote_end(view: memoryview, transport: int, end: int) -> int:
    """Where what may be kept of an ICMP error ends: eight octets behind the header that it quotes (RFC 792)."""
    quoted = transport + SHORT
    if quoted >= end:
        return end
    first = view[quoted]
    return quoted + ((first & 15) * 4 if first >> 4 == 4 else QUOTED_V6) + SHORT


def _note(events: int, what: str, left: int) -> str:
    """What a packet is and what was left out of it, in fixed words."""
    parts = [word for event, word in _EVENTS if events & event]
    if what:
        parts.append(what)
    if left > 0:
        parts.append(f"{left} octets of payload left out")
    return "; ".join(parts)


def _question(message: bytes) -> bytes:
    """Name, type and class that a DNS message is about, and whether it is an answer."""
    end = 12
    while end < len(message) and message[end]:
        end += message[end] + 1
    return message[12 : end + 5].lower() + bytes((message[2] >> 7,))


def _wire_name(name: str) -> bytes:
    """A name as questions spell it (RFC 1035, 4.1.2)."""
    labels = name.rstrip(".").lower().encode("latin-1", "replace").split(b".")
    return b"".join(bytes((len(each) & 0xFF,)) + each for each in labels) + b"\0"


def _pair_used(pairs: OrderedDict[bytes, Ring]) -> int:
    """When the pair that was used longest ago was used last."""
    return next(iter(pairs.values()))[-1][1].ts_ns


def _names_used(names: OrderedDict[bytes, Questions]) -> int:
    """When the device that was heard of longest ago was heard of last."""
    questions = next(iter(names.values()))
    return questions[next(reversed(questions))].ts_ns


def _time(packet: Packet) -> int:
    return packet.ts_ns


def _pair(one: bytes, other: bytes) -> bytes:
    """The same for both directions."""
    return one + other if one <= other else other + one


@lru_cache(REMEMBERED)
def _address(spelled: str | None) -> bytes | None:
    return bytes(pack(spelled)) if spelled and is_address(spelled) else None
