"""Who runs a remote end, by name, address, network or protocol."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from monitor.enrich.catalogue.owners import Owner, of_p2p, of_service, of_vendor
from monitor.enrich.catalogue.reading import CatalogueError
from monitor.model.address import pack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from monitor.enrich.catalogue.rows import Names, Network, P2p, Service, Vendor
    from monitor.model.address import Address

UDP: Final = 17
"""IP protocol number (RFC 768)."""
HTTPS: Final = 443
ENCRYPTED_DNS: Final = 853
"""DNS over TLS (RFC 7858, 3.1) and over QUIC (RFC 9250, 4.1.1)."""

K = TypeVar("K")


class Remotes:
    """Indexes over names, addresses and networks. Lower case, no dot at the end."""

    def __init__(
        self,
        vendors: Mapping[str, Vendor],
        p2p: Iterable[P2p],
        services: Iterable[Service],
        networks: Iterable[Network],
        files: Mapping[str, str],
    ) -> None:
        """CatalogueError if two rows claim one thing and the later does not say why. ``files``: "p2p:kalay" -> file."""
        self._files = files
        self._suffixes: dict[str, Owner] = {}
        self._hosts: dict[str, Owner] = {}
        self._addresses: dict[Address, Owner] = {}
        self._networks: dict[int, Network] = {}
        self._encrypted_dns: set[str] = set()
        self._encrypted_dns_addresses: set[Address] = set()
        for vendor in vendors.values():
            for names in vendor.domain:
                self._add(names, partial(of_vendor, vendor, names, vendors=vendors))
        for row in p2p:
            for names in row.server:
                self._add(names, partial(of_p2p, row, vendors=vendors))
        for service in services:
            self._add(service, partial(of_service, service))
            self._encrypted_dns.update(service.encrypted_dns)
            if service.encrypted_dns:
                self._encrypted_dns_addresses.update(pack(text) for text in service.addresses)
        for network in networks:
            for asn in network.asns:
                if (other := self._networks.setdefault(asn, network)) is not network:
                    file = files[f"network:{network.key}"]
                    msg = f"{file}: network {network.key!r}: AS{asn} belongs to {other.key!r} as well"
                    raise CatalogueError(msg)

    def _add(self, names: Names | Service, owner: Callable[[str], Owner]) -> None:
        if not names.verified:
            return
        for text in names.suffixes:
            self._claim(self._suffixes, text, owner(text), names)
        for text in names.hosts:
            self._claim(self._hosts, text, owner(text), names)
        for text in names.addresses:
            self._claim(self._addresses, pack(text), owner(text), names)

    def _claim(self, index: dict[K, Owner], key: K, owner: Owner, names: Names | Service) -> None:
        other = index.get(key)
        if other is not None and other.key != owner.key and getattr(names, "shares", None) is None:
            file = self._files[owner.key]
            msg = f"{file}: {owner.key}: {owner.evidence} belongs to {other.key} as well; say why in 'shares'"
            raise CatalogueError(msg)
        index[key] = owner

    def of_name(self, name: str) -> Owner | None:
        """By the exact host, else by the longest suffix on label boundaries."""
        name = name.rstrip(".").lower()
        owner = self._hosts.get(name)
        while owner is None and name:
            owner = self._suffixes.get(name)
            name = name.partition(".")[2]
        return owner

    def of_address(self, address: Address) -> Owner | None:
        return self._addresses.get(address)

    def of_network(self, asn: int) -> Network | None:
        return self._networks.get(asn)

    def encrypted_dns(self, name: str | None, address: Address | None, port: int, proto: int) -> str | None:
        """Either "dot" or "doq" by port, "doh" by a known server's name or, on port 443, its address."""
        if port == ENCRYPTED_DNS:
            return "doq" if proto == UDP else "dot"
        if port == HTTPS and address in self._encrypted_dns_addresses:
            return "doh"
        rest = name.rstrip(".").lower() if name else ""
        while rest:
            if rest in self._encrypted_dns:
                return "doh"
            rest = rest.partition(".")[2]
        return None
