"""Callers: who may stay connected to the server of metrics, and for how long.

Strategy: a protocol of ours stands before aiohttp's, which waits an hour for a first request, or for ever in older
releases. Every connection has a time until which something must have come of it, from its opening to its end: a
request that is complete, an answer that is taken, the next request. When there are too many, the one that has been of
use longest ago goes, first of all those that never asked: whoever holds connections keeps no scraper out.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from monitor.model.limits import Limit, Room

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST: Final = 32
"""Connections: a scraper or a load balancer keeps one or two. A process has 1,024 descriptors unless it is given more
(getrlimit(2), systemd.exec(5))."""
WAIT_S: Final = 10.0
"""For a complete request, and for an answer to be taken, seconds: after that a scraper has given up (scrape_timeout,
https://prometheus.io/docs/prometheus/latest/configuration/configuration/)."""
IDLE_S: Final = 330.0
"""Between two requests, seconds: Prometheus lets go of a connection after five minutes (IdleConnTimeout in
prometheus/common, config/http_config.go). Whoever asks is to close first, or a request of theirs is lost."""


class Callers:
    """All connections of one server."""

    def __init__(self, wait_s: float = WAIT_S) -> None:
        """``wait_s`` as WAIT_S."""
        self.wait_s = wait_s
        self._open: dict[asyncio.BaseTransport, Caller] = {}
        self._turned_away = 0
        self._told = 0

    def limit(self) -> tuple[Limit, int]:
        """The room for them, and how many were closed for want of it or of a request since the last call."""
        new, self._told = self._turned_away - self._told, self._turned_away
        return Limit(Room.CALLERS, MOST, len(self._open), self._turned_away), new

    def take(self, caller: Caller, transport: asyncio.Transport) -> bool:
        """Let one in, in the place of another if need be; False: everybody is being answered."""
        if len(self._open) >= MOST:
            idle = [each for each in self._open.values() if not each.busy]
            if not idle:
                self._turned_away += 1
                return False
            self.close(min(idle, key=lambda each: (each.asked, each.since)))
        self._open[transport] = caller
        return True

    def close(self, caller: Caller) -> None:
        """End a connection at once, without waiting for what is not taken."""
        self._turned_away += 1
        self.left(caller)
        caller.transport.abort()

    def left(self, caller: Caller) -> None:
        """One is gone."""
        self._open.pop(caller.transport, None)

    @contextmanager
    def answering(self, transport: asyncio.BaseTransport | None) -> Iterator[None]:
        """A complete request came over it: it does not count as idle meanwhile. None: it is gone already."""
        caller = self._open.get(transport) if transport is not None else None
        if caller is not None:
            caller.begin()
        try:
            yield
        finally:
            if caller is not None and caller.transport in self._open:  # else it has left meanwhile
                caller.end()


class Caller(asyncio.Protocol):
    """One connection: passes everything on, and watches the clock."""

    transport: asyncio.Transport

    def __init__(self, callers: Callers, answering: Callable[[], asyncio.Protocol]) -> None:
        """``answering`` makes the protocol that answers it."""
        self._callers = callers
        self._answering = answering()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._taken = False
        self._idle = False
        self.asked = False
        """It has made a complete request."""
        self.busy = False
        """One is being answered."""
        self.since = self._loop.time()
        """When it was of use last."""

    def begin(self) -> None:
        """Its request is complete."""
        self.asked = self.busy = True
        self._idle = False
        self._expect(None)

    def end(self) -> None:
        """Its answer is made, and on its way from here on."""
        self.busy, self._idle = False, True
        self.since = self._loop.time()
        self._expect(IDLE_S)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  of a server of streams
        self.transport = transport
        if not self._callers.take(self, transport):
            transport.abort()
            return
        self._taken = True
        self._expect(self._callers.wait_s)
        self._answering.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._idle:  # the next request begins
            self._idle = False
            self._expect(self._callers.wait_s)
        self._answering.data_received(data)

    def eof_received(self) -> bool | None:
        return self._answering.eof_received()

    def pause_writing(self) -> None:
        self._expect(self._callers.wait_s)
        self._answering.pause_writing()

    def resume_writing(self) -> None:
        self._expect(None if self.busy else IDLE_S)
        self._answering.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect(None)
        if self._taken:
            self._callers.left(self)
            self._answering.connection_lost(exc)

    def _expect(self, within_s: float | None) -> None:
        """Something has to come of it within so many seconds; None: we are at it."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if within_s is not None:
            self._timer = self._loop.call_later(within_s, self._callers.close, self)
