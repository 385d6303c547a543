"""Capabilities: what a device can do, says of it, and does."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Sensitivity(IntEnum):
    """How much it matters to whoever is watched."""

    ORDINARY = 1
    """What any camera does: video, motion, time."""
    NOTABLE = 2
    """What changes what a camera is for: people are counted, vehicles told apart."""
    SENSITIVE = 3
    """Who somebody is, what is said, who else can look, who can change the device."""


class Aspect(StrEnum):
    """What a device says of a function. What it does is seen on the wire."""

    SUPPORTED = "supported"
    ENABLED = "enabled"


class State(StrEnum):
    """What the three columns of a row come to (architecture, the capability ledger). Metric labels: a closed set."""

    IN_USE = "in_use"
    READY = "ready"
    DORMANT = "dormant"
    HIDDEN = "hidden"
    CONTRADICTED = "contradicted"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Grade(IntEnum):
    """How sure it is (vendors.md 3.3)."""

    HINT = 1
    """Something else may explain it: a banner, a fingerprint, a restart."""
    PROBABLE = 2
    """Seen on the wire, but the device has not said so: an image, a call, the name of a file."""
    CERTAIN = 3
    """The device says so itself."""


class Claim(Struct, frozen=True):
    """What one column of a row says, and how it is known."""

    value: bool
    source: str
    """Who said or showed it, for people: "isapi System/capabilities: isSupportFaceDetect", "RTP audio"."""
    first_ns: int
    """Since when it has been so, as far as anybody saw."""
    last_ns: int
    """When it was last confirmed."""
    firmware: str | None
    """What the device ran when it was first so."""


class Capability(Struct, frozen=True):
    """One function of the vocabulary."""

    key: str
    """area.function: "face.recognise"."""
    name: str
    """For people: "recognises faces"."""
    sensitivity: Sensitivity

    @property
    def deed(self) -> str:
        """The name without what explains it: "recognises faces" of "recognises faces: it says who somebody is"."""
        return self.name.partition(":")[0]


class Declaration(Struct, frozen=True):
    """One thing that an answer says of one function."""

    capability: str
    aspect: Aspect
    value: bool
    identifier: str
    """What said so: the path of the statement."""


class Change(Struct, frozen=True):
    """One column of one row turned."""

    capability: str
    column: str
    """supported enabled exercised"""
    before: bool | None
    """None: nothing had said so either way, although the question had been answered."""
    after: bool
    state_before: State
    source: str
    ts_ns: int


class Vocabulary(Protocol):
    """What the functions are called, and by what each interface's answers tell of them."""

    def capability(self, key: str) -> Capability | None:
        """The function of this key."""

    def capabilities(self) -> Sequence[Capability]:
        """All of them, in order of their keys."""

    def declared(self, api: str, question: str, statements: Iterable[tuple[str, str]]) -> list[Declaration]:
        """What these statements say, by the catalogue's rows. What says neither yes nor no is left out."""

    def capability_of_topic(self, api: str, topic: str) -> str | None:
        """The function that an analytics event of this topic shows at work."""
