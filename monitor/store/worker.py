"""The one thread that touches the store, and the coroutines through which the event loop asks it."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

from monitor.store.errors import DiskFull

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from monitor.model.incidents import Transition
    from monitor.store.journal import Store
    from monitor.store.reading import Message

T = TypeVar("T")

RETRY_S: Final = 1.0
"""How long a note of a sink waits for room on a full disk before it is tried again, seconds."""


class StoreWorker:
    """Runs every call on one store in one thread, in the order of asking.

    A call whose waiter is cancelled still runs to its end once the thread has begun it.
    """

    def __init__(self, store: Store) -> None:
        """``store`` belongs to this worker from here on."""
        self._store = store
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._outboxes = {sink: Outbox(self, sink) for sink in store.sinks}

    @property
    def degraded(self) -> bool:
        """The disk is full: ``Store.degraded``."""
        return self._store.degraded

    def outbox(self, sink: str) -> Outbox:
        """What one sink owes. KeyError for a sink the store was not opened with."""
        return self._outboxes[sink]

    async def call(self, work: Callable[[Store], T]) -> T:
        """The result of ``work``, which runs in the store's thread."""
        return await asyncio.wrap_future(self._thread.submit(work, self._store))

    async def append(
        self,
        transitions: Sequence[Transition],
        render: Callable[[Transition, int, int], bytes],
        state: Mapping[str, bytes | None] = {},
    ) -> list[Message]:
        """``Store.append``, and news for every outbox if anything was new. DiskFull: the caller may try again."""
        loop = asyncio.get_running_loop()

        def tell(done: Future[list[Message]]) -> None:
            if not done.cancelled() and done.exception() is None and done.result():
                loop.call_soon_threadsafe(self._announce)

        future = self._thread.submit(self._store.append, transitions, render, state)
        future.add_done_callback(tell)
        return await asyncio.wrap_future(future)

    async def close(self) -> None:
        """Finish what was asked for, then close the store."""
        await self.call(lambda store: store.close())
        self._thread.shutdown()

    def _announce(self) -> None:
        for outbox in self._outboxes.values():
            outbox.announce()


class Outbox:
    """What one sink owes, as coroutines; the sink is its only reader."""

    def __init__(self, worker: StoreWorker, sink: str) -> None:
        """Made by StoreWorker."""
        self._worker = worker
        self._sink = sink
        self._arrived = asyncio.Event()

    def announce(self) -> None:
        """Something was appended."""
        self._arrived.set()

    async def news(self) -> None:
        """Return once something was appended since the last return; at once if it was meanwhile."""
        await self._arrived.wait()
        self._arrived.clear()

    async def pending(self, after: int, limit: int) -> list[Message]:
        """Messages owed after number ``after``, oldest first."""
        return await self._worker.call(lambda store: store.pending(self._sink, limit, after))

    async def recent(self, limit: int) -> list[Message]:
        """The newest messages owed no more, oldest first."""
        return await self._worker.call(lambda store: store.recent(self._sink, limit))

    async def since(self, seq: int, limit: int) -> list[Message]:
        """The journal from number ``seq`` on, oldest first."""
        return await self._worker.call(lambda store: store.since(seq, limit))

    async def done(self, seqs: Sequence[int]) -> None:
        """These were delivered."""
        await self._patiently(lambda store: store.done(self._sink, seqs))

    async def refused(self, seq: int) -> int:
        """Count a refusal; how many there are now."""
        return await self._patiently(lambda store: store.refused(self._sink, seq))

    async def park(self, seq: int, reason: str) -> None:
        """Put a message that keeps being refused out of the way."""
        await self._patiently(lambda store: store.park(self._sink, seq, reason))

    async def unpark(self) -> int:
        """Owe parked messages again."""
        count = await self._patiently(lambda store: store.unpark(self._sink))
        if count:
            self.announce()
        return count

    async def _patiently(self, work: Callable[[Store], T]) -> T:
        """What a sink has to note: on a full disk it waits with that, rather than to deliver without end."""
        while True:
            try:
                return await self._worker.call(work)
            except DiskFull:
                await asyncio.sleep(RETRY_S)
