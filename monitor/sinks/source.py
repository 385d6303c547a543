"""What a sink needs of the outbox. The composition root hands it one; the sink never meets the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Outgoing(Protocol):
    """One message of the journal."""

    @property
    def seq(self) -> int:
        """Dense and growing, per sensor and epoch."""

    @property
    def uid(self) -> str:
        """What consumers tell duplicates by."""

    @property
    def kind(self) -> str:
        """Kind of the incident."""

    @property
    def body(self) -> bytes:
        """Canonical JSON."""


class Source(Protocol):
    """The outbox of one sink. The sink is its only reader; an error here ends the sink."""

    async def news(self) -> None:
        """Return once something was appended since the last return; at once if it was meanwhile."""

    async def pending(self, after: int, limit: int) -> Sequence[Outgoing]:
        """Messages owed after number ``after``, oldest first; parked ones are not among them."""

    async def recent(self, limit: int) -> Sequence[Outgoing]:
        """The newest messages owed no more, oldest first."""

    async def since(self, seq: int, limit: int) -> Sequence[Outgoing]:
        """Journalled messages from number ``seq`` on, owed or not, oldest first."""

    async def done(self, seqs: Sequence[int]) -> None:
        """These were delivered; parked ones may be among them."""

    async def refused(self, seq: int) -> int:
        """The other end refused this one; how often it has by now."""

    async def park(self, seq: int, reason: str) -> None:
        """Keep this one, but owe it no more until someone looks into ``reason``."""
