"""Ends: a device's contacts, joined by operator, country and law."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.address import Address, text, unpack
from monitor.model.contacts import Outcome, Trait
from monitor.report.facts import End

if TYPE_CHECKING:
    from monitor.continuity.records import ContactRecord
    from monitor.model.address import IPNetwork
    from monitor.report.facts import Span

SHOWN: Final = 8
"""Addresses, names and services that are named of one end, as of one message's evidences."""


def ends_of(contacts: list[ContactRecord], span: Span, home: tuple[str, ...], core: list[IPNetwork]) -> tuple[End, ...]:
    """The ends that a device had to do with in this time; ``core`` are networks of the site that are off limits."""
    together: dict[tuple[object, ...], list[ContactRecord]] = {}
    for contact in contacts:
        if span.meets(contact.first_ns, contact.last_ns):
            verdict = contact.verdict
            way = (contact.outbound, _came(contact), contact.remote is None, _is_core(contact, core))
            key = (verdict.operator_key, verdict.operator, verdict.location, verdict.jurisdiction, *way)
            together.setdefault(key, []).append(contact)
    ends = [_end(sorted(each, key=_age), span, home, core) for each in together.values()]
    return tuple(sorted(ends, key=lambda each: (not each.outbound, -each.attempts, -each.asked, _identity(each))))


def _came(contact: ContactRecord) -> bool:
    return contact.invited or contact.came is not None


def _age(contact: ContactRecord) -> tuple[int, bytes, tuple[str, ...]]:
    return contact.first_ns, contact.remote or b"", contact.names


def _identity(end: End) -> tuple[str, ...]:
    return end.operator, end.country or "", end.jurisdiction or "", str(end.invited), str(end.outcome), *end.addresses


def _end(contacts: list[ContactRecord], span: Span, home: tuple[str, ...], core: list[IPNetwork]) -> End:
    verdict = contacts[0].verdict
    best = max(contacts, key=lambda each: each.outcome)
    remotes = [each.remote for each in contacts if each.remote is not None]
    names = [name for each in contacts for name in each.names[:1]]
    first_ns, last_ns = min(each.first_ns for each in contacts), max(each.last_ns for each in contacts)
    return End(
        operator=verdict.operator,
        kind=verdict.kind,
        country=verdict.location,
        network=verdict.network,
        organisation=verdict.organisation,
        jurisdiction=verdict.jurisdiction,
        outbound=any(each.outbound for each in contacts),
        invited=all(_came(each) for each in contacts),
        outcome=Outcome(best.outcome),
        refused_by=best.refused_by,
        attempts=sum(each.counts[0] for each in contacts),
        asked=sum(each.counts[3] for each in contacts),
        bytes_out=sum(each.counts[1] for each in contacts),
        bytes_in=sum(each.counts[2] for each in contacts),
        addresses=tuple(dict.fromkeys(text(Address(each)) for each in remotes)),
        names=tuple(dict.fromkeys(names)),
        services=tuple(dict.fromkeys(service for each in contacts for service in each.services)),
        encrypted_dns=any(each.encrypted_dns is not None for each in contacts),
        core=_is_core(contacts[0], core),
        foreign=_foreign(contacts, home),
        told=any(each.incident is not None or each.told is not None for each in contacts),
        whole=first_ns >= span.begin_ns and last_ns <= span.end_ns,
        first_ns=first_ns,
        last_ns=last_ns,
    )


def _is_core(contact: ContactRecord, core: list[IPNetwork]) -> bool:
    return contact.remote is not None and any(unpack(Address(contact.remote)) in network for network in core)


def _foreign(contacts: list[ContactRecord], home: tuple[str, ...]) -> bool | None:
    """Whether it is outside the home countries, by where it is or by whose law it answers to."""
    if not home:
        return None
    verdict, ours = contacts[0].verdict, {each.upper() for each in home}
    known = [each for each in (verdict.location, verdict.jurisdiction) if each is not None]
    if any(Trait.FOREIGN in each.traits for each in contacts) or any(each not in ours for each in known):
        return True
    return False if verdict.location is not None else None
