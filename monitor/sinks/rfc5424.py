"""An incident message as a syslog message (RFC 5424)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from monitor.sinks.told import Told

SEVERITIES: Final = {1: 6, 2: 5, 3: 4, 4: 3, 5: 2}
"""OCSF severity_id: informational, low, medium, high and critical as informational, notice, warning, error and critical
(RFC 5424, 6.2.1). Alert and emergency are not ours to say."""
ACTIVITIES: Final = {1: "new", 2: "update", 3: "end"}
BOM: Final = b"\xef\xbb\xbf"
"""What follows is UTF-8 (RFC 5424, 6.4)."""
ESCAPED: Final = str.maketrans({'"': '\\"', "\\": "\\\\", "]": "\\]"})
"""RFC 5424, 6.3.3."""
NIL: Final = b"-"


def header(told: Told, facility: int) -> bytes:
    """Up to the structured data: the originator is the sensor, the message's kind is the incident's."""
    at = datetime.fromtimestamp(told.time // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    priority = facility * 8 + SEVERITIES.get(told.severity_id, 5)
    sensor, kind = told.unmapped.camwarden.sensor, told.kind
    return f"<{priority}>1 {at}.{told.time % 1000:03d}Z {sensor} camwarden - {kind[:32]}".encode("ascii", "replace")


def render(told: Told, *, facility: int, enterprise: int, largest: int) -> bytes:
    """The whole message, at most ``largest`` octets: the sentence is cut first, then parameters from the last on."""
    head = header(told, facility) + b" "
    origin = _element("origin", [("software", "camwarden"), ("swVersion", told.metadata.product.version)])
    parameters = _parameters(told)
    while True:
        data = origin + _element(f"camwarden@{enterprise}", parameters)
        room = largest - len(head) - len(data) - 1 - len(BOM)
        if room >= min(len(told.message.encode()), SENTENCE) or len(parameters) <= LEAST:
            break
        parameters.pop()
    if room < 0:
        return head + NIL + b" " + BOM + cut(told.message, largest - len(head) - 2 - len(BOM))
    return head + data + b" " + BOM + cut(told.message, room)


SENTENCE: Final = 160
"""Octets of the sentence that are worth more than the later parameters."""
LEAST: Final = 4
"""Parameters that stay: which message of which incident this is."""


def cut(text: str, most: int) -> bytes:
    """At most ``most`` octets of UTF-8, with no character cut in two."""
    return text.encode()[:most].decode("utf-8", "ignore").encode()


def _parameters(told: Told) -> list[tuple[str, str]]:
    """By worth, the most first; what is not known is left out."""
    ours, device = told.unmapped.camwarden, told.device
    remote = next((each.dst_endpoint for each in told.evidences), None)
    rows: list[tuple[str, object]] = [
        ("uid", told.metadata.uid),
        ("incident", told.finding_info.uid),
        ("activity", ACTIVITIES.get(told.activity_id)),
        ("epoch", ours.epoch),
        ("seq", told.metadata.sequence),
        ("labels", ",".join(told.metadata.labels)),
        ("device", device.name),
        ("deviceIp", device.ip),
        ("remoteIp", remote.ip if remote is not None else None),
        ("remoteName", remote.hostname if remote is not None else None),
        ("remotePort", remote.port if remote is not None else None),
        ("outcome", ours.outcome),
        ("operator", ours.verdict.operator),
        ("jurisdiction", ours.verdict.jurisdiction),
        ("country", remote.location.country if remote is not None else None),
        ("attempts", told.count),
        ("deviceMac", device.mac),
        ("group", ours.group),
        ("vendor", device.vendor_name),
        ("model", device.model),
        ("firmware", device.os.version),
        ("properties", ",".join(told.finding_info.types[1:])),
        ("rule", ours.rule),
    ]
    return [(name, str(value)) for name, value in rows if value not in (None, "")]


def _element(identifier: str, parameters: list[tuple[str, str]]) -> bytes:
    said = "".join(f' {name}="{value.translate(ESCAPED)}"' for name, value in parameters if value)
    return f"[{identifier}{said}]".encode()
