"""Exhibits: what is kept of the wire as evidence, and by which way it leaves the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.model.incidents import Evidence


class Packet(NamedTuple):
    """A packet that led to something, without what may not be kept of it (protocols.redaction)."""

    ts_ns: int
    data: bytes
    """The frame from its link layer on, as far as it is kept."""
    wire: int
    """Octets that it had on the wire."""
    link: int
    """Link type of its interface (https://www.tcpdump.org/linktypes.html)."""
    note: str
    """What it is and what was left out of it: fixed words, nothing from the wire."""


class Packets(Protocol):
    """Asks for the packets behind a message."""

    def __call__(self, evidences: Sequence[Evidence], first_ns: int, *, alone: bool) -> tuple[Packet, ...]:
        """What passed between these ends, and named them, from shortly before ``first_ns`` on.

        ``alone``: of the very flows that are shown, not of all between these hosts.
        """


def no_packets(evidences: Sequence[Evidence], first_ns: int, *, alone: bool) -> tuple[Packet, ...]:  # noqa: ARG001
    """Where none are kept."""
    return ()


class FirmwareImage(Struct, frozen=True):
    """An image that passed complete."""

    sha256: str
    bytes: int


class PacketFile(Struct, frozen=True):
    """A file with the packets of an incident."""

    file: str
    """Its name in the evidence folder."""
    sha256: str
    packets: int
    bytes: int


class Exhibit(Struct, frozen=True):
    """What there is of an incident in the evidence folder when a message is written."""

    packets: PacketFile | None = None
    image: FirmwareImage | None = None
    """Its file is named by its hash."""


class Keeping(Protocol):
    """A place for one image. Letting go of it without ``keep`` drops what it has."""

    def take(self, part: bytes) -> None:
        """The next octets. Never raises: what cannot be kept is dropped and counted."""

    def drop(self) -> None:
        """It is not complete, or no image."""

    def keep(self, sha256: str) -> None:
        """It is complete, and this is its hash in hexadecimal."""


class Spool(Protocol):
    """Where images go that pass. Parsers touch no file: whoever builds the engine gives them one of these."""

    def begin(self) -> Keeping | None:
        """A place for one more image; None: there is no room."""
