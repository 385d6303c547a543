"""Rows of different tables as one thing: an owner, whatever it was known by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from monitor.enrich.catalogue.rows import Names, P2p, Purpose, Service, Vendor
from monitor.model.verdicts import OperatorKind

if TYPE_CHECKING:
    from collections.abc import Mapping


class Owner(Struct, frozen=True):
    """Who stands behind a name, an address or a protocol."""

    key: str
    """"vendor:hikvision", "p2p:pppp", "service:google-dns"."""
    name: str
    kind: OperatorKind
    jurisdiction: str | None
    vendor: str | None
    family: str
    """Equal for a vendor, its daughters and the network it runs."""
    purpose: Purpose
    shared: bool
    """Others run their services under these names."""
    anycast: bool
    """The country of its addresses says little."""
    evidence: str
    """The catalogue's entry that matched: "ys7.com", "8.8.8.8", "pppp"."""


def of_vendor(vendor: Vendor, names: Names, evidence: str, vendors: Mapping[str, Vendor]) -> Owner:
    """The vendor as the owner of one of its servers."""
    p2p = names.purpose is Purpose.P2P
    return Owner(
        key=f"vendor:{vendor.key}",
        name=vendor.name,
        kind=OperatorKind.P2P_CLOUD if p2p else OperatorKind.VENDOR_CLOUD,
        jurisdiction=vendor.law,
        vendor=vendor.key,
        family=_family(vendor, vendors),
        purpose=names.purpose,
        shared=False,
        anycast=False,
        evidence=evidence,
    )


def of_p2p(row: P2p, evidence: str, vendors: Mapping[str, Vendor]) -> Owner:
    """A P2P network's operator: the vendor that runs it, else the network itself."""
    vendor = vendors.get(row.vendor) if row.vendor else None
    if vendor is not None:
        return replace(
            of_vendor(vendor, Names(source=row.source, purpose=Purpose.P2P), evidence, vendors),
            jurisdiction=row.law,
        )
    return Owner(
        key=f"p2p:{row.key}",
        name=row.name,
        kind=OperatorKind.P2P_CLOUD,
        jurisdiction=row.law,
        vendor=None,
        family=f"p2p:{row.key}",
        purpose=Purpose.P2P,
        shared=False,
        anycast=False,
        evidence=evidence,
    )


def of_service(row: Service, evidence: str) -> Owner:
    """The operator of a service that is no camera platform."""
    return Owner(
        key=f"service:{row.key}",
        name=row.name,
        kind=OperatorKind.SERVICE,
        jurisdiction=row.jurisdiction,
        vendor=None,
        family=f"service:{row.key}",
        purpose=row.purpose,
        shared=row.shared,
        anycast=row.anycast,
        evidence=evidence,
    )


def _family(vendor: Vendor, vendors: Mapping[str, Vendor]) -> str:
    """The key of the topmost parent; the loader has refused circles."""
    while vendor.parent is not None:
        vendor = vendors[vendor.parent]
    return f"vendor:{vendor.key}"
