"""Canary: a planted attempt, sent at an interval, that the sensor must see on its tap."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from monitor.config import CanaryConfig

log = structlog.get_logger()

PAYLOAD = b"camwarden canary\n"


async def send_canaries(config: CanaryConfig) -> None:
    """Send one datagram after another, each from a port of its own, until cancelled.

    One that cannot be sent is told once, and again when that changes: that it is missed is the sensor's to say.
    """
    family = socket.AF_INET6 if ipaddress.ip_address(config.address).version == 6 else socket.AF_INET
    failed: str | None = None
    while True:
        try:
            with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
                sender.sendto(PAYLOAD, (config.address, config.port))
            reason = None
        except OSError as error:
            reason = error.strerror or str(error)
        if reason != failed:
            failed = reason
            if reason is not None:
                log.error("canary cannot be sent", to=config.address, why=reason)
        await asyncio.sleep(config.every_s)
