"""Hearing: what was said in a packet. Payload goes to its flow's parsers, in order; facts come out.

The fence around every parser is here: what a hostile flow makes fail ends that flow and is counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import cython
from msgspec import structs

from monitor.enrich.site import Reach
from monitor.inspection import INSPECTED
from monitor.model.address import NO_ADDRESS, Address, Mac, text
from monitor.model.community_id import community_id
from monitor.model.contacts import Outcome
from monitor.model.facts import (
    DeviceAnnounced,
    FirmwareCheck,
    FirmwareTransfer,
    FlowEnd,
    Malformed,
    MalformedSeen,
    MediaSetup,
    MediaStream,
    Observation,
    PrefixAnnounced,
    Where,
)
from monitor.model.limits import Limit, Room
from monitor.protocols import arp, media, metadata, nd, transfers
from monitor.protocols.registry import DATAGRAMS, STREAMS

if not cython.compiled:
    from monitor.protocols.conversation import Conversation
    from monitor.wire import layout as at
    from monitor.wire.streams import Stream, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from collectors.poll.reply import Reply
    from monitor.attribution import Attribution
    from monitor.inspection.inspection import Inspection
    from monitor.model.exhibits import Spool
    from monitor.model.facts import Fact
    from monitor.model.flows import Flow
    from monitor.wire.scan import Scanner

LOCAL: Final = Reach.LOCAL
COMPLETED: Final = frozenset({FirmwareCheck, FirmwareTransfer, MalformedSeen, MediaSetup, MediaStream})
"""Facts that a parser cannot make alone."""
ND_HOP_LIMIT: Final = 255
"""Neighbour discovery with another hop limit came from off the link (RFC 4861, 7.1)."""


class Listener:
    """The conversation of one flow, and what puts its bytes in order.

    Most flows of a flood say nothing, so each part is made when it is needed.
    """

    def __init__(self) -> None:
        self.conversation: Conversation | None = None
        self.first: Stream | None = None
        self.second: Stream | None = None
        self.first_end = -1
        """Sequence number behind the last byte of the first direction; -1: not known."""
        self.second_end = -1

    def stream(self, flow: Flow, direction: int, budget: Waiting) -> Stream:
        """What puts the bytes of this direction in order."""
        stream = self.second if direction else self.first
        if stream is None:
            stream = Stream(budget)
            opened = flow.accepted if direction else flow.opened
            if opened >= 0:
                stream.open(opened)
            if direction:
                self.second = stream
            else:
                self.first = stream
        return stream

    def closed(self, direction: int, sequence: int) -> None:
        """A FIN: this direction ends before ``sequence``."""
        if direction:
            self.second_end = sequence
        else:
            self.first_end = sequence

    def is_over(self, direction: int) -> bool:
        """All of this direction was given to the parsers."""
        stream, end = (self.second, self.second_end) if direction else (self.first, self.first_end)
        return end >= 0 and (stream is None or stream.expected == end)

    def close(self, direction: int) -> None:
        """Bytes of this direction that wait are of no use any more."""
        stream = self.second if direction else self.first
        if stream is not None:
            stream.close()


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
        inspection: Inspection,
        spool: Spool | None = None,
    ) -> None:
        """``spool`` is where images go that pass complete; None: they are only counted and hashed."""
        self.scanner = scanner
        self._spool = spool
        self._inspection = inspection
        self.attribution = attribution
        self.counts = counts
        self._observer = observer
        self._on_fault = on_fault
        self.waiting = Waiting()
        self.expected = media.Expected()
        self._expecting = False
        self.awaited = transfers.Awaited()
        self._awaiting = False
        self._listeners: list[Listener | None] = [None] * scanner.table.capacity

    def limits(self) -> list[Limit]:
        """The room for bytes that came early, and for media that was announced.

        What parsers hold is bounded for each direction of a flow by the parser, and the flows by their table. A flow
        that has nothing more to say holds nothing.
        """
        ports = Limit(Room.MEDIA_PORTS, media.CAPACITY, len(self.expected), self.expected.evicted)
        flows = Limit(Room.ANNOUNCED_FLOWS, transfers.CAPACITY, len(self.awaited), self.awaited.evicted)
        return [*self.waiting.limits(), ports, flows]

    def begin(self, slot: int, flow: Flow) -> None:
        """A flow begins in this slot."""
        flow.heard = flow.proto in (at.PROTO_TCP, at.PROTO_UDP)
        self._listeners[slot] = None
        if self._expecting and flow.proto == at.PROTO_UDP:
            self._claim(slot, flow)
        if self._awaiting:
            self._claim_announced(slot, flow)

    def forget(self, slot: int) -> None:
        """The flow in this slot is over."""
        listener = self._listeners[slot]
        if listener is not None:
            listener.close(0)
            listener.close(1)
            self._listeners[slot] = None

    def payload(self, flow: Flow, slot: int, events: int) -> None:  # noqa: C901, PLR0912  the one way of a payload, in order
        """Give the packet's payload to the parsers, in order; tell the scanner what is still wanted."""
        scanner, frame, listener = self.scanner, self.scanner.frame, self._listeners[slot]
        if not flow.heard:
            scanner.verdict(slot, 0, 0)
            return
        direction = scanner.direction
        ordered = flow.proto == at.PROTO_TCP
        if ordered and events & at.SYN:
            self._opened(flow, listener, direction, frame.sequence)
        if not events & at.PAYLOAD:
            return
        if listener is None:
            listener = self._listeners[slot] = Listener()
        conversation = listener.conversation
        if conversation is None:
            conversation = listener.conversation = _conversation(flow, self._spool)
        data = frame.span(frame.payload, frame.payload + frame.payload_length)
        if not ordered:
            self._hear(flow, conversation, direction, data)
        else:
            missing = frame.payload_wire - frame.payload_length
            sequence = (frame.sequence + (1 if frame.flags & at.TCP_SYN else 0)) & at.LOW
            stream = listener.stream(flow, direction, self.waiting)
            if data or missing:
                for chunk in stream.push(sequence, data, missing):
                    self._hear(flow, conversation, direction, chunk)
            if conversation.wants(direction) == at.WANT_END:
                if frame.flags & at.TCP_FIN:
                    listener.closed(direction, (sequence + frame.payload_wire) & at.LOW)
                if listener.is_over(direction):
                    self._tell(flow, direction, conversation.ended(direction, True), scanner.ts)  # noqa: FBT003
        first, second = conversation.wants(0), conversation.wants(1)
        scanner.verdict(slot, first, second)
        if not first:
            listener.close(0)
        if not second:
            listener.close(1)
            if not first:
                flow.heard = False
                self._listeners[slot] = None

    def _opened(self, flow: Flow, listener: Listener | None, direction: int, sequence: int) -> None:
        """A SYN: what comes next in this direction follows it."""
        if direction:
            flow.accepted = sequence
        else:
            flow.opened = sequence
        stream = None if listener is None else listener.second if direction else listener.first
        if stream is not None:
            stream.open(sequence)

    def _claim(self, slot: int, flow: Flow) -> None:
        """If a session announced this flow, what comes from its source is read as media."""
        if not len(self.expected):
            self._expecting = False
            return
        found = self.expected.claim(
            flow.initiator, flow.initiator_port, flow.responder, flow.responder_port, flow.start_ns
        )
        if found is None or found.control:
            return
        listener = self._listeners[slot] = Listener()
        listener.conversation = _conversation(flow, self._spool)
        place, codec = 0 if found.source == flow.initiator else 1, found.setup.codec
        if codec is not None and metadata.carries(codec):
            listener.conversation.expect(place, metadata.Parser(codec))
        else:
            listener.conversation.expect_media(place)

    def _claim_announced(self, slot: int, flow: Flow) -> None:
        """If another flow announced this one, it is read as that said."""
        now_ns = flow.start_ns
        found = self.awaited.claim(
            flow.proto, flow.initiator, flow.initiator_port, flow.responder, flow.responder_port, now_ns
        )
        if found is None:
            return
        listener = self._listeners[slot] = Listener()
        listener.conversation = _conversation(flow, self._spool)
        by_listener, by_other = found.announced.make(found.server)
        place = 0 if found.listener == flow.initiator else 1
        listener.conversation.expect(place, by_listener)
        listener.conversation.expect(1 - place, by_other)

    def _await(self, flow: Flow, direction: int, announced: list[transfers.Announced]) -> None:
        """A parser learnt of flows that are to come."""
        for each in announced:
            sender, receiver = Address(flow.initiator), Address(flow.responder)
            if direction:
                sender, receiver = receiver, sender
            self.awaited.expect(each, sender, receiver, text(Address(flow.responder)), self.scanner.ts)
            self._awaiting = True

    def _directed(self, flow: Flow, direction: int, fact: FirmwareTransfer) -> FirmwareTransfer:
        """A transfer with its direction.

        It goes to a device where a host of the site receives it, unless a watched one of the site sends it to one that
        is not watched: then it comes from that one.
        """
        sender, receiver = (flow.responder, flow.initiator) if direction else (flow.initiator, flow.responder)
        way = "unknown"
        if self.attribution.site.reach(receiver) is LOCAL and (self._watched(receiver) or not self._watched(sender)):
            way = "to_device"
        elif self.attribution.site.reach(sender) is LOCAL:
            way = "from_device"
        return structs.replace(fact, direction=way)

    def _watched(self, address: bytes) -> bool:
        device = self.attribution.devices.known(Address(address))
        return device is not None and device.watched

    def _in_session(self, flow: Flow, direction: int, fact: MediaStream) -> MediaStream:
        """Media with the session that agreed on it."""
        if fact.transport == "interleaved":
            return structs.replace(fact, session=_session(flow))
        if fact.transport != "udp":
            return fact
        source, sport, destination, dport = flow.initiator, flow.initiator_port, flow.responder, flow.responder_port
        if direction:
            source, sport, destination, dport = destination, dport, source, sport
        return self.expected.attributed(fact, Address(source), sport, Address(destination), dport, self.scanner.ts)

    def _expect(self, flow: Flow, direction: int, fact: MediaSetup) -> None:
        """A server, which is who answers a SETUP, agreed on ports."""
        client, server = (flow.initiator, flow.responder) if direction else (flow.responder, flow.initiator)
        self.expected.expect(fact, Address(client), Address(server), _session(flow), self.scanner.ts)
        self._expecting = True

    def _hear(self, flow: Flow, conversation: Conversation, direction: int, data: bytes | None) -> None:
        """One run of payload bytes, or a gap: facts, or a counted reason why there are none."""
        try:
            facts = conversation.lost(direction) if data is None else conversation.feed(direction, data)
            if conversation.announces:
                self._await(flow, direction, conversation.announced(direction))
        except Exception as defect:  # noqa: BLE001  the fence around every parser: one hostile flow ends here
            conversation.stop(direction)
            self.fault(defect)
            return
        if facts:
            self._tell(flow, direction, facts, self.scanner.ts)

    def _tell(self, flow: Flow, direction: int, facts: list[Fact], ts_ns: int) -> None:
        """Facts of one direction of a flow."""
        for fact in facts:
            if type(fact) in COMPLETED:
                fact = self._completed(flow, direction, fact)  # noqa: PLW2901  the same fact, with what the flow says
            if type(fact) is DeviceAnnounced:
                # Hosts share a flow where they have no address yet, and forgers join one: the frame says who sent it.
                mac = self.scanner.frame.macs()[0]
                device = self.attribution.announced(fact, flow.responder if direction else flow.initiator, mac, ts_ns)
                if device is not None and self.attribution.devices.speaks_itself(device, mac):
                    self._inspection.announced(device, fact, ts_ns, _server_port(flow))
            else:
                self.attribution.fact(flow, direction, fact, ts_ns, self.scanner.frame.truncated)
                if type(fact) in INSPECTED:
                    self._inspection.fact(flow, direction, fact, ts_ns)
            if self._observer is not None:
                self._observer(Observation(flow.where(ts_ns, direction), fact), flow)

    def _completed(self, flow: Flow, direction: int, fact: Fact) -> Fact:
        """The fact with what its flow adds to it."""
        if isinstance(fact, MalformedSeen):
            self._count_malformed(fact.layer)
        elif isinstance(fact, MediaStream):
            return self._in_session(flow, direction, fact)
        elif isinstance(fact, MediaSetup):
            self._expect(flow, direction, fact)
        elif isinstance(fact, FirmwareTransfer):
            return self._directed(flow, direction, fact)
        elif isinstance(fact, FirmwareCheck) and fact.uri is not None:
            return structs.replace(fact, uri=_hosted(fact.uri, flow.responder))
        return fact

    def _end(self, flow: Flow, conversation: Conversation, direction: int, ts_ns: int) -> None:
        """No more of this direction will come."""
        try:
            facts = conversation.ended(direction, False)  # noqa: FBT003
        except Exception as defect:  # noqa: BLE001  the fence around every parser
            self.fault(defect)
            return
        if facts:
            self._tell(flow, direction, facts, ts_ns)

    def neighbour(self, view: memoryview) -> None:
        """ARP or neighbour discovery."""
        frame = self.scanner.frame
        if frame.ethertype == at.TYPE_ARP:
            source = None
            message = bytes(view[frame.network : frame.end])
            facts = self._read(arp.parse, message)
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
        if frame.ethertype == at.TYPE_ARP:
            asked = arp.asked(message)
            if asked is not None:
                self._inspection.sought(*asked, self.scanner.ts)

    def answer(self, reply: Reply) -> list[Fact]:
        """What a device's answer to a question says; one that cannot be read is counted and says nothing."""
        from monitor.protocols.answers import read

        facts = self._read(lambda body: read(reply.api, reply.question, body, reply.content_type), reply.body)
        return [fact for fact in facts if type(fact) is not MalformedSeen]

    def _read(self, parse: Callable[[bytes], list[Fact]], data: bytes) -> list[Fact]:
        """One message of a protocol that has no flow."""
        try:
            return parse(data)
        except Malformed as malformed:
            self._count_malformed(malformed.layer)
            return [MalformedSeen(malformed.layer, malformed.reason)]
        except Exception as defect:  # noqa: BLE001  the fence around every parser
            self.fault(defect)
            return []

    def fault(self, defect: BaseException) -> None:
        """A unit failed by a defect of ours."""
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
        """What a flow that is over still has to say; tell the observer that it is."""
        table = self.scanner.table
        listener = self._listeners[slot]
        if listener is not None and listener.conversation is not None:
            for direction in (0, 1):
                self._end(flow, listener.conversation, direction, table.field(slot, at.LAST))
        if self._observer is None:
            return
        fact = FlowEnd(
            packets_out=table.field(slot, at.PACKETS),
            packets_in=table.field(slot, at.PACKETS + 1),
            bytes_out=table.field(slot, at.BYTES),
            bytes_in=table.field(slot, at.BYTES + 1),
            payload_out=table.field(slot, at.PAYLOADS),
            payload_in=table.field(slot, at.PAYLOADS + 1),
            attempts=table.field(slot, at.ATTEMPTS),
            outcome=outcome_of(table.field(slot, at.FLAGS)).label,
            start_ns=table.field(slot, at.START),
            end_ns=table.field(slot, at.LAST),
            reason=reason,
        )
        self._observer(Observation(flow.where(table.field(slot, at.LAST), 0), fact), flow)


def _conversation(flow: Flow, spool: Spool | None) -> Conversation:
    stream = flow.proto == at.PROTO_TCP
    rows = STREAMS if stream else DATAGRAMS
    return Conversation(rows, flow.initiator_port, flow.responder_port, stream=stream, spool=spool)


def _hosted(uri: str, server: bytes) -> str:
    """A URI of which the parser could not know the host."""
    scheme, mark, path = uri.partition(":///")
    return f"{scheme}://{text(Address(server))}/{path}" if mark else uri


def _server_port(flow: Flow) -> int:
    """The port of a TCP server, behind which another device may be than behind the next; 0 for datagrams."""
    return flow.responder_port if flow.proto == at.PROTO_TCP else 0


def _session(flow: Flow) -> str:
    """Community ID of a control connection."""
    return community_id(flow.initiator, flow.responder, flow.initiator_port, flow.responder_port, flow.proto)


def outcome_of(flags: int) -> Outcome:
    """How far a flow with these flags got."""
    if flags & at.F_TRANSFERRED:
        return Outcome.TRANSFERRED
    if flags & at.F_ANSWERED:
        return Outcome.ANSWERED
    if flags & at.F_REFUSED:
        return Outcome.REFUSED
    return Outcome.ATTEMPTED
