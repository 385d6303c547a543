"""Which known holes a device's firmware has: certainly, possibly or, where nothing can be said, none."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from monitor.enrich.catalogue.reading import CatalogueError
from monitor.model.incidents import Severity
from monitor.model.versions import Version, compare, parse
from monitor.model.vulnerabilities import Match

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping

    from monitor.enrich.catalogue.vulnerability_rows import Affected, Vulnerability

KEY: Final = re.compile(r"CVE-[0-9]{4}-[0-9]{4,7}|[a-z][a-z0-9-]*", re.ASCII)
"""A CVE id (CVE numbering rules, 2014), or a name in lower case."""


class Vulnerabilities:
    """All rows. Nothing in them changes after the load."""

    def __init__(
        self, rows: Iterable[Vulnerability], sells: Callable[[str, str], bool], sources: Mapping[str, str]
    ) -> None:
        """``sells`` says whether a vendor sells what a maker makes; ``sources`` cites a tag."""
        self._rows = tuple(rows)
        self._sells = sells
        self._sources = sources

    def of(self, vendor: str | None, model: str | None, firmware: str | None) -> list[Match]:
        """Certain ones first, then those that are known to be exploited, then the gravest."""
        if vendor is None:
            return []
        matches = [match for row in self._rows if (match := self._match(row, vendor, model, firmware)) is not None]
        return sorted(matches, key=lambda each: (not each.certain, each.kev is None, -each.severity, each.key))

    def _match(self, row: Vulnerability, vendor: str, model: str | None, firmware: str | None) -> Match | None:
        own = row.vendor == vendor
        if not own and not self._sells(vendor, row.vendor):
            return None
        version = parse(row.vendor, firmware) if firmware is not None else None
        possible: Match | None = None
        for part in row.affected:
            doubt = _doubt(part, model, own=own) if part.verified and lies_in(version, part, row.vendor) else None
            if doubt is None:
                continue
            match = Match(
                key=row.key,
                name=row.name,
                certain=not doubt,
                why=f"affected: {part.words}" + (f", but {doubt}" if doubt else ""),
                source="; ".join(self._sources[tag] for tag in part.source.split()),
                severity=Severity[row.severity.name],
                kev=row.kev,
            )
            if match.certain:
                return match
            possible = possible or match
        return possible


def lies_in(version: Version | None, part: Affected, maker: str) -> bool:
    """Whether the version is known to lie within every bound that is given."""
    if part.built_before is not None and (
        version is None or version.released is None or version.released >= part.built_before
    ):
        return False
    for bound, sides in ((part.first, (0, 1)), (part.last, (0, -1)), (part.fixed, (-1,))):
        if bound is None:
            continue
        limit = parse(maker, bound)
        if version is None or limit is None or compare(version, limit) not in sides:
            return False
    return True


def _doubt(part: Affected, model: str | None, *, own: bool) -> str | None:
    """Why it is possible and no more; empty: it is certain. None: it is not so, for other models are meant."""
    if model is None:
        return "its model is not known"
    if any(fnmatchcase(model.lower(), pattern.lower()) for pattern in part.models):
        return ""
    if not own:
        return "it is sold under a name of its own"
    if part.some:
        return "the source does not name every model"
    return "" if not part.models else None


def check(where: str, row: Vulnerability, vendors: Container[str]) -> None:
    """CatalogueError if a bound is no version of the maker's that has an order, or the bounds leave nothing."""
    if KEY.fullmatch(row.key) is None:
        _refuse(where, "a key is a CVE id or a name in lower case")
    if row.vendor not in vendors:
        _refuse(where, f"there is no vendor {row.vendor!r}")
    for part in row.affected:
        bounds = []
        for field, text in (("from", part.first), ("to", part.last), ("fixed", part.fixed)):
            if text is None:
                continue
            version = parse(row.vendor, text)
            if version is None or not version.numbers:
                _refuse(where, f"{field}: {text!r} is no version of {row.vendor}'s whose order is known")
            bounds.append((field, text, version))
        if part.last is not None and part.fixed is not None:
            _refuse(where, "to and fixed exclude each other")
        if len(bounds) > 1:
            (_, first, oldest), (field, last, newest) = bounds
            order = compare(oldest, newest) if oldest is not None and newest is not None else None
            if order is None or order > 0 or (order == 0 and field == "fixed"):
                _refuse(where, f"nothing lies between {first!r} and {last!r}")


def _refuse(where: str, why: str) -> None:
    msg = f"{where}: {why}"
    raise CatalogueError(msg)
