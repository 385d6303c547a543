"""A subscriber of our own messages: for the demo, which shows only what came back from the broker."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiomqtt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def subscribe(host: str, port: int, topic: str) -> AsyncIterator[AsyncIterator[bytes]]:
    """Bodies published below ``topic``, QoS 1, until the block ends. aiomqtt.MqttError if the broker goes."""
    async with aiomqtt.Client(host, port, protocol=aiomqtt.ProtocolVersion.V311) as client:
        await client.subscribe(topic, qos=1)

        async def bodies() -> AsyncIterator[bytes]:
            async for message in client.messages:
                if isinstance(message.payload, bytes):
                    yield message.payload

        yield bodies()
