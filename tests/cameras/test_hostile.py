"""The hostile servers do what their names say, as raw sockets and a patient client see them."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import zlib
from asyncio.subprocess import DEVNULL
from contextlib import suppress
from xml.etree import ElementTree

import aiohttp
import pytest

from tests.cameras import hostile
from tests.cameras.asking import needed
from tests.cameras.hostile import NAMES, Enemy, certificate_that_changes, documents, listening, table, witnessing

QUESTION = b"GET /ISAPI/System/deviceInfo HTTP/1.1\r\nHost: camera\r\n\r\n"


async def taken(enemy: Enemy, limit: int = 100_000, seconds: float = 0.3) -> bytes:
    """What comes after one question, up to a limit."""
    reader, writer = await asyncio.open_connection(*enemy.address.split(":"))
    got = bytearray()
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(seconds):
            writer.write(QUESTION)
            while len(got) < limit and (piece := await reader.read(65536)):
                got += piece
    writer.transport.abort()
    return bytes(got)


def test_there_are_enough_of_them() -> None:
    """30 servers and 12 documents, as the test matrix asks."""
    assert len([name for name in NAMES if not name.startswith("XML: ")]) >= 30
    assert len(documents()) >= 12


async def test_each_listens_hears_and_ends() -> None:
    """Each hears what is sent to it and answers, but the silent one; its context ends at once though a visitor was there."""
    servers = table()
    for name in NAMES:
        async with asyncio.timeout(5):
            async with listening(servers[name]) as enemy:
                got = await taken(enemy, limit=1, seconds=0.1 if name == "silent" else 5)
            assert (name, enemy.connections, bytes(enemy.heard)) == (name, 1, QUESTION)
        assert (name, bool(got)) == (name, name != "silent")


async def test_redirects_lead_to_the_witness() -> None:
    """A client that follows redirects is counted by the witness; so the count is worth something."""
    async with listening(witnessing) as witness, listening(table(witness.address)["307 elsewhere"]) as enemy:
        async with aiohttp.ClientSession() as session, session.get(enemy.url) as response:
            assert response.status == 200
        assert witness.connections == 1


LEADING = (
    "301 elsewhere",
    "307 elsewhere",
    "308 to https elsewhere",
    "302 without a scheme",
    "refresh elsewhere",
    "Digest that covers elsewhere",
)


@pytest.mark.parametrize(
    "name", [*LEADING, *(f"XML: {each}" for each in ("entity of another host", "parameter entity", "external DTD"))]
)
async def test_what_leads_elsewhere_names_the_witness(name: str) -> None:
    async with listening(table("192.0.2.77:8080")[name]) as enemy:
        got = await taken(enemy, limit=1, seconds=5)
    assert b"//192.0.2.77:8080/" in got
    if name == "refresh elsewhere":
        assert b"Refresh: 0; url=http://192.0.2.77:8080/" in got


async def test_a_credulous_client_gives_its_password_to_basic() -> None:
    """What a client without care sends is found in what was heard."""
    async with listening(table()["Basic only"]) as enemy:
        curl = await asyncio.create_subprocess_exec(
            needed("curl"), "-s", "--anyauth", "-u", "admin:secret", enemy.url, stdout=DEVNULL
        )
        assert await curl.wait() == 0
    assert b"Basic YWRtaW46c2VjcmV0" in enemy.heard


@pytest.mark.parametrize("name", ["endless chunks", "endless body", "endless chunk extension", "endless trailers"])
async def test_endless_means_more_than_anybody_takes(name: str) -> None:
    async with listening(table()[name]) as enemy:
        assert len(await taken(enemy, limit=5_000_000, seconds=5)) >= 5_000_000


async def test_slow_means_slow() -> None:
    """In a second and a half come two bytes of the body."""
    async with listening(table()["1 byte a second, body"]) as enemy:
        assert (await taken(enemy, seconds=1.5)).partition(b"\r\n\r\n")[2] == b"<a"


async def test_bombs_are_small_outside() -> None:
    """64 MiB in less than 100 kB, and in two layers in less than a kB."""
    hostile._bomb(), hostile._bomb(2)
    async with listening(table()["gzip bomb"]) as one, listening(table()["gzip in gzip bomb"]) as two:
        body, twice = [(await taken(enemy, seconds=0.5)).partition(b"\r\n\r\n")[2] for enemy in (one, two)]
    assert len(body) < 100_000
    assert len(twice) < 1_000
    assert len(gzip.decompress(body)) == 64 << 20
    assert zlib.decompressobj(31).decompress(twice) == body


@pytest.mark.parametrize(
    "name", ["broken UTF-8", "UTF-16 called UTF-8", "unknown encoding", "never closed", "NUL bytes", "UTF-7"]
)
def test_broken_documents_are_broken(name: str) -> None:
    """An ordinary parser refuses them."""
    with pytest.raises((ElementTree.ParseError, LookupError, ValueError)):
        ElementTree.fromstring(documents()[name]())


def test_large_documents_are_large() -> None:
    made = documents()
    assert made["depth of 200,000"]().count(b"<a>") == 200_000
    assert len(made["flat 30 MB"]()) > 29_000_000
    assert len(made["token of 2 MB"]()) > 2_000_000


async def test_the_certificate_changes() -> None:
    """Two connections see two keys."""
    client = ssl.create_default_context()
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    seen = set()
    async with listening(witnessing, tls=certificate_that_changes()) as enemy:
        for _ in range(2):
            _, writer = await asyncio.open_connection(*enemy.address.split(":"), ssl=client)
            seen.add(writer.get_extra_info("ssl_object").getpeercert(binary_form=True))
            writer.transport.abort()
    assert len(seen) == 2
