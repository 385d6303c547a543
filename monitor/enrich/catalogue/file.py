"""One TOML file of the catalogue: the tables that it may have."""

from __future__ import annotations

from msgspec import Struct

from monitor.enrich.catalogue.capability_rows import CapabilityRow
from monitor.enrich.catalogue.rows import Network, P2p, Service, Vendor
from monitor.enrich.catalogue.vulnerability_rows import Vulnerability


class File(Struct, frozen=True, forbid_unknown_fields=True):
    """One TOML file. Each table may be absent."""

    sources: dict[str, str] = {}
    """Tag -> citation, in full."""
    vendor: tuple[Vendor, ...] = ()
    p2p: tuple[P2p, ...] = ()
    network: tuple[Network, ...] = ()
    service: tuple[Service, ...] = ()
    capability: tuple[CapabilityRow, ...] = ()
    vulnerability: tuple[Vulnerability, ...] = ()
