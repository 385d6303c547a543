"""Live: what every source of packets that goes on for months has in common, be it a tap, a folder or a pipe."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collectors.blocks import Block


class LinkState(StrEnum):
    """What became of an interface, or of whatever stands in its place."""

    UP = "up"
    """Packets can come: at the start, and again after anything below."""
    DOWN = "down"
    """It is there, and no packet can come: set down, or without a carrier."""
    GONE = "gone"
    """It is not there (any more)."""
    RENAMED = "renamed"
    """It goes on under another name; the configured one stays its label."""
    BLOCKED = "blocked"
    """It is there, and cannot be read: the reason is in the event."""


BLIND: Final = frozenset({LinkState.DOWN, LinkState.GONE, LinkState.BLOCKED})
"""States in which no packet can come."""


@dataclass(frozen=True, slots=True)
class LinkEvent:
    """An interface changed its state."""

    ts_ns: int
    """When this was noticed, nanoseconds since the epoch, by this machine's clock."""
    interface: str
    """As configured: a metric label."""
    state: LinkState
    reason: str = ""
    """For people: new name, error text."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What became of every packet of one interface since it was opened; each number only grows.

    ``arrived == seen + dropped + waiting`` holds at each reading, to the packet (threat model, finding 2).
    """

    interface: str
    """As configured."""
    arrived: int
    """Packets that the kernel had for this socket, dropped ones included (tp_packets, summed to 64 bits)."""
    dropped: int
    """Of these, packets that found no room in the ring (tp_drops, summed)."""
    seen: int
    """Of these, packets given out in Blocks."""
    waiting: int
    """Of these, packets that lie in the ring, or wait to be given out."""
    freezes: int = 0
    """Times that the ring was full (tp_freeze_q_cnt, summed)."""
    octets: int = 0
    """Frame bytes of those that were seen, as they passed on the wire; 0 where nobody counts them by interface."""
    missed: int = 0
    """Packets that the interface itself lost before any socket (rx_dropped, rx_missed_errors, rx_fifo_errors)."""

    pressed: bool = False
    """An eighth of the ring waits to be read: it is not read as fast as it fills."""

    @property
    def came(self) -> int:
        """Packets that came to the interface, those included that were lost on the way to us."""
        return self.arrived + self.missed

    @property
    def lost(self) -> int:
        """Of these, packets that were lost on this machine."""
        return self.dropped + self.missed

    @property
    def exact(self) -> bool:
        """Whether every packet is accounted for."""
        return self.arrived == self.seen + self.dropped + self.waiting


class Source(Protocol):
    """Where packets come from without end. One thread at a time."""

    @property
    def lateness_ns(self) -> int:
        """How much later a packet may be given out than one that passed at the same time, nanoseconds.

        Only after so long without a packet is it known that none passed.
        """

    def wait(self, timeout_s: float) -> Block | None:
        """The next packets in time order, or None if none came within ``timeout_s``; valid until the next call."""

    def events(self) -> Sequence[LinkEvent]:
        """Take what became of the interfaces since the last call."""

    def ledgers(self) -> Sequence[Ledger]:
        """The account of each interface as it is now."""

    def close(self) -> None:
        """Give everything back. A Block given before is not valid any more."""
