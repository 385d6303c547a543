"""WS-Discovery, by which ONVIF devices are found (WS-Discovery 2005/04 and 1.1; ONVIF Core Specification, 7).

What an ONVIF device is stands in its scopes, URIs below ``onvif://www.onvif.org/``. A firmware version does not.
The endpoint's address, a URN that never changes, is reported as the serial.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from monitor.model.facts import PROXIED, DeviceAnnounced, DiscoveryQuery, Malformed, MalformedSeen, Want
from monitor.protocols.bounded_xml import Document, begins
from monitor.protocols.device_text import mac_of, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.model.facts import Fact
    from monitor.protocols.bounded_xml import Element

LAYER: Final = "wsdiscovery"
PORT: Final = 3702
MAX_ANNOUNCED: Final = 16
"""Devices reported of one message: more than one come from a discovery proxy (WS-Discovery 1.1, 3)."""
MAX_TYPES: Final = 16
MAX_SCOPES: Final = 64
MAX_SCOPE: Final = 1_024
"""Characters of a scope that are looked at; percent-encoding makes three of one."""

_NAMESPACES: Final = (b"schemas.xmlsoap.org/ws/2005/04/discovery", b"docs.oasis-open.org/ws-dd/ns/discovery")
"""Of the 2005 submission, which ONVIF takes, and of the OASIS standard."""
_QUERIES: Final = frozenset({"Probe", "Resolve"})
_ANNOUNCEMENTS: Final = {"Hello": "hello", "Bye": "bye", "ProbeMatch": "probe_match", "ResolveMatch": "resolve_match"}
_ONVIF: Final = "onvif://www.onvif.org/"
"""ONVIF Core Specification, 7.3.2.2."""


def sniff(head: bytes, sport: int, dport: int) -> bool:
    """Whether this datagram is WS-Discovery: a document that names its namespace, or an envelope on its port."""
    if not begins(head):
        return False
    if PORT in {sport, dport} and b"Envelope" in head[:512]:
        return True
    return any(namespace in head for namespace in _NAMESPACES)


class Parser:
    """One direction of a flow: each datagram is one message."""

    want = Want.MORE

    def feed(self, data: bytes) -> list[Fact]:
        """What is looked for, or one announcement for each device that the message speaks for."""
        document = Document(data, LAYER)
        if document.root != "Envelope":
            raise Malformed(LAYER, "no SOAP envelope")
        facts: list[Fact] = []
        elements = document.elements
        begins = [at for at, each in enumerate(elements) if each.name in _QUERIES or each.name in _ANNOUNCEMENTS]
        several = len(begins) > 1
        for begin, end in zip(begins[:MAX_ANNOUNCED], [*begins[1:], len(elements)], strict=False):
            facts.append(_said(elements[begin].name, elements[begin + 1 : end], several=several))
        if document.damage is not None:
            facts.append(MalformedSeen(LAYER, document.damage))
        return facts


def _said(kind: str, elements: Sequence[Element], *, several: bool) -> Fact:
    """One query or announcement, of the elements inside it."""
    texts: dict[str, str] = {}
    for element in elements:
        if element.text:
            texts.setdefault(element.name, element.text)
    types = _types(texts.get("Types", ""))
    unique_name = plain(texts.get("Address"))
    if kind == "Probe":
        return DiscoveryQuery(LAYER, plain(" ".join(types)))
    if kind == "Resolve":
        return DiscoveryQuery(LAYER, unique_name)
    scopes = _scopes(texts.get("Scopes", ""))
    return DeviceAnnounced(
        LAYER,
        mac=mac_of(scopes.get("mac")),
        name=scopes.get("name"),
        model=scopes.get("hardware"),
        serial=unique_name,
        services=types,
        message=PROXIED if several else _ANNOUNCEMENTS[kind],
    )


def _types(listed: str) -> tuple[str, ...]:
    """Names of types without their prefixes, which each sender chooses."""
    named = (plain(each.rpartition(":")[2]) for each in listed.split(None, MAX_TYPES)[:MAX_TYPES])
    return tuple(each for each in named if each)


def _scopes(listed: str) -> dict[str, str]:
    """The first ONVIF scope of each category, decoded (RFC 3986, 2.1); makers add their own, such as "MAC"."""
    found: dict[str, str] = {}
    for scope in listed.split(None, MAX_SCOPES)[:MAX_SCOPES]:
        if scope[: len(_ONVIF)].lower() != _ONVIF:
            continue
        category, _, value = scope[len(_ONVIF) : MAX_SCOPE].partition("/")
        text = plain(unquote(value))
        if text:
            found.setdefault(category.lower(), text)
    return found
