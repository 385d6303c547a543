"""Asking: one poll of one device, its questions in order, each answer a Reply.

Strategy: whatever a device does ends as a Reply with an outcome, none of it as an exception. The poll ends early when
a log-in is refused, when nothing answers several times in a row, and at its deadline; what was not asked has no Reply,
since unknown is not no.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from collectors.credentials import read_secret
from collectors.poll import dahua, isapi, lapi, onvif, reolink, sunapi, vapix
from collectors.poll.client import Client, NoAnswer, Request
from collectors.poll.login import Credentials, Login, LoginRefused
from collectors.poll.reply import Outcome, Reply
from collectors.poll.target import DEFAULT_LIMITS, Api
from collectors.poll.usernametoken import NONCE, clock_offset, header

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from collectors.poll.client import Response
    from collectors.poll.question import Interface, Verdict
    from collectors.poll.standing import Standing
    from collectors.poll.target import Limits, Target

PLAIN: Final[dict[Api, Interface]] = {
    Api.ISAPI: isapi.INTERFACE,
    Api.DAHUA: dahua.INTERFACE,
    Api.VAPIX: vapix.INTERFACE,
    Api.SUNAPI: sunapi.INTERFACE,
    Api.LAPI: lapi.INTERFACE,
}
"""Interfaces that need nothing but HTTP's own log-in."""
_TYPE: Final = 255
"""Characters of a content type that are kept."""


class World(NamedTuple):
    """What a poll takes from outside."""

    wall_ns: Callable[[], int] = time.time_ns
    steady_ns: Callable[[], int] = time.monotonic_ns
    noise: Callable[[int], bytes] = os.urandom


REAL: Final = World()


async def ask(
    target: Target, standing: Standing, *, limits: Limits = DEFAULT_LIMITS, world: World = REAL
) -> AsyncGenerator[Reply, None]:
    """Poll a device once: every question of its interfaces, as far as it answers."""
    poll = _Poll(target, standing, limits, world)
    try:
        credentials = _credentials(target)
        client = Client(target, limits)
    except OSError as error:
        yield poll.reply(target.apis[0], "log-in", Outcome.REFUSED, f"password_file: {error.strerror}")
        return
    except NoAnswer as none:
        yield poll.reply(target.apis[0], "connection", Outcome.FAILED, none.why)
        return
    async with client:
        for api in target.apis:
            login = Login(client, target, api, standing, credentials, noise=world.noise, steady_ns=world.steady_ns)
            async with aclosing(_of(api, poll, client, login)) as replies:
                async for reply in replies:
                    yield reply
            if poll.over:
                return


class _Poll:
    """How far one poll is, and whether it goes on."""

    def __init__(self, target: Target, standing: Standing, limits: Limits, world: World) -> None:
        self.target = target
        self.standing = standing
        self.limits = limits
        self.world = world
        self.over = False
        self.response: Response | None = None
        """Of the last question, where one came."""
        self._silent = 0
        self._ends = asyncio.get_running_loop().time() + limits.poll_s

    async def put(
        self, api: Api, question: str, asking: Awaitable[Response], judge: Callable[[Response], Verdict]
    ) -> Reply:
        """One question's end."""
        loop = asyncio.get_running_loop()
        self.response = None
        ends = min(loop.time() + self.limits.question_s, self._ends)
        try:
            async with asyncio.timeout_at(ends):
                self.response = await asking
        except NoAnswer as none:
            return self._nothing(api, question, none.why)
        except TimeoutError:
            if ends == self._ends:
                self.over = True
                return self.reply(api, question, Outcome.FAILED, "the poll's time is up")
            return self._nothing(api, question, f"not answered within {self.limits.question_s:g} s")
        except LoginRefused as refused:
            self.over = self.over or refused.over
            return self.reply(api, question, Outcome.REFUSED, refused.why)
        self._silent = 0
        verdict = judge(self.response)
        return self.reply(api, question, verdict.outcome, verdict.why, self.response)

    def reply(
        self, api: Api, question: str, outcome: Outcome, why: str = "", response: Response | None = None
    ) -> Reply:
        kinds = response.values("content-type") if response is not None else []
        return Reply(
            self.target.device,
            api.value,
            question,
            self.world.wall_ns(),
            outcome,
            response.status if response is not None else None,
            kinds[0][:_TYPE] if kinds else None,
            response.body if response is not None and outcome is Outcome.ANSWERED else b"",
            why,
        )

    def _nothing(self, api: Api, question: str, why: str) -> Reply:
        self._silent += 1
        if self._silent >= self.limits.silent:
            self.over = True
        return self.reply(api, question, Outcome.FAILED, why)


def _of(api: Api, poll: _Poll, client: Client, login: Login) -> AsyncGenerator[Reply, None]:
    if api is Api.ONVIF:
        return _onvif(poll, client, login)
    if api is Api.REOLINK:
        return _reolink(poll, client, login)
    return _plain(api, poll, login)


async def _plain(api: Api, poll: _Poll, login: Login) -> AsyncGenerator[Reply, None]:
    interface = PLAIN[api]
    for key, path, method, body, kind in interface.questions:
        yield await poll.put(api, key, login.exchange(Request(method, path, body, kind)), interface.judge)
        if poll.over:
            return


async def _onvif(poll: _Poll, client: Client, login: Login) -> AsyncGenerator[Reply, None]:
    tokens = _Tokens(poll, client, login)
    where = {onvif.Service.DEVICE: onvif.DEVICE_PATH}
    listed = False
    configuration: str | None = None
    for action in onvif.ACTIONS:
        absent = onvif.missing(action, where, listed=listed, token=configuration)
        if absent:
            yield poll.reply(Api.ONVIF, action.name, Outcome.UNSUPPORTED, absent)
            continue
        path = where.get(action.service, onvif.DEVICE_PATH)
        reply = await poll.put(Api.ONVIF, action.name, tokens.exchange(action, path, configuration), onvif.judge)
        yield reply
        if poll.over:
            return
        if reply.outcome is not Outcome.ANSWERED:
            continue
        if action is onvif.DATE:
            tokens.ahead = clock_offset(reply.body, tokens.now())
        elif action in {onvif.SERVICES, onvif.CAPABILITIES} and not listed:
            found = onvif.paths(reply.body)
            listed = bool(found)
            where |= found
        elif action is onvif.PROFILES:
            configuration = onvif.configuration(reply.body)


class _Tokens:
    """ONVIF's two ways of logging in: a WS-UsernameToken first, HTTP's own for the devices that answer 401 to it."""

    def __init__(self, poll: _Poll, client: Client, login: Login) -> None:
        self.ahead = timedelta()
        """Of the device's clock."""
        self._poll = poll
        self._client = client
        self._login = login
        self._http = False
        self._taken = False

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._poll.world.wall_ns() / 1e9, UTC)

    async def exchange(self, action: onvif.Action, path: str, token: str | None) -> Response:
        """Ask an action, logged in as far as it needs it."""
        bare = onvif.envelope(action, path, token=token or "")
        if action.open or self._login.credentials is None:
            response = await self._client.exchange(bare)
            if self._login.credentials is None or not onvif.not_authorized(response):
                return response
        if self._http:
            return await self._login.exchange(bare)
        credentials = self._login.ready()
        security = header(
            credentials.user, credentials.password, self.now() + self.ahead, self._poll.world.noise(NONCE)
        )
        response = await self._client.exchange(onvif.envelope(action, path, security=security, token=token or ""))
        if not onvif.not_authorized(response):
            if 200 <= response.status < 300 and not action.open:
                self._taken = True
                self._login.accepted()
            return response
        if self._taken:  # the token was taken before: this user may not ask this
            return response
        refused = self._login.refused("the device does not take this user and password")
        if response.status == 401 and response.values("www-authenticate"):
            self._http = True
            return await self._login.exchange(bare)
        raise refused


async def _reolink(poll: _Poll, client: Client, login: Login) -> AsyncGenerator[Reply, None]:
    session = ""

    async def enter() -> Response:
        if not poll.target.verified:
            raise LoginRefused(
                "not tried: this log-in sends the password itself, so it needs tls with sha256 or ca; "
                "in the clear, onvif reads the version without sending it"
            )
        response = await client.exchange(reolink.login(login.ready()))
        if reolink.token(response) is None and response.status not in {200, 401, 403}:
            raise NoAnswer(f"status {response.status} to the log-in")  # noqa: EM102  of the moment, not of the password
        if reolink.token(response) is None:
            raise login.refused("the device does not take this user and password")
        login.accepted()
        return response

    entered = await poll.put(Api.REOLINK, "Login", enter(), reolink.judge)
    session = (reolink.token(poll.response) or "") if poll.response is not None else ""
    if not session:
        poll.over = True
        yield entered
        return
    user = login.credentials.user if login.credentials is not None else ""
    try:
        for name in reolink.COMMANDS:
            yield await poll.put(
                Api.REOLINK, name, client.exchange(reolink.command(name, session, user)), reolink.judge
            )
            if poll.over:
                return
    finally:
        await poll.put(Api.REOLINK, "Logout", client.exchange(reolink.logout(session)), reolink.judge)


def _credentials(target: Target) -> Credentials | None:
    """From the target's file, at every poll, so that a new password needs no restart."""
    return Credentials(target.user, read_secret(target.password_file)) if target.user else None
