"""Multicast DNS and DNS-SD: what a host says about itself (RFC 6762, RFC 6763).

Only responses are read, and probes: a query whose authority section holds the host's own records.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from struct import Struct
from typing import TYPE_CHECKING, Final

from monitor.model.facts import DeviceAnnounced, Fact, Malformed, MalformedSeen, Want
from monitor.protocols.dns import AAAA, PTR, SRV, TXT, A, Record, records, sane
from monitor.protocols.names import HEADER, PastEnd, read_label_case, skip_name, spell
from monitor.protocols.secrets import cut

if TYPE_CHECKING:
    from collections.abc import Mapping

LAYER: Final = "mdns"
PORT: Final = 5353
UNICAST: Final = 53
MAX_HOSTS: Final = 4
"""Hosts reported of one message: more than one come from reflectors and proxies."""
MAX_SERVICES: Final = 16
MAX_QUESTIONS: Final = 64

_COUNTS: Final = Struct(">6H")
_SERVICE: Final = re.compile(r"(?:^|\.)(_[^.]+\._(?:tcp|udp))\.local$")
"""A service type at the end of an instance's, subtype's or type's name (RFC 6763, 4.1, 7, 7.1)."""
_CATALOGUE: Final = "_services._dns-sd._udp.local"
"""Asks for the types themselves (RFC 6763, 9)."""

# Keys of TXT records that name the maker's facts whatever the service: HomeKit and AirPlay ("md", "model", "deviceid"),
# Apple's _device-info ("model"), Bonjour printing ("usb_MFG", "usb_MDL"), Axis and its kin ("macaddress").
_TEXT_KEYS: Final[Mapping[str, str]] = {
    "md": "model", "model": "model", "usb_mdl": "model",
    "vendor": "vendor", "manufacturer": "vendor", "usb_mfg": "vendor",
    "mac": "mac", "macaddress": "mac", "deviceid": "mac",
    "serial": "serial", "serialnumber": "serial",
    "firmware": "firmware", "fw": "firmware", "fwversion": "firmware",
}  # fmt: skip
_MAC: Final = re.compile(r"[0-9a-f]{2}(?:[:-]?[0-9a-f]{2}){5}")


def sniff(head: bytes, sport: int, dport: int) -> bool:
    """Whether this datagram can be multicast DNS; what is asked of a resolver from its port is not."""
    return PORT in (sport, dport) and UNICAST not in (sport, dport) and sane(head)


class Parser:
    """One direction of multicast DNS: each datagram is one message."""

    def __init__(self) -> None:
        self.want = Want.MORE

    def feed(self, data: bytes) -> list[Fact]:
        """One announcement for each host that the message speaks for."""
        if len(data) < HEADER:
            raise Malformed(LAYER, "shorter than a header")
        _, flags, questions, answers, authorities, additionals = _COUNTS.unpack_from(data)
        response = bool(flags & 0x8000)
        if flags & 0x7800 or (not response and not authorities):
            return []
        if questions > MAX_QUESTIONS:
            raise Malformed(LAYER, "too many questions")
        offset = HEADER
        for _ in range(questions):
            offset = skip_name(data, offset, LAYER) + 4
        said = _Said()
        damage: MalformedSeen | None = None
        try:
            for record in records(data, offset, (answers, authorities, additionals), LAYER):
                if response or record.section == 1:
                    said.add(data, record)
        except PastEnd:
            pass
        except Malformed as error:
            damage = MalformedSeen(error.layer, error.reason)
        facts: list[Fact] = said.facts("response" if response else "probe")
        if damage is not None:
            facts.append(damage)
        return facts


class _Said:
    """What the records of one message add up to."""

    def __init__(self) -> None:
        self._hosts: dict[str, str | None] = {}
        """Host name without .local, and its first address."""
        self._services: dict[str, None] = {}
        self._text: dict[str, str] = {}

    def add(self, message: bytes, record: Record) -> None:
        if record.ttl == 0:
            return  # a goodbye (RFC 6762, 10.1)
        owner = read_label_case(message, record.owner, LAYER)[0]
        if record.rtype in {A, AAAA}:
            self._address(owner, message[record.start : record.end])
        elif record.rtype == SRV:
            if record.end - record.start <= 6:  # priority, weight, port (RFC 2782)
                raise Malformed(LAYER, "service record of a wrong length")
            self._service(owner)
            self._host(read_label_case(message, record.start + 6, LAYER)[0])
        elif record.rtype == PTR:
            target = read_label_case(message, record.start, LAYER)[0]
            if owner.lower() == _CATALOGUE:
                self._service(target)
            elif owner.lower().endswith((".in-addr.arpa", ".ip6.arpa")):
                self._host(target)
            else:
                self._service(owner)
        elif record.rtype == TXT:
            self._service(owner)
            self._texts(message[record.start : record.end])

    def facts(self, message: str) -> list[Fact]:
        services = tuple(self._services)
        names: list[tuple[str | None, str | None]] = list(self._hosts.items()) or [(None, None)]
        if names == [(None, None)] and not services and not self._text:
            return []
        several = len(names) > 1  # then nobody knows whose the services and texts are
        text = {} if several else self._text
        return [
            DeviceAnnounced(
                LAYER,
                mac=text.get("mac"),
                address=address,
                name=name,
                vendor=text.get("vendor"),
                model=text.get("model"),
                firmware=text.get("firmware"),
                serial=text.get("serial"),
                services=() if several else services,
                message=message,
            )
            for name, address in names
        ]

    def _host(self, name: str) -> str | None:
        if not name.lower().endswith(".local"):
            return None
        name = name[: -len(".local")]
        if name not in self._hosts:
            if len(self._hosts) >= MAX_HOSTS:
                return None
            self._hosts[name] = None
        return name

    def _address(self, owner: str, packed: bytes) -> None:
        if len(packed) not in {4, 16}:
            raise Malformed(LAYER, "address record of a wrong length")
        host = self._host(owner)
        if host is not None and self._hosts[host] is None:
            self._hosts[host] = str(ip_address(packed))

    def _service(self, name: str) -> None:
        found = _SERVICE.search(name.lower())
        if found and found[1] != "_services._dns-sd._udp" and len(self._services) < MAX_SERVICES:
            self._services[found[1]] = None

    def _texts(self, data: bytes) -> None:
        offset = 0
        while offset < len(data):
            length = data[offset]
            key, _, value = data[offset + 1 : offset + 1 + length].partition(b"=")
            offset += 1 + length
            field = _TEXT_KEYS.get(key.decode("latin-1").lower())
            if field is None or not value or field in self._text:
                continue
            text = cut(spell(value))
            if field == "mac":
                text = text.lower().replace("-", ":")
                if not _MAC.fullmatch(text):
                    continue
                digits = text.replace(":", "")
                text = ":".join([digits[at : at + 2] for at in range(0, 12, 2)])
            self._text[field] = text
