"""Rows -> answers: whose prefix, name, address, network, banner or protocol is this.

Strategy: everything is indexed at load, so that each question is a handful of dict accesses. A user's row replaces
the embedded row of the same table and key; within the result no two rows may claim one thing, unless the later one
says why in ``shares``, and then it has it.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from monitor.enrich.catalogue.marks import ANSWERS, Marks
from monitor.enrich.catalogue.owners import Owner, of_p2p
from monitor.enrich.catalogue.reading import CatalogueError, read
from monitor.enrich.catalogue.remotes import HTTPS, Remotes
from monitor.enrich.catalogue.rows import Purpose
from monitor.enrich.catalogue.validation import check_file, check_references, rows_of
from monitor.enrich.catalogue.vocabulary import Vocabulary
from monitor.enrich.catalogue.vulnerabilities import Vulnerabilities, check

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from monitor.enrich.catalogue.capability_rows import CapabilityRow
    from monitor.enrich.catalogue.file import File
    from monitor.enrich.catalogue.rows import Network, P2p, Service, Vendor
    from monitor.enrich.catalogue.vulnerability_rows import Vulnerability
    from monitor.model.address import Address, Mac
    from monitor.model.vulnerabilities import Match

__all__ = ["Catalogue", "CatalogueError", "Owner"]

TCP: Final = 6
"""IP protocol number (RFC 9293)."""


class Catalogue:
    """What is known of vendors, P2P networks, networks and services. Nothing in it changes after the load."""

    def __init__(self, named_files: Iterable[tuple[str, File]]) -> None:
        """``named_files`` weakest first. CatalogueError if a row is not sound or two contradict each other."""
        self.sources: dict[str, str] = {}
        """Tag -> citation."""
        self.vendors: dict[str, Vendor] = {}
        self.p2p_networks: dict[str, P2p] = {}
        self.networks: dict[str, Network] = {}
        self.services: dict[str, Service] = {}
        self.functions: dict[str, CapabilityRow] = {}
        self.vulnerabilities: dict[str, Vulnerability] = {}
        origins: dict[str, str] = {}
        named_files = list(named_files)
        for _, file in named_files:
            self.sources |= file.sources
        for name, file in named_files:
            check_file(name, file, self.sources)
            self.vendors |= {row.key: row for row in file.vendor if row.verified}
            self.p2p_networks |= {row.key: row for row in file.p2p if row.verified}
            self.networks |= {row.key: row for row in file.network if row.verified}
            self.services |= {row.key: row for row in file.service if row.verified}
            self.vulnerabilities |= {row.key: row for row in file.vulnerability if row.verified}
            functions = {row.key: row for row in file.capability if row.verified}
            self.functions = {key: row for key, row in self.functions.items() if key not in functions} | functions
            origins |= {f"{table}:{row.key}": name for table, row in rows_of(file)}
        check_references(self.vendors, self.p2p_networks, origins)
        for hole in self.vulnerabilities.values():
            check(f"{origins[f'vulnerability:{hole.key}']}: vulnerability {hole.key!r}", hole, self.vendors)
        self._holes = Vulnerabilities(self.vulnerabilities.values(), self._sells, self.sources)
        self._marks = Marks(self.vendors.values(), origins)
        self._remotes = Remotes(
            self.vendors,
            self.p2p_networks.values(),
            self.services.values(),
            self.networks.values(),
            origins,
        )
        self.vocabulary = Vocabulary(self.functions.values(), origins)
        """What the functions of devices are called, and what tells of them."""
        self._p2p_owners = {key: of_p2p(row, key, self.vendors) for key, row in self.p2p_networks.items()}

    @classmethod
    def load(cls, *directories: Path) -> Catalogue:
        """The embedded rows with those of ``directories`` on top, the last strongest.

        CatalogueError says in one line which file cannot be used, where and why.
        """
        embedded = read(files("monitor.enrich.catalogue"))
        return cls([*embedded, *(named for directory in directories for named in read(directory))])

    def vendor(self, key: str) -> Vendor | None:
        return self.vendors.get(key)

    def p2p(self, key: str) -> P2p | None:
        """The P2P network that parsers call ``key``."""
        return self.p2p_networks.get(key)

    def vendor_of_mac(self, mac: Mac) -> Vendor | None:
        """By the longest registered prefix; None for group and locally administered (randomised) addresses."""
        found = self._marks.of_mac(mac)
        return found[0] if found else None

    def is_camera_mac(self, mac: Mac) -> bool:
        """Whether the prefix alone says that this is a camera, or a recorder of the same maker."""
        found = self._marks.of_mac(mac)
        return found is not None and found[1]

    def vendor_of_banner(
        self,
        *,
        server: str | None = None,
        realm: str | None = None,
        certificate_subject: str | None = None,
    ) -> Vendor | None:
        """By certificate, else Server header, else realm: hardest to change first."""
        return self._marks.of_banner(server, realm, certificate_subject)

    def vendor_of_dhcp(self, vendor_class: str | None, hostname: str | None) -> Vendor | None:
        """By DHCP option 60 (RFC 2132, 9.13), else option 12 (3.14)."""
        return self._marks.of_dhcp(vendor_class, hostname)

    def vendor_of_service(self, service_type: str) -> Vendor | None:
        """By DNS-SD service type ("_axis-video._tcp"), with or without ".local"."""
        return self._marks.of_service(service_type)

    def vendor_of_announcement(self, protocol: str) -> Vendor | None:
        """Whose firmware alone announces itself by this protocol."""
        return self._marks.of_speaker(protocol, ANSWERS)

    def vendor_of_speaker(self, protocol: str, role: str) -> Vendor | None:
        """Whose firmware alone takes this part ("server", "client") in this protocol."""
        return self._marks.of_speaker(protocol, role)

    def vendor_named(self, text: str) -> Vendor | None:
        """By its key, a name or a brand of it, without regard to case."""
        return self._marks.named(text)

    def sells(self, vendor: str, maker: Vendor) -> bool:
        """Whether the vendor of this key is the maker's daughter, or sells its devices under an own name."""
        return self._sells(vendor, maker.key)

    def _sells(self, vendor: str, maker: str) -> bool:
        row = self.vendors.get(vendor)
        return row is not None and (row.parent == maker or maker in row.made_by)

    def makers_services(self) -> tuple[int, int]:
        """By how many names and addresses makers' own services are known, and of how many makers."""
        known = {
            vendor.key: sum(
                len(part.suffixes) + len(part.hosts) + len(part.addresses)
                for part in vendor.domain
                if part.verified and part.purpose is not Purpose.P2P
            )
            for vendor in self.vendors.values()
        }
        return sum(known.values()), sum(map(bool, known.values()))

    def vulnerability(self, key: str) -> Vulnerability | None:
        """The hole of this key: "CVE-2021-36260"."""
        return self.vulnerabilities.get(key)

    def vulnerabilities_of(self, vendor: str | None, model: str | None, firmware: str | None) -> list[Match]:
        """Which known holes the firmware of such a device has or may have, the surest and gravest first.

        A hole is certain only where maker, model and version are all decided, and possible where the model is not; of
        a version without a known order nothing is said.
        """
        return self._holes.of(vendor, model, firmware)

    def operator_of_name(self, name: str) -> Owner | None:
        """By the exact host, else by the longest suffix on label boundaries."""
        return self._remotes.of_name(name)

    def operator_of_address(self, address: Address) -> Owner | None:
        """By the literal address of a server or resolver."""
        return self._remotes.of_address(address)

    def operator_of_network(self, asn: int) -> Network | None:
        """The organisation at the top of an autonomous system."""
        return self._remotes.of_network(asn)

    def operator_of_p2p(self, key: str) -> Owner | None:
        """Who runs the P2P network that parsers call ``key``: its vendor, or the network itself."""
        return self._p2p_owners.get(key)

    def encrypted_dns_of(
        self,
        name: str | None,
        address: Address | None,
        *,
        port: int = HTTPS,
        proto: int = TCP,
    ) -> str | None:
        """Either "dot" or "doq" by port, "doh" by a known server's name or, on port 443, its address; else None."""
        return self._remotes.encrypted_dns(name, address, port, proto)
