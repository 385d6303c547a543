"""What an incident says to people, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cython

from monitor.model.address import text
from monitor.model.contacts import DeviceClass, Outcome, Trait
from monitor.model.evidence import NO_SERVICE
from monitor.model.incidents import Kind
from monitor.model.verdicts import OperatorKind

if not cython.compiled:
    from monitor.model.evidence import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.incidents.incident import Incident
    from monitor.model.contacts import Contact
    from monitor.model.verdicts import Verdict

_SORT = {
    DeviceClass.CAMERA: "Camera",
    DeviceClass.RECORDER: "Recorder",
    DeviceClass.VIEWER: "Viewer",
    DeviceClass.ANPR: "ANPR camera",
    DeviceClass.BODY_WORN: "Body-worn camera",
    DeviceClass.DRONE: "Drone",
    DeviceClass.ENCODER: "Encoder",
}

_SEVERITY_WHY = {
    Kind.ISOLATION_BROKEN: "its group must not leave the site",
    Kind.CORE_CONTACT: "that network is off limits for it",
    Kind.P2P_CLOUD: "a camera P2P network that the policy does not allow",
    Kind.VENDOR_CLOUD: "a camera vendor's cloud that the policy does not allow",
    Kind.ENCRYPTED_DNS: "names that the site cannot see",
    Kind.UNEXPECTED_CONTACT: "no rule allows it",
    Kind.INBOUND_VIEWER: "no rule lets it in",
    Kind.NAME_LOOKUP: "no rule allows that name",
}


ASKED: Final = Outcome.ASKED
ATTEMPTED: Final = Outcome.ATTEMPTED
REFUSED: Final = Outcome.REFUSED
ANSWERED: Final = Outcome.ANSWERED
ADDRESS: Final = OperatorKind.ADDRESS
INBOUND_VIEWER: Final = Kind.INBOUND_VIEWER
MAPPED_ADDRESS: Final = Trait.MAPPED_ADDRESS
OPERATORS: Final = frozenset({OperatorKind.VENDOR_CLOUD, OperatorKind.P2P_CLOUD, OperatorKind.SERVICE})
"""Where the operator is known by name, and not only whose network it is."""
LISTED: Final = 4
"""Networks, countries or laws that a sentence names, those with the most first; the others it counts."""


def sentence(incident: Incident, merged_into: str | None = None, acquitted: bool = False) -> str:  # noqa: FBT001, FBT002  a compiled function takes no keywords
    """Who tried to reach what, whose that is and under whose law, and how far it got.

    ``merged_into``: the incident that has its counts from now on; ``acquitted``: the policy allows it after all.
    """
    who = f"{_SORT.get(incident.device.device_class, 'Device')} {incident.device.name}"
    if merged_into is not None:
        return f"{who}: what it had to do with {_goal(incident)} is told as incident {merged_into} from now on"
    why = "it turned out to be allowed" if acquitted else _SEVERITY_WHY[incident.kind]
    return f"{who} {_deed(incident)} {_goal(incident)}; {_end(incident)}; {why}"


def _deed(incident: Incident) -> str:
    if incident.outcome is ASKED:
        return f"looked up {times(incident.asked)} the name"
    if incident.kind is INBOUND_VIEWER:
        tried = f", and tried {times(incident.attempts)} to reach," if incident.attempts else ""
        return f"was reached from outside by{tried}"
    if incident.attempts == 0:
        return "has an open conversation with"
    return f"tried {times(incident.attempts)} to reach"


def _goal(incident: Incident) -> str:
    contact = incident.best
    verdict = incident.verdict
    service = contact.services[0] if contact is not None and contact.services else NO_SERVICE
    name = name_of(contact, service) if contact is not None else None
    remote = contact.remote if contact is not None else None
    ends = _ends(incident)
    parts = [verdict.operator] if verdict.kind is not ADDRESS else []
    networks = _tally([(each.verdict.organisation, 1) for each in ends])
    if len(networks) > 1:
        parts.append(f"networks of {_most(networks)}")
    elif verdict.organisation and verdict.organisation not in verdict.operator:
        parts.append(f"network of {verdict.organisation}")
    if len(incident.countries) > 1:
        tried = [(each.verdict.location, each.told_attempts - each.kept[0]) for each in ends]
        parts.append(f"addresses in {_tried(_tally([(each, 0) for each in incident.countries] + tried))}")
    elif verdict.location:
        parts.append(f"address in {verdict.location}")
    if contact is not None and contact.p2p:
        parts.append(f"{contact.p2p.upper()} camera protocol")
    parts += _law(verdict, ends)
    if contact is not None and MAPPED_ADDRESS in contact.traits:
        parts.append("a STUN server calls it the site's own address")
    target = f"{name} at {text(remote)}" if name and remote else name or (text(remote) if remote else verdict.operator)
    others = [each for each in contact.names if each != name] if contact is not None else []
    if others:
        target += f" (also as {_first(others)})"
    more = (incident.ends or incident.contacts) - 1
    if more > 0:
        target += f" and {more} more"
    return f"{target} ({', '.join(parts)})" if parts else target


def _law(verdict: Verdict, ends: list[Contact]) -> list[str]:
    """The operator's, where it has one; else those of the ends."""
    if verdict.jurisdiction and verdict.kind in OPERATORS and not verdict.law_of_end:
        return [f"operator under the law of {verdict.jurisdiction}"]
    laws = _tally([(each.verdict.jurisdiction, 1) for each in ends])
    if len(laws) > 1:
        return [f"networks under the law of {_most(laws)}"]
    return [f"network under the law of {verdict.jurisdiction}"] if verdict.jurisdiction else []


def _ends(incident: Incident) -> list[Contact]:
    """The remote ends that the incident has, as far as they are still known."""
    ends: list[Contact] = []
    best = incident.best
    if incident.contacts == 1 and best is not None and best.incident == incident.uid:
        return ends if best.remote is None else [best]  # mostly; a device may have thousands of contacts
    contact: Contact | None = incident.device.oldest
    while contact is not None:
        if contact.incident == incident.uid and contact.remote is not None:
            ends.append(contact)
        contact = contact.newer_own
    return ends


def _tally(ends: list[tuple[str | None, int]]) -> dict[str, int]:
    """What these add up to, the most first; what is not known has no place in it."""
    sums: dict[str, int] = {}
    for name, count in ends:
        if name is not None:
            sums[name] = sums.get(name, 0) + count
    return dict(sorted(sums.items(), key=_rank))


def _rank(each: tuple[str, int]) -> tuple[int, str]:
    return -each[1], each[0]


def _most(ends: Mapping[str, int]) -> str:
    """Whose ends they are: "China Telecom (3), China Mobile"."""
    return _first([f"{name} ({count})" if count > 1 else name for name, count in ends.items()])


def _tried(attempts: Mapping[str, int]) -> str:
    """Where how many attempts went: "CN (84 attempts), BE (3)"."""
    said = [f"{place} ({count})" if count else place for place, count in attempts.items()]
    place, count = next(iter(attempts.items()))
    if count:
        said[0] = f"{place} ({count} attempt{'s' if count > 1 else ''})"
    return _first(said)


def _first(said: list[str]) -> str:
    more = f" and {len(said) - LISTED} more" if len(said) > LISTED else ""
    return ", ".join(said[:LISTED]) + more


def _end(incident: Incident) -> str:
    if incident.outcome is ASKED:
        return "nothing was sent"
    if incident.outcome is ATTEMPTED:
        return "nothing answered"
    if incident.outcome is REFUSED:
        by = incident.refused_by
        return "refused by the other end" if by == "peer" else f"refused by {by}"
    moved = f"{incident.bytes_out:,} bytes went out and {incident.bytes_in:,} came in"
    return f"it answered, {moved}" if incident.outcome is ANSWERED else moved


def times(count: int) -> str:
    """How often, in words: "once", "twice", "4,812 times"."""
    return "once" if count == 1 else "twice" if count == 2 else f"{count:,} times"
