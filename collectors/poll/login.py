"""Logging in over HTTP: Digest, or Basic where the peer is verified; never more than the device's standing allows.

Strategy: a question goes out bare; a 401 brings a challenge, and the answer to it goes out once. The nonce is used
again for the next questions of the poll, counted; a device that takes each only once says so by another 401, which is
followed a single time and ends the re-use. A second 401 to a fresh nonce is a refusal: the poll is over.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final, NamedTuple

from collectors.poll.digest import Declined, Digest, answer, challenges, strongest
from collectors.poll.standing import Known

if TYPE_CHECKING:
    from collections.abc import Callable

    from collectors.credentials import Secret
    from collectors.poll.client import Client, Request, Response
    from collectors.poll.standing import Standing
    from collectors.poll.target import Target

UNAUTHORIZED: Final = 401
CNONCE: Final = 16
"""Octets; RFC 7616 asks for enough that they do not repeat."""
STALE: Final = 1
"""Nonces of a poll that the device may call stale at their first use: with more, a wrong password could pass for it."""


class LoginRefused(Exception):  # noqa: N818  it is the outcome's name
    """The device does not take the log-in, or wants one that is not given; ``why`` holds no secret."""

    def __init__(self, why: str, *, over: bool = True) -> None:
        super().__init__(why)
        self.why = why
        self.over = over
        """Nothing more is asked in this poll."""


class Credentials(NamedTuple):
    user: str
    password: Secret


class Login:
    """One poll's log-in to one interface of one device."""

    def __init__(
        self,
        client: Client,
        target: Target,
        api: str,
        standing: Standing,
        credentials: Credentials | None,
        *,
        noise: Callable[[int], bytes],
        steady_ns: Callable[[], int],
    ) -> None:
        self.credentials = credentials
        self._client = client
        self._target = target
        self._api = api
        self._standing = standing
        self._noise = noise
        self._steady_ns = steady_ns
        self._digest: Digest | None = None
        self._uses = 0
        self._basic = False
        self._reuse = True
        self._stale = 0

    async def exchange(self, request: Request) -> Response:
        """Ask, and log in if asked to.

        Raises:
            NoAnswer: as the client says.
            LoginRefused: the log-in failed, or was not tried.

        """
        response = await self._client.exchange(request, self._again(request))
        if response.status != UNAUTHORIZED:
            return response
        if self._basic:
            raise self.refused("the device takes its Basic log-in no longer")
        if self._digest is not None:  # a nonce that had worked: many devices take each only once
            self._digest, self._reuse = None, False
        credentials = self.ready()
        while True:
            chosen = self._chosen(response)
            response = await self._client.exchange(request, self._answered(chosen, credentials, request))
            if response.status != UNAUTHORIZED:
                break
            if not self._is_stale(response):
                raise self.refused("the device does not take this user and password")
        if 200 <= response.status < 300:
            self._worked(chosen)
        return response

    def ready(self) -> Credentials:
        """What to log in with; LoginRefused where there is none, or where it may not be sent now."""
        if self.credentials is None:
            raise LoginRefused("wants a log-in, and no user is configured", over=False)
        if not self._standing.may_log_in(self._steady_ns()):
            raise LoginRefused("not tried: log-ins were refused before, and a locked account is no help")
        return self.credentials

    def refused(self, why: str) -> LoginRefused:
        """Count it; the caller raises it."""
        self._standing.was_refused(self._steady_ns())
        return LoginRefused(why)

    def accepted(self) -> None:
        """A log-in of another kind worked."""
        self._standing.was_accepted()

    def _again(self, request: Request) -> str:
        """Authorization from what worked for the question before; empty at first."""
        if self.credentials is None:
            return ""
        if self._basic:
            return _basic(self.credentials)
        return "" if self._digest is None else self._response(self._digest, self.credentials, request)

    def _chosen(self, response: Response) -> Digest | None:
        """The challenge to answer; None for Basic, to a verified peer only."""
        try:
            offered = challenges(response.values("www-authenticate"))
            digest = strongest(offered)
        except Declined as declined:
            raise LoginRefused(f"log-in declined: {declined}") from None  # noqa: EM102
        known = self._standing.known.get(self._api)
        if digest is None:
            if not any(challenge.scheme == "basic" for challenge in offered):
                raise LoginRefused("log-in declined: neither Digest nor Basic is offered")
            if not self._target.verified:
                raise LoginRefused("log-in declined: Basic would send the password to whoever answers here")
            if known is not None:
                raise LoginRefused("log-in declined: Basic, where Digest worked before")
            return None
        realm = self._target.realm if self._target.realm is not None else known.realm if known else None
        if realm is not None and digest.realm != realm:
            msg = f"log-in declined: its realm is {digest.realm!r}, not {realm!r}; if that is right, set realm"
            raise LoginRefused(msg)
        if known is not None and digest.strength < known.strength:
            raise LoginRefused("log-in declined: a weaker hash than worked before")
        return digest

    def _answered(self, digest: Digest | None, credentials: Credentials, request: Request) -> str:
        self._uses = 0
        return _basic(credentials) if digest is None else self._response(digest, credentials, request)

    def _response(self, digest: Digest, credentials: Credentials, request: Request) -> str:
        self._uses += 1
        cnonce = self._noise(CNONCE).hex()
        user, password = credentials
        return answer(digest, user, password, request.method, request.path, count=self._uses, cnonce=cnonce)

    def _is_stale(self, response: Response) -> bool:
        """Whether the device says that only the nonce was too old (RFC 7616 3.3)."""
        try:
            digest = strongest(challenges(response.values("www-authenticate")))
        except Declined:
            return False
        self._stale += 1
        return digest is not None and digest.stale and self._stale <= STALE and not self._standing.refused

    def _worked(self, digest: Digest | None) -> None:
        self._standing.was_accepted()
        if digest is None:
            self._basic = True
            return
        self._standing.known[self._api] = Known(digest.realm, digest.strength)
        if self._reuse:
            self._digest = digest


def _basic(credentials: Credentials) -> str:
    pair = f"{credentials.user}:{credentials.password.reveal()}".encode()
    return "Basic " + base64.b64encode(pair).decode()
