"""The catalogue's rows as they stand in the TOML files. Each says where it is from.

A row of a company carries rows of what was seen of it (``[[vendor.domain]]`` ...), each with its own source,
since a company's prefixes and its servers come from different witnesses.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Purpose(StrEnum):
    """What a named server is for, where the source says so."""

    CLOUD = "cloud"
    P2P = "p2p"
    """Rendezvous or relay: the remote end of a peer-to-peer path."""
    UPDATE = "update"
    TIME = "time"
    DDNS = "ddns"
    PUSH = "push"
    SITE = "site"
    """The company's web site; a device has little reason to go there."""


class Sourced(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every row."""

    source: str
    """Tags of the ``[sources]`` table, separated by blanks; at least one. One string, since a list in each of
    hundreds of rows is a quarter of the time that reading the catalogue takes."""
    verified: bool = True
    """False keeps a lead on file; nothing decides by it."""
    note: str | None = None


class Prefixes(Sourced, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Blocks of MAC addresses from the IEEE registry."""

    prefixes: tuple[str, ...]
    """"44:19:b6" (/24), "50:fa:cb:9/28" or "70:b3:d5:12:3/36"."""
    camera: bool | None = None
    """Overrides the vendor's ``oui_is_camera`` for these blocks."""
    shares: str | None = None
    """Why another vendor has a block of these too."""


class Names(Sourced, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Names of servers."""

    suffixes: tuple[str, ...] = ()
    """A name and everything below it."""
    hosts: tuple[str, ...] = ()
    """Exactly these names: for hosts in a domain that others use too."""
    addresses: tuple[str, ...] = ()
    """Literal addresses of its servers."""
    purpose: Purpose = Purpose.CLOUD
    shares: str | None = None
    """Why another row names one of these too."""


class Ports(Sourced, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Default ports."""

    tcp: tuple[int, ...] = ()
    udp: tuple[int, ...] = ()
    cloud: bool = False
    """Ports of the vendor's servers; otherwise of the device."""


class Banner(Sourced, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a device's servers call themselves. Compared without regard to case."""

    servers: tuple[str, ...] = ()
    """Beginnings of a Server header (HTTP or RTSP)."""
    realms: tuple[str, ...] = ()
    """Beginnings of an authentication realm."""
    certificates: tuple[str, ...] = ()
    """Parts of a certificate's subject."""
    serves: tuple[str, ...] = ()
    """Protocols (``service.banner``) of which only its firmware is a server."""
    calls: tuple[str, ...] = ()
    """Protocols of which only its firmware is a client."""


class Announcement(Sourced, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a device says to the network it joins. Compared without regard to case."""

    vendor_classes: tuple[str, ...] = ()
    """Beginnings of DHCP option 60."""
    hostnames: tuple[str, ...] = ()
    """Beginnings of DHCP option 12."""
    services: tuple[str, ...] = ()
    """DNS-SD service types: "_axis-video._tcp"."""
    protocols: tuple[str, ...] = ()
    """Protocols (``device.announced``) that only its firmware answers in, under whatever brand it is sold."""


class Vendor(Sourced, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A maker of cameras, or of what cameras run on."""

    key: str
    name: str
    legal_name: str | None = None
    jurisdiction: str
    """Country of its legal seat, ISO 3166-1 alpha-2."""
    control: str | None = None
    """Country it is controlled from, where that is another one; verdicts use it."""
    parent: str | None = None
    """Key of the vendor it belongs to: for a verdict they are the same operator's family."""
    made_by: tuple[str, ...] = ()
    """Keys of vendors whose devices are sold under its name."""
    brands: tuple[str, ...] = ()
    oui_is_camera: bool = True
    """Whether one of its MAC prefixes alone means that a device is a camera."""
    oui_reason: str | None = None
    """Why not."""
    oui: tuple[Prefixes, ...] = ()
    domain: tuple[Names, ...] = ()
    port: tuple[Ports, ...] = ()
    banner: tuple[Banner, ...] = ()
    announcement: tuple[Announcement, ...] = ()

    @property
    def law(self) -> str:
        """The country whose law it answers to."""
        return self.control or self.jurisdiction


class P2p(Sourced, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A peer-to-peer network for cameras, known by its wire protocol."""

    key: str
    """The name that parsers give it (``p2p.contact``)."""
    name: str
    operator: str
    """The company behind it."""
    jurisdiction: str
    control: str | None = None
    vendor: str | None = None
    """Key of the vendor that runs it; then verdicts name that vendor."""
    port: tuple[Ports, ...] = ()
    server: tuple[Names, ...] = ()

    @property
    def law(self) -> str:
        return self.control or self.jurisdiction


class Network(Sourced, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Autonomous systems of one organisation."""

    key: str
    name: str
    country: str
    """Where the organisation at the top has its seat, whatever a registry says of one AS."""
    seat: str
    asns: tuple[int, ...]
    anycast: bool = False
    """One address answers in many countries: the country of an address says little."""


class Service(Sourced, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A known service that is no camera platform: resolver, time pool, platform of others."""

    key: str
    name: str
    operator: str
    jurisdiction: str | None = None
    """None where nobody in particular operates it (a pool of volunteers)."""
    suffixes: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    encrypted_dns: tuple[str, ...] = ()
    """Names under which it answers DNS over HTTPS, TLS or QUIC; each a suffix."""
    resolver: bool = False
    """Its addresses answer DNS."""
    shared: bool = False
    """Others run their services under its names: whoever is below is the operator, not this one."""
    anycast: bool = False
    purpose: Purpose = Purpose.CLOUD
