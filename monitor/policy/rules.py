"""Allow rules: text from the configuration in, a test of one contact out."""

from __future__ import annotations

import ipaddress
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from monitor.model.address import unpack
from monitor.model.contacts import Trait
from monitor.model.verdicts import CLOUDS

if TYPE_CHECKING:
    from monitor.model.address import IPNetwork
    from monitor.model.contacts import Contact

UDP: Final = 17
TCP: Final = 6
_PROTOS: Final = {"tcp": TCP, "udp": UDP}
_NAMED: Final = {"ntp": ((UDP, 123, 123),), "dns": ((UDP, 53, 53), (TCP, 53, 53))}
"""Services by name (IANA Service Name and Transport Protocol Port Number Registry)."""
_SERVICE: Final = re.compile(r"(tcp|udp)/(\d{1,5})(?:-(\d{1,5}))?")
_NAME: Final = re.compile(r"[A-Za-z0-9_*?-]+(\.[A-Za-z0-9_*?-]+)*\.?")
_AS: Final = re.compile(r"AS(\d{1,10})", re.IGNORECASE)
_COUNTRY: Final = re.compile(r"(country|seat|law):([A-Za-z]{2})")
_MAX_PORT: Final = 65535
_LONGEST: Final = 253
"""Characters of a name (RFC 1035, 3.1, without the root)."""

Ports = tuple[tuple[int, int, int], ...]


class RuleError(ValueError):
    """A rule that cannot be read; the message says which part and what would do."""


class Rule(Struct, frozen=True):
    """One allowed destination. What is None does not matter."""

    text: str
    """As configured, for people."""
    name: str | None = None
    network: IPNetwork | None = None
    asn: int | None = None
    country: str | None = None
    ports: Ports = ()

    seat: str | None = None
    law: str | None = None

    def covers(self, contact: Contact, name: str | None) -> bool:
        """Whether the remote end, under one of its names, is what this rule allows, on whatever service."""
        if self.name is not None:
            # An encrypted hello shows a name that need not be the one that is meant.
            if Trait.ECH in contact.traits and contact.name_source == "sni":
                return False
            if contact.verdict.kind in CLOUDS and contact.verdict.unnamed and name not in contact.told_names:
                return False  # a known camera server is not somebody else because a camera says so
            return name is not None and fnmatchcase(name, self.name)
        if self.network is not None:
            if contact.remote is None:
                return False
            ip = unpack(contact.remote)
            return ip.version == self.network.version and ip in self.network
        if self.asn is not None:
            return contact.verdict.network == self.asn
        if self.country is not None:
            # Where a camera cloud's address is says nothing about whose it is.
            return contact.verdict.location == self.country and contact.verdict.kind not in CLOUDS
        if self.seat is not None:
            return contact.verdict.organisation_country == self.seat
        if self.law is not None:
            return contact.verdict.jurisdiction == self.law
        return True

    def serves(self, proto: int, port: int) -> bool:
        """Whether this rule allows the service."""
        return not self.ports or any(proto == each and low <= port <= high for each, low, high in self.ports)


def parse(text: str) -> Rule:
    """Read one allow rule: "TARGET [SERVICE]" or "SERVICE". RuleError if it is none."""
    words = text.split()
    if not words or len(words) > 2:
        msg = f"{text!r} is not TARGET [SERVICE]"
        raise RuleError(msg)
    if len(words) == 1 and (ports := services(words[0])):
        return Rule(text, ports=ports)
    ports = services(words[1]) if len(words) > 1 else ()
    if len(words) > 1 and not ports:
        msg = f"{words[1]!r} in {text!r} is no service (ntp, dns, tcp/443, udp/8000-8010)"
        raise RuleError(msg)
    return _target(text, words[0], ports)


def is_name(text: str) -> bool:
    """Whether this may be the name of one host: no pattern, and no address that is misspelled."""
    return len(text) <= _LONGEST and _NAME.fullmatch(text) is not None and not re.search(r"[*?]|(^|\.)\d+\.?$", text)


def _target(text: str, target: str, ports: Ports) -> Rule:
    if target == "*":
        return Rule(text, ports=ports)
    if match := _AS.fullmatch(target):
        return Rule(text, asn=int(match[1]), ports=ports)
    if match := _COUNTRY.fullmatch(target):
        code = match[2].upper()
        if match[1] == "country":
            return Rule(text, country=code, ports=ports)
        return Rule(text, seat=code, ports=ports) if match[1] == "seat" else Rule(text, law=code, ports=ports)
    try:
        return Rule(text, network=ipaddress.ip_network(target), ports=ports)
    except ValueError as wrong:
        if re.fullmatch(r"[\d./]+|[0-9A-Fa-f:./]*:[0-9A-Fa-f:./]*", target):
            msg = f"{target!r} is no network: {wrong}"
            raise RuleError(msg) from None
    if not _NAME.fullmatch(target):
        msg = f"{target!r} is no name, network, AS number or country"
        raise RuleError(msg)
    return Rule(text, name=target.lower().rstrip("."), ports=ports)


def services(word: str) -> Ports:
    """The protocols and ports of a service: "ntp", "dns", "tcp/443", "udp/8000-8010"; none if it is no service."""
    if word.lower() in _NAMED:
        return _NAMED[word.lower()]
    match = _SERVICE.fullmatch(word.lower())
    if not match:
        return ()
    low, high = int(match[2]), int(match[3] or match[2])
    if low > high or high > _MAX_PORT:
        msg = f"{word!r} is no range of ports"
        raise RuleError(msg)
    return ((_PROTOS[match[1]], low, high),)
