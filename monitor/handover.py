"""Handover: what the engine told, on its way from the thread that watches to the journal.

The watching thread never waits for the journal. What comes while the disk is busy or full waits here; where that is
too much, updates are refused and counted, since the next update of an incident says all of it again. Half of the room
is kept for openings and ends.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Final

from msgspec import structs

from monitor.model.incidents import Activity
from monitor.model.limits import Limit, Room

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.model.incidents import Transition

MOST_OCTETS: Final = 16 * 1024 * 1024
"""Octets of packets that may wait: evidence is the first to be given up, what happened the last."""
PACKET: Final = 256
"""Octets that a packet takes beside its own."""
CAPACITY: Final = 32_768
"""Transitions that may wait, some 2 KiB each: a new incident of every contact that there may be."""


class Handover:
    """``put`` is for one thread, ``take`` for the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, capacity: int = CAPACITY) -> None:
        self._loop = loop
        self._capacity = capacity
        self._lock = threading.Lock()
        self._transitions: list[Transition] = []
        self._rows: dict[str, bytes | None] = {}
        self._arrived = asyncio.Event()
        self._octets = 0
        self.refused = 0
        """Transitions that found no room."""
        self.stripped = 0
        """Transitions whose packets found none: they go without evidence."""

    def limit(self) -> Limit:
        """The room for what waits."""
        return Limit(Room.HANDOVER, self._capacity, len(self._transitions), self.refused)

    def limit_of_packets(self) -> Limit:
        """The room for the packets that wait with them."""
        return Limit(Room.HANDOVER_PACKETS, MOST_OCTETS, self._octets, self.stripped)

    def _without_packets(self, transition: Transition) -> Transition:
        """The transition, without its packets where too many wait already."""
        size = sum(len(packet.data) + PACKET for packet in transition.packets)
        if size and self._octets + size > MOST_OCTETS:
            self.stripped += 1
            return structs.replace(transition, packets=())
        self._octets += size
        return transition

    def put(self, transitions: Sequence[Transition], rows: Mapping[str, bytes | None]) -> None:
        """Hand over transitions and the rows of state that belong to them."""
        with self._lock:
            for each in transitions:
                half = 1 + (each.activity is not Activity.UPDATE)
                if 2 * len(self._transitions) < self._capacity * half:
                    self._transitions.append(self._without_packets(each))
                else:
                    self.refused += 1
            self._rows.update(rows)
        self._loop.call_soon_threadsafe(self._arrived.set)

    async def take(self) -> tuple[list[Transition], dict[str, bytes | None]]:
        """All that waits, once there is any: rows are of the state after the last transition, and go with it."""
        await self._arrived.wait()
        with self._lock:
            taken, self._transitions = self._transitions, []
            rows, self._rows = self._rows, {}
            self._octets = 0
            self._arrived.clear()
        return taken, rows

    @property
    def empty(self) -> bool:
        """Whether everything was taken."""
        return not self._transitions and not self._rows
