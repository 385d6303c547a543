"""What TOML types cannot say of a row: its sources exist, its countries are countries, its names are spelled."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final

from monitor.enrich.catalogue.countries import COUNTRIES
from monitor.enrich.catalogue.marks import prefix
from monitor.enrich.catalogue.reading import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from monitor.enrich.catalogue.capability_rows import CapabilityRow
    from monitor.enrich.catalogue.file import File
    from monitor.enrich.catalogue.rows import Network, P2p, Service, Sourced, Vendor
    from monitor.enrich.catalogue.vulnerability_rows import Vulnerability

    Row = Vendor | P2p | Network | Service | CapabilityRow | Vulnerability

_KEY: Final = re.compile(r"[a-z0-9][a-z0-9-]*")
_NAME: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
"""Two labels at least, lower case (RFC 1035, 2.3.1, with the underscore that service names use)."""
_FUNCTION: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)+")
_IDENTIFIERS: Final = ("supported", "enabled", "present", "values", "topics")


def check_file(name: str, file: File, sources: Mapping[str, str]) -> None:
    """CatalogueError names the file and the row."""
    seen: set[tuple[str, str]] = set()
    for table, row in rows_of(file):
        where = f"{name}: {table} {row.key!r}"
        _check_key(where, table, row.key)
        if (table, row.key) in seen:
            _refuse(where, "the key stands twice in this file")
        seen.add((table, row.key))
        for part in _parts(row):
            for tag in part.source.split() or ("",):
                if tag not in sources:
                    _refuse(where, f"source {tag!r} is not in any [sources] table" if tag else "a row needs a source")
            _check_names(where, part)
            _check_identifiers(where, part)
        for code in _countries(row):
            if code not in COUNTRIES:
                _refuse(where, f"{code!r} is no country (ISO 3166-1 alpha-2)")


def check_references(vendors: Mapping[str, Vendor], p2p: Mapping[str, P2p], files: Mapping[str, str]) -> None:
    """Every vendor that a row points to exists, and parents do not go round in a circle. ``files``: row -> file."""
    for vendor in vendors.values():
        where = f"{files[f'vendor:{vendor.key}']}: vendor {vendor.key!r}"
        for key in (*vendor.made_by, *((vendor.parent,) if vendor.parent else ())):
            if key not in vendors:
                _refuse(where, f"there is no vendor {key!r}")
        line, parent = [vendor.key], vendor.parent
        while parent is not None and parent in vendors:
            if parent in line:
                _refuse(where, f"its parents go in a circle: {' > '.join([*line, parent])}")
            line.append(parent)
            parent = vendors[parent].parent
    for row in p2p.values():
        if row.vendor is not None and row.vendor not in vendors:
            _refuse(f"{files[f'p2p:{row.key}']}: p2p {row.key!r}", f"there is no vendor {row.vendor!r}")


def rows_of(file: File) -> Iterator[tuple[str, Row]]:
    """Each row with the name of its table."""
    yield from (("vendor", row) for row in file.vendor)
    yield from (("p2p", row) for row in file.p2p)
    yield from (("network", row) for row in file.network)
    yield from (("service", row) for row in file.service)
    yield from (("capability", row) for row in file.capability)
    yield from (("vulnerability", row) for row in file.vulnerability)


def _parts(row: Row) -> Iterator[Sourced]:
    yield row
    if signs := getattr(row, "signs", None):
        yield from (each for _, each in signs())
    for table in ("oui", "domain", "port", "banner", "announcement", "server", "affected"):
        yield from getattr(row, table, ())


def _countries(row: Row) -> Iterator[str]:
    for field in ("jurisdiction", "control", "country"):
        if (code := getattr(row, field, None)) is not None:
            yield code


def _check_key(where: str, table: str, key: str) -> None:
    if table == "capability":
        if _FUNCTION.fullmatch(key) is None:
            _refuse(where, "a capability's key is area.function in lower case")
    elif table != "vulnerability" and _KEY.fullmatch(key) is None:
        _refuse(where, "a key is lower-case letters, digits and dashes")


def _check_names(where: str, part: Sourced) -> None:
    for field in ("suffixes", "hosts", "encrypted_dns"):
        for text in getattr(part, field, ()):
            if _NAME.fullmatch(text) is None:
                _refuse(where, f"{field}: {text!r} is no domain name in lower case with two labels")
    for text in getattr(part, "prefixes", ()):
        try:
            prefix(text)
        except CatalogueError as error:
            _refuse(where, str(error))
    for text in getattr(part, "addresses", ()):
        try:
            ipaddress.ip_address(text)
        except ValueError:
            _refuse(where, f"addresses: {text!r} is no address")


def _check_identifiers(where: str, part: Sourced) -> None:
    for field in _IDENTIFIERS:
        identifiers = getattr(part, field, ())
        for text in identifiers:
            if not text.strip() or text != text.strip() or not text.rpartition("::")[2]:
                _refuse(where, f"{field}: {text!r} is no identifier")
            if identifiers.count(text) > 1:
                _refuse(where, f"{field}: {text!r} stands twice")


def _refuse(where: str, why: str) -> None:
    msg = f"{where}: {why}"
    raise CatalogueError(msg)
