"""A transition as an OCSF 1.8.0 Detection Finding (https://schema.ocsf.io/1.8.0/classes/detection_finding).

The bytes are canonical JSON as RFC 8785 has it (keys sorted, nothing between tokens, integers only), so that
equal transitions are equal bytes and a signature over them can be checked anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from monitor.model.incidents import Activity, Kind
from monitor.model.verdicts import Confidence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.model.incidents import DeviceView, Evidence, Transition, Visibility
    from monitor.model.verdicts import Verdict

Json = str | int | bool | None | list["Json"] | dict[str, "Json"]

VERSION: Final = "1.8.0"
CATEGORY_FINDINGS: Final = 2
CLASS_DETECTION_FINDING: Final = 2004
STATUS: Final[Mapping[Activity, int]] = {Activity.NEW: 1, Activity.UPDATE: 2, Activity.END: 4}
"""status_id: New, In Progress, Resolved."""
CONFIDENCE: Final[Mapping[Confidence, int]] = {Confidence.LOW: 1, Confidence.MEDIUM: 2, Confidence.HIGH: 3}
"""confidence_id."""
ANALYTIC_RULE: Final = 1
DEVICE_IOT: Final = 7
OS_OTHER: Final = 99
DIRECTION_OUTBOUND: Final = 2
PROTOCOLS: Final[Mapping[int, str]] = {1: "icmp", 6: "tcp", 17: "udp", 58: "ipv6-icmp", 132: "sctp"}
"""IANA protocol numbers by the names of OCSF's protocol_name: the keyword in lower case."""
TITLES: Final[Mapping[Kind, str]] = {
    Kind.ISOLATION_BROKEN: "An isolated camera network was left",
    Kind.CORE_CONTACT: "Contact with a core network",
    Kind.P2P_CLOUD: "Contact outside the policy: camera peer-to-peer cloud",
    Kind.VENDOR_CLOUD: "Contact outside the policy: camera maker's cloud",
    Kind.ENCRYPTED_DNS: "Names looked up out of sight: encrypted DNS",
    Kind.UNEXPECTED_CONTACT: "Contact outside the policy",
    Kind.NAME_LOOKUP: "A name outside the policy was looked up",
}

EVIDENCES: Final = 8
"""Most evidences of one message."""
BODY_LIMIT: Final = 65536
"""Most bytes of one message. The limits below keep to it even at four UTF-8 bytes a character."""
NAME_LIMIT: Final = 255
"""Characters of a name; a domain name has no more (RFC 1035, 2.3.4)."""
TEXT_LIMIT: Final = 1024
"""Characters of a sentence."""
PROPERTIES: Final = 16
"""Most properties of one message."""

UNPRINTABLE: Final = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), "\N{REPLACEMENT CHARACTER}")
"""C0 and C1 controls: what a camera calls itself must not steer a terminal."""


def render(transition: Transition, *, sensor: str, epoch: int, seq: int, version: str) -> bytes:
    """The message of ``transition``, at most 64 KiB; ``version`` is camwarden's own."""
    start_ms, end_ms = transition.first_ns // 1_000_000, transition.last_ns // 1_000_000
    kind = transition.kind
    finding = _known(
        {
            "class_uid": CLASS_DETECTION_FINDING,
            "category_uid": CATEGORY_FINDINGS,
            "activity_id": int(transition.activity),
            "type_uid": CLASS_DETECTION_FINDING * 100 + transition.activity,
            "severity_id": int(transition.severity),
            "status_id": STATUS[transition.activity],
            "confidence_id": CONFIDENCE[transition.verdict.confidence],
            "time": transition.time_ns // 1_000_000,
            "is_alert": True,
            "message": _text(transition.message),
            "metadata": {
                "version": VERSION,
                "uid": transition.uid,
                "product": {"name": "camwarden", "vendor_name": "camwarden", "version": version},
                "sequence": seq,
                "profiles": ["host", "security_control"],
            },
            "finding_info": {
                "uid": transition.incident,
                "title": TITLES[kind],
                "types": [str(kind), *map(_name, transition.properties[:PROPERTIES])],
                "first_seen_time": start_ms,
                "last_seen_time": end_ms,
                "analytic": {"name": str(kind), "type_id": ANALYTIC_RULE, "version": "1"},
            },
            "count": transition.attempts or None,
            "start_time": start_ms,
            "end_time": end_ms,
            "device": _device(transition.device),
            "evidences": [_evidence(evidence) for evidence in transition.evidences[:EVIDENCES]] or None,
            "unmapped": {"camwarden": _unmapped(transition, sensor=sensor, epoch=epoch, seq=seq)},
        }
    )
    return msgspec.json.encode(finding, order="sorted")


def _device(device: DeviceView) -> dict[str, Json]:
    firmware = _name(device.firmware)
    return _known(
        {
            "type_id": DEVICE_IOT,
            "type": "IOT",
            "name": _name(device.name),
            "ip": device.ip,
            "mac": device.mac,
            "vendor_name": _name(device.vendor),
            "model": _name(device.model),
            "os": {"name": "firmware", "type_id": OS_OTHER, "type": "Other", "version": firmware} if firmware else None,
        }
    )


def _evidence(evidence: Evidence) -> dict[str, Json]:
    return _known(
        {
            "src_endpoint": _known({"ip": evidence.device_ip, "port": evidence.device_port or None}),
            "dst_endpoint": _remote(evidence) if evidence.remote_ip or evidence.remote_name else None,
            "connection_info": _known(
                {
                    "direction_id": DIRECTION_OUTBOUND,
                    "protocol_num": evidence.proto or None,
                    "protocol_name": PROTOCOLS.get(evidence.proto),
                    "community_uid": evidence.community_id,
                }
            ),
        }
    )


def _remote(evidence: Evidence) -> dict[str, Json]:
    network = _known({"number": evidence.network, "name": _name(evidence.organisation)})
    return _known(
        {
            "ip": evidence.remote_ip,
            "hostname": _name(evidence.remote_name),
            "port": evidence.remote_port or None,
            "location": {"country": evidence.country} if evidence.country else None,
            "autonomous_system": network or None,
        }
    )


def _unmapped(transition: Transition, *, sensor: str, epoch: int, seq: int) -> dict[str, Json]:
    return _known(
        {
            "sensor": sensor,
            "epoch": epoch,
            "seq": seq,
            "outcome": transition.outcome.label,
            "refused_by": _name(transition.refused_by),
            "attempts": transition.attempts,
            "bytes_out": transition.bytes_out,
            "bytes_in": transition.bytes_in,
            "foreign": transition.foreign,
            "verdict": _verdict(transition.verdict),
            "rule": _text(transition.rule),
            "device_class": transition.device.device_class,
            "group": _name(transition.device.group),
            "label": _name(transition.device.sticker),
            "visibility": _visibility(transition.visibility),
            "merged_into": transition.merged_into,
        }
    )


def _verdict(verdict: Verdict) -> dict[str, Json]:
    return _known(
        {
            "location": verdict.location,
            "network": verdict.network,
            "organisation": _name(verdict.organisation),
            "organisation_country": verdict.organisation_country,
            "operator": _name(verdict.operator),
            "jurisdiction": verdict.jurisdiction,
            "confidence": str(verdict.confidence),
            "why": _text(verdict.why),
        }
    )


def _visibility(visibility: Visibility) -> dict[str, Json]:
    return {
        "loss_ppm": visibility.loss_ppm,
        "gaps_s": visibility.gaps_s,
        "one_sided": visibility.one_sided,
        "evictions": visibility.evictions,
        "duplicates": visibility.duplicates,
    }


def _name(text: str | None) -> str | None:
    return None if text is None else _clean(text, NAME_LIMIT)


def _text(text: str) -> str:
    return _clean(text, TEXT_LIMIT)


def _clean(text: str, limit: int) -> str:
    """At most ``limit`` characters, none of them a control character or half of a surrogate pair."""
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    cut = text if len(text) <= limit else text[: limit - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return cut.encode("utf-8", "replace").decode().translate(UNPRINTABLE)


def _known(table: dict[str, Json]) -> dict[str, Json]:
    """The same table without the keys that nothing is known of."""
    return {key: value for key, value in table.items() if value is not None}
