"""Lookups: names that were asked for, waiting to see whether anything follows."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import cython

from monitor.model.address import is_address
from monitor.model.limits import Limit, Room

if not cython.compiled:
    from monitor.model.memo import Memo

if TYPE_CHECKING:
    from monitor.model.address import Address
    from monitor.model.contacts import Device
    from monitor.model.marks import Marks

WAIT_NS: Final = 30_000_000_000
"""A name that is followed by nothing for this long was only asked for (architecture, outcomes)."""
MAX_OPEN: Final = 16384
"""Lookups that may wait at a time; the oldest is concluded early."""
MAX_ADDRESSES: Final = 64
MAX_ANSWERS: Final = 16384
"""Names of which the answers are kept, some 0.5 KiB each: as many as may wait; the one answered longest ago goes."""

REMEMBERED: Final = 4096
"""Names of which it is kept in memory whether they are public: devices ask for the same ones again and again."""


class Lookup:
    """One name that one device asked for."""

    def __init__(self, device: Device, name: str, asked_ns: int, first_id: bytes) -> None:
        self.device = device
        self.name = name
        self.asked_ns = asked_ns
        self.last_ns = asked_ns
        self.first_id = first_id
        self.times = 1
        """How often it was asked for while it waited; the retries of one query, A and AAAA, count each."""
        self.rcode: str | None = None
        self.addresses: list[Address] = []


class Lookups:
    """Open lookups in the order in which they were asked.

    What a name was answered with counts for its aliases too, and for a look-up of either that begins while that is
    valid: a resolver that asks for AAAA may ask for the alias next, and again for the A of the name (RFC 1034, 3.6.2).
    """

    def __init__(self, max_open: int = MAX_OPEN, max_answers: int = MAX_ANSWERS) -> None:
        self._open: OrderedDict[tuple[str, str], Lookup] = OrderedDict()
        self._max = max_open
        self._answers: OrderedDict[tuple[str, str], tuple[tuple[Address, ...], int]] = OrderedDict()
        """By device key and name: addresses, and until when they are valid."""
        self._max_answers = max_answers
        self.forgotten = 0
        """Answers forgotten for want of room."""
        self.early = 0
        """Lookups concluded early for want of room."""
        self.marks: Marks[tuple[str, str]] | None = None
        """Set by whoever saves lookups; the keys are (device key, name)."""

    def __len__(self) -> int:
        return len(self._open)

    def limits(self) -> list[Limit]:
        """The room for look-ups that wait, and for what was answered."""
        return [
            Limit(Room.LOOKUPS, self._max, len(self._open), self.early),
            Limit(Room.ANSWERS, self._max_answers, len(self._answers), self.forgotten),
        ]

    def asked(self, device: Device, name: str, ts_ns: int, first_id: bytes) -> Lookup | None:
        """The device asked for ``name``. A lookup that had to be concluded to make room, if any."""
        key = (device.key, name)
        known: Lookup | None = self._open.get(key)
        if known is not None:
            known.last_ns = max(known.last_ns, ts_ns)
            known.times += 1
            self._changed(known)
            return None
        lookup = self._open[key] = Lookup(device, name, ts_ns, first_id)
        answer = self._answers.get(key)
        if answer is not None and answer[1] >= ts_ns:
            lookup.addresses += answer[0]
        self._changed(lookup)
        if len(self._open) <= self._max:
            return None
        self.early += 1
        return self._take(next(iter(self._open)))

    def answered(
        self,
        device: Device,
        name: str,
        rcode: str,
        addresses: list[Address],
        aliases: tuple[str, ...] = (),
        until_ns: int = 0,
    ) -> None:
        """The device was told this about ``name``, which leads to its addresses by these aliases; valid until then."""
        key = (device.key, name)
        known: Lookup | None = self._open.get(key)
        if known is not None:
            known.rcode = rcode
            self._lead(known, addresses)
        if not addresses:
            return
        self._keep(key, addresses, until_ns)
        for alias in aliases:
            key = (device.key, alias)
            known = self._open.get(key)
            if known is not None:
                self._lead(known, addresses)
            self._keep(key, addresses, until_ns)

    def _lead(self, lookup: Lookup, addresses: list[Address]) -> None:
        """The name leads to these addresses."""
        for address in addresses:
            if address not in lookup.addresses and len(lookup.addresses) < MAX_ADDRESSES:
                lookup.addresses.append(address)
        self._changed(lookup)

    def _keep(self, key: tuple[str, str], addresses: list[Address], until_ns: int) -> None:
        kept = tuple(addresses[:MAX_ADDRESSES])
        before = self._answers.get(key)
        if before is not None:
            self._answers.move_to_end(key)
            until_ns = max(until_ns, before[1])
            if kept != before[0]:
                kept = tuple(list(dict.fromkeys([*addresses, *before[0]]))[:MAX_ADDRESSES])
        self._answers[key] = (kept, until_ns)
        if before is None and len(self._answers) > self._max_answers:
            self._answers.popitem(last=False)
            self.forgotten += 1

    def forget(self, device: Device, name: str) -> None:
        """Nothing can be said of this look-up."""
        if (device.key, name) in self._open:
            self._take((device.key, name))

    def keys(self) -> list[tuple[str, str]]:
        """All (device key, name) that wait, in the order in which they were asked."""
        return list(self._open)

    def at(self, key: tuple[str, str]) -> Lookup | None:
        """The lookup of this device key and name."""
        return self._open.get(key)

    def resume(self, lookup: Lookup) -> bool:
        """Go on with a lookup of an earlier run, asked after those before it. False: there is no room for it."""
        key = (lookup.device.key, lookup.name)
        if key in self._open or len(self._open) >= self._max:
            return False
        self._open[key] = lookup
        return True

    def due(self, now_ns: int) -> list[Lookup]:
        """Take the lookups whose time is over."""
        over: list[Lookup] = []
        while self._open:
            lookup = next(iter(self._open.values()))
            if now_ns - lookup.asked_ns < WAIT_NS:
                break
            over.append(self._take(next(iter(self._open))))
        return over

    def rest(self) -> list[Lookup]:
        """Take all that is left, at the end of the packets."""
        return [self._take(key) for key in list(self._open)]

    def next_ns(self) -> int | None:
        """When ``due`` will next have something."""
        for lookup in self._open.values():
            return lookup.asked_ns + WAIT_NS
        return None

    def _changed(self, lookup: Lookup) -> None:
        if self.marks is not None:
            self.marks.changed[lookup.device.key, lookup.name] = None
            self.marks.urgent |= lookup.device.watched

    def _take(self, key: tuple[str, str]) -> Lookup:
        if self.marks is not None:
            self.marks.left(key)
        return self._open.pop(key)


_SPECIAL: Final = frozenset(
    {
        "arpa",  # RFC 3172: reverse look-ups; home.arpa, RFC 8375
        "local",  # RFC 6762
        "localhost",  # RFC 6761
        "test",
        "invalid",
        "example",
        "onion",  # RFC 7686
        "alt",  # RFC 9476
        "internal",  # reserved by ICANN in 2024 for private use
        "lan",  # not delegated and in common private use (RFC 8244, 4.2.1 tells why such names leak)
        "home",
        "corp",
        "mail",
    }
)


def is_public_name(name: str) -> bool:
    """Whether a look-up of this name asks somebody outside: it has a dot and no special-use ending.

    Devices do ask for addresses as if they were names; nobody is behind such a name.
    """
    public: bool = _PUBLIC.of(name)
    return public


def _is_public(name: str) -> bool:
    if is_address(name.rstrip(".").strip("[]")):
        return False
    head, dot, last = name.rstrip(".").rpartition(".")
    return bool(head and dot) and last.lower() not in _SPECIAL


_PUBLIC: Final = Memo(_is_public, REMEMBERED)
