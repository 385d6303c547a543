"""The hardened HTTP client: one pinned address, one request a connection, everything bounded.

Strategy: aiohttp speaks HTTP; what it would do for comfort is off (redirects, proxies and .netrc of the environment,
cookies, decompression, resolving names, keeping connections). Its parser is told to take 64 headers, 8 KiB a line
or field; 16 KiB of header together are checked once it is whole. Below it, a socket that counts ends the connection
after ``ENVELOPE`` octets beyond the largest body, which bounds what no limit of the parser does: interim responses,
framing of chunks, TLS. Time is the caller's: nothing here waits longer than the task that it runs in.
"""

from __future__ import annotations

import errno
import os
import ssl
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.http_exceptions import LineTooLong
from yarl import URL

from collectors.credentials import located
from collectors.poll.addresses import refusal
from collectors.poll.metered import MeteredSocket
from collectors.poll.target import Verification

if TYPE_CHECKING:
    import socket
    from types import TracebackType

    from aiohappyeyeballs import AddrInfoType
    from aiohttp.abc import ResolveResult

    from collectors.poll.target import Limits, Target, Tls

HEADERS: Final = 64
HEADER_OCTETS: Final = 16_384
"""Of all names and values together (threat model C13)."""
LINE: Final = 8_192
"""One of them: challenges and policies of browsers have some hundred octets."""
ENVELOPE: Final = 262_144
"""Octets of a connection beside its body: header, framing of chunks, and a TLS handshake of at most some 100 KiB
(OpenSSL's own bound of a certificate chain)."""
AGENT: Final = "camwarden"
PROXY: Final = 407
"""Proxy Authentication Required (RFC 9110 15.5.8): none is used."""


class NoAnswer(Exception):  # noqa: N818  it is the outcome's name
    """No usable answer; ``why`` is for people and holds nothing that was sent."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Request(NamedTuple):
    method: str
    path: str
    """As it goes into the request line, query included; already encoded."""
    body: bytes = b""
    content_type: str = ""


class Response(NamedTuple):
    status: int
    headers: tuple[tuple[str, str], ...]
    """Names in lower case."""
    body: bytes

    def values(self, name: str) -> list[str]:
        """Of every header of this name (lower case)."""
        return [value for key, value in self.headers if key == name]


class Client:
    """Asks one device. An asynchronous context manager; not for two polls at once."""

    def __init__(self, target: Target, limits: Limits) -> None:
        """NoAnswer: the target's address is none to ask, or its TLS files cannot be used."""
        why = refusal(target.address)
        if why and not target.special:
            raise NoAnswer(f"not asked: {target.address} is {why}")  # noqa: EM102  one word of it is ours
        self._target = target
        self._limits = limits
        self._tls = _context(target.tls) if target.tls is not None else True
        self._session: aiohttp.ClientSession | None = None
        self._connection: MeteredSocket | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            resolver=_NoNames(),
            use_dns_cache=False,
            force_close=True,
            limit=1,
            socket_factory=self._socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            trust_env=False,
            auto_decompress=False,
            max_line_size=LINE,
            max_field_size=LINE,
            max_headers=HEADERS,
            read_bufsize=16_384,
            skip_auto_headers=("Content-Type",),
            headers={"Accept-Encoding": "identity", "User-Agent": AGENT, "Connection": "close"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def exchange(self, request: Request, authorization: str = "") -> Response:
        """Ask once, on a connection of its own.

        Raises:
            NoAnswer: nothing came, or what came breaks a bound.

        """
        if self._session is None:
            raise RuntimeError("not entered")
        target = self._target
        url = URL(
            f"{'http' if target.tls is None else 'https'}://{_bracketed(target)}:{target.port}{request.path}",
            encoded=True,
        )
        headers = {}
        if target.host:
            headers["Host"] = target.host
        if request.content_type:
            headers["Content-Type"] = request.content_type
        if authorization:
            headers["Authorization"] = authorization
        self._connection = None
        try:
            async with self._session.request(
                request.method,
                url,
                data=request.body or None,
                headers=headers,
                allow_redirects=False,
                ssl=self._tls,
                server_hostname=(target.tls.name or None) if target.tls is not None else None,
            ) as response:
                return await self._read(response)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ClientError):
                raise
            if self._connection is not None and self._connection.allowance < 0:
                raise NoAnswer("more octets than an answer may have") from None
            raise NoAnswer(_why(error)) from None

    async def _read(self, response: aiohttp.ClientResponse) -> Response:
        if response.status < 200 or 300 <= response.status < 400 or response.status == PROXY:
            raise NoAnswer(f"a redirect, upgrade or proxy ({response.status}), not followed")  # noqa: EM102
        raw = response.raw_headers
        if sum(len(name) + len(value) for name, value in raw) > HEADER_OCTETS:
            raise NoAnswer("header too long")
        headers = tuple((_text(name).lower(), _text(value)) for name, value in raw)
        for name, value in headers:
            if name == "content-encoding" and value.strip().lower() not in {"", "identity"}:
                raise NoAnswer("compressed, though that was not accepted")
            if name == "transfer-encoding" and value.strip().lower() != "chunked":
                raise NoAnswer("a transfer encoding that was not accepted")
        body = bytearray()
        async for piece in response.content.iter_any():
            body += piece
            if len(body) > self._limits.body:
                raise NoAnswer(f"answer longer than {self._limits.body} octets")  # noqa: EM102
        return Response(response.status, headers, bytes(body))

    def _socket(self, peer: AddrInfoType) -> socket.socket:
        """The only place where a connection begins, so the address is compared here again."""
        family, kind, protocol, _, address = peer
        if address[0] != str(self._target.address) or address[1] != self._target.port:
            raise OSError(errno.EACCES, "not the pinned address")
        if self._connection is not None:  # aiohttp would send a GET again, with a log-in that has been used
            raise OSError(errno.ECONNABORTED, "not asked twice")
        self._connection = MeteredSocket(family, kind, protocol)
        self._connection.allowance = self._limits.body + ENVELOPE
        return self._connection


class _NoNames(AbstractResolver):
    """Resolves nothing: a target is an address."""

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = 0) -> list[ResolveResult]:  # type: ignore[assignment]  # noqa: ARG002  as aiohttp declares it
        raise OSError(errno.EACCES, "names are not resolved")

    async def close(self) -> None:
        """Nothing is open."""


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogateescape")


def _bracketed(target: Target) -> str:
    return f"[{target.address}]" if target.address.version == 6 else str(target.address)


def _context(tls: Tls) -> ssl.SSLContext | aiohttp.Fingerprint | bool:
    """How aiohttp is to judge the peer. With a pin it compares before it writes the request."""
    if tls.verification is Verification.PIN:
        return aiohttp.Fingerprint(tls.pin)
    if tls.verification is Verification.NONE:
        return False
    try:
        context = ssl.create_default_context(cafile=located(tls.ca))
    except OSError as error:  # ssl.SSLError is one
        msg = f"tls.ca {tls.ca}: {os.strerror(error.errno) if error.errno else 'not a certificate in PEM'}"
        raise NoAnswer(msg) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _why(error: Exception) -> str:
    """What went wrong, in words of ours: an exception's own may repeat a token or what a device wrote."""
    match error:
        case aiohttp.ServerFingerprintMismatch():
            return f"its certificate is another than the pinned one: sha256 {error.got.hex()}"
        case aiohttp.ClientConnectorCertificateError():
            inner = error.certificate_error
            reason = inner.verify_message if isinstance(inner, ssl.SSLCertVerificationError) else "not verified"
            return f"its certificate does not verify: {reason}"
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return "TLS failed"
        case aiohttp.ServerDisconnectedError():
            return "closed without an answer"
        case aiohttp.ClientPayloadError():
            return "the answer is not whole"
        case aiohttp.ClientResponseError():
            return "header too long" if isinstance(error.__cause__, LineTooLong) else "not HTTP, or damaged"
        case OSError():
            return _system(error)
        case _:
            return f"not usable ({type(error).__name__})"


def _system(error: OSError) -> str:
    if error.errno == errno.ECONNABORTED:
        return "closed without an answer"
    return os.strerror(error.errno).lower() if error.errno else "the connection failed"
