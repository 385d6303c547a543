"""Evidence: the remote end of a flow or a contact, as a message about a device shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.address import text
from monitor.model.community_id import community_id
from monitor.model.contacts import Contact, address_of
from monitor.model.incidents import Evidence

if TYPE_CHECKING:
    from monitor.model.address import Address
    from monitor.model.contacts import Device
    from monitor.model.flows import Flow

NO_SERVICE: Final = (0, 0)
"""Of a contact that nothing was sent in."""


def evidence_in(device: Device, seen_in: Flow | Contact | None) -> Evidence | None:
    """Where this was seen of the device; None if that was in no traffic that passed by, such as a poll of ours."""
    if seen_in is None:
        return None
    if isinstance(seen_in, Contact):
        return evidence_of_contact(seen_in)
    return evidence_of(seen_in, end_of(seen_in, device))


def evidence_of(flow: Flow, device: Address) -> Evidence:
    """The flow, seen from the end of it that has the address ``device``."""
    began = flow.initiator == device
    remote, remote_port = (flow.responder, flow.responder_port) if began else (flow.initiator, flow.initiator_port)
    contact = flow.contact
    verdict = contact.verdict if contact is not None else None
    return Evidence(
        device_ip=text(device),
        device_port=flow.initiator_port if began else flow.responder_port,
        remote_ip=text(remote),
        remote_name=name_of(contact, (flow.proto, remote_port)) if contact is not None else None,
        remote_port=remote_port,
        proto=flow.proto,
        country=verdict.location if verdict is not None else None,
        network=verdict.network if verdict is not None else None,
        organisation=verdict.organisation if verdict is not None else None,
        community_id=community_id(flow.initiator, flow.responder, flow.initiator_port, flow.responder_port, flow.proto),
    )


def evidence_of_contact(contact: Contact, shown: Evidence | None = None) -> Evidence:
    """The contact's remote end by its last flow; what was ``shown`` of this end keeps the flow that it named."""
    proto, port = contact.services[0] if contact.services else contact.came or NO_SERVICE
    source, remote, verdict = contact.source, contact.remote, contact.verdict
    flow_id = shown.community_id if shown is not None else None
    if flow_id is None and remote is not None and source is not None and proto:
        flow_id = community_id(source, remote, contact.last_source_port, port, proto)
    own = source if source is not None else address_of(contact.device)
    return Evidence(
        device_ip=text(own) if own is not None else "",
        device_port=shown.device_port if shown is not None else contact.last_source_port,
        remote_ip=text(remote) if remote is not None else None,
        remote_name=name_of(contact, (proto, port)),
        remote_port=port,
        proto=proto,
        country=verdict.location,
        network=verdict.network,
        organisation=verdict.organisation,
        community_id=flow_id,
        inbound=contact.came is not None and not contact.services,
    )


def name_of(contact: Contact, service: tuple[int, int]) -> str | None:
    """The name that the device used or was told for this service (IP protocol, port) of the contact.

    What it used itself (SNI, Host) stands first. What it was told before its first flow is that of the first service;
    a name that it was told later, for another service, does not take its place.
    """
    if contact.name_source == "dns" and contact.told_names and service == (contact.services or (NO_SERVICE,))[0]:
        return contact.told_names[0]
    return contact.names[0] if contact.names else None


def end_of(flow: Flow, device: Device) -> Address:
    """The address of the flow's end that is this device."""
    return flow.initiator if flow.initiator in device.addresses else flow.responder
