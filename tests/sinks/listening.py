"""Syslog servers and a webhook's endpoint on real sockets, which can be killed and come back on their port."""

from __future__ import annotations

import asyncio
import re
import ssl
import struct
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.sinks.test_mqtt_tls import Authority

UNLINGERING: Final = struct.pack("ii", 1, 0)
"""SO_LINGER: a close is a reset, as when a process dies with something unread."""
MESSAGE: Final = re.compile(
    rb"<(?P<pri>\d{1,3})>1 (?P<time>\S+) (?P<host>\S+) (?P<app>\S+) (?P<proc>\S+) (?P<id>\S+) "
    rb'(?P<data>-|(?:\[[^ =\]"]+(?: [^ =\]"]+="(?:[^"\\\]]|\\.)*")*\])+)(?: (?P<msg>.*))?',
    re.DOTALL,
)
"""The grammar of RFC 5424, 6."""
PARAMETER: Final = re.compile(rb'([^ =\]"\[]+)="((?:[^"\\\]]|\\.)*)"')


class Parsed:
    """A message as a strict reader has it."""

    def __init__(self, raw: bytes) -> None:
        match = MESSAGE.fullmatch(raw)
        assert match is not None, raw
        self.facility, self.severity = divmod(int(match["pri"]), 8)
        self.time, self.host, self.app, self.kind = (match[key].decode() for key in ("time", "host", "app", "id"))
        self.data = {
            key.decode(): re.sub(rb'\\(["\\\]])', rb"\1", value).decode()
            for key, value in PARAMETER.findall(match["data"])
        }
        self.text = match["msg"]


def unframed(octets: bytes) -> list[bytes]:
    """The messages of a stream with octet counting (RFC 6587, 3.4.1); a last one that is cut off is none."""
    found: list[bytes] = []
    at = 0
    while (space := octets.find(b" ", at)) >= 0:
        assert re.fullmatch(rb"[1-9][0-9]*", octets[at:space])
        end = space + 1 + int(octets[at:space])
        if end > len(octets):
            break
        found.append(octets[space + 1 : end])
        at = end
    return found


class StreamServer:
    """TCP or TLS. What was read outlives it; what was not is lost with it."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.port = free_port()
        self.reading = asyncio.Event()
        self.reading.set()
        self._context = context
        self._streams: list[bytearray] = []
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._context, limit=1024)

    async def kill(self) -> None:
        """Gone at once, with whatever it had not read."""
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        await asyncio.sleep(0.02)

    def messages(self) -> list[bytes]:
        return [message for stream in self._streams for message in unframed(bytes(stream))]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(1, 13, UNLINGERING)  # SOL_SOCKET, SO_LINGER
        stream = bytearray()
        self._streams.append(stream)
        self._writers.append(writer)
        try:
            while True:
                await self.reading.wait()
                octets = await reader.read(4096)
                if not octets:
                    return
                stream += octets
        except OSError:
            return
        finally:
            if writer in self._writers:
                self._writers.remove(writer)  # one that is closed over TLS has no transport left to abort
            writer.close()


class DatagramServer(asyncio.DatagramProtocol):
    """UDP."""

    def __init__(self) -> None:
        self.port = free_port()
        self.received: list[bytes] = []
        self._transport: asyncio.DatagramTransport | None = None

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.received.append(data)

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", self.port))

    async def kill(self) -> None:
        assert self._transport is not None
        self._transport.close()
        await asyncio.sleep(0.02)

    def messages(self) -> list[bytes]:
        return self.received


class Endpoint:
    """What a webhook posts to. ``answer`` decides what it says."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.port = free_port()
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.bodies: list[bytes] = []
        """Of requests that were answered 2xx."""
        self.answer: Callable[[web.Request, bytes], Awaitable[web.StreamResponse]] = _accept
        self._context = context
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._context, reuse_address=True).start()

    async def kill(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.requests.append((dict(request.headers), body))
        answer = await self.answer(request, body)
        if answer.status // 100 == 2:
            self.bodies.append(body)
        return answer


async def _accept(request: web.Request, body: bytes) -> web.StreamResponse:
    return web.Response(status=204)


def serving(authority: Authority, host: str, directory: Path) -> ssl.SSLContext:
    """A server's context with a certificate for ``host``."""
    authority.issue(host)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.pem", directory / "server.key")
    return context
