"""How the tests of the cameras ask: an HTTP session that logs in by Digest, and programs that may be absent."""

from __future__ import annotations

import asyncio
import shutil
from asyncio.subprocess import PIPE
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.cameras.serving import Camera


def logged_in(camera: Camera, *, keep: bool = True) -> aiohttp.ClientSession:
    """aiohttp's own Digest, with the password that the life has now. A kept connection that is lost is asked again silently."""
    digest = aiohttp.DigestAuthMiddleware(camera.life.user, camera.life.password)
    return aiohttp.ClientSession(
        camera.url, connector=aiohttp.TCPConnector(force_close=not keep), middlewares=(digest,)
    )


async def got(session: aiohttp.ClientSession, path: str, **more: Any) -> str:
    """The body of what must be answered with 200."""
    async with session.get(path, **more) as response:
        text = await response.text()
        assert response.status == 200, text
        return text


async def refused(session: aiohttp.ClientSession, path: str, method: str = "GET", **more: Any) -> tuple[int, str]:
    async with session.request(method, path, **more) as response:
        return response.status, await response.text()


def pairs(text: str) -> Mapping[str, str]:
    """Lines of key=value."""
    return dict(line.split("=", 1) for line in text.splitlines() if line)


def needed(program: str) -> str:
    """Its path; the test is skipped where it is absent."""
    return shutil.which(program) or pytest.skip(f"{program} is not installed")


async def curled(camera: Camera, path: str, *options: str) -> tuple[int, bytes]:
    """Status and body, as curl gets them by Digest."""
    life = camera.life
    command = [
        "-s",
        "-g",
        "--digest",
        "-u",
        f"{life.user}:{life.password}",
        "-w",
        "\n%{http_code}",
        *options,
        f"{camera.url}{path}",
    ]
    process = await asyncio.create_subprocess_exec(needed("curl"), *command, stdout=PIPE)
    output, _ = await process.communicate()
    body, _, status = output.rpartition(b"\n")
    return int(status), body


async def rebooted(camera: Camera, boots: int = 2) -> None:
    """Waits until it is up again, at most a second."""
    async with asyncio.timeout(1):
        while camera.life.boots < boots or camera.rebooting:
            await asyncio.sleep(0.005)
