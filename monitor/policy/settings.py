"""The policy's part of the configuration: the site, and groups of devices."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class SiteConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """What is ours, and what it needs from elsewhere."""

    home: tuple[str, ...] = ()
    """Home countries, ISO 3166-1 alpha-2. Empty: nothing is called foreign."""
    networks: tuple[str, ...] = ()
    """Our networks beside the private ones."""
    camera_networks: tuple[str, ...] = ()
    """Networks where devices live; ours too."""
    core_networks: tuple[str, ...] = ()
    """Networks of ours in which cameras have no business."""
    resolvers: tuple[str, ...] = ()
    """Addresses, networks or names that may be asked DNS questions."""
    time_servers: tuple[str, ...] = ()
    """Addresses, networks or names that may be asked for the time."""
    time_zone: str = "UTC"
    """In which maintenance windows are given: "Europe/London" (IANA time zone database)."""


class MatchConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Which devices belong to a group beside those that name it. All given keys must match."""

    vendor: str | None = None
    model: str | None = None
    """Shell pattern."""
    network: str | None = None
    mac: str | None = None
    """Beginning of the MAC address."""


class GroupConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Devices that may do the same."""

    name: str
    match: MatchConfig | None = None
    allow: tuple[str, ...] = ()
    """Destinations: a name or pattern ("*.example.org"), an address or network, "AS64500", "country:GB" (the address),
    "seat:GB" (the network's holder), "law:GB" (the operator's jurisdiction) or "*"; each optionally followed by a
    service: "ntp", "dns", "tcp/443", "udp/8000-8010"."""
    isolated: bool = False
    """These devices must not leave the site at all."""
    firmware_max_age_days: Annotated[int, Meta(ge=1, le=36_500)] | None = None
    """A firmware that is older is told; None: none is."""
    maintenance: tuple[str, ...] = ()
    """When these devices may be updated, in the site's time zone: "Sun 02:00-04:00", "daily 01:00-03:00",
    "Mon-Fri 22:00-02:00". Outside, an update is graver; without any, all times are alike."""
