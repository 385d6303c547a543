"""Resuming: records of an earlier run, put into an engine that has seen nothing.

Strategy: devices first, then what they have; within each kind what was used longest ago comes first, so that the
orders of use are as they were. A row that is damaged, of another version, about something that is not there any more
or beyond a limit is counted and left out: the engine learns it again from packets. Configuration decides over rows:
an inventory entry keeps its name and class, and a contact that the policy now sees otherwise is judged again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from msgspec import Struct

from monitor.contacts.lookups import Lookup
from monitor.continuity.records import (
    AlarmRecord,
    ContactRecord,
    Damaged,
    DeviceRecord,
    EngineRecord,
    Foreign,
    IncidentRecord,
    LookupRecord,
    NamesRecord,
    PageRecord,
    Record,
    SiteRecord,
    decode,
)
from monitor.detectors import call_home
from monitor.incidents.alarms import Alarm
from monitor.incidents.incident import Incident
from monitor.model.address import Address, Mac
from monitor.model.contacts import Contact, Device, Trait
from monitor.model.flows import Flow
from monitor.wire import layout as at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.continuity.records import FlowRecord
    from monitor.engine import Engine
    from monitor.model.verdicts import Verdict

R = TypeVar("R", bound=Record)

BLIND_NS: Final = 1_000_000_000
"""A restart that takes longer than a tick may have missed what was asked for, and what followed."""
BY_CONFIGURATION: Final = frozenset({"configuration", "named as a camera network"})
"""What recognised a device that only the configuration can recognise again."""


def describe(device: Device, kept: DeviceRecord) -> None:
    """What the device was found to be: whose, which model, with which firmware."""
    device.vendor, device.vendor_name, device.vendor_by = kept.vendor, kept.vendor_name, kept.vendor_by
    device.model, device.firmware = kept.model, kept.firmware


class Resumed(Struct):
    """What became of the rows of an earlier run."""

    devices: int = 0
    contacts: int = 0
    flows: int = 0
    names: int = 0
    lookups: int = 0
    incidents: int = 0
    alarms: int = 0
    pages: int = 0
    damaged: int = 0
    """Rows whose bytes are not those that were written."""
    foreign: int = 0
    """Rows that another version wrote."""
    crowded: int = 0
    """Records for which there is no room any more."""
    orphaned: int = 0
    """Contacts, lookups and pages whose device is not known any more."""
    unsure: int = 0
    """Lookups that were dropped, since nobody saw whether anything followed."""
    judged_again: int = 0
    """Contacts of which the policy says something else now, or which were not judged yet."""
    saved_ns: int = 0
    """Engine time when the rows were written; 0: there was no earlier run, or it is not known."""
    last_packet_ns: int = 0
    """Its last packet: what passed since then was not seen."""

    def gap_ns(self, first_packet_ns: int) -> int:
        """How long nobody looked, if the first packet after the restart came then."""
        return max(0, first_packet_ns - max(self.saved_ns, self.last_packet_ns)) if self.saved_ns else 0


class Resuming:
    """One engine, taking up the rows of an earlier run."""

    def __init__(self, engine: Engine, rows: Mapping[str, Mapping[str, bytes]], at_ns: int | None) -> None:
        """``rows`` by kind and name; ``at_ns``: when packets can come again, None: at once."""
        self._engine = engine
        self._known = engine.attribution
        self._rows = rows
        self._at_ns = at_ns
        self._places: dict[tuple[str, bytes | str], Contact] = {}
        self._verdicts: dict[Verdict, Verdict] = {}
        self._counted = False
        self._blind = False
        self.report = Resumed()

    def run(self) -> Resumed:
        """Put everything in its place."""
        self._resume_engine()
        self._resume_site()
        for device in sorted(self._read("device", DeviceRecord), key=lambda each: each.last_ns):
            self._resume_device(device)
        for named in sorted(self._read("names", NamesRecord), key=lambda each: max(ns for _, ns in each.names)):
            for name, expires_ns in named.names:
                self._known.names.learn(named.device, name, Address(named.address), expires_ns)
            self.report.names += 1
        for lookup in sorted(self._read("lookup", LookupRecord), key=lambda each: each.asked_ns):
            self._resume_lookup(lookup)
        flows = self._resume_contacts(sorted(self._read("contact", ContactRecord), key=lambda each: each.used_ns))
        for incident in sorted(self._read("incident", IncidentRecord), key=lambda each: each.last_ns):
            self._resume_incident(incident)
        for alarm in sorted(self._read("alarm", AlarmRecord), key=lambda each: each.last_ns):
            self._resume_alarm(alarm)
        for kept in self._read("page", PageRecord):
            self._resume_page(kept)
        for contact in self._places.values():
            self._judge_if_needed(contact)
        self._resume_flows(flows)
        return self.report

    def _read(self, kind: str, record: type[R]) -> list[R]:
        read: list[R] = []
        for row in self._rows.get(kind, {}).values():
            try:
                read.append(decode(record, row))
            except Damaged:
                self.report.damaged += 1
            except Foreign:
                self.report.foreign += 1
        return read

    def _resume_engine(self) -> None:
        for kept in self._read("engine", EngineRecord):
            engine, known, rooms = self._engine, self._known, kept.rooms
            self.report.saved_ns, self.report.last_packet_ns = kept.now_ns, kept.last_packet_ns
            known.whole_since_ns = kept.whole_since_ns
            since_ns = kept.ledger_since_ns
            engine.inspection.ledger.since_ns = since_ns if since_ns >= 0 else self._at_ns or kept.now_ns
            first_ns = kept.first_ns
            if self._at_ns is not None and self._at_ns - max(kept.now_ns, kept.last_packet_ns) > BLIND_NS:
                self._blind = True
                known.whole_since_ns = first_ns = self._at_ns  # flows may have begun, and names been asked for, unseen
            if kept.now_ns:
                engine.resume(kept.now_ns, first_ns)
            for name, count in kept.counts.items():
                if hasattr(engine.counts, name):
                    setattr(engine.counts, name, count)
            engine.counts.malformed.update(kept.malformed)
            known.contacts.evicted, known.contacts.crowded = rooms.get("contacts", 0), rooms.get("crowded", 0)
            known.lookups.early, known.names.evicted = rooms.get("lookups", 0), rooms.get("names", 0)
            known.devices.evicted, known.devices.unwatched = rooms.get("devices", 0), rooms.get("unwatched", 0)
            engine.book.folded, engine.book.evicted = rooms.get("folded", 0), rooms.get("incidents", 0)
            engine.hurried = rooms.get("hurried", 0)
            engine.sight.resume(*kept.sight)
            try:
                engine.scanner.count_on(kept.scanner)
            except ValueError:
                self.report.foreign += 1
            else:
                self._counted = True

    def _resume_site(self) -> None:
        for kept in self._read("site", SiteRecord):
            for prefix in kept.prefixes:
                self._known.site.learn_prefix(prefix)
            for address, mac in kept.own:
                self._known.site.learn_address(Address(address), Mac(mac))
            for address in kept.called:
                self._known.site.called(Address(address))
            for mac in kept.routers:
                self._known.devices.resume_router(Mac(mac))
            for mac, address in kept.carried:
                self._known.devices.carries_others(Mac(mac), Address(address))

    def _resume_device(self, kept: DeviceRecord) -> None:
        fresh = Device(kept.key, kept.name, kept.first_ns, last_ns=kept.last_ns)
        present = self._known.devices.named(kept.key)
        configured = present is not None and present.configured
        device = present if present is not None else fresh
        describe(device, kept)
        device.name_rank, device.model_rank, device.firmware_rank = kept.ranks
        device.first_ns, device.last_ns, device.heard_ns = kept.first_ns, kept.last_ns, kept.last_ns
        device.seen_s, device.both_s, device.seen_ns = kept.seen
        device.v4_address = Address(kept.v4_address) if kept.v4_address is not None else None
        device.said = kept.said
        device.dropped = kept.dropped if kept.dropped is not None else self._known.contacts.evicted
        device.v4_seen_ns, device.booted_ns, device.hides_names = kept.v4_seen_ns, kept.booted_ns, kept.hides_names
        if not configured and kept.recognised_by not in BY_CONFIGURATION:
            device.classify(kept.device_class)
            device.recognised_by = kept.recognised_by
        fresh.mac = Mac(kept.mac) if kept.mac is not None else None
        fresh.addresses = [Address(each) for each in kept.addresses]
        if self._known.devices.resume(fresh) is None:
            self.report.crowded += 1
        else:
            self.report.devices += 1

    def _resume_page(self, kept: PageRecord) -> None:
        if self._known.devices.named(kept.page.device) is None:
            self.report.orphaned += 1
        elif self._engine.inspection.resume(kept.page):
            self.report.pages += 1
        else:
            self.report.crowded += 1

    def _resume_lookup(self, kept: LookupRecord) -> None:
        device = self._known.devices.named(kept.device)
        if device is None:
            self.report.orphaned += 1
            return
        nothing_can_follow = kept.rcode is not None and not kept.addresses
        if self._blind and not nothing_can_follow:
            self.report.unsure += 1
            return
        lookup = Lookup(device, kept.name, kept.asked_ns, kept.first_id)
        lookup.last_ns, lookup.times, lookup.rcode = kept.last_ns, kept.times, kept.rcode
        lookup.addresses = [Address(each) for each in kept.addresses]
        if self._known.lookups.resume(lookup):
            self.report.lookups += 1
        else:
            self.report.crowded += 1

    def _resume_contacts(self, kept: list[ContactRecord]) -> list[tuple[Contact, FlowRecord]]:
        """The contacts, as many as there is room for, the latest used; their flows."""
        room = self._known.contacts.limits()[0].capacity
        self.report.crowded += max(0, len(kept) - room)
        flows: list[tuple[Contact, FlowRecord]] = []
        for each in kept[-room:]:
            device = self._known.devices.named(each.device)
            if device is None:
                self.report.orphaned += 1
                continue
            contact = self._contact(each, device)
            if not self._known.contacts.resume(contact):
                self.report.crowded += 1
                continue
            self.report.contacts += 1
            self._places[contact.place] = contact
            flows += [(contact, flow) for flow in each.flows]
        return flows

    def _contact(self, kept: ContactRecord, device: Device) -> Contact:
        verdict = self._verdicts.setdefault(kept.verdict, kept.verdict)
        remote = Address(kept.remote) if kept.remote is not None else None
        contact = Contact(device, remote, verdict, kept.first_ns, kept.last_ns, kept.first_id, kept.outcome)
        contact.place = (device.key, kept.place if kept.place is not None else kept.names[0] if kept.names else "")
        contact.used_ns, contact.refused_by = kept.used_ns, kept.refused_by
        contact.attempts, contact.bytes_out, contact.bytes_in, contact.asked = kept.counts
        contact.told = kept.told is not None
        told = kept.told or (0, 0, 0, 0)
        contact.told_attempts, contact.told_out, contact.told_in, contact.told_asked = told
        contact.kept, contact.incident = kept.kept, kept.incident
        contact.outbound, contact.invited, contact.came = kept.outbound, kept.invited, kept.came
        contact.names, contact.told_names, contact.name_source = kept.names, kept.told_names, kept.name_source
        contact.said_names = kept.said_names
        contact.services = kept.services
        contact.source = Address(kept.source) if kept.source is not None else None
        contact.last_source_port = kept.last_source_port
        contact.p2p, contact.encrypted_dns = kept.p2p, kept.encrypted_dns
        contact.traits = kept.traits
        contact.judged = contact.state() if kept.judged else None
        return contact

    def _resume_incident(self, kept: IncidentRecord) -> None:
        device = self._known.devices.named(kept.key[0]) or Device(kept.key[0], kept.device_name, kept.first_ns)
        verdict = self._verdicts.setdefault(kept.verdict, kept.verdict)
        incident = Incident(
            uid=kept.uid,
            key=kept.key,
            kind=kept.kind,
            device=device,
            verdict=verdict,
            severity=kept.severity,
            rule=kept.rule,
            first_ns=kept.first_ns,
            last_ns=kept.last_ns,
            outcome=kept.outcome,
            refused_by=kept.refused_by,
            base=kept.base if self._counted and kept.base is not None else self._engine.totals(),
        )
        incident.properties, incident.countries = kept.properties, kept.countries
        incident.attempts, incident.bytes_out, incident.bytes_in, incident.contacts, incident.asked = kept.counts
        incident.ends, incident.number = kept.ends, kept.number
        incident.evidences = {
            (each.remote_ip, None if each.remote_ip is not None else each.remote_name): each for each in kept.evidences
        }
        incident.said, incident.said_counts = kept.said or (), kept.said_counts
        if kept.best is not None:
            key, end, name = kept.best
            incident.best = self._places.get((key, end if end is not None else name))
            if incident.best is None and kept.best_gone is not None:
                incident.best = self._contact(kept.best_gone, device)
        self._engine.book.resume(incident)
        self.report.incidents += 1

    def _resume_alarm(self, kept: AlarmRecord) -> None:
        base = kept.base if self._counted and kept.base is not None else self._engine.totals()
        alarm = Alarm(kept.uid, kept.device, kept.notice, kept.first_ns, base)
        alarm.last_ns, alarm.times, alarm.number = kept.last_ns, kept.times, kept.number
        if self._engine.alarms.resume(alarm, held=kept.held):
            self.report.alarms += 1
        else:
            self.report.crowded += 1

    def _judge_if_needed(self, contact: Contact) -> None:
        """A contact that waited to be judged waits again, and so does one of which the policy now says otherwise.

        An incident that is over stays so until there is news.
        """
        if not contact.device.watched:
            return
        is_open = contact.incident is not None and self._engine.book.open(contact.incident) is not None
        if contact.judged is not None:
            judgement = self._engine.policy.judge(contact)
            bad = bool(call_home.detect(contact, judgement))
            same_place = judgement.foreign == (Trait.FOREIGN in contact.traits)
            if (bad == is_open and (same_place or not bad)) or (contact.told and not is_open):
                if contact.incident is not None and _counts(contact) != _told(contact):
                    self._known.touch(contact)  # counted, and not yet given to its incident
                return
            contact.judged = None
        self.report.judged_again += 1
        self._known.touch(contact)

    def _resume_flows(self, kept: list[tuple[Contact, FlowRecord]]) -> None:
        """Flows in the order of their last packets, numbered in the order in which they began."""
        kept.sort(key=lambda each: each[1].columns[at.NUMBER - at.FLAGS])
        numbered = list(enumerate(kept, start=1))
        numbered.sort(key=lambda each: each[1][1].columns[at.LAST - at.FLAGS])
        for number, (contact, record) in numbered:
            columns = list(record.columns)
            columns[at.NUMBER - at.FLAGS] = number
            if self._engine.resume_flow(_flow(record), contact, record.which, tuple(columns)):
                self.report.flows += 1
            else:
                self.report.crowded += 1


def _counts(contact: Contact) -> tuple[int, int, int, int]:
    return contact.attempts, contact.bytes_out, contact.bytes_in, contact.asked


def _told(contact: Contact) -> tuple[int, int, int, int]:
    return contact.told_attempts, contact.told_out, contact.told_in, contact.told_asked


def _flow(kept: FlowRecord) -> Flow:
    flow = Flow(
        0,
        Address(kept.initiator),
        Address(kept.responder),
        kept.initiator_port,
        kept.responder_port,
        kept.proto,
        kept.vlan,
        Mac(kept.initiator_mac) if kept.initiator_mac is not None else None,
        Mac(kept.responder_mac) if kept.responder_mac is not None else None,
        kept.start_ns,
    )
    flow.outward, flow.early, flow.heard = kept.outward, kept.early, kept.heard
    flow.counted_out, flow.counted_in, flow.counted_attempts = kept.counted
    # Of bytes that were read already the parsers know no more: they begin with what comes next.
    payload_out, payload_in = kept.columns[at.PAYLOADS - at.FLAGS : at.PAYLOADS - at.FLAGS + 2]
    flow.opened = -1 if payload_out else kept.opened
    flow.accepted = -1 if payload_in else kept.accepted
    return flow
