"""An incident message in ArcSight's Common Event Format (Implementing ArcSight CEF, version 23 of May 2016: CEF:0).

``src`` and ``dst`` are IPv4 only; IPv6 goes to ``c6a2`` and ``c6a3``, whose labels say which it is.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from monitor.sinks.rfc5424 import ACTIVITIES, cut

if TYPE_CHECKING:
    from monitor.sinks.told import Told

SEVERITIES: Final = {1: 1, 2: 3, 3: 5, 4: 8, 5: 10}
"""OCSF severity_id in CEF's ten: 0-3 low, 4-6 medium, 7-8 high, 9-10 very high."""
IN_HEADER: Final = str.maketrans({"\\": "\\\\", "|": "\\|", "\n": " ", "\r": " "})
IN_EXTENSION: Final = str.maketrans({"\\": "\\\\", "=": "\\=", "\n": "\\n", "\r": "\\r"})
"""The standard's character encoding: a pipe is not escaped here, an equals sign not in the header."""
OUTBOUND: Final = "1"
"""deviceDirection."""
LIMITS: Final = {
    "msg": 1023, "reason": 1023, "cat": 1023, "shost": 1023, "dhost": 1023, "outcome": 63, "proto": 31,
    "deviceExternalId": 255, "externalId": 40, "dvchost": 100, "act": 63,
}  # fmt: skip
"""Characters that the dictionary gives a key; custom strings have 4000."""
CUSTOM: Final = 4000


def render(told: Told, largest: int) -> bytes:
    """The message from ``CEF:0|`` on, at most ``largest`` octets: keys are left out from the last on."""
    head = "|".join(
        field.translate(IN_HEADER)
        for field in (
            "CEF:0", "camwarden", "camwarden", told.metadata.product.version, told.kind, told.finding_info.title,
            str(SEVERITIES.get(told.severity_id, 5)),
        )
    ).encode()  # fmt: skip
    made = head + b"|"
    for number, (key, value) in enumerate(_extension(told)):
        shown = value[: LIMITS.get(key, CUSTOM)].translate(IN_EXTENSION)
        pair = f"{' ' if number else ''}{key}={shown}".encode()
        if len(made) + len(pair) > largest:
            break
        made += pair
    return made if len(made) <= largest else cut(made.decode(), largest)


def _extension(told: Told) -> list[tuple[str, str]]:
    """By worth, the most first; what is not known is left out."""
    ours, device = told.unmapped.camwarden, told.device
    first = told.evidences[0] if told.evidences else None
    remote = first.dst_endpoint if first is not None else None
    rows: list[tuple[str, object]] = [
        ("rt", told.time),
        ("externalId", told.metadata.uid),
        ("dvchost", ours.sensor),
        *_labelled("cs1", "incident", told.finding_info.uid),
        ("act", ACTIVITIES.get(told.activity_id)),
        ("shost", device.name),
        *_address("src", "c6a2", "Source IPv6 Address", device.ip),
        *_address("dst", "c6a3", "Destination IPv6 Address", remote.ip if remote is not None else None),
        ("msg", told.message),
        ("cat", ",".join((*told.metadata.labels, *told.finding_info.types))),
        ("dhost", remote.hostname if remote is not None else None),
        ("dpt", remote.port if remote is not None else None),
        ("spt", first.src_endpoint.port if first is not None else None),
        ("proto", first.connection_info.protocol_name if first is not None else None),
        ("smac", device.mac),
        ("outcome", ours.outcome),
        ("cnt", told.count),
        ("start", told.start_time),
        ("end", told.end_time),
        ("out", ours.bytes_out or None),
        ("in", ours.bytes_in or None),
        ("deviceDirection", OUTBOUND if remote is not None else None),
        *_labelled("cs2", "operator", ours.verdict.operator),
        *_labelled("cs3", "jurisdiction", ours.verdict.jurisdiction),
        *_labelled("cs4", "device", " ".join(filter(None, (device.vendor_name, device.model)))),
        *_labelled("cs5", "firmware", device.os.version),
        *_labelled("cs6", "group", ours.group),
        ("reason", ours.rule),
        *_labelled("cn1", "epoch", ours.epoch),
        *_labelled("cn2", "sequence", told.metadata.sequence),
    ]
    return [(key, str(value)) for key, value in rows if value not in (None, "")]


def _labelled(key: str, label: str, value: object) -> list[tuple[str, object]]:
    """A custom key, with the label that says what it is."""
    return [(f"{key}Label", label), (key, value)] if value not in (None, "") else []


def _address(four: str, six: str, label: str, address: str | None) -> list[tuple[str, object]]:
    if address is None:
        return []
    return [(four, address)] if ipaddress.ip_address(address).version == 4 else _labelled(six, label, address)
