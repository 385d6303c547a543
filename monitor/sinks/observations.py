"""Observations as JSON lines: what was seen, between whom and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from monitor.model import facts
from monitor.model.address import NO_ADDRESS, text
from monitor.model.community_id import community_id

if TYPE_CHECKING:
    from monitor.model.facts import Observation

PROTOCOLS: Final = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6"}
"""Names of the observation contract for IP protocol numbers (IANA); ARP has none."""
NOT_OF_THE_DEVICE: Final = frozenset({"protocol", "message"})
"""What an announcement says of itself; its other fields are facts of the device."""


def kinds() -> frozenset[str]:
    """Every kind of observation there is."""
    return frozenset(
        str(each.__struct_config__.tag)
        for each in vars(facts).values()
        if isinstance(each, type)
        and issubclass(each, facts.Fact)
        and isinstance(each.__struct_config__.tag, str)
        and each.__struct_config__.tag not in ("Fact", "ClientHello")
    )


def render(observation: Observation, device: str | None) -> bytes:
    """One JSON object without a line break. ``device`` is the local device that it is about, if known."""
    where = observation.where
    has_ip = where.src != NO_ADDRESS
    row: dict[str, Any] = {
        "ts_ns": where.ts_ns,
        "kind": str(observation.fact.__struct_config__.tag),
        "device": device,
        "src": text(where.src) if has_ip else None,
        "dst": text(where.dst) if has_ip else None,
        "sport": where.sport,
        "dport": where.dport,
        "proto": PROTOCOLS.get(where.proto, str(where.proto)) if has_ip else "arp",
        "vlan": where.vlan,
        "community_id": community_id(where.src, where.dst, where.sport, where.dport, where.proto) if has_ip else None,
    }
    for field in observation.fact.__struct_fields__:
        row.setdefault(field, getattr(observation.fact, field))
    if isinstance(observation.fact, facts.DeviceAnnounced):
        row["facts"] = known(observation.fact)
    return msgspec.json.encode(row)


def known(announced: facts.DeviceAnnounced) -> dict[str, Any]:
    """What is known of the device that announced itself, by the names of the contract; nothing that is unknown."""
    told = {field: getattr(announced, field) for field in announced.__struct_fields__ if field not in NOT_OF_THE_DEVICE}
    return {field: value for field, value in told.items() if value}
