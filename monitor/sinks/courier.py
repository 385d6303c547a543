"""Deliver an outbox over one connection: at least once, in order, with a bounded window.

Strategy: messages go out in order of ``seq``, at most a window of them unsettled, and leave the outbox only once
the other end has accepted them. An acceptance is not durability (a broker may acknowledge what it then loses), so a
new connection repeats the newest delivered messages first, under their old uid. A refused message is tried
again after a pause and parked after a number of refusals; a message alone in flight when the connection closes
counts as refused too, since a server that speaks MQTT 3.1.1 has no other way to say so.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from monitor.sinks.source import Outgoing, Source

WINDOW: Final = 64
"""Most messages sent and not settled, and how many a new connection repeats."""
PAGE: Final = 256
"""Messages read from the outbox at a time."""
RESYNC_MOST: Final = 10_000
"""Most messages of one resync."""
RESYNC_EVERY: Final = 10.0
"""Least seconds between two resyncs."""
STALL: Final = 30.0
"""Seconds without a settlement, while some are due, after which the connection is given up."""
REFUSED: Final = 0x80
"""Reason codes from here on are refusals (MQTT 5.0, 2.4)."""


class LinkError(Exception):
    """The connection cannot be used any more; the text says why."""


class Link(Protocol):
    """One connection."""

    def post(self, message: Outgoing, settled: Callable[[int], None]) -> None:
        """Send; ``settled`` is called with the reason code. LinkError if the connection is gone."""


class Tally:
    """What became of the messages of one sink, over all its connections."""

    def __init__(self) -> None:
        self.delivered = 0
        """Accepted by the other end, each owed message once."""
        self.repeated = 0
        """Sent again after a reconnect or a resync."""
        self.refused = 0
        self.parked = 0
        self.resyncs = 0
        self.resyncs_declined = 0
        self.moved = asyncio.Event()
        """Set after every change of the outbox."""


async def drained(source: Source, tally: Tally, timeout: float) -> bool:  # noqa: ASYNC109  a deadline for the whole, with an answer
    """Wait while a courier delivers; whether nothing is owed any more within ``timeout`` seconds."""
    try:
        async with asyncio.timeout(timeout):
            while True:
                tally.moved.clear()
                if not await source.pending(0, 1):
                    return True
                await tally.moved.wait()
    except TimeoutError:
        return False


async def apart(serving: Coroutine[None, None, None]) -> None:
    """Await it in a task of its own, so that no cancellation is lost.

    A TaskGroup that fails in the moment in which its task is cancelled tells of its failure only (until Python 3.13).
    """
    task = asyncio.create_task(serving)
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # it failed while it ended: nobody is left whom that concerns
        raise
    task.result()


class Posted(Struct, frozen=True, eq=False):
    """One message in flight."""

    message: Outgoing
    owed: bool


class Courier:
    """Serves one connection until it fails."""

    def __init__(
        self,
        source: Source,
        link: Link,
        tally: Tally,
        *,
        slots: asyncio.Semaphore,
        careful: bool,
        repeat: int,
        refusals: int,
        pause: Callable[[int], float],
        parked: Callable[[Outgoing, str], None],
        words: Callable[[int], str] = "reason code 0x{:02x}".format,
    ) -> None:
        """``slots`` is the window, shared with whatever else the connection carries.

        ``careful`` keeps one message in flight until an owed one is settled, so that one at which the server
        closes the connection is known. ``repeat``: so many of the newest delivered messages are sent again. ``pause``
        tells how many seconds to wait after the n-th refusal. ``parked`` is told of every message that is given up
        for now, with ``words`` for the reason code.
        """
        self.settled = 0
        """Owed messages that the other end has accepted or refused on this connection."""
        self.accepted = 0
        """Owed messages that it has accepted."""
        self._source = source
        self._link = link
        self._tally = tally
        self._slots = slots
        self._refusals = refusals
        self._pause = pause
        self._parked = parked
        self._words = words
        self._careful = careful
        self._repeat = repeat
        self._flight: dict[Posted, None] = {}
        self._results: list[tuple[Posted, int]] = []
        self._arrived = asyncio.Event()
        self._landed = asyncio.Event()
        self._wake = asyncio.Event()
        self._cursor = 0
        self._rewind = 0.0
        self._progress_at = 0.0
        self._resync: range | None = None
        self._resync_at = -RESYNC_EVERY

    async def run(self) -> None:
        """Deliver until cancelled. LinkError when the connection fails, or the source's own error."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch(), name="outbox-news")
            group.create_task(self._settle(), name="outbox-settle")
            group.create_task(self._send(), name="outbox-send")

    def resync(self, from_seq: int, now: float) -> bool:
        """Send again from ``from_seq`` on, beside what is new; False if the last request is too recent."""
        if now - self._resync_at < RESYNC_EVERY or self._resync is not None:
            self._tally.resyncs_declined += 1
            return False
        self._resync_at = now
        self._resync = range(from_seq, from_seq + RESYNC_MOST)
        self._tally.resyncs += 1
        self._wake.set()
        return True

    async def finish(self) -> bool:
        """After the connection closed: take what was still answered; whether one message seems to be the cause.

        It does if it was in flight alone and no owed one had settled. If owed, it has been refused once more.
        """
        await self.collect()
        if len(self._flight) != 1 or self.settled:
            return False
        posted = next(iter(self._flight))
        if posted.owed:
            await self._refused(posted.message, "connection closed")
        return True

    async def collect(self) -> None:
        """After the connection closed: take what was still answered."""
        if self._results:
            await self._take()

    @property
    def in_flight(self) -> int:
        """Messages sent and not settled."""
        return len(self._flight)

    async def _watch(self) -> None:
        while True:
            await self._source.news()
            self._wake.set()

    async def _send(self) -> None:
        if self._repeat:
            for message in await self._source.recent(self._repeat):
                await self._post(message, owed=False)
        while True:
            if self._rewind:
                await self._rewound()
            self._wake.clear()
            page = await self._source.pending(self._cursor, PAGE)
            for message in page:
                if self._rewind:
                    break
                await self._post(message, owed=True)
                self._cursor = message.seq
            if self._resync is not None:
                await self._resend(self._resync, upto=self._cursor if page else None)
            elif not page and not self._rewind:
                await self._wake.wait()

    async def _rewound(self) -> None:
        """Let everything settle, pause, and begin at the oldest owed message."""
        while self._flight:
            self._landed.clear()
            await self._landed.wait()
        await asyncio.sleep(self._rewind)
        self._rewind, self._cursor = 0.0, 0

    async def _resend(self, wanted: range, upto: int | None) -> None:
        """One window of a resync, so that news waits for no more than that; not past what is owed yet."""
        page = [m for m in await self._source.since(wanted.start, WINDOW) if m.seq in wanted]
        page = [m for m in page if upto is None or m.seq <= upto]
        for message in page:
            await self._post(message, owed=False)
        self._resync = range(page[-1].seq + 1, wanted.stop) if page else None

    async def _post(self, message: Outgoing, *, owed: bool) -> None:
        await self._slots.acquire()
        if self._careful:
            while self._flight and self._careful:
                self._landed.clear()
                await self._landed.wait()
        posted = Posted(message, owed)
        if not self._flight:
            self._progress_at = asyncio.get_running_loop().time()
        self._flight[posted] = None
        self._tally.repeated += not owed
        self._link.post(message, lambda reason: self._result(posted, reason))

    def _result(self, posted: Posted, reason: int) -> None:
        self._results.append((posted, reason))
        self._arrived.set()

    async def _settle(self) -> None:
        while True:
            await self._settlement()
            await self._take()

    async def _take(self) -> None:
        """Take what has been answered so far in one transaction; its slots are free only after that."""
        results = self._results[:]
        accepted = [posted for posted, reason in results if reason < REFUSED]
        if accepted:
            await self._source.done([posted.message.seq for posted in accepted])
        for posted, reason in results:
            if reason >= REFUSED:
                self._tally.refused += 1
                if posted.owed:
                    await self._refused(posted.message, self._words(reason))
        del self._results[: len(results)]
        for posted, _ in results:
            del self._flight[posted]
            self._slots.release()
        owed = sum(posted.owed for posted in accepted)
        self.accepted += owed
        self.settled += sum(posted.owed for posted, _ in results)
        self._tally.delivered += owed
        self._progress_at = asyncio.get_running_loop().time()
        self._careful = self._careful and not self.settled
        self._landed.set()
        self._tally.moved.set()

    async def _settlement(self) -> None:
        """Wait for a result. LinkError if something is in flight and nothing has settled for too long."""
        loop = asyncio.get_running_loop()
        while not self._results:
            self._arrived.clear()
            try:
                async with asyncio.timeout(STALL):
                    await self._arrived.wait()
            except TimeoutError:
                if self._flight and loop.time() - self._progress_at >= STALL:
                    msg = f"no acknowledgement for {STALL:.0f} s"
                    raise LinkError(msg) from None

    async def _refused(self, message: Outgoing, reason: str) -> None:
        times = await self._source.refused(message.seq)
        if times >= self._refusals:
            await self._source.park(message.seq, reason)
            self._tally.parked += 1
            self._parked(message, reason)
        else:
            self._rewind = max(self._rewind, self._pause(times))
        self._wake.set()
