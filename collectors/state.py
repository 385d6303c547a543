"""State: what became of one thing that packets come from, told once for each change."""

from __future__ import annotations

import time

from collectors.live import LinkEvent, LinkState


class State:
    """The present state, and the events that nobody has taken yet."""

    def __init__(self, interface: str) -> None:
        """Nothing is known yet, so whatever comes first is told."""
        self.interface = interface
        self.now: LinkState | None = None
        self._reason = ""
        self._events: list[LinkEvent] = []

    def change(self, state: LinkState, reason: str = "") -> None:
        """Be in a state; told if it is another, or if the reason is, except for being up."""
        if state is not self.now or (state is not LinkState.UP and reason != self._reason):
            self.now, self._reason = state, reason
            self.tell(state, reason)

    def tell(self, state: LinkState, reason: str) -> None:
        """Tell of something that is no lasting state."""
        self._events.append(LinkEvent(time.time_ns(), self.interface, state, reason))

    def take(self) -> list[LinkEvent]:
        """Hand over what nobody has taken yet."""
        events, self._events = self._events, []
        return events
