"""Hostile devices: nothing they say leads elsewhere, costs more than its bound, or draws out a password."""

from __future__ import annotations

import asyncio
import base64
import gc
import socket
import sys
import time
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from collectors.poll.addresses import refusal
from collectors.poll.client import Client, NoAnswer, Request
from collectors.poll.reply import Outcome
from collectors.poll.target import Api, Limits, Target, Tls, Verification
from tests.collectors.poll_hostile import hostiles
from tests.collectors.poll_servers import PASSWORD, USER, DigestServer, password_file, poll, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

QUICK = Limits(question_s=0.12, poll_s=0.2, silent=2)
SLACK_S = 1.0
"""What a busy machine may add to a deadline."""
MEMORY = 32 << 20
"""Octets over base (T15, T16)."""
NAMES = sorted(hostiles(1))
SOAP = ("redirect 307", "Basic only", "another realm", "a proxy's", "answers before", "everything", "service", "an XML", "open",
        "half", "tokens", "categories", "closing at once", "a gzip bomb")  # fmt: skip
"""Begins of the names that meet more than the client where ONVIF is asked."""
CASES = [(name, Api.ISAPI) for name in NAMES] + [(name, Api.ONVIF) for name in NAMES if name.startswith(SOAP)]


class Watch:
    """Every connection and name that the process asks for, from Python's own audit events."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[tuple[str, Any]] = []
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.on and event in {"socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"}:
            self.seen.append((event, arguments[1] if event == "socket.connect" else arguments[0]))


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()


@pytest.fixture
def trap() -> Iterator[socket.socket]:
    """Listens where redirects lead; nobody may come."""
    with socket.socket() as listening:
        listening.bind(("", 0))
        listening.listen()
        listening.setblocking(False)
        yield listening


@asynccontextmanager
async def hostile(name: str, trap: socket.socket) -> AsyncIterator[tuple[Target, bytearray]]:
    """The named server, and what it receives."""
    misbehave = hostiles(trap.getsockname()[1])[name]
    octets = bytearray()
    tasks = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        tasks.add(task)
        feed = reader.feed_data
        reader.feed_data = lambda data: (octets.extend(data), feed(data))[1]  # type: ignore[method-assign]
        octets.extend(reader._buffer)  # type: ignore[attr-defined]
        try:
            await misbehave(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield Target("cam", ip_address("127.0.0.1"), port, (Api.ISAPI,), special=True), octets
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1)


def memory(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


def test_there_are_enough_of_them() -> None:
    """Thirty are asked for (T16)."""
    assert len(NAMES) >= 60


@pytest.mark.parametrize(("name", "api"), CASES)
async def test_hostile(name: str, api: Api, watch: Watch, trap: socket.socket, tmp_path: Path) -> None:
    """Nothing off target, in time, in bounds, no reusable credential, and a reply that says what became of it."""
    async with hostile(name, trap) as (target, octets):
        given = target._replace(apis=(api,), user=USER, password_file=password_file(tmp_path))
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")
        base = memory("VmRSS")
        watch.seen.clear()
        watch.on = True
        begun = time.monotonic()
        replies = await poll(given, limits=QUICK)
        took = time.monotonic() - begun
        watch.on = False
        peak = memory("VmHWM") - base
    assert took <= QUICK.poll_s + SLACK_S
    assert peak <= MEMORY
    assert watch.seen
    assert {place for _, place in watch.seen} == {("127.0.0.1", target.port)}
    with pytest.raises(BlockingIOError):
        trap.accept()
    assert octets == b"" or octets.startswith((b"GET /ISAPI/System/deviceInfo", b"POST /onvif/device_service"))
    lower = bytes(octets).lower()
    assert PASSWORD.encode() not in octets
    assert base64.b64encode(f"{USER}:{PASSWORD}".encode()) not in octets
    assert b"authorization: basic" not in lower
    assert b"cookie" not in lower
    assert octets.count(b"Authorization: Digest") + octets.count(b"<UsernameToken>") <= 2 or name in TAKES_ANYTHING
    assert replies
    for reply in replies:
        assert PASSWORD not in reply.why
        assert len(reply.body) <= QUICK.body
        assert (reply.outcome is Outcome.ANSWERED) == (reply.why == "")
    if name not in ANSWERS:
        assert {reply.outcome for reply in replies} & {Outcome.FAILED, Outcome.REFUSED, Outcome.UNSUPPORTED}
        assert not [reply for reply in replies if reply.outcome is Outcome.ANSWERED]


ANSWERS = {
    "everything back",
    "service addresses elsewhere",
    "an XML bomb",
    "open tags",
    "half a clock",
    "tokens of blanks",
    "categories of blanks",
    "brackets",
    "cookies",
    "an odd content type",
    "two lengths",
    "a length and chunks",
    "bare line feeds and folds",
}
"""What is HTTP with a body within bounds is an answer, as odd as it may be: its parser is another's care."""
TAKES_ANYTHING = ANSWERS
"""Whoever answers 200 to an ONVIF question takes its token, so the next question has one too."""


@pytest.mark.parametrize("name", ["silence", "junk", "closing at once", "a status line without end"])
async def test_hostile_over_tls(name: str, trap: socket.socket, tmp_path: Path) -> None:
    """Before TLS stands, no octet of HTTP passes, and the deadline holds."""
    async with hostile(name, trap) as (target, octets):
        tls = Tls(Verification.PIN, pin=bytes(32))
        begun = time.monotonic()
        replies = await poll(target._replace(tls=tls, user=USER, password_file=password_file(tmp_path)), limits=QUICK)
        assert time.monotonic() - begun <= QUICK.poll_s + SLACK_S
    assert {reply.outcome for reply in replies} == {Outcome.FAILED}
    assert b"HTTP/1.1" not in octets


async def test_the_loop_is_not_held_up(trap: socket.socket) -> None:
    """While a device floods, other tasks of the daemon run at least every 50 ms."""
    floods = ("chunks of one octet without end", "interim responses without end", "10 MB of headers")
    documents = ("half a clock", "tokens of blanks", "categories of blanks", "open tags", "service addresses elsewhere")
    for name in floods + documents:
        async with hostile(name, trap) as (target, _):
            lags: list[float] = []

            async def tick(lags: list[float] = lags) -> None:
                while True:
                    begun = time.thread_time()
                    await asyncio.sleep(0)
                    lags.append(time.thread_time() - begun)

            ticking = asyncio.create_task(tick())
            await poll(target._replace(apis=(Api.ONVIF if name in documents else Api.ISAPI,)), limits=QUICK)
            ticking.cancel()
        assert max(lags) <= 0.05


@pytest.mark.parametrize("name", ["interim responses without end", "chunks of one octet without end"])
async def test_floods_end_by_their_octets(name: str, trap: socket.socket) -> None:
    """Not only by the deadline: what no limit of the parser counts, the socket does."""
    async with hostile(name, trap) as (target, _):
        (reply,) = await poll(target, limits=Limits(question_s=20, poll_s=20, silent=1))
    assert reply.why == "more octets than an answer may have"


async def test_the_names_of_a_host_are_never_resolved(watch: Watch) -> None:
    """A Host header is text; the address stays."""
    async with serving(DigestServer()) as site:
        watch.seen.clear()
        watch.on = True
        await poll(site.target(host="rebind.example"), limits=QUICK)
        watch.on = False
    assert {place for _, place in watch.seen} == {("127.0.0.1", site.port)}
    assert {asked.headers["host"] for asked in site.asked} == {"rebind.example"}


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "169.254.169.254", "169.254.1.1", "fe80::1", "fe80::1%eth0",
        "224.0.0.1", "239.255.255.250", "ff02::1", "255.255.255.255", "240.0.0.1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "fd00:ec2::254", "100.100.100.200", "168.63.129.16",
    ],
)  # fmt: skip
def test_addresses_that_no_camera_has(address: str) -> None:
    """Refused before a socket is made, unless the configuration names that very address."""
    assert refusal(ip_address(address))
    with pytest.raises(NoAnswer, match="not asked"):
        Client(Target("cam", ip_address(address), 80, (Api.ISAPI,)), QUICK)


@pytest.mark.parametrize(
    "address", ["10.1.2.3", "192.168.1.64", "172.16.0.9", "100.64.3.4", "8.8.8.8", "fd12::5", "2001:db8::1"]
)
def test_addresses_that_a_camera_may_have(address: str) -> None:
    assert refusal(ip_address(address)) == ""


async def test_what_goes_out() -> None:
    """One request a connection, no compression accepted, nothing about this machine."""
    async with serving(DigestServer()) as site, Client(site.target(), QUICK) as client:
        await client.exchange(Request("GET", "/a%20b?c=d%26e"))
        await client.exchange(Request("POST", "/x", b"{}", "application/json"))
    get, post = site.asked
    assert get.path == "/a%20b?c=d%26e"
    assert get.headers == {
        "host": f"127.0.0.1:{site.port}",
        "accept-encoding": "identity",
        "user-agent": "camwarden",
        "connection": "close",
        "accept": "*/*",
    }
    assert post.headers["content-type"] == "application/json"
    assert post.body == b"{}"
    assert site.connections == 2


async def test_over_ipv6() -> None:
    """The address in brackets, and nothing else of it different."""
    async with serving(DigestServer(), host="::1") as site:
        target = site.target(address=ip_address("::1"))
        client = await Client(target, QUICK).__aenter__()
        assert (await client.exchange(Request("GET", "/"))).status == 401
        await client.__aexit__(None, None, None)
    assert site.asked[0].headers["host"] == f"[::1]:{site.port}"


async def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor a .netrc."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.2:9")
    async with serving(DigestServer()) as site, Client(site.target(), QUICK) as client:
        assert (await client.exchange(Request("GET", "/"))).status == 401
