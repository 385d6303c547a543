"""Rows of the vocabulary of capabilities: what a function is called, and by what each interface tells of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from monitor.enrich.catalogue.rows import Sourced

APIS: Final = ("isapi", "onvif", "dahua", "vapix", "reolink", "sunapi", "lapi", "sofia", "tapo", "rtsp")
"""Interfaces, as parsers of answers call them."""


class Grade(StrEnum):
    """How much a function matters to whoever is watched; model/capabilities.Sensitivity says when which."""

    ORDINARY = "ordinary"
    NOTABLE = "notable"
    SENSITIVE = "sensitive"


class Signs(Sourced, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How one interface tells of a function. Identifiers are the vendor's, letter by letter.

    An identifier is the end of a statement's path ("isSupportSSH", "EZVIZ/enabled"), whole names between slashes or
    dots, without indexes. Behind a question and two colons it holds for that question alone
    ("devAudioInput.cgi getCollect::result").
    """

    supported: tuple[str, ...] = ()
    """Statements whose value says whether the device can."""
    enabled: tuple[str, ...] = ()
    """Statements whose value says whether it is switched on."""
    present: tuple[str, ...] = ()
    """Names that need only be there, with anything but a no in or beneath them, for the device to be able to.
    "question::*": that it answers the question is enough."""
    values: tuple[str, ...] = ()
    """Values that, wherever they stand, mean that it can: a rule's type, a service, an application's id."""
    topics: tuple[str, ...] = ()
    """Analytics events that show it at work. A device that lists such a topic can do it."""
    yes: tuple[str, ...] = ()
    """Values that say yes, beside true, yes, on and numbers above 0."""
    no: tuple[str, ...] = ()
    """Values that say no, beside false, no, off and 0."""


class CapabilityRow(Sourced, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One function."""

    key: str
    """area.function, lower case."""
    name: str
    """For people, what the device does: "recognises faces"."""
    sensitivity: Grade
    isapi: Signs | None = None
    onvif: Signs | None = None
    dahua: Signs | None = None
    vapix: Signs | None = None
    reolink: Signs | None = None
    sunapi: Signs | None = None
    lapi: Signs | None = None
    sofia: Signs | None = None
    tapo: Signs | None = None
    rtsp: Signs | None = None

    def signs(self) -> list[tuple[str, Signs]]:
        """Each interface that tells of it."""
        told = ((api, getattr(self, api)) for api in APIS)
        return [(api, signs) for api, signs in told if signs is not None]
