"""Where is not whose: what is known of a remote end, each part on its own."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct


class OperatorKind(StrEnum):
    """How an operator was found; the order is the order of preference."""

    VENDOR_CLOUD = "vendor_cloud"
    """A camera maker's or camera platform's own service."""
    P2P_CLOUD = "p2p_cloud"
    """A peer-to-peer relay network for cameras."""
    SERVICE = "service"
    """A known service that is no camera platform: public resolver, time pool, content network."""
    DOMAIN = "domain"
    """Only the registered domain is known."""
    NETWORK = "network"
    """Only the autonomous system is known."""
    ADDRESS = "address"
    """Nothing is known but the address."""


CLOUDS: Final = frozenset({OperatorKind.VENDOR_CLOUD, OperatorKind.P2P_CLOUD})
"""What cameras are made to call."""


class Confidence(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Place(Struct, frozen=True):
    """What the address databases say of an address."""

    country: str | None = None
    """ISO 3166-1 alpha-2 of the address, upper case."""
    network: int | None = None
    """Autonomous system number."""
    organisation: str | None = None
    """Name of that autonomous system's holder."""


class Verdict(Struct, frozen=True, cache_hash=True):
    """Who a remote end is, as far as is known."""

    operator: str
    """Name of the operator: catalogue name, else registered domain, else "AS64500 Name", else address."""
    operator_key: str
    """Stable key of the operator within one device's incidents ("vendor:hikvision", "domain:example.org")."""
    kind: OperatorKind
    location: str | None
    """Country of the address, ISO 3166-1 alpha-2."""
    network: int | None
    organisation: str | None
    organisation_country: str | None
    """Country where the holder of the network has its seat."""
    jurisdiction: str | None
    """Country whose law the operator answers to; None if unknown."""
    vendor: str | None
    """Key of the camera vendor in the catalogue, if the operator is one's."""
    confidence: Confidence
    why: str
    """Which catalogue row or database decided, in a few words."""
    unnamed: bool = False
    """The protocol or the address decided, whatever name was said there."""
    law_of_end: bool = False
    """The jurisdiction is that of the network or the address, since none is known of the operator by its name."""
