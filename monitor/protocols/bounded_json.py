"""JSON in one datagram or answer, read within bounds of octets, depth and number of values."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from monitor.model.facts import Malformed
from monitor.protocols.device_text import plain

MAX_OCTETS: Final = 65_535
"""A UDP datagram (RFC 768)."""
MAX_OPENINGS: Final = 256
"""Brackets and braces that open, anywhere: a discovery answer has some ten. It bounds the depth as well."""

Object = dict[str, Any]


def read_value(body: bytes, layer: str, octets: int = MAX_OCTETS, openings: int = MAX_OPENINGS) -> object:
    """What this text, which NULs and line ends may follow, stands for. Malformed if it is none, or passes a cap."""
    if len(body) > octets:
        raise Malformed(layer, "document too long")
    if body.count(b"{") + body.count(b"[") > openings:
        raise Malformed(layer, "values nested too deep")
    try:
        return msgspec.json.decode(body.rstrip(b"\x00\r\n\t ").decode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        raise Malformed(layer, "no JSON") from None


def read_object(body: bytes, layer: str) -> Object:
    """The object of this text, which NULs and line ends may follow. Malformed if it is none, or passes a cap."""
    value = read_value(body, layer)
    if not isinstance(value, dict):
        raise Malformed(layer, "no JSON object")
    return value


def object_in(value: Object, key: str) -> Object:
    """The object under ``key``; an empty one where there is none."""
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def text_in(value: Object, key: str) -> str | None:
    """The text under ``key``."""
    found = value.get(key)
    return plain(found) if isinstance(found, str) else None
