"""Keeper: says which rows must be written, so that what is on disk is the engine at one moment.

Strategy: the tables mark what changes in them (model.marks). Each time the daemon commits transitions, all that has
changed goes along; if that is more than ROWS, that of the devices told of, and what changed longest ago. A contact's
counts and those of the incident that took them over never part: if one is written, so is the other. Regularly, and
when evidence began that no transition tells of yet, the same happens without transitions. What is written is what
changed, so that a quiet minute costs nothing however much is known.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

from monitor.continuity import taking
from monitor.continuity.records import PREFIX, PageRecord, encode, name_of
from monitor.continuity.resuming import Resuming
from monitor.model.limits import Room
from monitor.model.marks import Marks

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from monitor.continuity.records import Record
    from monitor.continuity.resuming import Resumed
    from monitor.engine import Engine
    from monitor.model.address import Address
    from monitor.model.contacts import Device
    from monitor.model.incidents import Transition

PAGES: Final = 64
"""Pages of the ledger that are written at a time: each has some 60 KiB where the device is polled."""
ROWS: Final = 512
"""Rows of contacts and incidents that are made at a time, some ten microseconds each, and no more of any other kind;
what is left comes with the next. One device's are never parted, so that it may be as many as it has more."""

K = TypeVar("K", bound="Hashable")

ENGINE: Final = f"{PREFIX}engine/"
SITE: Final = f"{PREFIX}site/"
LEARNT: Final = (Room.PREFIXES, Room.OWN_ADDRESSES, Room.CALLED_ADDRESSES, Room.ROUTERS, Room.CARRIERS)
"""Rooms whose sizes tell whether something was learnt of the site; the first two decide what is local."""

Rows = dict[str, bytes | None]
"""Name and body; None deletes."""
Place = tuple[str, bytes | str]
"""What a contact is found by."""


class Keeper:
    """Keeps one engine. Called in the engine's thread, between its calls.

    A mapping that could not be committed is to be committed with the next one, under it: ``{**old, **new}``.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stale: dict[str, None] = {}
        """Rows of an earlier run that nobody owns."""
        self._devices: dict[str, tuple[object, ...]] = {}
        """Of each device on disk, what its row was written for."""
        self._alarms: dict[str, tuple[int, ...]] = {}
        """Of each alarm on disk, what its row was written for."""
        self._pages: set[str] = set()
        """Devices whose page is on disk."""
        self._looked_at = 0
        self._site: tuple[int, ...] = ()
        self._contacts: Marks[Place] = Marks()
        self._names: Marks[tuple[str, Address]] = Marks()
        self._lookups: Marks[tuple[str, str]] = Marks()
        self._incidents: Marks[str] = Marks()
        known = engine.attribution
        known.contacts.marks, known.names.marks, known.lookups.marks = self._contacts, self._names, self._lookups
        engine.book.marks, engine.book.contact_marks = self._incidents, self._contacts
        self._mark_all()

    @property
    def waiting(self) -> int:
        """Records that changed since they were last given out."""
        marks = (self._contacts, self._names, self._lookups, self._incidents)
        return sum(len(each.changed) + len(each.gone) for each in marks)

    def restore(self, rows: Mapping[str, bytes], at_ns: int | None = None) -> Resumed:
        """Put the rows of an earlier run into the engine, which must have seen nothing; what became of them.

        ``rows`` are those whose name begins with PREFIX. ``at_ns`` is when packets can come again, where time has
        passed meanwhile; None: the packets go on where they stopped.
        """
        kinds: dict[str, dict[str, bytes]] = {}
        for name, row in rows.items():
            kind, _, rest = name.removeprefix(PREFIX).partition("/")
            kinds.setdefault(kind, {})[rest] = row
        report = Resuming(self._engine, kinds, at_ns).run()
        self._stale = dict.fromkeys(name for name in rows if name.startswith(PREFIX))
        self._mark_all()
        self._recognise_rows()
        return report

    def changed(self, transitions: Sequence[Transition] = ()) -> Rows:
        """What must be committed together with these transitions; empty if there is no need to commit anything.

        To be called after each block and tick, also if it told nothing: it may have begun evidence.
        """
        urgent = self._contacts.urgent or self._lookups.urgent
        if not transitions and not urgent:
            return {}
        return self._take(transitions, ROWS)

    def periodic(self) -> Rows:
        """What changed since it was last given out; at most some ROWS of each kind."""
        rows: Rows = {}
        self._take_devices(rows, ROWS)
        self._take_pages(rows, PAGES)
        rows |= self._take((), ROWS)
        self._take_site(rows)
        return rows

    def rest(self) -> Rows:
        """All that has changed, however much: at a stop."""
        rows: Rows = {}
        known = self._engine.attribution
        for contact in (each for device in known.devices for each in known.contacts.of(device)):
            if contact.newest_flow is not None:  # its flow counts packets that it has not been told of
                self._contacts.changed[contact.place] = None
        self._devices = dict.fromkeys(self._devices, ())
        self._alarms = dict.fromkeys(self._alarms, ())
        self._looked_at = 0
        self._take_devices(rows, len(self._engine.attribution.devices))
        for page in self._engine.inspection.ledger:
            page.changed = True  # when something was last seen is no change
        self._take_pages(rows, len(self._engine.inspection.ledger))
        rows |= self._take((), self.waiting + len(self._stale))
        rows[SITE] = encode(taking.site_record(self._engine))
        rows[ENGINE] = encode(taking.engine_record(self._engine))
        return rows

    def _mark_all(self) -> None:
        """Everything that the engine has is to be written."""
        known = self._engine.attribution
        self._contacts.changed = {each.place: None for device in known.devices for each in known.contacts.of(device)}
        self._names.changed = dict.fromkeys(known.names.keys())
        self._lookups.changed = dict.fromkeys(known.lookups.keys())
        self._incidents.changed = dict.fromkeys(self._engine.book.uids())

    def _recognise_rows(self) -> None:
        """What was just restored is on disk; what is on disk and was not restored is to be deleted."""
        for kind, marks in self._tables():
            for key in list(marks.changed):
                name = name_of(kind, key)
                if name in self._stale:
                    del self._stale[name]
                    del marks.changed[key]
                    marks.saved[key] = None
        contacts = self._engine.attribution.contacts
        for place in self._contacts.saved:
            contact = contacts.at(place)
            self._contacts.saved[place] = contact.incident if contact is not None else None
        for device in self._engine.attribution.devices:
            name = name_of("device", device.key)
            if name in self._stale:
                del self._stale[name]
                self._devices[device.key] = taking.marks_of(device)
        for uid in self._engine.alarms.uids():
            name = name_of("alarm", uid)
            if name in self._stale:
                del self._stale[name]
                self._alarms[uid] = taking.marks_of_alarm(self._engine.alarms.open(uid))
        self._pages = {page.device for page in self._engine.inspection.ledger}
        for name in (ENGINE, SITE, *(name_of("page", key) for key in self._pages)):
            self._stale.pop(name, None)

    def _tables(self) -> tuple[tuple[str, Marks[Any]], ...]:
        return (
            ("contact", self._contacts),
            ("names", self._names),
            ("lookup", self._lookups),
            ("incident", self._incidents),
        )

    def _take(self, told: Sequence[Transition], limit: int) -> Rows:
        """The changed of every table, what belongs to the devices ``told`` of first."""
        rows: Rows = dict.fromkeys(islice(self._stale, limit))
        for name in rows:
            del self._stale[name]
        for kind, marks in self._tables():
            for key in marks.gone:
                rows[name_of(kind, key)] = None
                named = marks.saved.pop(key)
                if named is not None:
                    self._incidents.changed[named] = None  # what it says may be what its incident speaks of
            marks.gone.clear()
        places, uids = self._chosen(told, limit)
        self._write_contacts(rows, places)
        self._write_incidents(rows, uids)
        known, engine = self._engine.attribution, self._engine
        for asked in list(islice(self._lookups.changed, limit)):
            lookup = known.lookups.at(asked)
            if lookup is not None:
                self._write_device(rows, lookup.device)
                self._write(rows, "lookup", self._lookups, asked, taking.lookup_record(lookup))
        for pair in list(islice(self._names.changed, limit)):
            self._write(rows, "names", self._names, pair, taking.names_record(engine, pair))
        self._contacts.urgent = self._lookups.urgent = False
        self._take_alarms(rows, told)
        if any(each.verdict is None for each in told):  # of a device, and not of a remote end
            self._take_pages(rows, PAGES)
        if rows:
            rows[ENGINE] = encode(taking.engine_record(engine))
            self._take_site(rows, called=False)
        return rows

    def _chosen(self, told: Sequence[Transition], limit: int) -> tuple[list[Place], list[str]]:
        """Contacts and incidents to write: all that changed, or all of some devices, for incidents join no two."""
        changed, incidents = self._contacts.changed, self._incidents.changed
        if len(changed) + len(incidents) <= limit:
            return list(changed), list(incidents)
        known, book = self._engine.attribution, self._engine.book
        places: dict[Place, None] = {}
        uids = dict.fromkeys(each.incident for each in told)

        for key in dict.fromkeys(each.device.key for each in told):
            self._choose_all_of(known.devices.named(key), places, uids)
        for uid in incidents:
            if len(places) + len(uids) >= limit // 2:
                break
            incident = book.open(uid)
            if uid not in uids and incident is not None:
                uids[uid] = None
                self._choose_all_of(incident.device, places, uids)
        for place in changed:
            if len(places) + len(uids) >= limit:
                break
            contact = known.contacts.at(place)
            if place not in places and contact is not None:
                self._choose_all_of(contact.device, places, uids)
        return list(places), list(uids)

    def _choose_all_of(self, device: Device | None, places: dict[Place, None], uids: dict[str, None]) -> None:
        """What changed of one device."""
        for contact in self._engine.attribution.contacts.of(device) if device is not None else ():
            if contact.place in self._contacts.changed:
                places[contact.place] = None
            for uid in (contact.incident, self._contacts.saved.get(contact.place)):
                if uid is not None and uid in self._incidents.changed:
                    uids[uid] = None

    def _write_contacts(self, rows: Rows, places: Iterable[Place]) -> None:
        contacts = self._engine.attribution.contacts
        devices: dict[str, Device] = {}
        for place in places:
            contact = contacts.at(place)
            if contact is not None:
                devices[contact.device.key] = contact.device
                self._write(rows, "contact", self._contacts, place, taking.contact_record(self._engine, contact))
                self._contacts.saved[place] = contact.incident
        for device in devices.values():
            self._write_device(rows, device)

    def _write_incidents(self, rows: Rows, uids: Iterable[str]) -> None:
        for uid in uids:
            incident = self._engine.book.open(uid)
            if incident is not None:
                self._write(rows, "incident", self._incidents, uid, taking.incident_record(self._engine, incident))
            else:
                self._incidents.changed.pop(uid, None)

    def _write(self, rows: Rows, kind: str, marks: Marks[K], key: K, record: Record) -> None:
        rows[name_of(kind, key)] = encode(record)
        marks.changed.pop(key, None)
        marks.saved[key] = None

    def _write_device(self, rows: Rows, device: Device) -> None:
        """The device, unless its row says the same."""
        mark = taking.marks_of(device)
        if self._devices.get(device.key) != mark and self._engine.attribution.devices.named(device.key) is device:
            self._devices[device.key] = mark
            rows[name_of("device", device.key)] = encode(taking.device_record(self._engine, device))

    def _take_alarms(self, rows: Rows, told: Sequence[Transition]) -> None:
        """Alarms that were told or noticed since they were last written, and those that are over."""
        alarms = self._engine.alarms
        now_open = alarms.uids()
        looked_at = dict.fromkeys(each.incident for each in told) if told else now_open
        for uid in [uid for uid in looked_at if uid in now_open]:
            alarm = alarms.open(uid)
            mark = taking.marks_of_alarm(alarm)
            if self._alarms.get(uid) != mark:
                self._alarms[uid] = mark
                rows[name_of("alarm", uid)] = encode(taking.alarm_record(alarm, held=alarms.is_held(uid)))
        for uid in [uid for uid in self._alarms if uid not in now_open]:
            del self._alarms[uid]
            rows[name_of("alarm", uid)] = None

    def _take_pages(self, rows: Rows, limit: int) -> None:
        """So many of the ledger's pages that changed, and those that are no more."""
        ledger = self._engine.inspection.ledger
        for page in islice((each for each in ledger if each.changed), limit):
            page.changed = False
            self._pages.add(page.device)
            rows[name_of("page", page.device)] = encode(PageRecord(page))
        for key in [key for key in self._pages if ledger.known(key) is None]:
            self._pages.discard(key)
            rows[name_of("page", key)] = None

    def _take_devices(self, rows: Rows, limit: int) -> None:
        """So many devices, in turn; and those that are no more."""
        devices = self._engine.attribution.devices
        if self._looked_at >= len(devices):
            self._looked_at = 0
        for device in islice(devices, self._looked_at, self._looked_at + limit):
            self._write_device(rows, device)
        self._looked_at += limit
        for key in [key for key in self._devices if devices.named(key) is None]:
            del self._devices[key]
            rows[name_of("device", key)] = None

    def _take_site(self, rows: Rows, *, called: bool = True) -> None:
        """What was learnt of the site, if there is more of it; what was merely ``called`` can wait."""
        known = self._engine.attribution
        sizes = tuple(each.size for each in (*known.site.limits(), *known.devices.limits()) if each.name in LEARNT)
        if sizes != self._site and (called or sizes[:2] != self._site[:2]):
            self._site = sizes
            rows[SITE] = encode(taking.site_record(self._engine))
