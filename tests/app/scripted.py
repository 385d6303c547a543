"""A source of packets and two clocks that a test sets, under a whole Watch: engine, handover, and what it tells."""

from __future__ import annotations

import asyncio
from array import array
from typing import TYPE_CHECKING, Any

from collectors.blocks import Block, Interface
from collectors.live import Ledger, LinkEvent
from collectors.tap import LATENESS_NS
from monitor.app import build_engine
from monitor.config import parse
from monitor.handover import Handover
from monitor.skew import Skew
from monitor.watch import Watch
from pcaps.wire import SECOND
from tests.app.planted import configured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.app import Knowledge
    from monitor.config import Config
    from monitor.model.incidents import Transition
    from pcaps.savefile import Frame

NOW = 1_777_881_600 * SECOND
"""4 May 2026."""
BOOTED = 4_000 * SECOND


class Clocks:
    """The one that is set, and the one that nobody sets."""

    def __init__(self) -> None:
        self._real, self._steady = NOW, BOOTED

    def real(self) -> int:
        return self._real

    def steady(self) -> int:
        return self._steady

    def pass_by(self, duration_ns: int) -> None:
        """Time passes."""
        self._real += duration_ns
        self._steady += duration_ns

    def step(self, by_ns: int) -> None:
        """Somebody sets the clock."""
        self._real += by_ns


class Scripted:
    """A Source that gives what is put into it, and lets the clocks go on by what it is told to wait."""

    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks
        self._waiting: list[tuple[int, bytes]] = []
        self._coming: list[tuple[int, bytes]] = []
        self._seen = 0
        self.lateness_ns = LATENESS_NS
        self.held_ns = 1
        """What comes is given out at whole multiples of this, as whoever captures in bursts does."""

    def put(self, *frames: bytes) -> None:
        """These pass now, by the clock that is set."""
        for frame in frames:
            self._waiting.append((self._clocks.real(), frame))
            self._clocks.pass_by(1000)

    def coming(self, frames: Sequence[Frame]) -> None:
        """These pass at their own times."""
        self._coming += [(frame.ts_ns, frame.data) for frame in frames]

    def wait(self, timeout_s: float) -> Block | None:
        self._come(int(timeout_s * SECOND))
        if not self._waiting:
            return None
        index, memory = array("q"), bytearray()
        for ts_ns, frame in self._waiting:
            index.extend((ts_ns, len(memory), len(frame), len(frame), 0))
            memory += frame
        self._seen += len(self._waiting)
        count = len(self._waiting)
        self._waiting.clear()
        return Block(bytes(memory), index, count, (Interface("hear", 1),))

    def _come(self, timeout_ns: int) -> None:
        """Wait for what is given out next, if nothing is there, and no longer than that."""
        passing = 0 if self._waiting else timeout_ns
        if self._coming:
            first = self._coming[0][0]
            passing = min(passing, max(0, first + -first % self.held_ns - self._clocks.real()))
        self._clocks.pass_by(passing)
        now = self._clocks.real()
        while self._coming and self._coming[0][0] + -self._coming[0][0] % self.held_ns <= now:
            self._waiting.append(self._coming.pop(0))

    def events(self) -> Sequence[LinkEvent]:
        return ()

    def ledgers(self) -> Sequence[Ledger]:
        return [Ledger("hear", self._seen, dropped=0, seen=self._seen, waiting=0)]

    def close(self) -> None:
        """There is nothing to give back."""


class Station:
    """A Watch over a scripted source. What it told is read by ``told``."""

    def __init__(self, known: Knowledge, *, cameras: int = 40, config: Config | None = None, **tables: Any) -> None:
        self.clocks = Clocks()
        self.source = Scripted(self.clocks)
        self.engine = build_engine(config or parse(configured(cameras, **tables), "test"), known, on_fault=_raise)
        self.skew = Skew(real=self.clocks.real, steady=self.clocks.steady)
        self._loop = asyncio.new_event_loop()
        self.handover = Handover(self._loop)
        self.steps: list[tuple[int, int]] = []
        self.seconds: list[int] = []
        """Engine time at each beat."""
        self.watch = Watch(
            self.engine,
            self.source,
            skew=self.skew,
            tell=lambda told: self.handover.put(told, {}) if told else None,
            each_second=lambda: self.seconds.append(self.engine.now_ns),
            on_events=lambda _, steps: self.steps.extend(steps),
        )
        self.watch.begin(self.clocks.real())
        self._told: list[Transition] = []

    def run(self, seconds: float, *frames: bytes) -> None:
        """Let time pass, the frames at its beginning."""
        self.source.put(*frames)
        end = self.clocks.steady() + int(seconds * SECOND)
        while self.clocks.steady() < end:
            self.watch.turn(min(self.watch._patience(), (end - self.clocks.steady()) / SECOND))

    def told(self) -> list[Transition]:
        """Everything so far, in order."""
        if not self.handover.empty:
            transitions, _ = self._loop.run_until_complete(self.handover.take())
            self._told += transitions
        return self._told

    def close(self) -> None:
        self._loop.close()


def _raise(defect: BaseException) -> None:
    raise defect
