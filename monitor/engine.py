"""Engine: blocks and ticks in, incident transitions out. No clock, no socket, no event loop.

One packet's way: the scanner stops at it; its flow is found or begun; its payload goes to the flow's parsers;
what they report, and how far the flow got, goes to the contact it belongs to; a contact that changed is judged
by the policy and the detectors; what they find goes to the incident. Ticks come at whole seconds of packet
time. The same blocks give the same transitions, byte for byte.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import cython

from collectors.poll.reply import Outcome as Answer
from monitor.detectors import device_changed, device_silent, sensor_blind
from monitor.hearing import Counts
from monitor.inspection import EXPORTS, SDK_PORTS, SERVING, STANDING
from monitor.model.address import Address
from monitor.model.contacts import Outcome, Trait, with_one, without
from monitor.model.facts import CapabilityStated, DeviceAnnounced, MalformedSeen
from monitor.model.incidents import Kind, Totals
from monitor.model.limits import Limit, Room
from monitor.model.verdicts import CLOUDS, OperatorKind
from monitor.sight import Sight
from monitor.traces import PER_FLOW
from monitor.wire.fragments import Fragments
from monitor.wire.layout import LAYERS, REASONS
from monitor.wire.quotes import quoted, refuses

if not cython.compiled:
    from monitor.detectors.call_home import detect
    from monitor.hearing import Hearing, outcome_of
    from monitor.model.contacts import Contact, Device
    from monitor.model.flows import Flow
    from monitor.wire import layout as at

if TYPE_CHECKING:
    from collections.abc import Buffer, Callable, Iterator  # type: ignore[attr-defined,unused-ignore]

    from collectors.blocks import Block
    from collectors.poll.reply import Reply
    from monitor.attribution import Attribution
    from monitor.incidents.alarms import Alarms
    from monitor.incidents.book import Book
    from monitor.inspection.inspection import Inspection
    from monitor.model.address import Mac
    from monitor.model.contacts import Judgement
    from monitor.model.exhibits import Spool
    from monitor.model.facts import Observation
    from monitor.model.identity import IdentityChange
    from monitor.model.incidents import DeviceView, Notice, Transition
    from monitor.policy.policy import Policy
    from monitor.traces import Traces
    from monitor.wire.fragments import Datagram
    from monitor.wire.scan import Scanner

REFUSED: Final = Outcome.REFUSED
ANSWERED: Final = Outcome.ANSWERED
TRANSFERRED: Final = Outcome.TRANSFERRED
FOREIGN: Final = Trait.FOREIGN
"""Members looked up once: each look-up of one costs as much as a call."""
UNNAMED: Final = (OperatorKind.NETWORK, OperatorKind.ADDRESS)
"""Operators that an address alone tells."""
SECOND_NS: Final = 1_000_000_000
SETTLE_NS: Final = 100_000_000
"""How long the opening of an incident waits for a hello, where only an address is known: a kind is fixed at
opening, and a SOC is to know within a quarter of a second."""
MAX_SETTLING: Final = 4096
"""Contacts that wait so at a time, forty thousand new ones a second; the one that waits for longest is judged early."""
END_OF_TIME: Final = 2**62
SILENCE_NS: Final = 10_000_000_000
"""How often devices are looked at for silence, which is told in minutes."""
REVIEW_NS: Final = 3_600_000_000_000
"""How often it is looked whether firmware has grown too old, which is told in days."""
LULL_NS: Final = 30_000_000_000
"""Where nothing at all was seen for so long it is not the devices that were silent (detectors.sensor_blind)."""
UNDER_WAY_NS: Final = 120_000_000_000
"""A UDP flow seen this soon may be older than the capture: mappings live two minutes (RFC 4787, REQ-5)."""


class Engine:
    """Chains the rooms. One thread at a time."""

    def __init__(
        self,
        scanner: Scanner,
        attribution: Attribution,
        policy: Policy,
        book: Callable[[Callable[[], Totals]], Book],
        alarms: Callable[[Callable[[], Totals]], Alarms],
        *,
        inspection: Inspection,
        sensor: DeviceView,
        view: Callable[[Device], DeviceView],
        silent_ns: int = 0,
        observer: Callable[[Observation, Flow | None], None] | None = None,
        on_fault: Callable[[BaseException], None] | None = None,
        on_change: Callable[[IdentityChange], None] | None = None,
        traces: Traces | None = None,
        spool: Spool | None = None,
    ) -> None:
        """``observer`` is told every observation; ``on_fault`` every parser that failed by a defect of ours.

        ``on_change`` is told each change of who a device is, also those that are no alarm.

        ``sensor`` stands in messages that are about the sensor itself; ``view`` shows a device in messages;
        ``silent_ns`` is how long a device that was always there may be silent, 0 for ever.

        ``traces`` keep the packets that lead to incidents, ``spool`` takes images; None: nothing is kept.
        """
        self.scanner = scanner
        self.attribution = attribution
        self.policy = policy
        self.counts = Counts()
        self.inspection = inspection
        self._noticed = inspection.told
        attribution.when_forgotten = inspection.forget
        self.hearing = Hearing(scanner, attribution, self.counts, observer, on_fault, inspection, spool)
        self.traces = traces
        self.fragments = Fragments()
        self._on_change = on_change
        self.sight = Sight()
        self.book = book(self.totals)
        self.alarms = alarms(self.totals)
        self._sensor = sensor
        self._view = view
        self.silent_ns = silent_ns
        self._canary: Address | None = None
        self._canary_port = 0
        self._silence_due = self._review_due = 0
        self._packets = 0
        self._missed = (0, 0, 0)
        self._moved_ns = self._awake_ns = 0
        self.now_ns = 0
        self.first_ns = 0
        self._flows: list[Flow | None] = [None] * scanner.table.capacity
        self._settling: OrderedDict[Contact, None] = OrderedDict()
        self._next_hop: Mac | None = None
        self.hurried = 0
        """Contacts that were judged before they could say more, for want of room."""
        scanner.tell_malformed = observer is not None

    def feed(self, block: Block) -> list[Transition]:
        """Take a block; what it changed."""
        told: list[Transition] = []
        if block.count == 0:
            return told
        if not self.now_ns:
            self.begin(block.index[0])
        links = array("q", (interface.link_type for interface in block.interfaces))
        self._run(block.memory, block.index, block.count, links, told)
        return told

    def expect_canary(self, address: Address, port: int, every_ns: int) -> None:
        """A planted attempt to this end is to be seen at this interval; it is nobody's call home."""
        self._canary, self._canary_port = address, port
        self.sight.canary_every_ns, self.sight.canary_ns = every_ns, self.now_ns

    def begin(self, now_ns: int) -> None:
        """Packets come from here on."""
        self.first_ns = now_ns
        self.now_ns = now_ns // SECOND_NS * SECOND_NS
        self.scanner.due = self.now_ns + SECOND_NS

    def tick(self, now_ns: int) -> list[Transition]:
        """Time is ``now_ns``: idle flows end, look-ups are concluded, quiet incidents end."""
        self.now_ns = max(self.now_ns, now_ns)
        self.scanner.due = self.now_ns + SECOND_NS
        told: list[Transition] = []
        for cut in self.fragments.expire(now_ns):
            self._inject_late(cut, told)
        for slot in self.scanner.changed():
            self._count(slot, now_ns)
            self._see(slot, now_ns)
        table = self.scanner.table
        while (slot := table.idle(now_ns)) >= 0:
            self._end(slot, "idle")
            table.release(slot)
        self.attribution.conclude(self.attribution.lookups.due(now_ns))
        self._settle(now_ns)
        self._take_counts()
        told += self._judge(now_ns)
        told += self.book.news(now_ns)
        told += self.book.quiet(now_ns)
        self.inspection.tick(now_ns)
        told += self._notices(now_ns)
        if self.inspection.due or now_ns >= self._review_due:
            told += self._weaknesses(now_ns)
        return told + self._watch_over(now_ns)

    def advance(self, now_ns: int) -> list[Transition]:
        """No packet came until ``now_ns``: all that is due by then."""
        told: list[Transition] = []
        if self.now_ns and now_ns >= self.scanner.due:
            self._ticks_until(now_ns, told)
        return told

    def reply(self, reply: Reply, now_ns: int) -> list[Transition]:
        """A device was asked, and this came of it; what that changed."""
        device = self.attribution.devices.named(reply.device)
        if device is not None and reply.outcome is Answer.UNSUPPORTED:
            self.inspection.unsupported(device, f"{reply.api} {reply.question}")
        if device is None or reply.outcome is not Answer.ANSWERED:
            return []
        for fact in self.hearing.answer(reply):
            if isinstance(fact, DeviceAnnounced):
                self.attribution.devices.described(device, fact, now_ns)
                self.inspection.announced(device, fact, now_ns)
            elif isinstance(fact, CapabilityStated):
                self.inspection.stated(device, fact, now_ns)
        return self._notices(now_ns)

    def hurry(self) -> None:
        """More flows begin than can be looked at: pass over those of whoever is not watched now, until ``relax``."""
        watched = [device for device in self.attribution.devices if device.watched]
        addresses = [address for device in watched for address in device.addresses]
        self.scanner.precedence.begin(addresses, [device.mac for device in watched if device.mac is not None])

    def relax(self) -> None:
        """Look at every flow again."""
        self.scanner.precedence.end()

    def pause(self) -> list[Transition]:
        """Watching ends for a while: everything that passed is counted, judged and told, nothing is ended."""
        for slot in self.scanner.table.slots():
            self._count(slot, self.now_ns)
        self._take_counts()
        told = self._judge_waiting(self.now_ns)
        told += self._notices(self.now_ns)
        return told + self.book.settle(self.now_ns)

    def reconsider(self, policy: Policy) -> None:
        """Judge every contact by another policy from now on, those that are there already at the next tick."""
        self.policy = self.inspection.policy = policy
        if self.scanner.precedence.hurried:
            self.hurry()
        for device in self.attribution.devices:
            if device.watched:
                for contact in self.attribution.contacts.of(device):
                    contact.judged = None  # it has not changed, and is judged all the same
                self._touch_all(device)

    def finish(self) -> list[Transition]:
        """The packets are over: end all flows, conclude all look-ups, tell all counts."""
        told: list[Transition] = []
        for cut in self.fragments.expire(2**63 - 1):
            self._inject_late(cut, told)
        table = self.scanner.table
        for slot in table.slots():
            self._end(slot, "end")
            table.release(slot)
        last_ns = max(self.now_ns, self.scanner.ts)
        self.attribution.conclude(self.attribution.lookups.rest())
        self._take_counts()
        told += self._judge_waiting(last_ns)
        told += self._notices(last_ns)
        told += self._weaknesses(last_ns)
        told += self.book.settle(last_ns)
        return told + self._changes(END_OF_TIME, last_ns)

    def resume(self, now_ns: int, first_ns: int) -> None:
        """Go on where an earlier run was at ``now_ns``, which had its first packet at ``first_ns``."""
        self.now_ns, self.first_ns = now_ns, first_ns
        self.scanner.due = now_ns + SECOND_NS

    def resume_flow(self, flow: Flow, contact: Contact, which: int, columns: tuple[int, ...]) -> bool:
        """Go on with a flow of an earlier run (see Scanner.plant). False: there is no room for it."""
        ports, ends = (flow.initiator_port, flow.responder_port), (flow.initiator, flow.responder)
        slot = self.scanner.plant(*ends, *ports, flow.proto, flow.vlan, which, columns)
        if slot < 0:
            return False
        heard = flow.heard
        flow.slot, flow.device = slot, contact.device
        flow.join(contact)
        flow.serves = flow.proto == at.PROTO_TCP and flow.responder_port in SERVING
        self._flows[slot] = flow
        self.hearing.begin(slot, flow)
        flow.heard = heard
        flow.reached = int(outcome_of(self.scanner.table.field(slot, at.FLAGS)))
        if contact.device.watched:
            self.scanner.table.watch(slot)
        return True

    def limits(self) -> Iterator[Limit]:
        """Every room that traffic can fill: how large it is, how full, and what it turned away."""
        table = self.scanner.table
        yield Limit(Room.FLOWS, table.capacity, table.used, table.evicted)
        yield Limit(Room.SETTLING, MAX_SETTLING, len(self._settling), self.hurried)
        for room in (self.fragments, self.hearing, self.attribution, self.inspection, self.book, self.alarms):
            yield from room.limits()
        if self.traces is not None:
            yield from self.traces.limits()

    def totals(self) -> Totals:
        """What was seen and missed so far."""
        sight = self.sight
        return Totals(
            arrived=sight.arrived,
            lost=sight.lost,
            gaps_ns=sight.gaps_ns,
            clock_steps=sight.clock_steps,
            one_sided=self.counts.one_sided > self.counts.two_sided,
            evictions=self.scanner.table.evicted,
            duplicates=self.scanner.duplicates,
            passed_over=self.scanner.precedence.passed,
            followed=self.scanner.followed,
            missed=self.scanner.missed,
        )

    def _run(self, memory: Buffer, index: array[int], count: int, links: array[int], told: list[Transition]) -> None:
        scanner = self.scanner
        scanner.begin(memory, index, count, links)
        view = memoryview(memory)
        while events := scanner.scan():
            if events == at.TICK:
                self._ticks_until(scanner.ts, told)
            elif events & (at.EVICT | at.REUSE):
                slot = scanner.slot
                self._end(slot, "evicted" if events & at.EVICT else "reused")
                if events & at.EVICT:
                    scanner.table.evict(slot)
                else:
                    scanner.table.release(slot)
            else:
                self._packet(events, view, told)
                if self.attribution.has_news():
                    told += self._judge(scanner.ts)
                if self._noticed:
                    told += self._notices(scanner.ts)

    def _ticks_until(self, ts_ns: int, told: list[Transition]) -> None:
        """All whole seconds up to this packet; those at which nothing can be due are skipped."""
        last = ts_ns // SECOND_NS * SECOND_NS
        if last == self.now_ns:
            self.scanner.due = last + SECOND_NS
            self._settle(ts_ns)
            told += self._judge(ts_ns)
            return
        if last <= self.now_ns:  # the packets' clock was set back
            self.scanner.due = last + SECOND_NS
            self.now_ns = last
            told += self._judge_waiting(ts_ns)
            return
        following = self.now_ns + SECOND_NS
        while following < last:
            told += self.tick(following)
            due = min((ns for ns in self._due() if ns is not None), default=last)
            following = max(self.now_ns + SECOND_NS, min(last, -(-due // SECOND_NS) * SECOND_NS))
        told += self.tick(last)

    def _due(self) -> tuple[int | None, ...]:
        return (
            self.scanner.table.oldest_ns(),
            self.attribution.lookups.next_ns(),
            self.book.next_ns(),
            self.alarms.next_ns(),
            self.fragments.next_ns(),
            next((contact.first_ns + SETTLE_NS for contact in self._settling), None),
        )

    def _packet(self, events: int, view: memoryview, told: list[Transition]) -> None:
        """One packet that carries news."""
        scanner = self.scanner
        if events & at.NEIGHBOUR:
            self.hearing.neighbour(view)
            return
        if events & at.FRAGMENT:
            self._fragment(view, told)
            return
        if events & at.MALFORMED:
            self.hearing.observe(MalformedSeen(LAYERS[scanner.frame.layer], REASONS[scanner.frame.reason]))
            return
        slot, ts_ns = scanner.slot, scanner.ts
        if events & at.NEW:
            flow = self._begin(slot, ts_ns)
            if not scanner.direction:
                events &= ~at.ANSWER  # its sender was turned from a server into the one who began
        else:
            known = self._flows[slot]
            assert known is not None  # noqa: S101  begun when the scanner said NEW
            flow = known
        if scanner.direction == 1 and flow.contact is None and flow.peer is None:
            self.attribution.answers(flow, scanner.frame.macs()[0], ts_ns)
        if self.traces is not None and (flow.kept < PER_FLOW or events & at.REFUSE):
            self._trace(flow, events, view)
        if events & (at.SYN | at.PAYLOAD):
            self.hearing.payload(flow, slot, events)
            if events & at.SYN:
                self._clock(flow, ts_ns)
        if flow.serves and events & (at.ANSWER | at.REFUSE):
            self.inspection.served(flow, ts_ns, answered=bool(events & at.ANSWER))
        if flow.contact is not None and events & (at.NEW | at.ATTEMPT | at.ANSWER | at.REFUSE | at.TRANSFER):
            self._count(slot, ts_ns)
            if events & at.REFUSE:
                self.attribution.outcome(flow, REFUSED, ts_ns)
            if events & at.ANSWER:
                if scanner.table.field(slot, at.PACKETS + 1):
                    self.counts.two_sided += 1
                else:
                    self.counts.one_sided += 1
                self.attribution.outcome(flow, ANSWERED, ts_ns)
            if events & at.TRANSFER:
                self.attribution.outcome(flow, TRANSFERRED, ts_ns)
                if not flow.outward and scanner.table.field(slot, at.FLAGS) & at.F_SYN:
                    self.attribution.came(flow, ts_ns)
        if events & at.ERROR:
            self._refused(view)

    def _trace(self, flow: Flow, events: int, view: memoryview) -> None:
        """Keep what may be kept of the packet. Evidence is no reason to stop watching."""
        assert self.traces is not None  # noqa: S101  asked before each call
        try:
            self.traces.packet(flow, events, view)
        except Exception as defect:  # noqa: BLE001  the fence around what reads payloads
            flow.kept = PER_FLOW
            self.hearing.fault(defect)

    def _begin(self, slot: int, ts_ns: int) -> Flow:
        scanner, frame = self.scanner, self.scanner.frame
        source, destination = Address(frame.source()), Address(frame.destination())
        source_mac, destination_mac = frame.macs()
        if destination_mac == self._next_hop:
            destination_mac = self._next_hop  # most flows leave by one router: its MAC is kept once
        else:
            self._next_hop = destination_mac
        if scanner.direction == 0:
            flow = Flow(
                slot, source, destination, frame.sport, frame.dport, frame.proto, frame.vlans(), source_mac,
                destination_mac, ts_ns,
            )  # fmt: skip
        else:
            flow = Flow(
                slot, destination, source, frame.dport, frame.sport, frame.proto, frame.vlans(), destination_mac,
                source_mac, ts_ns,
            )  # fmt: skip
        flow.early = ts_ns - self.first_ns < UNDER_WAY_NS
        if scanner.direction == 1 and frame.proto == at.PROTO_UDP and self.attribution.leaves(source, destination):
            # Ports made the sender a server, but it is ours and the first to speak to somebody outside.
            scanner.turn(slot)
            flow.turn()
        self._flows[slot] = flow
        self.hearing.begin(slot, flow)
        if self._canary is not None and flow.responder == self._canary and flow.responder_port == self._canary_port:
            self.sight.canary_ns = ts_ns
            return flow
        self.attribution.begin(flow, frame.ttl, flow.initiator == source)
        if flow.device is not None or flow.peer is not None:
            scanner.heed(slot)
        if flow.device is None:
            self.counts.unplaced += 1
        elif flow.device.watched:
            scanner.table.watch(slot)
        if frame.proto == at.PROTO_TCP and flow.responder_port in SERVING:
            flow.serves = True
            scanner.care(slot)
        if flow.contact is not None or self.attribution.awaits(flow):
            scanner.care(slot)
        return flow

    def _clock(self, flow: Flow, ts_ns: int) -> None:
        """A SYN carries its sender's clock, which tells when a device has started anew."""
        scanner = self.scanner
        began = scanner.direction == 0
        device = flow.device if flow.outward == began else flow.peer
        if device is not None and device.watched:
            ticks = scanner.frame.clock()
            if ticks >= 0:
                self.inspection.clock(device, Address(flow.responder if began else flow.initiator), ticks, ts_ns)

    def _count(self, slot: int, ts_ns: int) -> None:
        """Bring the flow's contact up to the table's counts."""
        flow = self._flows[slot]
        if flow is None or flow.contact is None:
            return
        table = self.scanner.table
        out, into = table.field(slot, at.BYTES), table.field(slot, at.BYTES + 1)
        sent, received = (out, into) if flow.outward else (into, out)
        last_ns = min(ts_ns, table.field(slot, at.LAST))
        if not flow.outward and flow.proto == at.PROTO_UDP:
            outcome = outcome_of(table.field(slot, at.FLAGS))
            self.attribution.talks(flow, table.field(slot, at.PACKETS + 1), outcome, last_ns)
        self.attribution.count(flow, table.field(slot, at.ATTEMPTS), sent, received, last_ns)

    def _see(self, slot: int, now_ns: int) -> None:
        """The flow's ends were there in the second before this tick."""
        flow = self._flows[slot]
        if flow is None:
            return
        ways = self.scanner.ways(slot)
        back = (0, 2, 1, 3)[ways]
        if flow.device is not None:
            flow.device.present(now_ns, ways if flow.outward else back)
        if flow.peer is not None:
            flow.peer.present(now_ns, back)
        table = self.scanner.table
        if flow.proto == at.PROTO_TCP and table.field(slot, at.FLAGS) & at.F_ANSWERED:
            if table.field(slot, at.PACKETS) and table.field(slot, at.PACKETS + 1):
                self.sight.two_way += 1
            else:
                self.sight.one_way += 1

    def _watch_over(self, now_ns: int) -> list[Transition]:
        """What is wrong with devices as such, and with the sensor itself."""
        told = self.alarms.quiet(now_ns)
        told += self._changes(now_ns, now_ns)
        if self.scanner.packets != self._packets:
            self._packets = self.scanner.packets
            if now_ns - self._moved_ns > LULL_NS:
                self._awake_ns = now_ns
            self._moved_ns = now_ns
        if self.sight.live:
            sight = self.sight
            missed = (sight.lost, sight.gaps_ns, self.scanner.precedence.passed)
            if missed != self._missed:
                self._missed = missed
                self.attribution.whole_since_ns = now_ns
            notices = [notice for look in sight.looks(now_ns) for notice in sensor_blind.detect(look)]
            overdue = sensor_blind.overdue(now_ns - sight.canary_ns, sight.canary_every_ns)
            if overdue is not None:
                notices.append(overdue)
            sight.troubles = tuple(notice.message for notice in notices)
            if notices or self.alarms.holds(self._sensor.key):
                told += self.alarms.hold(self._sensor, (Kind.SENSOR_BLIND,), notices, now_ns)
        if self.silent_ns and now_ns >= self._silence_due:
            self._silence_due = now_ns + SILENCE_NS
            told += self._silences(now_ns)
        return told

    def _notices(self, now_ns: int) -> list[Transition]:
        """What the inspection has to tell of devices."""
        told: list[Transition] = []
        for device, notice in self.inspection.take():
            told += self.alarms.note(self._view(device), notice, now_ns)
        return told

    def _weaknesses(self, now_ns: int) -> list[Transition]:
        """What is wrong with firmware that was just heard of, and once an hour with any: it grows old by itself."""
        inspection, told = self.inspection, []
        if now_ns >= self._review_due:
            self._review_due = now_ns + REVIEW_NS
            inspection.due.update(dict.fromkeys(page.device for page in inspection.ledger))
        for key in list(inspection.due):
            device = self.attribution.devices.named(key)
            del inspection.due[key]
            if device is None or not device.watched:
                continue
            notices = inspection.standing(device, now_ns)
            if notices or self.alarms.holds(device.key):
                told += self.alarms.hold(self._view(device), STANDING, notices, now_ns)
        return told

    def _changes(self, until_ns: int, now_ns: int) -> list[Transition]:
        """What is known by ``until_ns`` of devices that are not what they were."""
        told: list[Transition] = []
        for change in self.attribution.devices.changes(until_ns):
            if self._on_change is not None:
                self._on_change(change)
            notice = device_changed.detect(change)
            if notice is not None:
                told += self.alarms.note(self._view(change.device), notice, now_ns)
        return told

    def _silences(self, now_ns: int) -> list[Transition]:
        """Devices that fell silent while others were heard, and those that are back."""
        told: list[Transition] = []
        for subject in self.alarms.subjects():
            known = self.attribution.devices.named(subject)
            if known is None or not known.watched:  # as after a reload: nobody will say that it is over
                told += self.alarms.let_go(subject, (Kind.DEVICE_SILENT, *STANDING), now_ns)
        updated: list[tuple[Device, Notice]] = []
        awake = now_ns - self._moved_ns < LULL_NS
        for device in self.attribution.devices:
            if not device.watched or device.seen_s < device_silent.LEAST_S:
                continue
            silent = device_silent.detect(device, self._awake_ns, now_ns, self.silent_ns) if awake else None
            if silent is not None:
                if self.inspection.updated_before(device, device.seen_ns):
                    updated.append((device, silent))
                    continue
                told += self.alarms.hold(self._view(device), (Kind.DEVICE_SILENT,), (silent,), now_ns)
            elif device.seen_ns >= self._awake_ns and self.alarms.holds(device.key):
                told += self.alarms.hold(self._view(device), (Kind.DEVICE_SILENT,), (), now_ns)
        for device, silent in updated:
            notice = device_silent.after_update(silent, len(updated))
            told += self.alarms.hold(self._view(device), (Kind.DEVICE_SILENT,), (notice,), now_ns)
        return told

    def _end(self, slot: int, reason: str) -> None:
        """The flow is over: settle its counts and forget it."""
        flow = self._flows[slot]
        assert flow is not None  # noqa: S101  begun when the scanner said NEW
        table = self.scanner.table
        self._count(slot, table.field(slot, at.LAST))
        if flow.proto == at.PROTO_TCP:
            if flow.responder_port in SDK_PORTS:
                self.inspection.pushed(flow, table.field(slot, at.PAYLOADS), table.field(slot, at.LAST))
            device = flow.device
            unanswered = table.field(slot, at.FLAGS) & (at.F_SYN | at.F_ANSWERED) == at.F_SYN
            if unanswered and device is not None and device.watched and flow.outward:
                self.inspection.failed(flow, device, table.field(slot, at.START))
        self.counts.flow_ends += 1
        self.hearing.ended(flow, slot, reason)
        flow.leave()
        self._flows[slot] = None
        self.hearing.forget(slot)

    def _fragment(self, view: memoryview, told: list[Transition]) -> None:
        scanner, frame = self.scanner, self.scanner.frame
        whole = self.fragments.add(
            scanner.ts,
            Address(frame.source()),
            Address(frame.destination()),
            frame.proto,
            frame.identification,
            frame.fragment,
            bytes(view[frame.network : frame.transport]),
            bytes(view[frame.transport : frame.transport_end]),
            frame.wire,
            frame.macs(),
            more=frame.more_fragments,
        )
        if whole is not None:
            self._inject(whole, told)

    def _inject(self, datagram: Datagram, told: list[Transition]) -> None:
        """Scan a reassembled datagram in the place of its last fragment."""
        index = array("q", (self.scanner.ts, 0, len(datagram.memory), datagram.wire, 0))
        self._scan_apart(datagram, datagram.memory, index, at.LINK_SAME, told)

    def _inject_late(self, datagram: Datagram, told: list[Transition]) -> None:
        """Scan what there is of a datagram that never became whole, as of when its first part passed."""
        source, destination = datagram.macs
        memory, link, header = datagram.memory, at.LINK_RAW, 0
        if source is not None and destination is not None:
            kind = at.TYPE_IPV4 if memory[0] >> 4 == 4 else at.TYPE_IPV6
            memory, link, header = destination + source + kind.to_bytes(2, "big") + memory, at.LINK_ETHERNET, 14
        index = array("q", (datagram.first_ns, 0, len(memory), datagram.wire + header, 0))
        self._scan_apart(datagram, memory, index, link, told)

    def _scan_apart(
        self, datagram: Datagram, memory: bytes, index: array[int], link: int, told: list[Transition]
    ) -> None:
        scanner = self.scanner
        position = scanner.position()
        due, scanner.due = scanner.due, 2**62
        scanner.whole(datagram.octets, datagram.packets)
        self._run(memory, index, 1, array("q", (link,)), told)
        scanner.due = due
        scanner.resume(position)

    def _refused(self, view: memoryview) -> None:
        """An ICMP error: the attempt that it quotes was refused, by whoever sent the error."""
        scanner, frame = self.scanner, self.scanner.frame
        kind, code = view[frame.transport], view[frame.transport + 1]
        if not refuses(frame.proto, kind, code):
            return
        quote = quoted(bytes(view[frame.payload : frame.payload + frame.payload_length]))
        if quote is None:
            return
        source, ts_ns = Address(frame.source()), scanner.ts
        found = scanner.lookup(quote.source, quote.destination, quote.sport, quote.dport, quote.proto, frame.vlans())
        if found is None or not found[1]:
            return
        slot = found[0]
        flow = self._flows[slot]
        flags = scanner.table.field(slot, at.FLAGS)
        if flow is None or flags & (at.F_ANSWERED | at.F_REFUSED):
            return
        scanner.table.put(slot, at.FLAGS, flags | at.F_REFUSED)
        if self.traces is not None:
            self.traces.refusal(flow, view)
        self.attribution.outcome(flow, REFUSED, ts_ns, refused_by=source)

    def _take_counts(self) -> None:
        """Give the incidents what their contacts have counted."""
        for contact in self.attribution.counted():
            if contact.p2p is not None or contact.verdict.kind in CLOUDS:
                self.inspection.went(contact, contact.last_ns)
            if contact.judged is None or not self.book.count(contact):
                contact.judged = None
                self.attribution.touch(contact)

    def _judge(self, now_ns: int, wait: bool = True) -> list[Transition]:  # noqa: FBT001, FBT002  a compiled method takes no keywords
        """Judge the contacts that changed; ``wait`` for those that may say more in a moment."""
        told: list[Transition] = []
        if self.attribution.devices.has_news():
            for device in self.attribution.devices.newly_recognised():
                self.inspection.recognised(device)
                self._touch_all(device)
        for contact in self.attribution.touched():
            state = contact.state()
            if contact.judged is not None and contact.judged == state and self.book.count(contact):
                continue
            self._take_counts()  # what was counted before belongs to what the incidents were before
            judgement = self.policy.judge(contact)
            if wait and not judgement.allowed and self._may_say_more(contact, now_ns):
                self._settling[contact] = None
                self.scanner.due = min(self.scanner.due, contact.first_ns + SETTLE_NS)
                if len(self._settling) > MAX_SETTLING:
                    oldest, _ = self._settling.popitem(last=False)
                    self.hurried += 1
                    told += self._judge_as(oldest, oldest.state(), self.policy.judge(oldest), now_ns)
                continue
            told += self._judge_as(contact, state, judgement, now_ns)
        if self._noticed:
            told += self._notices(now_ns)
        return told

    def _judge_as(
        self, contact: Contact, state: tuple[object, ...], judgement: Judgement, now_ns: int
    ) -> list[Transition]:
        """What it changes that this is what the policy says of a contact."""
        if contact.p2p is not None or contact.verdict.kind in CLOUDS:
            self.inspection.went(contact, contact.last_ns)  # it may be judged again long after
        for service in contact.services:
            if service in EXPORTS:
                self.inspection.exported(contact, service, contact.last_ns)
        if not judgement.allowed and now_ns < self.inspection.heeds_until_ns:
            self.inspection.new_destination(contact, self.attribution.contacts.of(contact.device), now_ns)
        if judgement.foreign != (FOREIGN in contact.traits):
            mark = with_one if judgement.foreign else without
            contact.traits = mark(contact.traits, FOREIGN)
        contact.judged = state
        return self.book.judge(contact, judgement, detect(contact, judgement), now_ns)

    def _judge_waiting(self, now_ns: int) -> list[Transition]:
        """Judge what changed and what waits to say more, whether its time is over or not."""
        for contact in self._settling:
            self.attribution.touch(contact)
        self._settling.clear()
        return self._judge(now_ns, False)  # noqa: FBT003

    def _may_say_more(self, contact: Contact, now_ns: int) -> bool:
        """A contact of moments ago of which only the address is known: its hello may tell whose it is."""
        return (
            not contact.told
            and now_ns < contact.first_ns + SETTLE_NS
            and contact.remote is not None
            and not contact.names
            and contact.p2p is None
            and contact.encrypted_dns is None
            and contact.verdict.kind in UNNAMED
        )

    def _settle(self, now_ns: int) -> None:
        """Have the contacts judged whose time for saying more is over."""
        while self._settling:
            contact = next(iter(self._settling))
            if not contact.told and now_ns < contact.first_ns + SETTLE_NS:
                self.scanner.due = min(self.scanner.due, contact.first_ns + SETTLE_NS)
                break
            del self._settling[contact]
            if not contact.told:
                self.attribution.touch(contact)

    def _touch_all(self, device: Device) -> None:
        for contact in self.attribution.contacts.of(device):
            self.attribution.contacts.promote(contact)
            self.attribution.touch(contact)
