"""Ports of this machine for servers that a test starts, and how to wait for one."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
from typing import Final

MANY: Final = 12_000
PORTS: Final = itertools.count(os.getpid() * 101)


def free_port() -> int:
    """One that nobody listens on, below those that Linux gives to connections (ip_local_port_range).

    Each process of tests begins elsewhere, so that another one hardly takes the same before the server has started.
    """
    for number in itertools.islice(PORTS, MANY):
        port = 20_000 + number % MANY
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
    raise RuntimeError("no port is free")


async def listening(port: int, within: float = 10) -> None:
    """Wait for a server on 127.0.0.1; TimeoutError after so many seconds."""
    async with asyncio.timeout(within):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
