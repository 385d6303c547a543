"""The HTTP server that Prometheus and a load balancer ask: /metrics and /healthz."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import web
from msgspec import Struct

from monitor.sinks.callers import MOST, WAIT_S, Caller, Callers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from aiohttp.typedefs import Handler

    from monitor.sinks.metrics import Metrics

LINE_LIMIT: Final = 4096
"""Bytes of a request line and of one header: a scraper sends a few hundred."""


class Health(Struct, frozen=True):
    """The answer of /healthz."""

    ok: bool
    facts: Mapping[str, str | int | float | bool | None]
    """Why, for people and for whatever restarts us."""


@asynccontextmanager
async def serve(
    metrics: Metrics,
    health: Callable[[], Health],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    wait_s: float = WAIT_S,
) -> AsyncIterator[tuple[str, int]]:
    """Serve until the block ends; yields the address that it listens on. ``wait_s``: as of ``Callers``.

    Raises:
        OSError: the address is taken or not ours.

    """
    rendering = asyncio.Lock()

    async def exposition(request: web.Request) -> web.Response:
        async with rendering:  # a flood of scrapes costs one thread, and each gets numbers of its own time
            with metrics.lock:
                metrics.limit(*callers.limit())
            render = metrics.snapshot().render
            body, content_type = await asyncio.to_thread(render, request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def healthz(_: web.Request) -> web.Response:
        answer = health()
        body = msgspec.json.encode({"status": "ok" if answer.ok else "failing", **answer.facts})
        return web.Response(body=body, content_type="application/json", status=200 if answer.ok else 503)

    callers = Callers(wait_s)

    @web.middleware
    async def watched(request: web.Request, handler: Handler) -> web.StreamResponse:
        with callers.answering(request.transport):
            return await handler(request)

    application = web.Application(middlewares=[watched])
    application.router.add_get("/metrics", exposition)
    application.router.add_get("/healthz", healthz)
    runner = web.AppRunner(
        application, access_log=None, max_line_size=LINE_LIMIT, max_field_size=LINE_LIMIT, shutdown_timeout=1.0
    )
    await runner.setup()
    try:
        assert runner.server is not None  # noqa: S101  it is set up
        made = partial(Caller, callers, runner.server)
        server = await asyncio.get_running_loop().create_server(made, host, port, backlog=MOST)
        try:
            address = server.sockets[0].getsockname()
            yield str(address[0]), int(address[1])
        finally:
            server.close()
    finally:
        await runner.cleanup()
