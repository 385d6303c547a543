"""Watch: the thread in which a source is read and the engine runs, for months.

Strategy: the loop waits for packets no longer than until the next thing is due, gives them to the engine, and hands
on what it told; whoever takes that must not keep it waiting. Once a second it takes the accounts of the interfaces,
brings the metrics up to date and says that it is alive. Where no packet comes the engine's time goes on all the same,
as far behind the clock as a packet may still be under way.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, TypeVar

from collectors.blocks import COLUMNS, TS
from monitor.hurry import Hurry
from monitor.skew import steady_ns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from collectors.live import LinkEvent, Source
    from collectors.poll.reply import Reply
    from monitor.engine import Engine
    from monitor.model.incidents import Transition
    from monitor.skew import Skew

T = TypeVar("T")

SECOND_NS: Final = 1_000_000_000
LAST_NS: Final = 40_000_000
"""How long packets are still taken when it ends: a ring hands its own over at least that often (collectors.tap)."""
LEAST_S: Final = 0.002
"""Shortest wait: a timeout of a poll is a whole millisecond."""


class Pulse:
    """What the loop last did, for others to read: plain numbers, each written by the loop alone."""

    def __init__(self, now_ns: int) -> None:
        self.beat_ns = now_ns
        """When the loop last came round, on the clock that nobody sets."""
        self.lag_ns = 0
        """How old the last packet was when it was dealt with."""
        self.packet_ns = 0
        """Time of the last packet, on the wall."""


class Watch:
    """One source and one engine. ``run`` is the thread; everything else may be called from others."""

    def __init__(
        self,
        engine: Engine,
        source: Source,
        *,
        skew: Skew,
        tell: Callable[[Sequence[Transition]], None],
        each_second: Callable[[], None],
        on_events: Callable[[Sequence[LinkEvent], Sequence[tuple[int, int]]], None],
    ) -> None:
        """All three are called in the loop and must not wait.

        ``tell`` is given what the engine told in a turn, which is mostly nothing; ``on_events`` what became of
        interfaces, and steps of the clock.
        """
        self.engine = engine
        self.skew = skew
        self.pulse = Pulse(skew.steady_ns())
        self._source = source
        self._hurry = Hurry(engine, source.ledgers)
        self._tell = tell
        self._each_second = each_second
        self._on_events = on_events
        self._orders: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._stopping = threading.Event()
        self._last_ns = 0
        self._last_steady = 0
        self._second = 0

    def run(self) -> None:
        """Watch until told to stop, and what came before that; what the engine held back goes on in the next run."""
        while not self._stopping.is_set():
            self.turn(self._patience())
        end = steady_ns() + LAST_NS
        while (left := end - steady_ns()) > 0:
            self.turn(max(LEAST_S, left / SECOND_NS))
        self._account(self.skew.steady_ns())

    def stop(self) -> None:
        """Let ``run`` end after the present turn."""
        self._stopping.set()

    def order(self, work: Callable[[], T]) -> Future[T]:
        """Have ``work`` done between two turns, where nothing else touches the engine."""
        future: Future[T] = Future()

        def act() -> None:
            if not future.set_running_or_notify_cancel():
                return  # whoever ordered it is gone, as at the end
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001  whoever ordered it is told
                future.set_exception(error)

        self._orders.put(act)
        return future

    def replied(self, reply: Reply) -> Future[None]:
        """A device answered, or did not."""
        return self.order(
            lambda: self._tell([self.skew.outward(each) for each in self.engine.reply(reply, self.now_ns())])
        )

    def turn(self, timeout_s: float) -> None:
        """Wait for packets for so long, and do what is due."""
        engine, skew = self.engine, self.skew
        block = self._source.wait(timeout_s)
        skew.look()
        now = skew.steady_ns()
        if block is not None and block.count:
            self.pulse.packet_ns = block.index[(block.count - 1) * COLUMNS + TS]
            skew.correct(block)
            self._last_ns, self._last_steady = block.index[(block.count - 1) * COLUMNS + TS], now  # in steady time
            self.pulse.lag_ns = skew.real_ns() - self.pulse.packet_ns
            told = engine.feed(block)
        else:
            told = engine.advance(self.now_ns(now) - self._source.lateness_ns)
        # Before anything else is handed over: what is saved and what was told belong together, and in this order.
        self._tell([skew.outward(each) for each in told])
        self._hurry.look(now)
        if now >= self._second:
            self._second = now + SECOND_NS
            self._account(now)
        self._do_orders()
        self.pulse.beat_ns = skew.steady_ns()

    def now_ns(self, steady: int | None = None) -> int:
        """Engine time now: that of the last packet, and what has passed since; 0 before the first."""
        if not self._last_ns:
            return 0
        return self._last_ns + (self.skew.steady_ns() if steady is None else steady) - self._last_steady

    def begin(self, now_ns: int) -> None:
        """Time begins here, although no packet has come yet."""
        self._last_ns, self._last_steady = now_ns, self.skew.steady_ns()
        if not self.engine.now_ns:
            self.engine.begin(now_ns)

    def _account(self, steady: int) -> None:
        """Once a second: what became of the interfaces, and of the clock."""
        sight = self.engine.sight
        events, steps = self._source.events(), self.skew.take_steps()
        sight.followed, sight.missed = self.engine.scanner.followed, self.engine.scanner.missed
        sight.take(self._source.ledgers(), events, self.now_ns(steady))
        sight.clock_steps += len(steps)
        if events or steps:
            self._on_events(events, steps)
        self._each_second()

    def _patience(self) -> float:
        """Seconds until something is due at the latest."""
        now = self.skew.steady_ns()
        due = self._second - now
        if self._last_ns:
            due = min(due, self.engine.scanner.due + self._source.lateness_ns - self.now_ns(now))
        return max(LEAST_S, due / SECOND_NS)

    def _do_orders(self) -> None:
        while True:
            try:
                act = self._orders.get_nowait()
            except Empty:
                return
            act()
