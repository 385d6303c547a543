"""Hearing: what was said in a packet. Payload goes to its flow's parsers, in order; facts come out.

The fence around every parser is here: what a hostile flow makes fail ends that flow and is counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from monitor.model.address import NO_ADDRESS, Address, Mac
from monitor.model.contacts import Outcome
from monitor.model.facts import DeviceAnnounced, FlowEnd, Malformed, MalformedSeen, Observation, PrefixAnnounced, Where
from monitor.protocols import arp, nd
from monitor.protocols.conversation import DATAGRAMS, STREAMS, Conversation
from monitor.wire import layout as at
from monitor.wire.streams import Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.attribution import Attribution
    from monitor.model.facts import Fact
    from monitor.model.flows import Flow
    from monitor.wire.scan import Scanner

ND_HOP_LIMIT: Final = 255
"""Neighbour discovery with another hop limit came from off the link (RFC 4861, 7.1)."""


class Parser(Conversation):
    """A conversation with the streams that feed it."""

    __slots__ = ("streams",)

    def __init__(self, flow: Flow) -> None:
        stream = flow.proto == at.PROTO_TCP
        super().__init__(STREAMS if stream else DATAGRAMS, flow.initiator_port, flow.responder_port, stream=stream)
        self.streams = (Stream(), Stream()) if stream else None


@dataclass(slots=True)
class Counts:
    """What no contact holds."""

    malformed: dict[str, int] = field(default_factory=dict)
    """By layer; layers are a closed set."""
    flow_ends: int = 0
    faults: int = 0
    """Parsers that failed with anything but Malformed: a defect of ours, fenced and counted."""
    one_sided: int = 0
    """TCP flows to contacts that are known to be answered only by what the device acknowledged."""
    two_sided: int = 0
    unplaced: int = 0
    """Flows with no end on the site."""


class Hearing:
    """Parsers of all flows, by slot."""

    def __init__(
        self,
        scanner: Scanner,
        attribution: Attribution,
        counts: Counts,
        observer: Callable[[Observation, Flow | None], None] | None,
        on_fault: Callable[[BaseException], None] | None,
    ) -> None:
        self.scanner = scanner
        self.attribution = attribution
        self.counts = counts
        self._observer = observer
        self._on_fault = on_fault
        self._parsers: list[Parser | None] = [None] * scanner.table.capacity

    def begin(self, slot: int, flow: Flow) -> None:
        """A flow begins in this slot."""
        self._parsers[slot] = Parser(flow) if flow.proto in (at.PROTO_TCP, at.PROTO_UDP) else None

    def forget(self, slot: int) -> None:
        """The flow in this slot is over."""
        self._parsers[slot] = None

    def payload(self, flow: Flow, slot: int, events: int, view: memoryview) -> None:
        """Give the packet's payload to the parsers, in order; tell the scanner what is still wanted."""
        scanner, frame, parser = self.scanner, self.scanner.frame, self._parsers[slot]
        if parser is None:
            scanner.verdict(slot, 0, 0)
            return
        direction = scanner.direction
        if parser.streams is not None and events & at.SYN:
            parser.streams[direction].open(frame.sequence)
        if not events & at.PAYLOAD:
            return
        data = bytes(view[frame.payload : frame.payload + frame.payload_length])
        if parser.streams is None:
            self._hear(flow, parser, direction, data)
        else:
            missing = frame.payload_wire - frame.payload_length
            sequence = (frame.sequence + bool(frame.flags & at.TCP_SYN)) & 0xFFFFFFFF
            for chunk in parser.streams[direction].push(sequence, data, missing):
                self._hear(flow, parser, direction, chunk)
        scanner.verdict(slot, parser.wants(0), parser.wants(1))

    def _hear(self, flow: Flow, parser: Parser, direction: int, data: bytes | None) -> None:
        """One run of payload bytes, or a gap: facts, or a counted reason why there are none."""
        try:
            facts = parser.lost(direction) if data is None else parser.feed(direction, data)
        except Exception as defect:  # noqa: BLE001  the fence around every parser: one hostile flow ends here
            parser.stop(direction)
            self._fault(defect)
            return
        ts_ns = self.scanner.ts
        for fact in facts:
            if isinstance(fact, MalformedSeen):
                self._count_malformed(fact.layer)
            sender = flow.initiator if direction == 0 else flow.responder
            first_id = sender + flow.initiator_port.to_bytes(2, "big") + flow.responder_port.to_bytes(2, "big")
            self.attribution.fact(flow, direction, fact, ts_ns, first_id, cut=self.scanner.frame.truncated)
            if self._observer is not None:
                self._observer(Observation(flow.where(ts_ns, direction), fact), flow)

    def neighbour(self, view: memoryview) -> None:
        """ARP or neighbour discovery."""
        frame = self.scanner.frame
        if frame.ethertype == at.TYPE_ARP:
            source = None
            facts = self._read(arp.parse, bytes(view[frame.network : frame.end]))
        elif frame.ttl == ND_HOP_LIMIT:
            source = Address(frame.source())
            sender = source
            facts = self._read(lambda data: nd.parse(data, sender), bytes(view[frame.transport : frame.transport_end]))
        else:
            return
        mac = frame.macs()[0]
        for fact in facts:
            if isinstance(fact, DeviceAnnounced | PrefixAnnounced):
                self.attribution.announced(fact, source, Mac(mac) if mac is not None else None, self.scanner.ts)
            self.observe(fact)

    def _read(self, parse: Callable[[bytes], list[Fact]], data: bytes) -> list[Fact]:
        """One message of a protocol that has no flow."""
        try:
            return parse(data)
        except Malformed as malformed:
            self._count_malformed(malformed.layer)
            return [MalformedSeen(malformed.layer, malformed.reason)]
        except Exception as defect:  # noqa: BLE001  the fence around every parser
            self._fault(defect)
            return []

    def _fault(self, defect: BaseException) -> None:
        self.counts.faults += 1
        if self._on_fault is not None:
            self._on_fault(defect)

    def _count_malformed(self, layer: str) -> None:
        self.counts.malformed[layer] = self.counts.malformed.get(layer, 0) + 1

    def observe(self, fact: Fact) -> None:
        """Tell the observer of a fact about the present packet."""
        if self._observer is None:
            return
        frame, (source_mac, destination_mac) = self.scanner.frame, self.scanner.frame.macs()
        has_ip = frame.ethertype in (at.TYPE_IPV4, at.TYPE_IPV6)
        where = Where(
            ts_ns=self.scanner.ts,
            src=Address(frame.source()) if has_ip else NO_ADDRESS,
            dst=Address(frame.destination()) if has_ip else NO_ADDRESS,
            sport=frame.sport if has_ip else 0,
            dport=frame.dport if has_ip else 0,
            proto=frame.proto if has_ip else 0,
            vlan=frame.vlans(),
            src_mac=Mac(source_mac) if source_mac is not None else None,
            dst_mac=Mac(destination_mac) if destination_mac is not None else None,
        )
        self._observer(Observation(where, fact), None)

    def ended(self, flow: Flow, slot: int, reason: str) -> None:
        """Tell the observer of a flow that is over."""
        if self._observer is None:
            return
        column = self.scanner.table.field
        fact = FlowEnd(
            packets_out=column(slot, at.PACKETS),
            packets_in=column(slot, at.PACKETS + 1),
            bytes_out=column(slot, at.BYTES),
            bytes_in=column(slot, at.BYTES + 1),
            payload_out=column(slot, at.PAYLOADS),
            payload_in=column(slot, at.PAYLOADS + 1),
            attempts=column(slot, at.ATTEMPTS),
            outcome=outcome_of(column(slot, at.FLAGS)).label,
            start_ns=column(slot, at.START),
            end_ns=column(slot, at.LAST),
            reason=reason,
        )
        self._observer(Observation(flow.where(column(slot, at.LAST), 0), fact), flow)


def outcome_of(flags: int) -> Outcome:
    """How far a flow with these flags got."""
    if flags & at.F_TRANSFERRED:
        return Outcome.TRANSFERRED
    if flags & at.F_ANSWERED:
        return Outcome.ANSWERED
    if flags & at.F_REFUSED:
        return Outcome.REFUSED
    return Outcome.ATTEMPTED
