"""What every sink over lines has in common."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from monitor.sinks.courier import LinkError
from monitor.sinks.sender import Sender
from monitor.store import Store
from monitor.store.worker import StoreWorker
from tests.sinks.test_syslog import Eager, journal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Failing:
    """A line that fails in the moment in which the sink is told to end."""

    window = 1
    proven = True

    def __init__(self, ending: list[asyncio.Task[None]]) -> None:
        self._ending = ending

    def post(self, message: Any, settled: Any) -> None:
        raise LinkError("gone")

    async def serve(self) -> None:
        await asyncio.sleep(0.01)
        self._ending[0].cancel()
        raise LinkError("gone")


async def test_a_sink_that_is_told_to_end_while_its_line_fails_ends() -> None:
    """A stop of the daemon must not wait for ever for a sink whose other end went in that very moment."""
    worker = StoreWorker(Store.open(None, sensor="hall-1", sinks=["x"]))
    tasks: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def connect() -> AsyncIterator[Failing]:
        yield Failing(tasks)

    sink = Sender("x", worker.outbox("x"), connect, vouched=True, backoff=Eager())
    tasks.append(asyncio.create_task(sink.run()))
    await asyncio.wait(tasks, timeout=5)
    ended = tasks[0].done()
    tasks[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]
    await worker.close()
    assert ended


class Short:
    """A line that takes what it gets and then is cut, without a word of what arrived."""

    window = 16
    proven = True

    def __init__(self, taken: list[int]) -> None:
        self._taken = taken

    def post(self, message: Any, settled: Any) -> None:
        self._taken.append(message.seq)
        settled(0)

    async def serve(self) -> None:
        await asyncio.sleep(0.05)
        raise LinkError("cut")


async def test_what_may_be_unread_is_said_again_and_nothing_older() -> None:
    """However often the line is cut: the same few, and no more each time."""
    worker = StoreWorker(Store.open(None, sensor="hall-1", sinks=["x"]))
    await journal(worker, range(40))
    await worker.call(lambda store: store.done("x", range(1, 36)))
    lines: list[list[int]] = []

    @asynccontextmanager
    async def connect() -> AsyncIterator[Short]:
        lines.append([])
        yield Short(lines[-1])

    sink = Sender("x", worker.outbox("x"), connect, vouched=False, backoff=Eager())
    task = asyncio.create_task(sink.run())
    async with asyncio.timeout(20):
        while len(lines) < 6:
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await worker.close()
    assert [sorted(set(line)) for line in lines[:5]] == [[36, 37, 38, 39, 40]] * 5
    assert [len(line) for line in lines[:5]] == [5] * 5
