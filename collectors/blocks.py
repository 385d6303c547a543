"""Block: memory of framed packets, an index into it, and the interfaces they came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from array import array
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]

# Columns of one packet's row in Block.index. Each is a signed 64-bit integer.
TS: Final = 0
"""Capture time, nanoseconds since the epoch, UTC."""
OFFSET: Final = 1
"""Where the frame starts in Block.memory, bytes."""
CAPTURED: Final = 2
"""Bytes of the frame that are in memory."""
WIRE: Final = 3
"""Bytes of the frame as it passed on the wire; at least CAPTURED."""
INTERFACE: Final = 4
"""Position in Block.interfaces."""
COLUMNS: Final = 5


@dataclass(frozen=True, slots=True)
class Interface:
    """Where packets were seen."""

    name: str
    """Configured interface name, or "capture" for a file: a metric label, so from a closed set."""
    link_type: int
    """LINKTYPE_ value (https://www.tcpdump.org/linktypes.html)."""


@dataclass(slots=True)
class Block:
    """A run of framed packets in time order.

    ``memory`` and ``index`` belong to the collector and are reused for its next block:
    whoever wants bytes for longer copies them.
    """

    memory: Buffer
    index: array[int]
    """COLUMNS integers a packet, one packet after another."""
    count: int
    """Packets in this block."""
    interfaces: tuple[Interface, ...]
    clock_steps: list[tuple[int, int]] = field(default_factory=list)
    """(from_ns, to_ns) of each jump of the packets' clock that later packets confirmed."""
    clock_suspects: int = 0
    """Packets whose time no neighbour confirmed; their TS is that of the packet before."""
