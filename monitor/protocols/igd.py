"""UPnP's Internet Gateway Device: a host asks its router to let the outside in.

The action stands in the SOAPAction field of an HTTP request (UPnP Device Architecture 2.0, 3.2.1), its arguments in
the body (WANIPConnection:2, 2.5.16 to 2.5.21; WANIPv6FirewallControl:1, 2.4.3 to 2.4.7). The body is not parsed as
XML: one pass finds the first element of each argument's name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from monitor.model.facts import PortMapping

if TYPE_CHECKING:
    from monitor.protocols.http_fields import Fields

PROTOCOL: Final = "upnp"
MAX_BODY: Final = 8_192
"""Octets of a request's body that are read; MiniUPnPc sends some 700."""

_ACTION: Final = re.compile(
    rb'"?urn:schemas-upnp-org:service:WAN(?:IP|PPP|IPv6)[A-Za-z]*:[0-9]{1,2}#'
    rb'((?:Add|AddAny|Delete)PortMapping(?:Range)?|(?:Add|Update|Delete)Pinhole)"?',
)
_ARGUMENT: Final = re.compile(
    rb"<(?:New)?(ExternalPort|InternalPort|Protocol|LeaseDuration|LeaseTime|StartPort)(?:\s[^<>]{0,256})?>"
    rb"\s*([A-Za-z0-9]{1,10})\s*<",
)
_TRANSPORTS: Final = {b"TCP": "tcp", b"UDP": "udp", b"6": "tcp", b"17": "udp"}
"""Names for port mappings, IP protocol numbers for pinholes."""


def action_of(fields: Fields) -> bytes | None:
    """The action on a router's port mappings that a request asks for, if that is what it does."""
    for value in fields.get(b"soapaction", ()):
        found = _ACTION.fullmatch(value)
        if found:
            return found[1]
    return None


def mapping(action: bytes, body: bytes) -> PortMapping:
    """The request, as far as ``body`` says; a lease of 0 has no end there, so it is not told as a lifetime."""
    found: dict[bytes, bytes] = {}
    for name, value in _ARGUMENT.findall(body[:MAX_BODY]):
        found.setdefault(name, value)
    lease = _number(found.get(b"LeaseDuration", found.get(b"LeaseTime")), 0xFFFFFFFF)
    return PortMapping(
        protocol=PROTOCOL,
        role="request",
        transport=_TRANSPORTS.get(found.get(b"Protocol", b"").upper()),
        internal_port=_number(found.get(b"InternalPort"), 0xFFFF),
        external_port=_number(found.get(b"ExternalPort", found.get(b"StartPort")), 0xFFFF),
        lifetime=0 if action.startswith(b"Delete") else lease,
    )


def _number(value: bytes | None, most: int) -> int | None:
    """A port or a time from 1 to ``most``."""
    if value is None or not value.isdigit():
        return None
    number = int(value)
    return number if 0 < number <= most else None
