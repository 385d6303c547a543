"""What an incident says to people, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.address import text
from monitor.model.contacts import DeviceClass, Outcome, Trait
from monitor.model.incidents import Kind
from monitor.model.verdicts import OperatorKind

if TYPE_CHECKING:
    from monitor.incidents.incident import Incident

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
    Kind.NAME_LOOKUP: "no rule allows that name",
}


ASKED: Final = Outcome.ASKED
ATTEMPTED: Final = Outcome.ATTEMPTED
REFUSED: Final = Outcome.REFUSED
ANSWERED: Final = Outcome.ANSWERED
ADDRESS: Final = OperatorKind.ADDRESS
MAPPED_ADDRESS: Final = Trait.MAPPED_ADDRESS
OPERATORS: Final = frozenset({OperatorKind.VENDOR_CLOUD, OperatorKind.P2P_CLOUD, OperatorKind.SERVICE})
"""Where the operator is known by name, and not only whose network it is."""


def sentence(incident: Incident) -> str:
    """Who tried to reach what, whose that is and under whose law, and how far it got."""
    who = f"{_SORT.get(incident.device.device_class, 'Device')} {incident.device.name}"
    why = _SEVERITY_WHY[incident.kind]
    return f"{who} {_deed(incident)} {_goal(incident)}; {_end(incident)}; {why}"


def _deed(incident: Incident) -> str:
    if incident.outcome is ASKED:
        return f"looked up {times(incident.asked)} the name"
    if incident.attempts == 0:
        return "has an open conversation with"
    return f"tried {times(incident.attempts)} to reach"


def _goal(incident: Incident) -> str:
    contact = incident.best
    verdict = incident.verdict
    name = contact.names[0] if contact is not None and contact.names else None
    remote = contact.remote if contact is not None else None
    parts = [verdict.operator] if verdict.kind is not ADDRESS else []
    if verdict.organisation and verdict.organisation not in verdict.operator:
        parts.append(f"network of {verdict.organisation}")
    if len(incident.countries) > 1:
        parts.append(f"addresses in {', '.join(sorted(incident.countries))}")
    elif verdict.location:
        parts.append(f"address in {verdict.location}")
    if contact is not None and contact.p2p:
        parts.append(f"{contact.p2p.upper()} camera protocol")
    if verdict.jurisdiction:
        whose = "operator" if verdict.kind in OPERATORS else "network"
        parts.append(f"{whose} under the law of {verdict.jurisdiction}")
    if contact is not None and MAPPED_ADDRESS in contact.traits:
        parts.append("a STUN server calls it the site's own address")
    target = f"{name} at {text(remote)}" if name and remote else name or (text(remote) if remote else verdict.operator)
    more = (incident.ends or incident.contacts) - 1
    if more > 0:
        target += f" and {more} more"
    return f"{target} ({', '.join(parts)})" if parts else target


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
