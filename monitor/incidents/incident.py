"""Incident: one device and one operator, from opening to end, with exact counts."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import cython

from monitor.model.address import text
from monitor.model.contacts import Outcome, Trait
from monitor.model.incidents import Totals

if not cython.compiled:
    from monitor.model.contacts import Contact, Device

if TYPE_CHECKING:
    from monitor.model.incidents import Evidence, Kind, Severity
    from monitor.model.verdicts import Verdict

MAX_EVIDENCES: Final = 8
"""Remote ends an incident shows (message contract)."""
MAX_COUNTRIES: Final = 250
"""ISO 3166-1 has 249."""

ATTEMPTS_FLOOR: Final = 100
"""Attempts and addresses are told again at each decade from here: fewer is what the first messages said."""
BYTES_FLOOR: Final = 1_000_000
"""Volume is told again at each decade from a megabyte: what a picture or two weigh."""
ADDRESSES_FLOOR: Final = 10
"""A handful of addresses is in the evidence; beyond it each decade is news."""

FOREIGN: Final = Trait.FOREIGN
ASKED: Final = Outcome.ASKED
REFUSED: Final = Outcome.REFUSED
NOTHING: Final = (0, 0, 0, 0)


class Incident:
    """Owned by the book. ``said`` is the state that the last message told."""

    def __init__(
        self,
        uid: str,
        key: tuple[str, str],
        kind: Kind,
        device: Device,
        verdict: Verdict,
        severity: Severity,
        rule: str,
        first_ns: int,
        last_ns: int,
        outcome: Outcome,
        refused_by: str | None = None,
        base: Totals = Totals(),  # noqa: B008  it never changes
    ) -> None:
        self.uid = uid
        self.key = key
        """Device key and operator key."""
        self.kind = kind
        self.device = device
        self.verdict = verdict
        self.severity = severity
        self.rule = rule
        self.first_ns = first_ns
        self.last_ns = last_ns
        self.outcome = outcome
        self.refused_by = refused_by
        self.base = base
        """What the sensor had missed when the incident opened."""
        self.properties: tuple[str, ...] = ()
        self.attempts = 0
        self.bytes_out = 0
        self.bytes_in = 0
        self.asked = 0
        self.contacts = 0
        """Contacts that joined: distinct remote ends, or names where only asked."""
        self.ends = 0
        """Those of them to which something was sent."""
        self.countries: tuple[str, ...] = ()
        self.evidences: dict[tuple[str | None, str | None], Evidence] = {}
        self.best: Contact | None = None
        """The contact that got furthest, and of several the one tried most often; what the message speaks of."""
        self.number = 0
        """Transitions told."""
        self.said: tuple[object, ...] = ()
        self.said_counts: tuple[int, ...] = ()

    def absorb(self, contact: Contact) -> None:
        """Take over what is new in a contact."""
        self.attempts += contact.attempts - contact.told_attempts
        self.bytes_out += contact.bytes_out - contact.told_out
        self.bytes_in += contact.bytes_in - contact.told_in
        self.asked += contact.asked - contact.told_asked
        if not counted(contact) and contact.first_ns < self.first_ns:
            self.first_ns = contact.first_ns
        contact.told = True
        contact.told_attempts = contact.attempts
        contact.told_out = contact.bytes_out
        contact.told_in = contact.bytes_in
        contact.told_asked = contact.asked
        self.last_ns = max(self.last_ns, contact.last_ns)
        if self.best is None or self.best is contact or _weight(contact) > _weight(self.best):
            self.best = contact
            self.verdict = contact.verdict
        if contact.outcome > self.outcome:
            self.outcome = contact.outcome
            self.refused_by = contact.refused_by
        if contact.outcome is REFUSED and self.outcome is REFUSED and self.refused_by is None:
            self.refused_by = contact.refused_by
        there = contact.outcome is not ASKED or self.outcome is ASKED  # where ends are, no name that was only asked for
        country = contact.verdict.location if there else None
        if country is not None and country not in self.countries and len(self.countries) < MAX_COUNTRIES:
            self.countries += (country,)
        if contact.traits:
            for name in _names(contact.traits):
                self.add_property(name)

    def add_property(self, name: str) -> None:
        """It has this property from now on."""
        if name not in self.properties:
            self.properties += (name,)

    def release(self, contact: Contact) -> None:
        """Give back what a contact brought: it belongs to another incident."""
        attempts, out, received, asked = contact.kept
        self.attempts -= contact.told_attempts - attempts
        self.bytes_out -= contact.told_out - out
        self.bytes_in -= contact.told_in - received
        self.asked -= contact.told_asked - asked
        contact.told_attempts, contact.told_out, contact.told_in, contact.told_asked = contact.kept
        self.contacts -= 1
        self.ends -= contact.remote is not None
        if contact.remote is not None and self.contacts:
            self.evidences.pop((text(contact.remote), None), None)  # where there is no other, its end is told of it
        if self.best is contact:
            self.best = None

    @property
    def foreign(self) -> bool:
        return FOREIGN in self.properties

    def state(self) -> tuple[object, ...]:
        """What makes a message worth sending when it changes; counts only by decade."""
        return (
            self.outcome,
            self.severity,
            self.properties,
            self.countries,
            self.verdict.operator_key,
            decade(self.attempts, ATTEMPTS_FLOOR),
            decade(self.bytes_out + self.bytes_in, BYTES_FLOOR),
            decade(self.contacts, ADDRESSES_FLOOR),
        )

    def counts(self) -> tuple[int, ...]:
        return (self.attempts, self.bytes_out, self.bytes_in, self.contacts, self.asked)


@cache
def _names(traits: frozenset[Trait]) -> tuple[str, ...]:
    """These as properties, in the order of their names. There are 64 sets of traits."""
    return tuple([str(trait) for trait in sorted(traits)])


def _weight(contact: Contact) -> tuple[int, int, int]:
    """How much a contact matters among those of its incident: how far it got, how often it was tried, how much went."""
    return contact.outcome, contact.attempts, contact.bytes_out + contact.bytes_in


def counted(contact: Contact) -> bool:
    """Whether an incident that is over has kept what the contact did at first."""
    return contact.kept != NOTHING


def decade(count: int, floor: int) -> int:
    """0 below ``floor``, then one more at each power of ten of it."""
    reached = 0
    while count >= floor:
        reached += 1
        floor *= 10
    return reached
