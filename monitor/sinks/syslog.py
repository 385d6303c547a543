"""Tell a syslog server of every incident: RFC 5424 or CEF over UDP (RFC 5426), TCP (RFC 6587) or TLS (RFC 5425).

Strategy: syslog acknowledges nothing, so as much is asked of the transport as it can tell. Over TCP and TLS a message
is delivered once the server's kernel has acknowledged every octet sent; over UDP, once no refusal (ICMP) has come
back for a moment. What a server took in its last seconds and may not have read is sent again over the next line
(``Sender``).
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import termios
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import msgspec

from monitor.sinks import cef, rfc5424
from monitor.sinks.courier import WINDOW, LinkError
from monitor.sinks.sender import UNREADABLE, Sender, why
from monitor.sinks.syslog_config import FACILITIES
from monitor.sinks.told import read
from monitor.sinks.trust import Tls, context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from monitor.sinks.backoff import Backoff
    from monitor.sinks.sender import Line
    from monitor.sinks.source import Outgoing, Source
    from monitor.sinks.syslog_config import SyslogConfig

TIMEOUT: Final = 10.0
"""Seconds for a connection to be made."""
FAREWELL: Final = 1.0
"""Seconds for what is still in our buffers when we stop."""
REFUSAL_S: Final = 0.25
"""How long a datagram's refusal may be on its way, seconds: a round trip to the other side of the earth."""
BURST: Final = 16
"""Most datagrams on their way at a time: what a receive buffer of Linux's default size holds of the largest."""
LOOKS: Final = (0.002, 0.1)
"""Least and most seconds between two looks at what the server's kernel has acknowledged."""
HEARD: Final = 4096
"""Octets read at a time of what a server says that should say nothing."""
ESTABLISHED: Final = 1
"""TCP_ESTABLISHED (linux/tcp_states.h)."""


def sink(config: SyslogConfig, source: Source, *, backoff: Backoff | None = None) -> Sender:
    """The sink of one ``[[syslog]]`` table."""
    return Sender(config.sink, source, lambda: _line(config), vouched=False, words=_words, backoff=backoff)


def render(config: SyslogConfig, body: bytes) -> bytes:
    """The syslog message of an incident message. msgspec.DecodeError if it is none."""
    told = read(body)
    facility = FACILITIES[config.facility]
    if config.format == "rfc5424":
        return rfc5424.render(told, facility=facility, enterprise=config.enterprise, largest=config.largest)
    head = rfc5424.header(told, facility) + b" - "
    return head + cef.render(told, config.largest - len(head))


@asynccontextmanager
async def _line(config: SyslogConfig) -> AsyncIterator[Line]:
    where = f"{config.host} port {config.server_port}"
    try:
        async with asyncio.timeout(TIMEOUT):
            if config.transport == "udp":
                line: Datagrams | Stream = await _datagrams(config)
            else:
                line = await _stream(config)
    except TimeoutError:
        msg = f"{where}: no connection within {TIMEOUT:.0f} s"
        raise LinkError(msg) from None
    except OSError as error:
        msg = f"{where}: {why(error)}"
        raise LinkError(msg) from error
    try:
        yield line
    finally:
        await line.close()


async def _datagrams(config: SyslogConfig) -> Datagrams:
    loop = asyncio.get_running_loop()
    line = Datagrams(config)
    line.transport, _ = await loop.create_datagram_endpoint(lambda: line, remote_addr=(config.host, config.server_port))
    return line


async def _stream(config: SyslogConfig) -> Stream:
    secured = await asyncio.to_thread(context, config.tls or Tls()) if config.transport == "tls" else None
    reader, writer = await asyncio.open_connection(
        config.host, config.server_port, ssl=secured, server_hostname=config.host if secured is not None else None
    )
    return Stream(config, reader, writer)


class Stream:
    """A TCP connection, with or without TLS: each message is preceded by its length (RFC 6587, 3.4.1)."""

    window = WINDOW
    proven = True

    def __init__(self, config: SyslogConfig, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._config = config
        self._reader = reader
        self._writer = writer
        self._socket: Any = writer.get_extra_info("socket")
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._waiting: list[Callable[[int], None]] = []
        self._posted = asyncio.Event()

    def post(self, message: Outgoing, settled: Callable[[int], None]) -> None:
        """Send a message; it is settled once it has been acknowledged."""
        try:
            text = render(self._config, message.body)
        except msgspec.DecodeError:
            settled(UNREADABLE)
            return
        if self._writer.is_closing():
            raise LinkError("connection closed")
        self._writer.write(b"%d %b" % (len(text), text))
        self._waiting.append(settled)
        self._posted.set()

    async def serve(self) -> None:
        """Settle what is acknowledged, and notice when the server goes."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hear())
                group.create_task(self._acknowledge())
        except* OSError as errors:
            error = errors.exceptions[0]
            raise LinkError(str(getattr(error, "strerror", None) or error)) from error

    async def close(self) -> None:
        """Give the last octets a moment, then close."""
        self._writer.close()
        try:
            async with asyncio.timeout(FAREWELL):
                await self._writer.wait_closed()
        except TimeoutError:  # it will not hear us out: what it owes us is still owed
            self._writer.transport.abort()
        except OSError:  # it is gone already; of TLS there is then no transport that could be aborted
            return

    async def _hear(self) -> None:
        while await self._reader.read(HEARD):
            pass
        raise LinkError("closed by the server")

    async def _acknowledge(self) -> None:
        while True:
            await self._posted.wait()
            self._posted.clear()
            wait_s = LOOKS[0]
            while self._waiting:
                await self._writer.drain()
                sent = len(self._waiting)
                if await self._are_acknowledged():
                    for settled in self._waiting[:sent]:
                        settled(0)
                    del self._waiting[:sent]
                    wait_s = LOOKS[0]
                else:
                    await asyncio.sleep(wait_s)
                    wait_s = min(2 * wait_s, LOOKS[1])

    async def _are_acknowledged(self) -> bool:
        """As seen twice: between the two looks the loop has passed on what TLS had still to write."""
        if not self._is_acknowledged():
            return False
        await asyncio.sleep(LOOKS[0])
        return self._is_acknowledged()

    def _is_acknowledged(self) -> bool:
        """Whether the server's kernel has every octet. LinkError if the connection is no more."""
        state = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        if state != ESTABLISHED:
            raise LinkError("closed by the server")
        unsent = fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
        return not self._writer.transport.get_write_buffer_size() and not struct.unpack("i", unsent)[0]


class Datagrams(asyncio.DatagramProtocol):
    """A UDP socket that hears refusals (RFC 5426: each message is one datagram)."""

    window = BURST
    proven = False

    def __init__(self, config: SyslogConfig) -> None:
        self._config = config
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.DatagramTransport | None = None

    def error_received(self, exc: Exception) -> None:
        self._fail(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or OSError("closed"))

    def post(self, message: Outgoing, settled: Callable[[int], None]) -> None:
        """Send a message; it is settled once no refusal has come for a moment."""
        try:
            text = render(self._config, message.body)
        except msgspec.DecodeError:
            settled(UNREADABLE)
            return
        if self._failed.done() or self.transport is None:
            raise LinkError("refused")
        self.transport.sendto(text)
        asyncio.get_running_loop().call_later(REFUSAL_S, self._unrefused, settled)

    async def serve(self) -> None:
        """Wait for a refusal."""
        try:
            await asyncio.shield(self._failed)
        except OSError as error:
            raise LinkError(error.strerror or str(error)) from error

    async def close(self) -> None:
        if self.transport is not None:
            self.transport.close()
        if not self._failed.done():
            self._failed.cancel()

    def _unrefused(self, settled: Callable[[int], None]) -> None:
        if not self._failed.done():
            settled(0)

    def _fail(self, error: Exception) -> None:
        if not self._failed.done():
            self._failed.set_exception(error)
            self._failed.exception()  # seen: nobody may be waiting for it any more


def _words(code: int) -> str:
    return "not a message of this program" if code == UNREADABLE else f"reason code 0x{code:02x}"
