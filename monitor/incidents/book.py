"""Book: all open incidents. Findings go in, transitions come out.

Strategy: one incident per (device, operator), opened at once, told again only on news (see Incident.state), at the
next tick, and ended after a quiet time in packet time. Everything about it is derived from contacts by taking over
what is new in them, so counts are exact however rarely it is told. Ids are hashes of the evidence: the same packets
give the same ids, after a crash or in a replay.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import cython
from msgspec import structs

from monitor.incidents.digest import digest
from monitor.incidents.incident import MAX_EVIDENCES
from monitor.incidents.words import sentence
from monitor.model.address import mac_text, text
from monitor.model.contacts import Outcome, address_of
from monitor.model.evidence import NO_SERVICE
from monitor.model.exhibits import no_packets
from monitor.model.incidents import (
    Activity,
    DeviceState,
    DeviceView,
    Kind,
    Totals,
    Transition,
)
from monitor.model.limits import Limit, Room

if not cython.compiled:
    from monitor.incidents.incident import Incident, counted
    from monitor.model.contacts import Contact, Device
    from monitor.model.evidence import evidence_of_contact, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitor.model.contacts import Judgement
    from monitor.model.exhibits import Packets
    from monitor.model.incidents import Finding
    from monitor.model.marks import Marks

MAX_OPEN: Final = 40_960
"""Open incidents in all, some 2 KiB each: forty operators of each of a thousand cameras."""
MAX_UNNAMED: Final = 8192
"""Open incidents of devices that the user never named, which anybody can make up: two of each device."""
MAX_PER_DEVICE: Final = 128
"""Operators of one device that have an incident of their own; a scan's further ones share one."""
QUIET_NS: Final = 24 * 3600 * 1_000_000_000
"""An incident without a packet for this long is over."""

_GENERAL: Final = frozenset({Kind.UNEXPECTED_CONTACT, Kind.NAME_LOOKUP})
"""Kinds that say nothing once a special one is known."""
MANY: Final = "many"
"""Operator key of the incident that a device's operators beyond MAX_PER_DEVICE share."""
REFUSED: Final = Outcome.REFUSED


class Book:
    """Open incidents by (device, operator)."""

    def __init__(
        self,
        sensor: str,
        totals: Callable[[], Totals],
        *,
        quiet_ns: int = QUIET_NS,
        max_open: int = MAX_OPEN,
        max_per_device: int = MAX_PER_DEVICE,
        packets: Packets = no_packets,
    ) -> None:
        """``totals`` says what the sensor has seen and missed so far; ``packets`` are asked for at each message."""
        self._packets = packets
        self._sensor = sensor
        self._totals = totals
        self._quiet_ns = quiet_ns
        self._max_open = max_open
        self._max_per_device = max_per_device
        self._open: OrderedDict[tuple[str, str], Incident] = OrderedDict()
        self._newest: Incident | None = None
        """The one used last, which stands at the end already."""
        self._unnamed: OrderedDict[tuple[str, str], None] = OrderedDict()
        """Those of devices that the user never named: they make room first."""
        self._by_uid: dict[str, Incident] = {}
        self._by_device: dict[str, int] = {}
        self._quiet_from: int | None = None
        self._moved: dict[str, Incident] = {}
        self.folded = 0
        """Contacts that share a device's incident for many operators."""
        self.evicted = 0
        """Incidents that ended for want of room."""
        self._most = 0
        self.marks: Marks[str] | None = None
        """Set by whoever saves incidents; the keys are their ids."""
        self.contact_marks: Marks[tuple[str, bytes | str]] | None = None
        """Those of the contacts, whose counts incidents take over."""

    def __len__(self) -> int:
        return len(self._open)

    def limits(self) -> list[Limit]:
        """The room for incidents."""
        return [
            Limit(Room.INCIDENTS, self._max_open, len(self._open), self.evicted),
            Limit(Room.INCIDENTS_OF_DEVICE, self._max_per_device + 1, self._most, self.folded),
        ]

    def judge(
        self, contact: Contact, judgement: Judgement, findings: Sequence[Finding], now_ns: int
    ) -> list[Transition]:
        """What a contact, newly judged, changes: at most an end, an opening or an update."""
        self._mark(contact, True)  # noqa: FBT003  likewise
        held = self._by_uid.get(contact.incident) if contact.incident is not None else None
        if not findings:
            return self._acquit(contact, held, judgement, now_ns) if held is not None else []
        if held is None and contact.incident is not None and now_ns - contact.last_ns >= self._quiet_ns:
            # Another policy had everything judged again: this was told, and is over. Its next packet is news.
            contact.judged = None
            return []
        told: list[Transition] = []
        incident = held
        if held is None or not self._belongs(contact, held):
            incident, told = self._place(contact, held, findings[0], now_ns)
        assert incident is not None  # noqa: S101  held, or placed
        incident.absorb(contact)
        incident.rule = judgement.rule
        for found in findings:
            if found.kind is not incident.kind and found.kind not in _GENERAL:
                incident.add_property(str(found.kind))
            incident.severity = max(incident.severity, found.severity)
        self._show(incident, contact)
        self._use(incident)
        return told + self._news(incident, now_ns)

    def count(self, contact: Contact) -> bool:
        """Only the counts of a contact changed since it was judged. False: its incident has ended without them."""
        if contact.incident is None:
            return True
        incident = self._by_uid.get(contact.incident)
        if incident is None:
            return _is_told(contact)
        self._mark(contact)
        incident.absorb(contact)
        self._use(incident)
        if incident.state() != incident.said:
            self._moved[incident.uid] = incident
        return True

    def news(self, now_ns: int) -> list[Transition]:
        """Tell what is new of open incidents: at the tick after it, so that a handshake is one message, not three."""
        moved, self._moved = self._moved, {}
        return [
            self._tell(incident, Activity.UPDATE, now_ns)
            for uid, incident in moved.items()
            if uid in self._by_uid and incident.state() != incident.said
        ]

    def quiet(self, now_ns: int) -> list[Transition]:
        """End the incidents that were quiet for long enough."""
        due = self._quiet_due()
        if due is None or now_ns < due:
            return []
        over: list[Incident] = [each for each in self._open.values() if now_ns - each.last_ns >= self._quiet_ns]
        self._quiet_from = None
        return [self._end(incident, now_ns) for incident in over]

    def next_ns(self) -> int | None:
        """When ``news`` or ``quiet`` may next have something."""
        return 0 if self._moved else self._quiet_due()

    def _quiet_due(self) -> int | None:
        if self._quiet_from is None and self._open:
            self._quiet_from = min([each.last_ns for each in self._open.values()]) + self._quiet_ns
        return self._quiet_from

    def settle(self, now_ns: int) -> list[Transition]:
        """At the end of the packets: tell the exact counts of every incident that moved since it was told."""
        return [
            self._tell(incident, Activity.UPDATE, now_ns)
            for incident in self._open.values()
            if incident.counts() != incident.said_counts or incident.state() != incident.said
        ]

    def uids(self) -> list[str]:
        """Ids of all open incidents, the longest unused first."""
        return [each.uid for each in self._open.values()]

    def open_of(self, device: str) -> int:
        """How many incidents of the device with this key are open."""
        return self._by_device.get(device, 0)

    def open(self, uid: str) -> Incident | None:
        """The open incident with this id."""
        return self._by_uid.get(uid)

    def resume(self, incident: Incident) -> None:
        """Go on with an incident that an earlier run left open, used later than those before it."""
        self._open[incident.key] = self._by_uid[incident.uid] = incident
        self._by_device[incident.key[0]] = self._by_device.get(incident.key[0], 0) + 1
        self._most = max(self._most, self._by_device[incident.key[0]])
        self._quiet_from = None
        self._use(incident)
        if incident.state() != incident.said:
            self._moved[incident.uid] = incident

    def _mark(self, contact: Contact, urgent: bool = False) -> None:  # noqa: FBT001, FBT002  compiled, so no keyword
        if self.contact_marks is not None and contact.order >= 0:
            self.contact_marks.changed[contact.place] = None
            self.contact_marks.urgent |= urgent

    def _use(self, incident: Incident) -> None:
        if self.marks is not None:
            self.marks.changed[incident.uid] = None
        if incident is not self._newest:
            self._open.move_to_end(incident.key)
            self._newest = incident
        if not incident.device.named:
            self._unnamed[incident.key] = None
            self._unnamed.move_to_end(incident.key)
        elif self._unnamed:
            self._unnamed.pop(incident.key, None)  # named meanwhile, by an address that it took

    def _belongs(self, contact: Contact, held: Incident) -> bool:
        """Whether the incident that has the contact is still the one of its operator, or stands for it."""
        key = (contact.device.key, contact.verdict.operator_key)
        return held.key == key or (held.key[1] == MANY and key not in self._open)

    def _place(
        self, contact: Contact, held: Incident | None, found: Finding, now_ns: int
    ) -> tuple[Incident, list[Transition]]:
        """Find or open the incident a contact belongs to now; leave the one it was in."""
        key = (contact.device.key, contact.verdict.operator_key)
        told: list[Transition] = []
        incident = self._open.get(key)
        if held is None:
            contact.kept = (contact.told_attempts, contact.told_out, contact.told_in, contact.told_asked)
        else:
            if incident is None and held.contacts == 1:
                # A better match of the same thing: it keeps its id.
                del self._open[held.key]
                self._unnamed.pop(held.key, None)
                held.key = key
                self._open[key] = held
                self._use(held)
                return held, told
            held.release(contact)
            if self.marks is not None:
                self.marks.changed[held.uid] = None
            if held.contacts == 0 and incident is not None:
                told.append(self._end(held, now_ns, merged_into=incident.uid))
        asked: Incident | None = None
        if incident is not None and incident.kind is Kind.NAME_LOOKUP and contact.remote is not None:
            # What was only asked for is now contacted: that is another kind, and so another incident.
            asked, incident = self._take(incident), None
        if incident is None:
            if self._by_device.get(contact.device.key, 0) >= self._max_per_device:
                self.folded += 1
                key = (contact.device.key, MANY)
                incident = self._open.get(key)
            if incident is None:
                incident, made_room = self._begin(key, contact, found, now_ns)
                told += made_room
        if asked is not None:
            told.append(self._tell(asked, Activity.END, now_ns, incident.uid))
        incident.contacts += 1
        incident.ends += contact.remote is not None
        contact.incident = incident.uid
        return incident, told

    def _begin(
        self, key: tuple[str, str], contact: Contact, found: Finding, now_ns: int
    ) -> tuple[Incident, list[Transition]]:
        made_room = []
        crowded = not contact.device.named and len(self._unnamed) >= MAX_UNNAMED
        if crowded or len(self._open) >= self._max_open:
            longest_unused = next(iter(self._unnamed), None) or next(iter(self._open))
            made_room.append(self._end(self._open[longest_unused], now_ns))
            self.evicted += 1
        # One of its incidents may have ended, by another policy, and no packet have come since.
        begun_ns = now_ns if contact.told else contact.first_ns
        uid = digest(self._sensor, key[0], key[1], begun_ns, contact.first_id)
        incident = self._open[key] = Incident(
            uid=uid,
            key=key,
            kind=found.kind,
            device=contact.device,
            verdict=contact.verdict,
            severity=found.severity,
            rule="",
            first_ns=contact.last_ns if counted(contact) else contact.first_ns,
            last_ns=contact.last_ns,
            outcome=contact.outcome,
            refused_by=contact.refused_by,
            base=self._totals(),
        )
        self._by_uid[uid] = incident
        self._use(incident)
        self._by_device[key[0]] = self._by_device.get(key[0], 0) + 1
        self._most = max(self._most, self._by_device[key[0]])
        return incident, made_room

    def _acquit(self, contact: Contact, held: Incident, judgement: Judgement, now_ns: int) -> list[Transition]:
        """The contact turned out to be allowed."""
        contact.incident = None
        if held.contacts > 1:
            held.release(contact)
            if self.marks is not None:
                self.marks.changed[held.uid] = None
            return []
        held.rule = judgement.rule
        held.absorb(contact)
        return [self._end(held, now_ns, None, True)]  # noqa: FBT003

    def _show(self, incident: Incident, contact: Contact) -> None:
        """Put the contact's remote end among the evidences, as long as there is room."""
        service = contact.services[0] if contact.services else NO_SERVICE
        ip = text(contact.remote) if contact.remote is not None else None
        name = name_of(contact, service)
        place = (ip, None if ip is not None else name)
        if place not in incident.evidences and len(incident.evidences) >= MAX_EVIDENCES:
            return
        shown = incident.evidences.get(place)
        if shown is not None and contact.shown is not None and contact.source is not None:
            evidence, of_service, under_name, by_verdict = contact.shown
            if shown is evidence and service is of_service and name is under_name and contact.verdict is by_verdict:
                return
        evidence = incident.evidences[place] = evidence_of_contact(contact, shown)
        contact.shown = (evidence, service, name, contact.verdict)

    def _news(self, incident: Incident, now_ns: int) -> list[Transition]:
        if incident.number:
            if incident.state() != incident.said:
                self._moved[incident.uid] = incident
            return []
        return [self._tell(incident, Activity.NEW, now_ns)]

    def _end(
        self,
        incident: Incident,
        now_ns: int,
        merged_into: str | None = None,
        acquitted: bool = False,  # noqa: FBT001, FBT002  compiled, so no keyword
    ) -> Transition:
        return self._tell(self._take(incident), Activity.END, now_ns, merged_into, acquitted)

    def _take(self, incident: Incident) -> Incident:
        """The incident is open no more."""
        if self.marks is not None:
            self.marks.left(incident.uid)
        del self._open[incident.key]
        del self._by_uid[incident.uid]
        self._unnamed.pop(incident.key, None)
        self._moved.pop(incident.uid, None)
        left = self._by_device[incident.key[0]] - 1
        if left:
            self._by_device[incident.key[0]] = left
        else:
            del self._by_device[incident.key[0]]
        return incident

    def _tell(
        self,
        incident: Incident,
        activity: Activity,
        now_ns: int,
        merged_into: str | None = None,
        acquitted: bool = False,  # noqa: FBT001, FBT002  likewise
    ) -> Transition:
        incident.number += 1
        if self.marks is not None and activity is not Activity.END:
            self.marks.changed[incident.uid] = None
        incident.said = incident.state()
        incident.said_counts = incident.counts()
        evidences = tuple(incident.evidences.values())
        return Transition(
            uid=digest(incident.uid, incident.number),
            incident=incident.uid,
            number=incident.number,
            activity=activity,
            time_ns=now_ns,
            kind=incident.kind,
            properties=incident.properties,
            severity=incident.severity,
            message=sentence(incident, merged_into, acquitted),
            rule=incident.rule,
            device=view(incident.device),
            confidence=incident.verdict.confidence,
            verdict=incident.verdict,
            outcome=incident.outcome,
            refused_by=incident.refused_by if incident.outcome is REFUSED else None,
            attempts=incident.attempts,
            bytes_out=incident.bytes_out,
            bytes_in=incident.bytes_in,
            foreign=incident.foreign,
            first_ns=incident.first_ns,
            last_ns=incident.last_ns,
            evidences=evidences,
            visibility=self._totals().since(incident.base),
            merged_into=merged_into,
            packets=self._packets(evidences, incident.first_ns, alone=False),
        )


def view(device: Device) -> DeviceView:
    """The device as messages show it."""
    return DeviceView(
        key=device.key,
        name=device.name,
        label=device.name if device.configured else "other",
        device_class=str(device.device_class),
        ip=_address(device),
        mac=mac_text(device.mac) if device.mac is not None else None,
        vendor=device.vendor_name,
        sticker=device.label,
        model=device.model,
        firmware=device.firmware,
        group=device.group,
    )


def state(device: Device, incidents_open: int = 0) -> DeviceState:
    """The device as subscribers are shown it."""
    return DeviceState(
        *structs.astuple(view(device)),
        first_ns=device.first_ns,
        last_ns=max(device.last_ns, device.seen_ns),
        seen_s=device.seen_s,
        both_s=device.both_s,
        incidents_open=incidents_open,
    )


def _is_told(contact: Contact) -> bool:
    """Whether incidents have had all that the contact counted."""
    return (
        contact.attempts == contact.told_attempts
        and contact.bytes_out == contact.told_out
        and contact.bytes_in == contact.told_in
        and contact.asked == contact.told_asked
    )


def _address(device: Device) -> str | None:
    address = address_of(device)
    return text(address) if address is not None else None
