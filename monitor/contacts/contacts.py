"""Contacts: what each device has with each remote end, bounded.

Strategy: a contact is found by (device, remote) or, while a name was only asked for, by (device, name). Where
names of several operators share one address, each further operator has a contact of its own there.
Counts are added as they happen; an incident takes over what is new since it last looked, so forgetting an old
contact loses no count. Three orders of use say who makes room: first what hosts have that nobody watches, then what
belongs to devices that were recognised, last what belongs to those that the user named; in each the one unused for
longest. One device may hold at most MAX_PER_DEVICE. The orders are links from contact to contact: a table of their own
would weigh as much as the contacts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cython

from monitor.model.contacts import MAX_SERVICES, Outcome
from monitor.model.limits import Limit, Room

if not cython.compiled:
    from monitor.model.contacts import Contact, Device

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.model.address import Address
    from monitor.model.marks import Marks
    from monitor.model.verdicts import Verdict

MAX_CONTACTS: Final = 32_768
"""Thirty-two remote ends of each device in an inventory that is full (config.MAX_DEVICES); some 0.6 KiB each."""
MAX_PER_DEVICE: Final = 4096
"""A scan must not push out what other devices did."""
MAX_NAMES: Final = 8

USED_NS: Final = 1_000_000_000
"""A contact used again this soon keeps its place in the order of use."""
ORDERS: Final = 3
"""Strangers', recognised devices', named devices'."""

Key = tuple[str, bytes | str]


class Contacts:
    """All contacts of all devices."""

    def __init__(self, max_contacts: int = MAX_CONTACTS, max_per_device: int = MAX_PER_DEVICE) -> None:
        self._all: dict[Key, Contact] = {}
        self._oldest: list[Contact | None] = [None] * ORDERS
        self._newest: list[Contact | None] = [None] * ORDERS
        self._max = max_contacts
        self._max_per_device = max_per_device
        self._most = 0
        self.evicted = 0
        """Contacts forgotten for want of room."""
        self.crowded = 0
        """Those of them that made room for another of the same device."""
        self.marks: Marks[Key] | None = None
        """Set by whoever saves contacts; the keys are their places."""

    def __len__(self) -> int:
        return len(self._all)

    def limits(self) -> list[Limit]:
        """The room for contacts."""
        return [
            Limit(Room.CONTACTS, self._max, len(self._all), self.evicted - self.crowded),
            Limit(Room.CONTACTS_OF_DEVICE, self._max_per_device, self._most, self.crowded),
        ]

    def find(self, device: Device, remote: Address | str, operator_key: str | None = None) -> Contact | None:
        """The contact with an address (and a further operator there), or with a name that was only asked for.

        A further contact that has become another operator's is no longer found by the one it began with.
        """
        contact = self._all.get((device.key, _place(remote, operator_key)))
        if contact is not None and operator_key is not None and contact.verdict.operator_key != operator_key:
            return None
        return contact

    def of(self, device: Device) -> Iterator[Contact]:
        """All contacts of one device, the least recently used first."""
        mine: list[Contact] = []
        contact: Contact | None = device.oldest
        while contact is not None:
            mine.append(contact)
            contact = contact.newer_own
        return iter(mine)

    def begin(
        self,
        device: Device,
        remote: Address | None,
        name: str | None,
        verdict: Verdict,
        ts_ns: int,
        first_id: bytes,
        *,
        further: bool = False,
    ) -> Contact:
        """A new contact with ``remote``, or with ``name`` if nothing was sent. Old ones make room.

        ``further``: another operator already has a contact at this address.
        """
        place: Address | str | None = remote if remote is not None else name
        assert place is not None  # noqa: S101  one of the two is what it is found by
        contact = Contact(
            device,
            remote,
            verdict,
            ts_ns,
            ts_ns,
            first_id,
            outcome=Outcome.ASKED if remote is None else Outcome.ATTEMPTED,
        )
        if name is not None:
            contact.names = (name,)
        key = contact.place = (device.key, _place(place, verdict.operator_key if further else None))
        before: Contact | None = self._all.get(key)
        if before is not None:
            self._forget(before)
        elif device.held >= self._max_per_device and device.oldest is not None:
            self._forget(device.oldest)
            device.dropped += 1
            self.crowded += 1
        elif len(self._all) >= self._max:
            self._make_room()
        self._all[key] = contact
        self._link(contact)
        device.held += 1
        self._most = max(self._most, device.held)
        if self.marks is not None:
            self.marks.changed[key] = None
            self.marks.urgent |= device.watched
        return contact

    def at(self, place: Key) -> Contact | None:
        """The contact of this place."""
        return self._all.get(place)

    def resume(self, contact: Contact) -> bool:
        """Go on with a contact of an earlier run, used later than those before it. False: there is no room for it."""
        device = contact.device
        if contact.place in self._all or len(self._all) >= self._max or device.held >= self._max_per_device:
            return False
        self._all[contact.place] = contact
        self._link(contact)
        device.held += 1
        self._most = max(self._most, device.held)
        return True

    def use(self, contact: Contact, ts_ns: int) -> None:
        """The contact was active at ``ts_ns``."""
        contact.last_ns = max(contact.last_ns, ts_ns)
        if self.marks is not None:
            self.marks.changed[contact.place] = None
        if ts_ns - contact.used_ns < USED_NS:
            return
        contact.used_ns = ts_ns
        self.promote(contact)

    def promote(self, contact: Contact) -> None:
        """Put the contact at the young end of the order that its device has now."""
        if contact.order >= 0:
            self._unlink(contact)
            self._link(contact)

    def forget_all(self, device: Device) -> list[Contact]:
        """The device was forgotten, and so is what it did; its incidents have the counts. What it was."""
        mine = list(self.of(device))
        for contact in mine:
            self._forget(contact)
        return mine

    def _make_room(self) -> None:
        for order in range(ORDERS):
            oldest: Contact | None = self._oldest[order]
            if oldest is not None:
                oldest.device.dropped += 1
                self._forget(oldest)
                return

    def _forget(self, contact: Contact) -> None:
        del self._all[contact.place]
        self._unlink(contact)
        contact.order = -1
        contact.device.held -= 1
        self.evicted += 1
        if self.marks is not None:
            self.marks.left(contact.place)

    def _link(self, contact: Contact) -> None:
        device = contact.device
        order = 2 if device.named else 1 if device.watched else 0
        newest: Contact | None = self._newest[order]
        contact.order, contact.older, contact.newer = order, newest, None
        if newest is None:
            self._oldest[order] = contact
        else:
            newest.newer = contact
        self._newest[order] = contact
        own: Contact | None = device.newest
        contact.older_own, contact.newer_own = own, None
        if own is None:
            device.oldest = contact
        else:
            own.newer_own = contact
        device.newest = contact

    def _unlink(self, contact: Contact) -> None:
        older: Contact | None = contact.older
        newer: Contact | None = contact.newer
        if older is None:
            self._oldest[contact.order] = newer
        else:
            older.newer = newer
        if newer is None:
            self._newest[contact.order] = older
        else:
            newer.older = older
        device = contact.device
        older, newer = contact.older_own, contact.newer_own
        if older is None:
            device.oldest = newer
        else:
            older.newer_own = newer
        if newer is None:
            device.newest = older
        else:
            newer.older_own = older
        contact.older = contact.newer = contact.older_own = contact.newer_own = None


def _place(remote: Address | str, operator_key: str | None) -> bytes | str:
    if operator_key is None or isinstance(remote, str):
        return remote
    return remote + operator_key.encode()


def climb(contact: Contact, outcome: Outcome, refused_by: str | None = None) -> bool:
    """Let the outcome climb; whether it did."""
    if outcome <= contact.outcome:
        return False
    contact.outcome = outcome
    contact.refused_by = refused_by if outcome is Outcome.REFUSED else None
    return True


def use_service(contact: Contact, proto: int, port: int) -> bool:
    """Remember a service of the remote end; the first MAX_SERVICES are kept. Whether it is news."""
    service = (proto, port)
    if service in contact.services or len(contact.services) >= MAX_SERVICES:
        return False
    contact.services += (service,)
    return True


def name_it(contact: Contact, name: str, source: str) -> bool:
    """Put a name first that the device itself used ("sni", "host") or was told ("dns"); whether that is news.

    What the device said overrides what it was told.
    """
    if source != "dns" and contact.remote is not None:
        contact.says(name)
    if contact.remote is None or (contact.names and contact.names[0] == name and contact.name_source == source):
        return False
    if source == "dns" and contact.name_source in ("sni", "host"):
        if name not in contact.names and len(contact.names) < MAX_NAMES:
            contact.names += (name,)
        return False
    contact.names = (name, *[other for other in contact.names if other != name])[:MAX_NAMES]
    contact.name_source = source
    return True
