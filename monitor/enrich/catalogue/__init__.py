"""Who is who: vendors, P2P networks, clouds and services, each fact with its source."""

from __future__ import annotations

from monitor.enrich.catalogue.catalogue import Catalogue
from monitor.enrich.catalogue.owners import Owner
from monitor.enrich.catalogue.reading import CatalogueError
from monitor.enrich.catalogue.rows import Network, P2p, Purpose, Service, Vendor

__all__ = ["Catalogue", "CatalogueError", "Network", "Owner", "P2p", "Purpose", "Service", "Vendor"]
