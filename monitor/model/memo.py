"""Memo: what a function gave before, for what is asked again and again.

functools.lru_cache keeps an order of use, which costs more than most of what is asked for here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


class Memo:
    """Remembers the value of at most ``most`` keys; when there are more it begins afresh."""

    def __init__(self, make: Callable[[Any], Any], most: int) -> None:
        """``make`` gives the value of a key; it has no effect, and never gives None."""
        self._make = make
        self._most = most
        self._known: dict[Hashable, Any] = {}

    def __len__(self) -> int:
        return len(self._known)

    def of(self, key: Hashable) -> Any:  # noqa: ANN401  what ``make`` gives
        """The value of ``key``. Raises what ``make`` raises, and remembers nothing of that."""
        value = self._known.get(key)
        if value is None:
            value = self._make(key)
            if len(self._known) >= self._most:
                self._known.clear()
            self._known[key] = value
        return value
