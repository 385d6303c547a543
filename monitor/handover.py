"""Handover: what the engine told, on its way from the thread that watches to the journal.

The watching thread never waits for the journal. What comes while the disk is busy or full waits here; where that is
too much, updates are refused and counted, since the next update of an incident says all of it again. Half of the room
is kept for openings and ends.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Final

from monitor.model.incidents import Activity
from monitor.model.limits import Limit, Room

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.model.incidents import Transition

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
        self.refused = 0
        """Transitions that found no room."""

    def limit(self) -> Limit:
        """The room for what waits."""
        return Limit(Room.HANDOVER, self._capacity, len(self._transitions), self.refused)

    def put(self, transitions: Sequence[Transition], rows: Mapping[str, bytes | None]) -> None:
        """Hand over transitions and the rows of state that belong to them."""
        with self._lock:
            for each in transitions:
                half = 1 + (each.activity is not Activity.UPDATE)
                if 2 * len(self._transitions) < self._capacity * half:
                    self._transitions.append(each)
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
            self._arrived.clear()
        return taken, rows

    @property
    def empty(self) -> bool:
        """Whether everything was taken."""
        return not self._transitions and not self._rows
