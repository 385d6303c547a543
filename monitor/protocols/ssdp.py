"""SSDP: who asks for UPnP devices, and who says that it is one (UPnP Device Architecture 2.0, 1).

A search and its answers are two flows, since the search goes to a group: an answer is known by port 1900 or
by the fields that only SSDP has. What a device calls its system and product is a banner, its unique name its
serial. The product is a model only if it looks like one, for as often as not it is the UPnP library instead.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed, ServiceBanner, Want
from monitor.protocols.device_text import plain
from monitor.protocols.http_fields import split, text_of

if TYPE_CHECKING:
    from monitor.model.facts import Fact
    from monitor.protocols.http_fields import Fields

LAYER: Final = "ssdp"
PORT: Final = 1900
MAX_SECTION: Final = 4_096
"""Octets that are read; a message must fit one frame (UPnP DA 2.0, 1.1.4), and tags and cookies do not make 4 KiB."""
MAX_BANNERS: Final = 4
"""Different banners of one direction that are reported: several come from several devices behind one proxy."""

_SEARCH: Final = b"M-SEARCH * HTTP/1."
_BARE_SEARCH: Final = b"M-SEARCH * HTTP/1.1"
"""All that Plex Media Server's own search (GDM, UDP port 32412) consists of."""
_NOTIFY: Final = b"NOTIFY * HTTP/1."
_ANSWER: Final = b"HTTP/1.1 200"
_STARTS: Final = (_SEARCH, _NOTIFY, _ANSWER, b"HTTP/1.0 200")
_MARKS: Final = re.compile(rb'\n(?:USN|NTS|MAN)[ \t]*:[ \t]*"?(?:uuid:|ssdp:)', re.IGNORECASE)
"""Fields that prove SSDP off its port (UPnP DA 2.0, 1.2.2 and 1.3)."""
_NOTICES: Final = {b"ssdp:alive": "alive", b"ssdp:byebye": "byebye", b"ssdp:update": "update"}
_UDN: Final = re.compile(rb"uuid:[^:\s]+", re.IGNORECASE)
"""A device's unique name, which USN begins with (UPnP DA 2.0, table 1-1)."""

_PRODUCT: Final = re.compile(r"UPnP/\d+(?:\.\d+)?[,;]?\s+([^/,;\s]*\d[^/,;\s]*)(?:[/,;]|$)", re.IGNORECASE)
"""SERVER is system/version UPnP/version product/version (UPnP DA 2.0, 1.2.2), often with commas. A model is one word
with a digit (DCS-935L); libraries ("MiniUPnPd", "Portable SDK for UPnP devices") have theirs in the version alone.
"""


def sniff(head: bytes, sport: int, dport: int) -> bool:
    """Whether this datagram is SSDP: its start line, and port 1900 or a field that proves it; or a bare search."""
    if not head.startswith(_STARTS):
        return False
    if PORT in {sport, dport} or head.rstrip(b"\r\n") == _BARE_SEARCH:
        return True
    return _MARKS.search(head, 0, MAX_SECTION) is not None


class Parser:
    """One direction of a flow: each datagram is one message."""

    def __init__(self) -> None:
        self.want = Want.MORE
        self._banners: set[str] = set()

    def feed(self, data: bytes) -> list[Fact]:
        """The search, notice or answer; before it the sender's banner where it is new."""
        if not data.startswith(_STARTS):
            raise Malformed(LAYER, "no start line of SSDP")
        fields = split(data[:MAX_SECTION].partition(b"\n")[2].partition(b"\n\r\n")[0])[0]
        if data.startswith(_SEARCH):
            return [*self._banner(fields, b"user-agent", "client"), DiscoveryQuery(LAYER, text_of(fields, b"st"))]
        if data.startswith(_NOTIFY):
            # A notice without a known kind is one of another protocol, or a cut one: it says who is there all the same.
            message = _NOTICES.get(_first(fields, b"nts").lower(), "notify")
            service = text_of(fields, b"nt")
        else:
            message, service = "response", text_of(fields, b"st")
        announced = DeviceAnnounced(
            LAYER,
            model=_model(text_of(fields, b"server")),
            serial=_unique_name(fields),
            services=(service,) if service else (),
            message=message,
        )
        return [*self._banner(fields, b"server", "server"), announced]

    def _banner(self, fields: Fields, field: bytes, role: str) -> list[Fact]:
        text = text_of(fields, field)
        if not text or text in self._banners or len(self._banners) >= MAX_BANNERS:
            return []
        self._banners.add(text)
        return [ServiceBanner(LAYER, role, text)]


def _first(fields: Fields, name: bytes) -> bytes:
    values = fields.get(name)
    return values[0] if values else b""


def _unique_name(fields: Fields) -> str | None:
    found = _UDN.match(_first(fields, b"usn"))
    return plain(found[0].decode("latin-1")) if found else None


def _model(server: str | None) -> str | None:
    found = _PRODUCT.search(server) if server else None
    return plain(found[1]) if found else None
