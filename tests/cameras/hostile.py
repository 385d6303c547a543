"""Hostile cameras: servers that answer anybody who polls them in the worst ways that are known.

    @pytest.mark.parametrize("name", NAMES)
    async def test_a_poll_survives(name):
        async with listening(table(witness.address)[name]) as enemy:
            ...poll enemy.url...
            assert SECRET not in enemy.heard

A handler gets raw streams and answers one connection, for as long as the other side stays. What is endless stops at
ENOUGH bytes or seconds, so that a test that fails does not run for ever. `witness` is where an enemy would like its
visitor to go: a test listens there and counts.
"""

from __future__ import annotations

import asyncio
import gzip
import ssl
import zlib
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import cache, partial
from itertools import cycle, islice
from typing import TYPE_CHECKING, Final, SupportsIndex

from tests.cameras.certificates import server_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

ENOUGH_BYTES: Final = 256 << 20
ENOUGH_S: Final = 60.0
DRIP_S: Final = 1.0
"""Between two bytes of a slow answer."""
NOWHERE: Final = "127.0.0.1:9"
"""discard: nobody listens there in a test."""
METADATA: Final = "http://169.254.169.254/latest/meta-data/iam/security-credentials/"
OTHER_CAMERA: Final = "http://192.0.2.99/ISAPI/System/deviceInfo"
DIGEST: Final = 'WWW-Authenticate: Digest realm="{realm}", qop="auth", nonce="{nonce}", algorithm=MD5'
REALM: Final = "IP Camera(C0001)"
XML_HEAD: Final = b'<?xml version="1.0" encoding="UTF-8"?>\n'
ORDINARY: Final = XML_HEAD + b"<DeviceInfo><model>SIM</model></DeviceInfo>"


class Enemy:
    """A hostile server while it listens."""

    def __init__(self) -> None:
        self.heard = bytearray()
        """All bytes that came, over all connections."""
        self.connections = 0
        self.address = ""
        """host:port"""
        self.scheme = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.address}"


class _Ear(asyncio.StreamReader):
    def __init__(self, enemy: Enemy) -> None:
        super().__init__()
        self._enemy = enemy

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        self._enemy.heard.extend(data)
        super().feed_data(data)


@asynccontextmanager
async def listening(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[Enemy]:
    """The handler answers on an ephemeral port of 127.0.0.1; connections still open in the end are cut."""
    enemy, tasks = Enemy(), set[asyncio.Task[None]]()

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        enemy.connections += 1
        tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ssl.SSLError):
                async with asyncio.timeout(ENOUGH_S):
                    await handler(reader, writer)
                    await writer.drain()
        except TimeoutError:
            pass
        finally:
            writer.close()

    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: asyncio.StreamReaderProtocol(_Ear(enemy), met), "127.0.0.1", 0, ssl=tls)
    host, port = server.sockets[0].getsockname()[:2]
    enemy.address, enemy.scheme = f"{host}:{port}", "https" if tls else "http"
    try:
        yield enemy
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def witnessing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The handler of a witness: an ordinary answer. Whoever comes here was led astray."""
    await _said(reader, writer, _response(ORDINARY))


# How a server says a thing.


async def _asked(reader: asyncio.StreamReader) -> bytes:
    """Head and body of one request."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return head + await reader.readexactly(int(line.partition(b":")[2]))
    return head


def _response(body: bytes, *headers: str, status: str = "200 OK", kind: str = "application/xml") -> bytes:
    lines = (f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers, "", "")
    return "\r\n".join(lines).encode() + body


async def _said(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *answers: bytes) -> None:
    """One request each; the last is said again and again."""
    for answer in (*answers, *([answers[-1]] * 50)):
        await _asked(reader)
        writer.write(answer)
        await writer.drain()


def _saying(*answers: bytes) -> Handler:
    return lambda reader, writer: _said(reader, writer, *answers)


def _redirecting(status: str, target: str) -> Handler:
    return _saying(_response(b"", f"Location: {target}", status=status))


async def _endless(
    head: bytes, pieces: Iterable[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    await _asked(reader)
    writer.write(head)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)  # drain alone gives way only when the buffer is full


def _flooding(head: bytes, piece: bytes) -> Handler:
    return lambda reader, writer: _endless(head, islice(cycle((piece,)), ENOUGH_BYTES // len(piece)), reader, writer)


async def _dripped(before: bytes, dripped: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _asked(reader)
    writer.write(before)
    for byte in islice(cycle(dripped), int(ENOUGH_S / DRIP_S)):
        writer.write(bytes((byte,)))
        await writer.drain()
        await asyncio.sleep(DRIP_S)


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(ENOUGH_S)


async def _head_only(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _asked(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: 500\r\n\r\n<Device")
    await asyncio.sleep(ENOUGH_S)


async def _unasked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers before anything was asked."""
    writer.write(_response(ORDINARY) * 3)
    await writer.drain()
    await asyncio.sleep(ENOUGH_S)


async def _reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _asked(reader)
    writer.write(_response(ORDINARY)[:60])
    await writer.drain()
    writer.transport.abort()


def _challenge(*challenges: str) -> bytes:
    return _response(b"", *challenges, status="401 Unauthorized", kind="text/html")


def _digest(realm: str = REALM, nonce: str = "5f0c", more: str = "") -> str:
    return DIGEST.format(realm=realm, nonce=nonce) + more


async def _stale_for_ever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A good password is never good enough."""
    for number in range(1000):
        await _asked(reader)
        writer.write(_challenge(_digest(nonce=f"{number:032x}", more=", stale=true")))
        await writer.drain()


async def _continue_for_ever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _endless(b"", islice(cycle((b"HTTP/1.1 100 Continue\r\n\r\n" * 100,)), 100_000), reader, writer)


# Compressed.


@cache
def _bomb(layers: int = 1) -> bytes:
    """64 MiB of nothing in 64 KiB; with more layers, in less."""
    data = bytes(64 << 20)
    for _ in range(layers):
        data = gzip.compress(data, mtime=0)
    return data


@cache
def _deflated() -> bytes:
    return zlib.compress(bytes(64 << 20), 1)


def _encoded(body: Callable[[], bytes], encoding: str) -> Handler:
    return lambda reader, writer: _said(reader, writer, _response(body(), f"Content-Encoding: {encoding}"))


# Documents.


def _entities(declared: str, used: str) -> bytes:
    return f'<?xml version="1.0"?>\n<!DOCTYPE d [{declared}]>\n<DeviceInfo><model>{used}</model></DeviceInfo>'.encode()


def _laughs() -> bytes:
    steps = "".join(f'<!ENTITY e{number} "{f"&e{number - 1};" * 10}">' for number in range(1, 10))
    return _entities(f'<!ENTITY e0 "ha">{steps}', "&e9;")


def _nested(depth: int) -> bytes:
    return XML_HEAD + b"<a>" * depth + b"</a>" * depth


def _flat(size: int) -> bytes:
    return XML_HEAD + b"<a>" + b"<b/>" * (size // 4) + b"</a>"


def documents(witness: str = NOWHERE) -> dict[str, Callable[[], bytes]]:
    """XML that hurts whoever parses it, by name; made when asked for, for some are large."""
    http = f"http://{witness}/evil"
    return {
        "billion laughs": _laughs,
        "quadratic entity": lambda: _entities(f'<!ENTITY e "{"x" * 50_000}">', "&e;" * 4_000),
        "entity of a file": lambda: _entities('<!ENTITY e SYSTEM "file:///etc/passwd">', "&e;"),
        "entity of another host": lambda: _entities(f'<!ENTITY e SYSTEM "{http}">', "&e;"),
        "parameter entity": lambda: _entities(f'<!ENTITY % p SYSTEM "{http}.dtd"> %p;', "x"),
        "external DTD": lambda: f'<?xml version="1.0"?><!DOCTYPE d SYSTEM "{http}.dtd"><d/>'.encode(),
        "XInclude": lambda: b'<d xmlns:x="http://www.w3.org/2001/XInclude"><x:include href="file:///etc/passwd" parse="text"/></d>',
        "depth of 200,000": lambda: _nested(200_000),
        "flat 30 MB": lambda: _flat(30_000_000),
        "token of 2 MB": lambda: XML_HEAD + b'<a b="' + b"x" * 2_000_000 + b'"/>',
        "name of 2 MB": lambda: XML_HEAD + b"<" + b"n" * 2_000_000 + b"/>",
        "100,000 attributes": lambda: XML_HEAD + b"<a " + b" ".join(b'a%d="1"' % number for number in range(100_000)) + b"/>",
        "100,000 namespaces": lambda: XML_HEAD + b"<a " + b" ".join(b'xmlns:n%d="u:%d"' % (number, number) for number in range(100_000)) + b"/>",
        "broken UTF-8": lambda: XML_HEAD + b"<model>\xff\xfe\xc0\xaf\xed\xa0\x80</model>",
        "UTF-16 called UTF-8": lambda: XML_HEAD.replace(b"\n", b"") + "<model>SIM</model>".encode("utf-16-le"),
        "UTF-7": lambda: b'<?xml version="1.0" encoding="UTF-7"?>+ADw-model+AD4-SIM+ADw-/model+AD4-',
        "unknown encoding": lambda: b'<?xml version="1.0" encoding="x-no-such"?><model>SIM</model>',
        "never closed": lambda: XML_HEAD + b"<DeviceInfo><model>SIM",
        "NUL bytes": lambda: XML_HEAD + b"<model>\x00\x00SIM</model>",
    }  # fmt: skip


def _documenting(made: Callable[[], bytes]) -> Handler:
    return lambda reader, writer: _said(reader, writer, _response(made()))


# The table.


def table(witness: str = NOWHERE) -> dict[str, Handler]:
    """All hostile servers by name; each document is one too."""
    chunked = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nTransfer-Encoding: chunked\r\n\r\n"
    plain = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\n"
    there = f"http://{witness}/ISAPI/System/deviceInfo"
    basic = 'WWW-Authenticate: Basic realm="' + REALM + '"'
    stream = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    servers: dict[str, Handler] = {
        "301 elsewhere": _redirecting("301 Moved Permanently", there),
        "302 to the metadata service": _redirecting("302 Found", METADATA),
        "303 to another camera": _redirecting("303 See Other", OTHER_CAMERA),
        "307 elsewhere": _redirecting("307 Temporary Redirect", there),
        "308 to https elsewhere": _redirecting("308 Permanent Redirect", there.replace("http:", "https:")),
        "302 to a file": _redirecting("302 Found", "file:///etc/passwd"),
        "302 without a scheme": _redirecting("302 Found", f"//{witness}/"),
        "redirect in a circle": _redirecting("302 Found", "/ISAPI/System/deviceInfo"),
        "307 once it has the password": _saying(_challenge(_digest()), _response(b"", f"Location: {there}", status="307 Temporary Redirect")),
        "refresh elsewhere": _saying(_response(ORDINARY, f"Refresh: 0; url={there}", f"Link: <{there}>; rel=preload")),
        "1 byte a second, body": partial(_dripped, plain + b"Content-Length: 100000\r\n\r\n", b"<a>"),
        "1 byte a second, head": partial(_dripped, b"HTTP/1.1 200 OK\r\n", b"X-Slow: x\r\n"),
        "silent": _silent,
        "silent after the head": _head_only,
        "endless chunks": _flooding(chunked, b"10000\r\n" + b"x" * 65536 + b"\r\n"),
        "endless chunks of a byte": _flooding(chunked, b"1\r\nx\r\n" * 1000),
        "endless body": _flooding(plain + b"Connection: close\r\n\r\n", b"x" * 65536),
        "endless chunk extension": _flooding(chunked + b"1;", b"x" * 65536),
        "endless trailers": _flooding(chunked + b"1\r\nx\r\n0\r\n", b"X-Trailer: x\r\n" * 1000),
        "endless alert stream": _flooding(stream, b"--b\r\nContent-Type: application/xml\r\n\r\n<a/>\r\n" * 100),
        "chunk of 2^64 bytes": _saying(chunked + b"FFFFFFFFFFFFFFFF\r\n" + b"x" * 1000),
        "chunk of -1 bytes": _saying(chunked + b"-1\r\n\r\n0\r\n\r\n"),
        "length of a terabyte": _saying(plain + b"Content-Length: 1099511627776\r\n\r\n<a/>"),
        "negative length": _saying(plain + b"Content-Length: -1\r\n\r\n<a/>"),
        "two lengths": _saying(plain + b"Content-Length: 4\r\nContent-Length: 4000\r\n\r\n<a/>"),
        "length and chunks": _saying(chunked.replace(b"\r\n\r\n", b"\r\nContent-Length: 4\r\n\r\n") + b"4\r\n<a/>\r\n0\r\n\r\n"),
        "header of 10 MB": _saying(plain + b"X-Large: " + b"x" * 10_000_000 + b"\r\nContent-Length: 4\r\n\r\n<a/>"),
        "100,000 headers": _saying(plain + b"X-Many: x\r\n" * 100_000 + b"Content-Length: 4\r\n\r\n<a/>"),
        "endless 100 Continue": _continue_for_ever,
        "HTTP/9.9": _saying(b"HTTP/9.9 200 OK\r\nContent-Length: 4\r\n\r\n<a/>"),
        "status 99999": _saying(b"HTTP/1.1 99999 Odd\r\nContent-Length: 4\r\n\r\n<a/>"),
        "no HTTP at all": _saying(b"SSH-2.0-dropbear_2015.67\r\n" + bytes(range(256)) * 8),
        "101 Switching Protocols": _saying(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x02hi"),
        "header split in two": _saying(_response(ORDINARY, "X-Split: a\nSet-Cookie: session=stolen", "X-Odd : b", " folded: c")),
        "answers unasked": _unasked,
        "reset half way": _reset,
        "Basic only": _saying(_challenge(basic), _response(ORDINARY)),
        "Basic before Digest": _saying(_challenge(basic, _digest()), _response(ORDINARY)),
        "another realm": _saying(_challenge(_digest("Somebody Else")), _response(ORDINARY)),
        "realm changes": _saying(_challenge(_digest()), _challenge(_digest("Another", "77"))),
        "Digest without qop": _saying(_challenge(f'WWW-Authenticate: Digest realm="{REALM}", nonce="00"'), _response(ORDINARY)),
        "Digest that covers elsewhere": _saying(_challenge(_digest(more=f', domain="{there}"')), _response(ORDINARY)),
        "Digest of an unknown kind": _saying(_challenge(f'WWW-Authenticate: Digest realm="{REALM}", nonce="00", qop="auth", algorithm=MD4')),
        "challenge that breaks out": _saying(_challenge(_digest('a", uri="/", x="', 'b"'))),
        "NTLM": _saying(_challenge("WWW-Authenticate: NTLM", "WWW-Authenticate: Negotiate")),
        "proxy asks": _saying(_response(b"", f'Proxy-Authenticate: Basic realm="{REALM}"', status="407 Proxy Authentication Required")),
        "stale for ever": _stale_for_ever,
        "gzip bomb": _encoded(_bomb, "gzip"),
        "gzip in gzip bomb": _encoded(partial(_bomb, 2), "gzip, gzip"),
        "deflate bomb": _encoded(_deflated, "deflate"),
        "brotli, says it": _encoded(lambda: b"\x0b\x02\x80" + b"\x00" * 64, "br"),
        "zstd, says it": _encoded(lambda: b"\x28\xb5\x2f\xfd" + b"\x00" * 64, "zstd"),
        "gzip, and is not": _encoded(lambda: ORDINARY, "gzip"),
    }  # fmt: skip
    return servers | {f"XML: {name}": _documenting(made) for name, made in documents(witness).items()}


NAMES: Final = tuple(table())


def certificate_that_changes() -> ssl.SSLContext:
    """For `listening(witnessing, tls=...)`: every other connection shows another key."""
    first, second = server_context(), server_context("other.invalid")
    turns = cycle((first, second))
    outer = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def chosen(connection: ssl.SSLObject, _: str | None, __: ssl.SSLContext) -> None:
        connection.context = next(turns)

    outer.sni_callback = chosen
    return outer
