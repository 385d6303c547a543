"""Camera: one HTTP server on 127.0.0.1 that speaks one or more makers' languages about one life.

    async with Camera(life, Isapi, Onvif) as camera:
        camera.url  # http://127.0.0.1:40123

Strategy: every request goes the same way. Its language is found by the path; the caller is judged; the life says
whether a mishap comes instead of an answer; the language answers; what was asked is noted in `camera.asked`.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, Self

from aiohttp import web

from tests.cameras.certificates import server_context
from tests.cameras.digest import DigestGate, Verdict
from tests.cameras.life import Mishap
from tests.cameras.phrasing import Phrasing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.cameras.life import Life

LARGEST_QUESTION: Final = 1 << 20
"""Bytes; images are read piece by piece instead."""
SHUTDOWN_S: Final = 0.02
"""How long answers under way may still take when it goes down (0 would be for ever)."""
STATUS: Final = {Mishap.REFUSED: 400, Mishap.BROKEN: 500, Mishap.BUSY: 503}


class Asked(NamedTuple):
    """One request, as it ended."""

    question: str
    method: str
    target: str
    credentials: str
    """none, digest, basic, wsse, token, stale, wrong, locked."""
    status: int | None
    """None where no status was sent."""


@dataclass(slots=True)
class Heard:
    """A request on its way to its answer."""

    request: web.Request
    phrasing: Phrasing
    body: bytes = b""
    """Empty for uploads, which are read from the request."""
    question: str = ""
    verdict: Verdict | str = Verdict.NOTHING
    host: str = field(init=False)
    """As the caller wrote it: what the camera puts into the addresses that it gives out."""

    def __post_init__(self) -> None:
        self.host = self.request.host

    @property
    def target(self) -> str:
        """Path and query, as sent."""
        return self.request.raw_path


class Language(Protocol):
    """One API: `Isapi(camera)` speaks for that camera."""

    prefixes: tuple[str, ...]
    """Paths that are its own."""
    server: str | None
    """Its Server header; None sends none."""

    def question(self, heard: Heard) -> str:
        """The key by which this question is known."""

    def uploads(self, question: str) -> bool:
        """Whether the body is an image, to be read by `answer`."""

    def refusal(self, heard: Heard) -> web.StreamResponse | None:
        """What somebody gets who may not ask; None lets in. Sets the verdict."""

    async def answer(self, heard: Heard) -> web.StreamResponse:
        """The answer."""

    def forget(self) -> None:
        """Sessions end with a reboot."""


class ByDigest:
    """A language whose callers log in by HTTP Digest."""

    server: str | None = None
    gate: DigestGate

    def refusal(self, heard: Heard) -> web.StreamResponse | None:
        heard.verdict = self.gate.check(heard.request.method, heard.target, heard.request.headers.get("Authorization"))
        if heard.verdict is Verdict.ADMITTED or heard.verdict is Verdict.BASIC:
            return None
        return asked_to_log_in(self.gate.challenges(stale=heard.verdict is Verdict.STALE), self.turned_away(heard))

    def turned_away(self, heard: Heard) -> web.Response:
        """What comes with the challenge."""
        return web.Response(status=401)

    def forget(self) -> None:
        self.gate.forget()


class Camera:
    """Serves a life while its context is open."""

    def __init__(self, life: Life, *languages: Callable[[Camera], Language], tls: bool = False) -> None:
        self.life = life
        self.asked: list[Asked] = []
        self.authorizations: list[str] = []
        """All Authorization headers that came, as sent."""
        self._languages = [language(self) for language in languages]
        self._with_tls = tls
        self._boots = life.boots
        self._ports: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        return self._ports["http"]

    @property
    def tls_url(self) -> str:
        """With a certificate of its own making."""
        return f"https://127.0.0.1:{self._ports['https']}"

    @property
    def rebooting(self) -> bool:
        return bool(self._tasks)

    def questions(self) -> list[str]:
        """What was asked and answered, in order."""
        return [asked.question for asked in self.asked if asked.status == 200]

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=LARGEST_QUESTION)
        application.router.add_route("*", "/{path:.*}", self._hear)
        application.on_response_prepare.append(self._sign)
        self._runner = web.AppRunner(
            application, access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_S
        )
        await self._runner.setup()
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        for ended in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
        await self._runner.cleanup()

    async def _listen(self) -> None:
        for scheme in ("http", "https") if self._with_tls else ("http",):
            context = server_context() if scheme == "https" else None
            site = web.TCPSite(self._runner, "127.0.0.1", self._ports.get(scheme, 0), ssl_context=context)
            await site.start()
            self._ports[scheme] = int(site.name.rpartition(":")[2])

    def reboot_soon(self) -> None:
        """After the answer under way: all connections end, and nothing listens for `life.reboot_s`."""
        task = asyncio.create_task(self._reboot(), name="reboot")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reboot(self) -> None:
        await asyncio.sleep(0.02)  # the answer leaves first
        for site in list(self._runner.sites):
            await site.stop()
        if self._runner.server is not None:
            await self._runner.server.shutdown(SHUTDOWN_S)
        self.life.reboot()
        await asyncio.sleep(self.life.reboot_s)
        await self._listen()

    async def _hear(self, request: web.Request) -> web.StreamResponse:
        if self._boots != self.life.boots:
            self._boots = self.life.boots
            for each in self._languages:
                each.forget()
        if authorization := request.headers.get("Authorization"):
            self.authorizations.append(authorization)
        language = self._language(request)
        if language is None:
            return self._note(Heard(request, Phrasing(None)), web.Response(status=404))
        heard = Heard(request, Phrasing(None))
        heard.question = language.question(heard)
        if not language.uploads(heard.question):
            heard.body = await request.read()
            heard.question = language.question(heard)
        if refused := language.refusal(heard):
            return self._note(heard, refused)
        mishap, chance = self.life.asked(heard.question)
        heard.phrasing = Phrasing(chance)
        if mishap is not None:
            return self._note(heard, await self._happen(mishap, language, heard))
        return self._note(heard, await language.answer(heard))

    def _language(self, request: web.Request) -> Language | None:
        return next((each for each in self._languages if request.path.startswith(each.prefixes)), None)

    async def _sign(self, request: web.Request, response: web.StreamResponse) -> None:
        """The Server header is the maker's, not of what the simulation is made."""
        response.headers.pop("Server", None)
        if (language := self._language(request)) and language.server:
            response.headers["Server"] = language.server

    async def _happen(self, mishap: Mishap, language: Language, heard: Heard) -> web.StreamResponse | None:
        if status := STATUS.get(mishap):
            return web.Response(status=status)
        if mishap is Mishap.SILENT:
            await asyncio.sleep(self.life.patience_s)
        if mishap is Mishap.CUT:
            whole = await language.answer(heard)
            if isinstance(whole, web.Response) and isinstance(whole.body, bytes):
                half = web.StreamResponse(status=whole.status, headers={"Content-Type": whole.content_type})
                half.content_length = len(whole.body)
                await half.prepare(heard.request)
                await half.write(whole.body[: len(whole.body) // 2])
        _hang_up(heard.request)
        return None

    def _note(self, heard: Heard, response: web.StreamResponse | None) -> web.StreamResponse:
        request, status = heard.request, None if response is None else response.status
        self.asked.append(Asked(heard.question, request.method, heard.target, str(heard.verdict), status))
        return web.Response() if response is None else response


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def xml_response(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/xml", charset="utf-8")


def json_response(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")


def text_response(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="text/plain", charset="utf-8")


def asked_to_log_in(challenges: list[str], response: web.Response) -> web.Response:
    """The response with these challenges."""
    for challenge in challenges:
        response.headers.add("WWW-Authenticate", challenge)
    return response


async def stream(
    heard: Heard, headers: Mapping[str, str], parts: Callable[[], bytes], pace_s: float = 0.02
) -> web.StreamResponse:
    """Parts for as long as somebody listens."""
    response = web.StreamResponse(headers=dict(headers))
    await response.prepare(heard.request)
    with suppress(ConnectionResetError):
        while True:
            await response.write(parts())
            await asyncio.sleep(pace_s)
    return response
