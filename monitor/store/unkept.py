"""Unkept: numbers and renders transitions where nobody asked for a journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.store.reading import message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitor.model.incidents import Transition
    from monitor.store.reading import Message

EPOCH = 1
"""The only one there is: nothing is left when the run is over."""


class Unkept:
    """As ``Store.append``; nothing is kept, so nothing is owed afterwards."""

    def __init__(self) -> None:
        self._next = 1

    def append(
        self, transitions: Sequence[Transition], render: Callable[[Transition, int, int], bytes]
    ) -> list[Message]:
        """A message of each transition, in order."""
        made = [
            message(transition, seq, render(transition, EPOCH, seq))
            for seq, transition in enumerate(transitions, self._next)
        ]
        self._next += len(made)
        return made
