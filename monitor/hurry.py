"""Hurry: noticing that more flows begin than can be looked at, before the kernel drops anybody's packets.

Strategy: both signs are needed. A ring that fills alone may be a machine that was stopped for a moment, and the
video in it is read a thousand times faster than it came; many new flows alone may be a busy site that is kept up with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from collectors.live import Ledger
    from monitor.engine import Engine

MANY: Final = 1024
"""New flows in one block: a quarter of it (collectors.tap, BLOCK_PACKETS)."""
FEW: Final = 1000
"""New flows passed over in a second that are no flood any more: looking at them takes 0.2 s."""
LEAST_NS: Final = 1_000_000_000
"""How long it lasts at least."""


class Hurry:
    """Belongs to the watch."""

    def __init__(self, engine: Engine, ledgers: Callable[[], Sequence[Ledger]]) -> None:
        self._engine = engine
        self._ledgers = ledgers
        self._created = engine.scanner.table.created
        self._passed = 0
        self._due = 0

    def look(self, steady_ns: int) -> None:
        """A block was dealt with, or none came."""
        scanner = self._engine.scanner
        before, self._created = self._created, scanner.table.created
        passed = scanner.precedence.passed
        if not scanner.precedence.hurried:
            if self._created - before >= MANY and self._is_pressed():
                self._engine.hurry()
                self._passed, self._due = passed, steady_ns + LEAST_NS
        elif steady_ns >= self._due:
            if passed - self._passed < FEW and not self._is_pressed():
                self._engine.relax()
            self._passed, self._due = passed, steady_ns + LEAST_NS

    def _is_pressed(self) -> bool:
        return any(ledger.pressed for ledger in self._ledgers())
