"""When each device is asked: an interval with jitter, a back-off that grows, a few at a time."""

from __future__ import annotations

import asyncio
import heapq
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from collectors.poll.asking import REAL, ask
from collectors.poll.reply import Outcome
from collectors.poll.standing import Standing
from collectors.poll.target import DEFAULT_LIMITS

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable, Iterable

    from collectors.poll.asking import World
    from collectors.poll.reply import Reply
    from collectors.poll.target import Limits, Target

AT_ONCE: Final = 4
"""Devices asked at a time: cameras are slow, and a burst of log-ins is what a scanner looks like."""
JITTER: Final = 0.1
"""Share of an interval by which it varies either way."""
FIRST_S: Final = 300.0
"""First polls are spread over this, or over the interval where that is shorter."""
LONGEST_S: Final = 86_400.0
DOUBLINGS: Final = 6
NS: Final = 1_000_000_000


class Schedule:
    """Who is due when. No clock of its own: each call says what time it is (seconds that do not step)."""

    def __init__(self, targets: Iterable[Target], chance: random.Random, now: float) -> None:
        self._chance = chance
        self._targets = {target.device: target for target in targets}
        self._failures = dict.fromkeys(self._targets, 0)
        self._due = {
            device: now + chance.uniform(0, min(FIRST_S, target.every_s)) for device, target in self._targets.items()
        }
        self._order = [(due, device) for device, due in self._due.items()]
        heapq.heapify(self._order)

    def wait(self, now: float) -> float | None:
        """Seconds until somebody is due; None while everybody is being asked."""
        self._forget()
        return max(0.0, self._order[0][0] - now) if self._order else None

    def take(self, now: float) -> Target | None:
        """Who is due, longest first. It is due again when ``done`` says so."""
        self._forget()
        if not self._order or self._order[0][0] > now:
            return None
        _, device = heapq.heappop(self._order)
        del self._due[device]
        return self._targets[device]

    def done(self, device: str, now: float, *, answered: bool, not_before: float = 0.0) -> float:
        """Set when a device is due next, and say it. ``not_before``: end of a log-in's back-off."""
        target = self._targets[device]
        failures = self._failures[device] = 0 if answered else self._failures[device] + 1
        pause = target.every_s if answered else min(target.every_s * 2.0 ** min(failures - 1, DOUBLINGS), LONGEST_S)
        pause = max(pause, target.every_s) * self._chance.uniform(1 - JITTER, 1 + JITTER)
        due = max(now + pause, not_before)
        self._put(device, due)
        return due

    def hasten(self, device: str, due: float) -> bool:
        """Ask earlier, because something happened. False for a device that is being asked, unknown or due before."""
        if due >= self._due.get(device, 0.0) or self._failures[device]:
            return False
        self._put(device, due)
        return True

    def _put(self, device: str, due: float) -> None:
        self._due[device] = due
        heapq.heappush(self._order, (due, device))
        if len(self._order) > 4 * len(self._targets):  # what was hastened leaves its old place behind
            self._order = [(due, device) for device, due in self._due.items()]
            heapq.heapify(self._order)

    def _forget(self) -> None:
        while self._order and self._due.get(self._order[0][1]) != self._order[0][0]:
            heapq.heappop(self._order)


class Polling:
    """Asks many devices for as long as its task runs."""

    def __init__(
        self,
        targets: Iterable[Target],
        deliver: Callable[[Reply], Awaitable[None]],
        chance: random.Random,
        *,
        limits: Limits = DEFAULT_LIMITS,
        world: World = REAL,
        at_once: int = AT_ONCE,
    ) -> None:
        targets = tuple(targets)
        self.standings = {target.device: Standing() for target in targets}
        """What log-ins have taught, by device."""
        self._deliver = deliver
        self._limits = limits
        self._world = world
        self._at_once = at_once
        self._schedule = Schedule(targets, chance, self._now())
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Poll until cancelled. What ``deliver`` raises ends it; what devices do does not."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._at_once):
                group.create_task(self._work(), name=f"poll {number}")

    def hasten(self, device: str) -> bool:
        """Ask a device now, if it answers and its turn is not nearer already."""
        hastened = self._schedule.hasten(device, self._now())
        if hastened:
            self._changed.set()
        return hastened

    async def _work(self) -> None:
        while True:
            target = self._schedule.take(self._now())
            if target is None:
                await self._idle()
                continue
            answered, standing = False, self.standings[target.device]
            async with aclosing(ask(target, standing, limits=self._limits, world=self._world)) as replies:
                async for reply in replies:
                    answered = answered or reply.outcome is Outcome.ANSWERED
                    await self._deliver(reply)
            self._schedule.done(target.device, self._now(), answered=answered, not_before=standing.until_ns / NS)
            self._changed.set()

    async def _idle(self) -> None:
        """Until somebody is due, or the order changed."""
        self._changed.clear()
        wait = self._schedule.wait(self._now())
        try:
            async with asyncio.timeout(wait):
                await self._changed.wait()
        except TimeoutError:
            return

    def _now(self) -> float:
        return self._world.steady_ns() / NS
