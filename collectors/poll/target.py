"""Target: one device that is asked, as the configuration pins it. Nothing that it says changes where we connect."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address


class Api(StrEnum):
    """The interfaces that are spoken. One file each."""

    ISAPI = "isapi"
    ONVIF = "onvif"
    DAHUA = "dahua"
    VAPIX = "vapix"
    REOLINK = "reolink"
    SUNAPI = "sunapi"
    LAPI = "lapi"


class Verification(StrEnum):
    """What shows that a TLS peer is the device."""

    PIN = "pin"
    """Its certificate is the one whose SHA-256 is configured."""
    CA = "ca"
    """A configured authority signed it, for the configured name."""
    NONE = "none"
    """Nothing does: treated as clear text."""


class Tls(NamedTuple):
    verification: Verification
    pin: bytes = b""
    """SHA-256 of the certificate (DER)."""
    ca: str = ""
    """Path of a PEM file; may begin with $CREDENTIALS_DIRECTORY/."""
    name: str = ""
    """Name in the certificate; without it, the address."""


class Target(NamedTuple):
    device: str
    """Inventory name."""
    address: IPv4Address | IPv6Address
    """The only address that is connected to."""
    port: int
    apis: tuple[Api, ...]
    """Asked in this order, in one poll."""
    tls: Tls | None = None
    host: str = ""
    """Of the Host header; without it, address and port."""
    user: str = ""
    """Empty: questions are asked without logging in."""
    password_file: str = ""
    realm: str | None = None
    """The only realm that is logged in to; None: the first that worked."""
    every_s: float = 3600.0
    """Seconds from one poll to the next."""
    special: bool = False
    """The configuration allows this very address though no camera should have it."""

    @property
    def verified(self) -> bool:
        """Whether who answers is known before anything is sent."""
        return self.tls is not None and self.tls.verification is not Verification.NONE


class Limits(NamedTuple):
    """Bounds of what a device may cost (threat model C11 to C14)."""

    question_s: float = 15.0
    """One question with its log-in, from connecting to the last octet."""
    poll_s: float = 120.0
    """One poll: some twenty questions of a slow camera at some 2 s each, with room."""
    body: int = 262_144
    """Octets of an answer; Hikvision's largest capability documents have some 60 KiB."""
    silent: int = 3
    """Questions in a row without any answer after which a poll is given up."""


DEFAULT_LIMITS: Final = Limits()
