"""What is known of holes in firmware, as the catalogue tells it to detectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from datetime import date

    from monitor.model.incidents import Severity


class Match(Struct, frozen=True):
    """A device's version is, or may be, one that has a known hole."""

    key: str
    """Of the catalogue's row: "CVE-2021-36260"."""
    name: str
    """What the hole is, for people."""
    certain: bool
    """Maker, model and version are all decided. Otherwise it is possible, and no more."""
    why: str
    """The range, and what is not decided, in words for people."""
    source: str
    """Who says so."""
    severity: Severity
    kev: date | None
    """Since when CISA lists it as known to be exploited."""


class Attack(Struct, frozen=True):
    """A request that is known to have taken devices over, and all that is known beside it."""

    key: str
    """Of the catalogue's row."""
    name: str
    """What the hole is, for people; empty where the catalogue has no such row."""
    kev: date | None
    device: str
    """Name of whom it was sent to."""
    sender: str
    """Name or address of who sent it."""
    on_site: bool
    """The sender is one of the site's own."""
    uri: str | None
    """Secrets already cut."""
    in_range: bool | None = None
    """Whether the device's version has the hole; None: not known, or only possible."""
    called: str | None = None
    """Name or address of a remote end that the device began to talk to for the first time just afterwards."""
