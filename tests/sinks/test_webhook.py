"""The webhook against a real endpoint that is slow, busy, wrong, elsewhere or gone."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from aiohttp import web

from monitor.sinks import webhook
from monitor.sinks.trust import Tls
from monitor.sinks.webhook_config import WebhookConfig
from monitor.store import Store
from monitor.store.worker import StoreWorker
from tests.sinks.conftest import make_transition
from tests.sinks.listening import Endpoint, serving
from tests.sinks.test_mqtt_tls import Authority
from tests.sinks.test_syslog import Eager, body, journal, running, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from monitor.sinks.sender import Sender

SINK = "webhook/soc"


@pytest_asyncio.fixture
async def owing(tmp_path: Path) -> AsyncIterator[StoreWorker]:
    worker = StoreWorker(Store.open(tmp_path / "state", sensor="hall-1", sinks=[SINK]))
    yield worker
    await worker.close()


@pytest_asyncio.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    serving = Endpoint()
    await serving.start()
    yield serving
    await serving.kill()


def sink_for(endpoint: Endpoint, worker: StoreWorker, **options: Any) -> Sender:
    url = options.pop("url", f"http://127.0.0.1:{endpoint.port}/hook?site=7")
    return webhook.sink(WebhookConfig(name="soc", url=url, **options), worker.outbox(SINK), backoff=Eager())


def sequences(bodies: list[bytes]) -> list[int]:
    return [json.loads(each)["metadata"]["sequence"] for each in bodies]


def once(*statuses: int, **headers: str) -> Any:
    """These answers first, then 204."""
    left = list(statuses)

    async def answer(request: web.Request, body: bytes) -> web.StreamResponse:
        return web.Response(status=left.pop(0), headers=headers) if left else web.Response(status=204)

    return answer


@pytest.mark.asyncio
async def test_nothing_is_lost_or_reordered_while_the_endpoint_is_killed(owing: StoreWorker) -> None:
    """All messages as they are in the journal, in order, though it dies twice."""
    endpoint = Endpoint()
    await endpoint.start()
    total = 200
    sink = sink_for(endpoint, owing)
    async with running(sink):
        appending = asyncio.create_task(journal(owing, range(total)))
        for share in (0.2, 0.6):
            await until(lambda share=share: len(endpoint.bodies) > total * share)
            await endpoint.kill()
            await until(lambda: not sink.state.connected)
            await endpoint.start()
        await appending
        assert await sink.drain(20)
    await endpoint.kill()
    assert list(dict.fromkeys(sequences(endpoint.bodies))) == list(range(1, total + 1))
    kept = await owing.call(lambda store: store.since(1, total))
    assert list(dict.fromkeys(endpoint.bodies)) == [each.body for each in kept]
    headers, _ = endpoint.requests[0]
    assert headers["Content-Type"] == "application/json"
    assert headers["webhook-id"] == kept[0].uid


@pytest.mark.asyncio
@pytest.mark.parametrize("status", [500, 502, 503, 429, 408, 401, 403, 404])
async def test_an_answer_about_the_endpoint_is_asked_again(owing: StoreWorker, endpoint: Endpoint, status: int) -> None:
    """However often: nothing is put aside, nothing overtakes."""
    endpoint.answer = once(*[status] * 7)
    await journal(owing, range(3))
    sink = sink_for(endpoint, owing)
    async with running(sink):
        assert await sink.drain(10)
    assert sequences(endpoint.bodies) == [1, 2, 3]
    assert len(endpoint.requests) == 10
    assert sink.state.last_error is not None
    assert sink.state.last_error.startswith(f"HTTP {status} ")
    assert (sink.state.parked, sink.state.connected) == (0, True)


@pytest.mark.asyncio
@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_message_that_will_never_be_taken_is_put_aside(
    owing: StoreWorker, endpoint: Endpoint, status: int
) -> None:
    """With the reason, and what is behind it arrives; it can be owed again."""
    endpoint.answer = once(status)
    await journal(owing, range(3))
    sink = sink_for(endpoint, owing)
    async with running(sink):
        assert await sink.drain(10)
        assert sequences(endpoint.bodies) == [2, 3]
        ((seq, reason),) = await owing.call(lambda store: store.parked(SINK))
        assert (seq, reason.startswith(f"HTTP {status} ")) == (1, True)
    assert await owing.outbox(SINK).unpark() == 1
    async with running(sink_for(endpoint, owing)):
        await until(lambda: sequences(endpoint.bodies) == [2, 3, 1])


@pytest.mark.asyncio
@pytest.mark.parametrize("said", ["1", "date"])
async def test_retry_after_is_obeyed(owing: StoreWorker, endpoint: Endpoint, said: str) -> None:
    """In seconds or as a date, and no request comes before."""
    after = "1" if said == "1" else formatdate(time.time() + 2, usegmt=True)
    endpoint.answer = once(429, **{"Retry-After": after})
    await journal(owing, range(1))
    sink = sink_for(endpoint, owing)
    began = time.monotonic()
    async with running(sink):
        assert await sink.drain(10)
    assert time.monotonic() - began >= 1.0
    assert len(endpoint.requests) == 2


@pytest.mark.parametrize(
    ("said", "seconds"), [(None, 0), ("120", 120), ("9" * 9, 3600), ("-5", 0), ("soon", 0), ("9" * 40, 0)]
)
def test_a_senseless_retry_after_is_bounded(said: str | None, seconds: float) -> None:
    """Nobody silences the sink for longer than an hour."""
    assert webhook._after(said, time.time()) == seconds


@pytest.mark.asyncio
async def test_a_redirect_is_not_followed(owing: StoreWorker, endpoint: Endpoint, tmp_path: Path) -> None:
    """The secret goes where it was configured to go and nowhere else."""
    elsewhere = Endpoint()
    await elsewhere.start()
    endpoint.answer = once(307, 301, Location=f"http://127.0.0.1:{elsewhere.port}/")
    await journal(owing, range(1))
    sink = sink_for(endpoint, owing)
    async with running(sink):
        assert await sink.drain(10)
    await elsewhere.kill()
    assert elsewhere.requests == []
    assert sink.state.last_error == "HTTP 301 Moved Permanently: redirects are not followed"


@pytest.mark.asyncio
async def test_an_endpoint_that_hangs_is_given_up_and_asked_again(owing: StoreWorker, endpoint: Endpoint) -> None:
    """After the time that it has; the message is still the next."""
    hanging = asyncio.Event()

    async def answer(request: web.Request, body: bytes) -> web.StreamResponse:
        if len(endpoint.requests) == 1:
            await hanging.wait()
        return web.Response(status=200)

    endpoint.answer = answer
    await journal(owing, range(2))
    sink = sink_for(endpoint, owing, timeout_s=1)
    async with running(sink):
        assert await sink.drain(10)
    hanging.set()
    assert sink.state.last_error == "no answer within 1 s"
    assert list(dict.fromkeys(sequences(endpoint.bodies))) == [1, 2]


@pytest.mark.asyncio
async def test_what_is_no_http_does_not_bring_the_url_to_light(owing: StoreWorker) -> None:
    """Chat services put their secret into it, and errors are shown in the log and on the broker."""

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example ESMTP\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/services/T000/SECRET?key=SECRET"
    await journal(owing, range(1))
    sink = webhook.sink(WebhookConfig(name="soc", url=url), owing.outbox(SINK), backoff=Eager())
    async with running(sink):
        await until(lambda: sink.state.last_error is not None)
    server.close()
    assert sink.state.last_error is not None
    assert sink.state.last_error.startswith("no HTTP answer")
    assert "SECRET" not in sink.state.last_error


@pytest.mark.asyncio
async def test_an_answer_without_end_is_not_read_to_its_end(owing: StoreWorker, endpoint: Endpoint) -> None:
    """2xx is the answer, whatever comes after it."""
    written = 0

    async def answer(request: web.Request, body: bytes) -> web.StreamResponse:
        nonlocal written
        endless = web.StreamResponse(status=200)
        await endless.prepare(request)
        while written < 64 << 20:
            await endless.write(b"x" * 65536)
            written += 65536
        return endless

    endpoint.answer = answer
    await journal(owing, range(1))
    sink = sink_for(endpoint, owing)
    async with running(sink):
        assert await sink.drain(10)
    assert written < 32 << 20
    assert len(endpoint.requests) == 1


@pytest.mark.asyncio
async def test_who_says_so(owing: StoreWorker, tmp_path: Path) -> None:
    """A token in its field and a signature that anyone with the key can check; both files are read again."""
    authority = Authority(tmp_path, "right")
    endpoint = Endpoint(serving(authority, "localhost", tmp_path))
    await endpoint.start()
    token, key = tmp_path / "token", tmp_path / "key"
    token.write_text("Bearer old\n")
    key.write_text("whsec_" + base64.b64encode(b"0123456789abcdef").decode() + "\n")
    for each in (token, key):
        each.chmod(0o600)

    async def answer(request: web.Request, body: bytes) -> web.StreamResponse:
        return web.Response(status=204 if request.headers["Authorization"] == "Bearer new" else 401)

    endpoint.answer = answer
    await journal(owing, range(1))
    sink = sink_for(
        endpoint, owing, url=f"https://localhost:{endpoint.port}/", tls=Tls(ca=str(authority.path)),
        token_file=str(token), hmac_file=str(key),
    )  # fmt: skip
    async with running(sink):
        await until(lambda: endpoint.requests)
        token.write_text("Bearer new\n")
        assert await sink.drain(10)
    await endpoint.kill()
    headers, sent = endpoint.requests[-1]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + sent
    expected = hmac.new(b"0123456789abcdef", signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(expected).decode()}"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    assert sink.state.last_error == "HTTP 401 Unauthorized"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("trusted", "called", "complaint"),
    [
        ("wrong", "localhost", "certificate verify failed"),
        ("right", "elsewhere", "Hostname mismatch"),
        ("missing", "localhost", "No such file"),
    ],
)
async def test_an_endpoint_that_is_not_the_one_gets_nothing(
    owing: StoreWorker, tmp_path: Path, trusted: str, called: str, complaint: str
) -> None:
    """A wrong authority, a wrong name, no file: no request, and the state says why."""
    right, _ = Authority(tmp_path, "right"), Authority(tmp_path, "wrong")
    endpoint = Endpoint(serving(right, called, tmp_path))
    await endpoint.start()
    await journal(owing, range(1))
    tls = Tls(ca=str(tmp_path / f"{trusted}.pem"))
    sink = sink_for(endpoint, owing, url=f"https://localhost:{endpoint.port}/", tls=tls)
    async with running(sink):
        await until(lambda: sink.state.last_error)
        assert not await sink.drain(0.2)
    await endpoint.kill()
    assert endpoint.requests == []
    assert complaint in (sink.state.last_error or "")


@pytest.mark.asyncio
async def test_a_secret_that_everybody_may_read_is_not_used(
    owing: StoreWorker, endpoint: Endpoint, tmp_path: Path
) -> None:
    """One line says what to do, and nothing is sent meanwhile."""
    key = tmp_path / "key"
    key.write_text("secret")
    key.chmod(0o644)
    await owing.append([make_transition(1)], body)
    sink = sink_for(endpoint, owing, hmac_file=str(key))
    async with running(sink):
        await until(lambda: sink.state.last_error)
        assert "chmod o-r" in (sink.state.last_error or "")
        assert endpoint.requests == []
        key.chmod(0o600)
        assert await sink.drain(10)
