"""Whoever connects to the port of metrics and says nothing holds nothing for long, and keeps no scraper out."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from monitor.sinks.callers import IDLE_S, MOST, WAIT_S
from monitor.sinks.metrics import Metrics
from monitor.sinks.scrape import Health, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ASK = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
SCRAPE = ASK.replace(b"/healthz", b"/metrics")
SOON_S = 0.4
"""In place of WAIT_S."""


class Served:
    """The server, and those who call."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self.opened: list[asyncio.StreamWriter] = []

    async def call(self, said: bytes = b"", **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(*self._address, **options)
        self.opened.append(writer)
        writer.write(said)
        return reader, writer


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    """A server that waits for a short time, and closes within a second whatever is open."""
    metrics = Metrics("hall-1", [f"camera-{number}" for number in range(2000)])
    for number in range(2000):
        metrics.device(f"camera-{number}", group="g" * 60, device_class="camera", vendor="v" * 60, model="m" * 60)
    async with serve(metrics, lambda: Health(ok=True, facts={}), wait_s=SOON_S) as address:
        made = Served(address)
        yield made
        for each in made.opened:
            each.transport.abort()


async def answer(reader: asyncio.StreamReader) -> bytes:
    """The body of an answer that has its length."""
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    (length,) = (line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return await reader.readexactly(int(length.partition(b":")[2]))


async def closed(reader: asyncio.StreamReader, within_s: float) -> bool:
    """Whether the server ends it in time, whatever it says before."""
    with contextlib.suppress(ConnectionError):
        try:
            async with asyncio.timeout(within_s):
                while await reader.read(65536):
                    pass
        except TimeoutError:
            return False
    return True


@pytest.mark.parametrize("said", [b"", b"G", SCRAPE[:-2], ASK + SCRAPE[:-2]], ids=["silent", "one", "half", "second"])
async def test_a_request_has_to_be_complete_in_time(served: Served, said: bytes) -> None:
    """Nothing, a part, or a part of a second request: all of twenty are closed."""
    calls = [await served.call(ASK if said.startswith(ASK) else said) for _ in range(20)]
    if said.startswith(ASK):
        for reader, writer in calls:
            await answer(reader)
            writer.write(said.removeprefix(ASK))
    began = asyncio.get_running_loop().time()
    ended = await asyncio.gather(*(closed(reader, 5 * SOON_S) for reader, _ in calls))
    assert all(ended)
    assert asyncio.get_running_loop().time() - began > SOON_S / 2


async def test_octets_now_and_then_gain_no_time(served: Served) -> None:
    """A header of an octet each tenth of the time is not complete either."""
    reader, writer = await served.call()

    async def trickle() -> None:
        for each in SCRAPE[:-2]:
            writer.write(bytes([each]))
            await asyncio.sleep(SOON_S / 10)

    trickling = asyncio.create_task(trickle())
    assert await closed(reader, 3 * SOON_S)
    trickling.cancel()


async def test_who_takes_no_answer_is_closed(served: Served) -> None:
    """The answers do not fit into what the system keeps for a connection: the rest is dropped with the connection."""
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, served._address)
    plain.send(SCRAPE * 20)
    reader, _ = await served.call(SCRAPE)
    assert len(await answer(reader)) > 500_000
    await asyncio.sleep(4 * SOON_S)
    reader, _ = await served.call(SCRAPE)
    assert b'camwarden_limit_size{limit="metrics_connections",sensor="hall-1"} 2.0' in await answer(reader)
    plain.close()


async def test_a_scraper_that_keeps_its_connection_is_served_each_time(served: Served) -> None:
    """Between two scrapes it may be silent for longer than within one: IDLE_S, beyond what Prometheus keeps."""
    reader, writer = await served.call(SCRAPE)
    for _ in range(3):
        assert b"camwarden_build_info" in await answer(reader)
        await asyncio.sleep(2 * SOON_S)
        writer.write(SCRAPE)
    await answer(reader)
    assert (WAIT_S, IDLE_S) == (10, 330)


async def test_nobody_keeps_a_scraper_out(served: Served) -> None:
    """There is room for so many; who comes then takes the place of who never asked, then of who asked longest ago."""
    kept, scraper = await served.call(ASK)
    await answer(kept)
    calls = [await served.call() for _ in range(3 * MOST)]
    scraper.write(ASK)
    assert json.loads(await answer(kept))["status"] == "ok"
    reader, _ = await served.call(SCRAPE)
    body = await answer(reader)
    assert f'limit_capacity{{limit="metrics_connections",sensor="hall-1"}} {MOST}.0'.encode() in body
    assert f'limit_size{{limit="metrics_connections",sensor="hall-1"}} {MOST}.0'.encode() in body
    assert f'turned_away_total{{limit="metrics_connections",sensor="hall-1"}} {2 * MOST + 2}.0'.encode() in body
    early = await asyncio.gather(*(closed(reader, SOON_S / 4) for reader, _ in calls[: 2 * MOST]))
    assert all(early)

    asked = [await served.call(ASK) for _ in range(2 * MOST)]
    await asyncio.gather(*(closed(reader, SOON_S / 4) for reader, _ in asked[:MOST]))
    reader, _ = await served.call(ASK)
    assert json.loads(await answer(reader))["status"] == "ok"
