"""Marks: what a table has that is not on disk as it is now, and what is on disk that the table has no more."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")


class Marks(Generic[K]):
    """Kept by a table for whoever saves it. As large as the table and what was saved of it, at most."""

    def __init__(self) -> None:
        self.changed: dict[K, None] = {}
        """Keys of what was made or altered since it was saved, in the order in which that happened."""
        self.gone: dict[K, None] = {}
        """Keys of what was saved and is to be deleted."""
        self.saved: dict[K, str | None] = {}
        """Keys of what is on disk; the incident that a contact's row names."""
        self.urgent = False
        """Evidence began that a restart could not find again: it should not wait for the next regular saving."""

    def left(self, key: K) -> None:
        """The table has this no more."""
        self.changed.pop(key, None)
        if key in self.saved:
            self.gone[key] = None
