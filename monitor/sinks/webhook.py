"""POST every incident to a URL: the OCSF message as it is, one at a time, in order.

An answer 2xx is the receiver's word that it has the message. One that says that this message is wrong, and always
will be, puts the message aside with that reason. Every other answer, or none, is the endpoint's trouble: it is asked
again later, and nothing overtakes the message. No redirect is followed: a secret goes where it was configured to go.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hmac
import re
import time
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import aiohttp

from collectors.credentials import read_secret
from monitor import __version__
from monitor.sinks.courier import LinkError
from monitor.sinks.sender import NotYetError, Sender, why
from monitor.sinks.trust import Tls, context

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

    from monitor.sinks.backoff import Backoff
    from monitor.sinks.sender import Line
    from monitor.sinks.source import Outgoing, Source
    from monitor.sinks.webhook_config import WebhookConfig

OF_THE_MESSAGE: Final = frozenset({400, 411, 413, 414, 415, 417, 422, 431})
"""Answers that this very message will always get (RFC 9110, 15.5; RFC 6585). Others of 4xx, such as 401, 404 and 429,
are about who asks, where and when."""
ANSWER: Final = 65_536
"""Most octets read of an answer's body, so that the connection can be used again; longer ones end it."""
LONGEST_WAIT: Final = 3600.0
"""Most seconds that a Retry-After is obeyed for: longer is a mistake, or somebody who wants silence."""
DELAY: Final = re.compile(r"[0-9]{1,9}")
KEY_PREFIX: Final = "whsec_"


def sink(config: WebhookConfig, source: Source, *, backoff: Backoff | None = None) -> Sender:
    """The sink of one ``[[webhook]]`` table."""
    return Sender(config.sink, source, lambda: _line(config), vouched=True, words=_words, backoff=backoff)


@asynccontextmanager
async def _line(config: WebhookConfig) -> AsyncIterator[Line]:
    """A session with the files of this moment."""
    try:
        token = await asyncio.to_thread(read_secret, config.token_file) if config.token_file is not None else None
        key = await asyncio.to_thread(read_secret, config.hmac_file) if config.hmac_file is not None else None
        secured: ssl.SSLContext | bool = True
        if config.is_encrypted:
            secured = await asyncio.to_thread(context, config.tls or Tls())
        signing = _key(key.reveal()) if key is not None else None
    except (OSError, ValueError) as error:
        raise LinkError(str(error)) from error
    headers = {"Content-Type": "application/json", "User-Agent": f"camwarden/{__version__}"}
    if token is not None:
        headers[config.token_header] = token.reveal()
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=secured, limit=1),
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=config.timeout_s),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    ) as session:
        yield Post(config, session, signing)


class Post:
    """A session with the endpoint: one message at a time."""

    window = 1
    proven = False

    def __init__(self, config: WebhookConfig, session: aiohttp.ClientSession, key: bytes | None) -> None:
        self._config = config
        self._session = session
        self._key = key
        self._waiting: tuple[Outgoing, Callable[[int], None]] | None = None
        self._posted = asyncio.Event()

    def post(self, message: Outgoing, settled: Callable[[int], None]) -> None:
        """Have ``serve`` send a message."""
        self._waiting = message, settled
        self._posted.set()

    async def serve(self) -> None:
        """Send what was posted. LinkError for an answer that is not about the message, and for none."""
        while True:
            await self._posted.wait()
            self._posted.clear()
            assert self._waiting is not None  # noqa: S101  set before the event
            message, settled = self._waiting
            settled(await self._send(message))

    async def _send(self, message: Outgoing) -> int:
        """0 for taken, else the answer that this message will always get."""
        try:
            async with self._session.post(
                self._config.url, data=message.body, headers=self._signed(message), allow_redirects=False
            ) as answer:
                status = answer.status
                # The answer is in its status: a body that does not end, or is cut off, changes nothing.
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    await answer.content.read(ANSWER)
        except TimeoutError:
            msg = f"no answer within {self._config.timeout_s:g} s"
            raise LinkError(msg) from None
        except aiohttp.InvalidURL:
            raise LinkError("the URL cannot be used") from None
        except aiohttp.ClientConnectorError as error:
            msg = f"{error.host} port {error.port}: {why(error.os_error)}"
            raise LinkError(msg) from error
        except aiohttp.ClientResponseError as error:  # its own words hold the URL, which may be a secret
            msg = f"no HTTP answer: {' '.join(error.message.split())}"
            raise LinkError(msg) from None
        except (aiohttp.ClientError, OSError) as error:
            raise LinkError(" ".join(str(error).split()) or type(error).__name__) from error
        if status // 100 == 2:
            return 0
        if status in OF_THE_MESSAGE:
            return status
        if status // 100 == 3:
            msg = f"{_words(status)}: redirects are not followed"
            raise LinkError(msg)
        after_s = _after(answer.headers.get("Retry-After"), time.time())
        raise NotYetError(_words(status), after_s)

    def _signed(self, message: Outgoing) -> dict[str, str]:
        """Who says so: fields of the Standard Webhooks specification; the id is there without a key, too."""
        if self._key is None:
            return {"webhook-id": message.uid}
        at = str(int(time.time()))
        signature = hmac.digest(self._key, b".".join((message.uid.encode(), at.encode(), message.body)), "sha256")
        return {
            "webhook-id": message.uid,
            "webhook-timestamp": at,
            "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
        }


def _key(text: str) -> bytes:
    """Key of the signature. ValueError for what should be base64 and is not."""
    if not text.startswith(KEY_PREFIX):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(KEY_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("hmac_file: what follows whsec_ is not base64") from None


def _after(said: str | None, now_s: float) -> float:
    """Seconds of a Retry-After (RFC 9110, 10.2.3), at most LONGEST_WAIT; 0 for none and for nonsense."""
    if said is None:
        return 0.0
    if DELAY.fullmatch(said):
        return min(float(said), LONGEST_WAIT)
    try:
        return min(max(0.0, parsedate_to_datetime(said).timestamp() - now_s), LONGEST_WAIT)
    except (ValueError, OverflowError):
        return 0.0


def _words(code: int) -> str:
    """An answer for people."""
    try:
        return f"HTTP {code} {HTTPStatus(code).phrase}"
    except ValueError:
        return f"HTTP {code}"
