"""Deliver an outbox over lines that come and go: what syslog and webhook have in common.

Strategy: each line is made anew, with its files read anew, and used until it fails; ``Courier`` delivers over it. A
line that cannot be used says why once, and again when it is back. Syslog has no acknowledgement of its own: after such
a line was lost, what was sent in its last seconds is sent once more.
"""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import structlog
from msgspec import Struct

from monitor.sinks.backoff import Backoff
from monitor.sinks.courier import REFUSED, Courier, Link, LinkError, Tally, apart, drained

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from monitor.sinks.source import Outgoing, Source

log = structlog.get_logger(__name__)

STEADY: Final = 60.0
"""A line that lasted this long, in seconds, forgets the failures before it."""
UNREAD_S: Final = 10.0
"""What a server may have taken and not read when it died: nothing older than this, seconds."""
UNREAD: Final = 1024
"""Most messages of that."""
UNREADABLE: Final = 0x83
"""Reason code of a message that cannot be put into the other format ("implementation specific", MQTT 5.0, 2.4)."""


def why(error: OSError) -> str:
    """What the system calls it; asyncio has words of its own for a failed connection."""
    if isinstance(error, ConnectionError) and error.errno:
        return os.strerror(error.errno)
    return error.strerror or str(error)


class NotYetError(LinkError):
    """The other end says when it wants to be asked again."""

    def __init__(self, why: str, after_s: float) -> None:
        super().__init__(why)
        self.after_s = after_s


class Line(Link, Protocol):
    """One connection, or what there is of one."""

    window: int
    """Most messages sent and not settled."""
    proven: bool
    """That it was made proves that somebody is there."""

    async def serve(self) -> None:
        """Do what ``post`` asks for, until cancelled. LinkError when the line cannot be used any more."""


class SenderState(Struct, frozen=True):
    """A sink at one moment."""

    connected: bool
    """For one without connections: nothing has failed since something worked."""
    delivered: int
    repeated: int
    parked: int
    last_error: str | None


class Sender:
    """One other end. ``run`` serves it; every method belongs to the event loop's thread."""

    def __init__(
        self,
        name: str,
        source: Source,
        connect: Callable[[], AbstractAsyncContextManager[Line]],
        *,
        vouched: bool,
        words: Callable[[int], str] = "reason code 0x{:02x}".format,
        backoff: Backoff | None = None,
    ) -> None:
        """``connect`` makes a line, LinkError if it cannot. ``vouched``: what was accepted has really been taken."""
        self.name = name
        self._source = source
        self._connect = connect
        self._vouched = vouched
        self._words = words
        self._backoff = backoff or Backoff()
        self._log = log.bind(sink=name)
        self._tally = Tally()
        self._up: bool | None = None
        self._last_error: str | None = None
        self._line: Line | None = None
        self._sent: OrderedDict[int, float] = OrderedDict()
        """By number, when a message was last handed to a line; the newest UNREAD."""
        self._repeat = 0

    @property
    def state(self) -> SenderState:
        """What can be seen from outside."""
        tally = self._tally
        return SenderState(
            connected=bool(self._up), delivered=tally.delivered, repeated=tally.repeated, parked=tally.parked,
            last_error=self._last_error,
        )  # fmt: skip

    async def run(self) -> None:
        """Serve the other end until cancelled, whatever it does; an error of the source ends it."""
        loop = asyncio.get_running_loop()
        while True:
            began, wait_s = loop.time(), 0.0
            try:
                await apart(self._serve())
            except* LinkError as group:
                error = _first(group)
                wait_s = error.after_s if isinstance(error, NotYetError) else 0.0
                self._lost(str(error))
            if loop.time() - began > STEADY:
                self._backoff.reset()
            await asyncio.sleep(max(wait_s, self._backoff.next()))

    async def drain(self, timeout: float) -> bool:  # noqa: ASYNC109  a deadline for the whole, with an answer
        """Wait while ``run`` delivers; whether nothing is owed any more within ``timeout`` seconds."""
        return await drained(self._source, self._tally, timeout)

    def post(self, message: Outgoing, settled: Callable[[int], None]) -> None:
        """What the courier calls: hand on to the line of the moment."""
        assert self._line is not None  # noqa: S101  there is a courier only while there is a line
        self._line.post(message, partial(self._settled, settled, message.seq))

    async def _serve(self) -> None:
        async with self._connect() as line:
            self._line = line
            if line.proven or self._up is None:
                self._found()
            courier = Courier(
                self._source,
                self,
                self._tally,
                slots=asyncio.Semaphore(line.window),
                careful=False,
                repeat=self._repeat,
                refusals=1,  # one that will never be taken: see ``words``
                pause=self._backoff.pause,
                parked=self._parked,
                words=self._words,
            )
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(courier.run(), name=f"{self.name}-incidents")
                    group.create_task(line.serve(), name=f"{self.name}-line")
            except ExceptionGroup:
                await courier.collect()
                raise
            finally:
                if courier.accepted:
                    self._backoff.reset()
                recent = asyncio.get_running_loop().time() - UNREAD_S
                self._repeat = 0 if self._vouched else sum(at > recent for at in self._sent.values())

    def _settled(self, settled: Callable[[int], None], seq: int, reason: int) -> None:
        if reason < REFUSED:
            self._sent[seq] = asyncio.get_running_loop().time()
            self._sent.move_to_end(seq)
            if len(self._sent) > UNREAD:
                self._sent.popitem(last=False)
            self._found()
        settled(reason)

    def _parked(self, message: Outgoing, reason: str) -> None:
        self._last_error = f"message {message.seq} refused: {reason}"
        self._log.error("sink_message_parked", seq=message.seq, uid=message.uid, reason=reason)

    def _found(self) -> None:
        if not self._up:
            self._log.info("sink_up")
        self._up = True

    def _lost(self, reason: str) -> None:
        self._last_error = reason
        if self._up is not False:
            self._log.warning("sink_lost", reason=reason)
        self._up = False


def _first(group: BaseExceptionGroup[LinkError]) -> LinkError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, LinkError)  # noqa: S101  ``except*`` let nothing else through
    return error
