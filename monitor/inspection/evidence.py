"""Evidence: the other end of a flow, as a message about a device shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.model.address import text
from monitor.model.community_id import community_id
from monitor.model.incidents import Evidence

if TYPE_CHECKING:
    from monitor.model.address import Address
    from monitor.model.contacts import Device
    from monitor.model.flows import Flow


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
        remote_name=contact.names[0] if contact is not None and contact.names else None,
        remote_port=remote_port,
        proto=flow.proto,
        country=verdict.location if verdict is not None else None,
        network=verdict.network if verdict is not None else None,
        organisation=verdict.organisation if verdict is not None else None,
        community_id=community_id(flow.initiator, flow.responder, flow.initiator_port, flow.responder_port, flow.proto),
    )


def end_of(flow: Flow, device: Device) -> Address:
    """The address of the flow's end that is this device."""
    return flow.initiator if flow.initiator in device.addresses else flow.responder
