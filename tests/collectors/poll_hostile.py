"""Hostile HTTP servers: each takes a connection and does its worst. Those that end do so by closing."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import zlib
from typing import TYPE_CHECKING, Final

from tests.collectors.poll_servers import response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Hostile = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

BLOCK: Final = b"A" * 16_384
OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\n"
CHUNKED: Final = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BOMB: Final = gzip.compress(bytes(64 << 20), 1)
DEFLATED: Final = zlib.compress(bytes(64 << 20), 1)
LAYERS: Final = gzip.compress(gzip.compress(BOMB))
TRAPS: Final = (
    "http://127.0.0.1:{trap}/",
    "http://127.0.0.2:{trap}/ISAPI/System/deviceInfo",
    "http://169.254.169.254/latest/meta-data/",
    "//127.0.0.2:{trap}/",
    "https://localhost:{trap}/",
    "http://rebind.example:{trap}/",
    "file:///etc/passwd",
    "/ISAPI/System/deviceInfo",
)


async def asked(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


def says(*pieces: bytes) -> Hostile:
    """Reads the request, sends this, closes."""

    async def hostile(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asked(reader)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()

    return hostile


def forever(first: bytes, piece: bytes, pause: float | None = None) -> Hostile:
    """Reads the request, then sends without end."""

    async def hostile(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asked(reader)
        writer.write(first)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause or 0)

    return hostile


def slowly(text: bytes) -> Hostile:
    async def hostile(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asked(reader)
        for octet in itertools.cycle(text):
            writer.write(bytes([octet]))
            await writer.drain()
            await asyncio.sleep(0.1)

    return hostile


async def unread(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes at once."""


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asked(reader)
    writer.write(OK + b"Content-Length: 100\r\n\r\nabc")
    await writer.drain()
    import socket
    import struct

    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers before it was asked, again and again."""
    while True:
        writer.write(response(401, b"x", 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"') * 50)
        await writer.drain()
        await asyncio.sleep(0)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Gives everything back that it was sent."""
    head = await asked(reader)
    writer.write(response(200, head))
    await writer.drain()


def challenge(*values: str) -> Hostile:
    return says(response(401, b"", *(f"WWW-Authenticate: {value}" for value in values)))


def changing() -> Hostile:
    """Another realm for each request."""
    serial = itertools.count()

    async def hostile(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asked(reader)
        number = next(serial)
        writer.write(
            response(401, b"", f'WWW-Authenticate: Digest realm="r{number}", nonce="n{number}", qop="auth", stale=true')
        )
        await writer.drain()

    return hostile


def encoded(name: str, body: bytes) -> Hostile:
    return says(response(200, body, f"Content-Encoding: {name}"))


def services(trap: int) -> bytes:
    """GetServices that sends everywhere else, and once to a path with a line break."""
    addresses = [address.format(trap=trap) for address in TRAPS] + ["http://x/a&#13;&#10;X: y", "http://x/" + "a" * 900]
    inner = "".join(
        f"<d:Service><d:Namespace>http://www.onvif.org/ver{number}0/{name}/wsdl</d:Namespace><d:XAddr>{address}</d:XAddr></d:Service>"
        for name in ("media", "analytics", "events", "device", "uplink")
        for number in (1, 2)
        for address in addresses
    )
    return inner.encode()


def hostiles(trap: int) -> dict[str, Hostile]:
    """By name."""
    found: dict[str, Hostile] = {}
    for status in (300, 301, 302, 303, 305, 307, 308):
        for place in (TRAPS[2], TRAPS[status % len(TRAPS)]):
            found[f"redirect {status} {place.partition('{')[0]}"] = says(
                response(status, b"", f"Location: {place.format(trap=trap)}", "Refresh: 0;url=http://127.0.0.2/")
            )
    return found | {
        "header an octet at a time": slowly(OK + b"X: y\r\n"),
        "body an octet at a time": forever(OK + b"\r\n", b"<", 0.1),
        "chunks without end": forever(CHUNKED, b"4000\r\n" + BLOCK + b"\r\n"),
        "chunks of one octet without end": forever(CHUNKED, b"1\r\nA\r\n" * 2_000),
        "chunk extensions without end": forever(CHUNKED + b"1;", BLOCK),
        "trailers without end": forever(CHUNKED + b"0\r\n", b"X-Trailer: y\r\n" * 1_000),
        "a chunk of 2^64": says(CHUNKED + b"FFFFFFFFFFFFFFFFF\r\n" + BLOCK),
        "a chunk of -1": says(CHUNKED + b"-1\r\n" + BLOCK),
        "a body without end or length": forever(OK + b"\r\n", BLOCK),
        "one header of 10 MB": says(b"HTTP/1.1 200 OK\r\nX-Long: ", *[BLOCK] * 640, b"\r\n\r\n"),
        "10 MB of headers": says(b"HTTP/1.1 200 OK\r\n", *[b"X-Many: 0123456789\r\n" * 800] * 640, b"\r\n"),
        "65 headers": says(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 65 + b"Content-Length: 0\r\n\r\n"),
        "20 KiB in few headers": says(b"HTTP/1.1 200 OK\r\n" + b"A: " + b"b" * 6000 + b"\r\nB: " + b"c" * 7000 + b"\r\nC: " + b"d" * 7000 + b"\r\nContent-Length: 0\r\n\r\n"),
        "a status line without end": forever(b"HTTP/1.1 200 ", BLOCK),
        "a header that never ends": forever(OK, b"", 0.05),
        "interim responses without end": forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 500),
        "an upgrade": says(b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n" + BLOCK),
        "Basic only": challenge('Basic realm="camera"'),
        "Basic before a weak Digest": challenge('Basic realm="c"', 'Digest realm="c", nonce="n", qop="auth-int"'),
        "Digest without qop": challenge('Digest realm="c", nonce="n"'),
        "an unknown hash": challenge('Digest realm="c", nonce="n", qop="auth", algorithm=ROT13'),
        "another realm each time": changing(),
        "a nonce of 7 KiB": challenge(f'Digest realm="c", nonce="{"n" * 7000}", qop="auth"'),
        "a realm of quotes": challenge('Digest realm="\\"\\"\\", username=\\"root", nonce="n", qop="auth"'),
        "an open quote": challenge('Digest realm="' + "\\" * 6000),
        "forty challenges": challenge(*['Digest realm="c", nonce="n", qop="auth"'] * 40),
        "Negotiate": challenge("Negotiate", "NTLM TlRMTVNTUAACAAAA"),
        "a proxy's challenge": says(response(407, b"", 'Proxy-Authenticate: Basic realm="p"')),
        "401 without a challenge": says(response(401)),
        "answers before the question": early,
        "a gzip bomb": encoded("gzip", BOMB),
        "a deflate bomb": encoded("deflate", DEFLATED),
        "brotli": encoded("br", BLOCK),
        "zstd": encoded("zstd", BLOCK),
        "layers of gzip": encoded("gzip, gzip, gzip", LAYERS),
        "gzip as transfer encoding": says(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n4\r\nABCD\r\n0\r\n\r\n"),
        "a length too long": says(OK + b"Content-Length: 5000\r\n\r\nabc"),
        "a length of 10^30": says(OK + b"Content-Length: 1" + b"0" * 30 + b"\r\n\r\nabc"),
        "a length below zero": says(OK + b"Content-Length: -5\r\n\r\nabc"),
        "two lengths": says(OK + b"Content-Length: 3\r\nContent-Length: 9\r\n\r\nabc"),
        "a length and chunks": says(OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        "300 KiB": says(response(200, b"x" * 300_000)),
        "junk": says(bytes(range(256)) * 64),
        "another protocol": says(b"SSH-2.0-dropbear_2019.78\r\n"),
        "HTTP/0.9": says(b"<html>hello</html>"),
        "HTTP/2": says(b"\0\0\x12\x04\0\0\0\0\0" + bytes(18)),
        "status abc": says(b"HTTP/1.1 abc OK\r\n\r\n"),
        "status 99999": says(b"HTTP/1.1 99999 OK\r\n\r\n"),
        "zeros in a header": says(OK + b"X: a\0b\r\nContent-Length: 0\r\n\r\n"),
        "bare line feeds and folds": says(b"HTTP/1.1 200 OK\nA: b\n c\n\nbody"),
        "cookies": says(response(200, b"x", "Set-Cookie: s=1; Path=/", *[f"Set-Cookie: a{n}=b; Domain=127.0.0.2; Path=/" for n in range(40)])),
        "an odd content type": says(OK[:-33] + b"\r\nContent-Type: \xff\xfe;charset=\x80\r\nContent-Length: 1\r\n\r\nx"),
        "closing at once": unread,
        "closing after the question": says(),
        "closing in the status line": says(b"HTTP/1."),
        "closing in the header": says(OK),
        "closing in a chunk": says(CHUNKED + b"40\r\nabc"),
        "a reset in the body": reset,
        "silence": silent,
        "everything back": echo,
        "service addresses elsewhere": says(response(200, services(trap))),
        "an XML bomb": says(response(200, b'<!DOCTYPE a [<!ENTITY a "aaaa">' + b'<!ENTITY b "&a;&a;&a;&a;">' * 200 + b"]><a>&b;</a>")),
        "open tags": says(response(200, b"<Namespace>a</" * 18_000)),
        "half a clock": says(response(200, b"<UTCDateTime>" * 20_000)),
        "tokens of blanks": says(response(200, b"<VideoAnalyticsConfiguration " * 9_000)),
        "categories of blanks": says(response(200, (b"<Media " + b" " * 505 + b">") * 500)),
        "brackets": says(response(200, b"[" * 250_000, kind="application/json")),
    }  # fmt: skip
