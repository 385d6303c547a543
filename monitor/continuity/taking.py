"""Taking: records of what an engine knows now."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final, cast

from monitor.continuity.records import (
    AlarmRecord,
    ContactRecord,
    DeviceRecord,
    EngineRecord,
    FlowRecord,
    IncidentRecord,
    LookupRecord,
    NamesRecord,
    SiteRecord,
)

if TYPE_CHECKING:
    from monitor.contacts.lookups import Lookup
    from monitor.continuity.records import Said
    from monitor.engine import Engine
    from monitor.incidents.alarms import Alarm
    from monitor.incidents.incident import Incident
    from monitor.model.address import Address
    from monitor.model.contacts import Contact, Device
    from monitor.model.flows import Flow

MAX_FLOWS: Final = 64
"""Flows kept of one contact, the newest: those of a camera that tries once a second and gets no answer for a minute.
One that is left out begins anew with its next packet."""
MINUTE_NS: Final = 60_000_000_000
"""How exactly it is kept when a device was last heard, but at a stop: each second would be a row a device."""


def marks_of(device: Device) -> tuple[object, ...]:
    """What of a device makes its record worth writing again."""
    return (
        device.name,
        device.last_ns // MINUTE_NS,
        device.seen_ns // MINUTE_NS,
        device.v4_address,
        device.said,
        device.device_class,
        device.recognised_by,
        device.mac,
        tuple(device.addresses),
        device.vendor,
        device.vendor_by,
        device.model,
        device.firmware,
        device.name_rank,
        device.hides_names,
        device.booted_ns,
        device.dropped,
    )


def device_record(engine: Engine, device: Device) -> DeviceRecord:
    """The device, with the addresses that lead to it."""
    known = engine.attribution.devices.known
    return DeviceRecord(
        key=device.key,
        name=device.name,
        first_ns=device.first_ns,
        last_ns=device.last_ns,
        v4_seen_ns=device.v4_seen_ns,
        device_class=device.device_class,
        recognised_by=device.recognised_by,
        mac=device.mac,
        addresses=tuple(address for address in device.addresses if known(address) is device),
        vendor=device.vendor,
        vendor_name=device.vendor_name,
        vendor_by=device.vendor_by,
        model=device.model,
        firmware=device.firmware,
        ranks=(device.name_rank, device.model_rank, device.firmware_rank),
        hides_names=device.hides_names,
        booted_ns=device.booted_ns,
        seen=(device.seen_s, device.both_s, device.seen_ns),
        v4_address=device.v4_address,
        said=device.said,
        dropped=device.dropped,
    )


def contact_record(engine: Engine, contact: Contact) -> ContactRecord:
    """The contact, with the newest of its flows."""
    place = contact.place[1]
    flows: list[FlowRecord] = []
    flow = contact.newest_flow
    while flow is not None and len(flows) < MAX_FLOWS:
        flows.append(_flow_record(engine, flow))
        flow = flow.earlier
    return ContactRecord(
        device=contact.device.key,
        place=place if isinstance(place, bytes) else None,
        remote=contact.remote,
        verdict=contact.verdict,
        first_ns=contact.first_ns,
        last_ns=contact.last_ns,
        used_ns=contact.used_ns,
        first_id=contact.first_id,
        outcome=contact.outcome,
        refused_by=contact.refused_by,
        counts=(contact.attempts, contact.bytes_out, contact.bytes_in, contact.asked),
        told=(contact.told_attempts, contact.told_out, contact.told_in, contact.told_asked) if contact.told else None,
        kept=contact.kept,
        incident=contact.incident,
        judged=contact.judged is not None and contact.judged == contact.state(),
        outbound=contact.outbound,
        invited=contact.invited,
        names=contact.names,
        told_names=contact.told_names,
        name_source=contact.name_source,
        services=contact.services,
        source=contact.source,
        last_source_port=contact.last_source_port,
        p2p=contact.p2p,
        encrypted_dns=contact.encrypted_dns,
        traits=contact.traits,
        flows=tuple(flows),
        came=contact.came,
        said_names=contact.said_names,
    )


def _flow_record(engine: Engine, flow: Flow) -> FlowRecord:
    which, columns = engine.scanner.table.record(flow.slot)
    return FlowRecord(
        initiator=flow.initiator,
        responder=flow.responder,
        initiator_port=flow.initiator_port,
        responder_port=flow.responder_port,
        proto=flow.proto,
        vlan=flow.vlan,
        initiator_mac=flow.initiator_mac,
        responder_mac=flow.responder_mac,
        start_ns=flow.start_ns,
        outward=flow.outward,
        early=flow.early,
        heard=flow.heard,
        opened=flow.opened,
        accepted=flow.accepted,
        counted=(flow.counted_out, flow.counted_in, flow.counted_attempts),
        which=which,
        columns=columns,
    )


def lookup_record(lookup: Lookup) -> LookupRecord:
    """The lookup as it waits."""
    return LookupRecord(
        device=lookup.device.key,
        name=lookup.name,
        asked_ns=lookup.asked_ns,
        last_ns=lookup.last_ns,
        first_id=lookup.first_id,
        times=lookup.times,
        rcode=lookup.rcode,
        addresses=tuple(lookup.addresses),
    )


def names_record(engine: Engine, key: tuple[str, Address]) -> NamesRecord:
    """What one device was told of one address."""
    return NamesRecord(key[0], key[1], tuple(engine.attribution.names.at(key)))


def incident_record(engine: Engine, incident: Incident) -> IncidentRecord:
    """The incident, with the contact that its message speaks of."""
    best, gone = incident.best, None
    if best is not None and engine.attribution.contacts.at(best.place) is not best:
        gone = contact_record(engine, best)
    place = best.place if best is not None else None
    return IncidentRecord(
        uid=incident.uid,
        key=incident.key,
        kind=incident.kind,
        device_name=incident.device.name,
        verdict=incident.verdict,
        severity=incident.severity,
        rule=incident.rule,
        first_ns=incident.first_ns,
        last_ns=incident.last_ns,
        outcome=incident.outcome,
        refused_by=incident.refused_by,
        base=incident.base,
        properties=incident.properties,
        counts=(incident.attempts, incident.bytes_out, incident.bytes_in, incident.contacts, incident.asked),
        ends=incident.ends,
        countries=incident.countries,
        evidences=tuple(incident.evidences.values()),
        best=None if place is None else _named(place),
        best_gone=gone,
        number=incident.number,
        said=cast("Said", incident.said) if incident.said else None,
        said_counts=incident.said_counts,
    )


def marks_of_alarm(alarm: Alarm) -> tuple[int, ...]:
    """What of an alarm makes its record worth writing again."""
    return (alarm.number, alarm.times, alarm.last_ns // MINUTE_NS)


def alarm_record(alarm: Alarm, *, held: bool) -> AlarmRecord:
    """The alarm, with what its messages show."""
    return AlarmRecord(
        uid=alarm.uid,
        device=alarm.device,
        notice=alarm.notice,
        first_ns=alarm.first_ns,
        last_ns=alarm.last_ns,
        base=alarm.base,
        times=alarm.times,
        number=alarm.number,
        held=held,
    )


def _named(place: tuple[str, bytes | str]) -> tuple[str, bytes | None, str]:
    device, end = place
    return (device, end, "") if isinstance(end, bytes) else (device, None, end)


def site_record(engine: Engine) -> SiteRecord:
    """What was learnt of the site."""
    prefixes, own, called = engine.attribution.site.learnt()
    routers, carried = engine.attribution.devices.routers()
    return SiteRecord(tuple(prefixes), tuple(own), tuple(called), tuple(routers), tuple(carried))


def engine_record(engine: Engine) -> EngineRecord:
    """Where the engine is and what it has counted."""
    counts = asdict(engine.counts)
    malformed = counts.pop("malformed")
    known = engine.attribution
    return EngineRecord(
        now_ns=engine.now_ns,
        first_ns=engine.first_ns,
        last_packet_ns=engine.scanner.ts,
        scanner=engine.scanner.counters(),
        counts=counts,
        malformed=malformed,
        rooms={
            "contacts": known.contacts.evicted,
            "crowded": known.contacts.crowded,
            "lookups": known.lookups.early,
            "names": known.names.evicted,
            "devices": known.devices.evicted,
            "unwatched": known.devices.unwatched,
            "folded": engine.book.folded,
            "incidents": engine.book.evicted,
            "hurried": engine.hurried,
        },
        sight=(engine.sight.arrived, engine.sight.lost, engine.sight.gaps_ns, engine.sight.clock_steps),
        whole_since_ns=known.whole_since_ns,
        ledger_since_ns=engine.inspection.ledger.since_ns,
    )
