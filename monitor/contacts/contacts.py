"""Contacts: what each device has with each remote end, bounded.

Strategy: a contact is found by (device, remote) or, while a name was only asked for, by (device, name). Where
names of several operators share one address, each further operator has a contact of its own there.
Counts are added as they happen; an incident takes over what is new since it last looked, so forgetting an old
contact loses no count. The one unused for longest goes first; one device may hold at most MAX_PER_DEVICE.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from monitor.model.contacts import MAX_SERVICES, Contact, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.model.address import Address
    from monitor.model.contacts import Device
    from monitor.model.verdicts import Verdict

MAX_CONTACTS: Final = 65536
MAX_PER_DEVICE: Final = 4096
"""A scan must not push out what other devices did."""
MAX_NAMES: Final = 8

Key = tuple[str, bytes | str]


class Contacts:
    """All contacts of all devices, the least recently used first."""

    def __init__(self, max_contacts: int = MAX_CONTACTS, max_per_device: int = MAX_PER_DEVICE) -> None:
        self._all: OrderedDict[Key, Contact] = OrderedDict()
        self._per_device: dict[str, OrderedDict[Key, None]] = {}
        self._max = max_contacts
        self._max_per_device = max_per_device
        self.evicted = 0
        """Contacts forgotten for want of room."""

    def __len__(self) -> int:
        return len(self._all)

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
        for key in list(self._per_device.get(device.key, ())):
            yield self._all[key]

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
            contact.names.append(name)
        contact.place = _place(place, verdict.operator_key if further else None)
        key = _key(contact)
        mine = self._per_device.setdefault(device.key, OrderedDict())
        if key in mine:
            self._forget(key)
        elif len(mine) >= self._max_per_device:
            self._forget(next(iter(mine)))
        elif len(self._all) >= self._max:
            self._forget(next(iter(self._all)))
        self._all[key] = contact
        self._per_device.setdefault(device.key, OrderedDict())[key] = None
        return contact

    def use(self, contact: Contact, ts_ns: int) -> None:
        """The contact was active at ``ts_ns``."""
        contact.last_ns = max(contact.last_ns, ts_ns)
        key = _key(contact)
        if key in self._all:
            self._all.move_to_end(key)
            self._per_device[contact.device.key].move_to_end(key)

    def _forget(self, key: Key) -> None:
        del self._all[key]
        mine = self._per_device[key[0]]
        del mine[key]
        if not mine:
            del self._per_device[key[0]]
        self.evicted += 1


def _place(remote: Address | str, operator_key: str | None) -> bytes | str:
    if operator_key is None or isinstance(remote, str):
        return remote
    return remote + operator_key.encode()


def _key(contact: Contact) -> Key:
    return (contact.device.key, contact.place)


def climb(contact: Contact, outcome: Outcome, refused_by: str | None = None) -> bool:
    """Let the outcome climb; whether it did."""
    if outcome <= contact.outcome:
        return False
    contact.outcome = outcome
    contact.refused_by = refused_by if outcome is Outcome.REFUSED else None
    return True


def use_service(contact: Contact, proto: int, port: int) -> None:
    """Remember a service of the remote end; the first MAX_SERVICES are kept."""
    if (proto, port) not in contact.services and len(contact.services) < MAX_SERVICES:
        contact.services.append((proto, port))


def name_it(contact: Contact, name: str, source: str) -> bool:
    """Put a name first that the device itself used ("sni", "host") or was told ("dns"); whether that is news.

    What the device said overrides what it was told.
    """
    if contact.remote is None or (contact.names and contact.names[0] == name and contact.name_source == source):
        return False
    if source == "dns" and contact.name_source in ("sni", "host"):
        if name not in contact.names and len(contact.names) < MAX_NAMES:
            contact.names.append(name)
        return False
    if name in contact.names:
        contact.names.remove(name)
    contact.names.insert(0, name)
    del contact.names[MAX_NAMES:]
    contact.name_source = source
    return True
