"""A socket that counts what it receives: whatever a device sends, headers, framing or TLS, ends at a bound."""

from __future__ import annotations

import errno
import socket
from typing import Final

PIECE: Final = 16_384
"""Octets that are taken at once: what a hostile answer can make of them stays small, and the loop is not held up."""


class MeteredSocket(socket.socket):
    """Its reading end fails once ``allowance`` octets have come."""

    allowance = 0

    def recv(self, size: int, flags: int = 0) -> bytes:
        octets = super().recv(min(size, PIECE), flags)
        self._spend(len(octets))
        return octets

    def recv_into(self, buffer: bytearray | memoryview, nbytes: int = 0, flags: int = 0) -> int:  # type: ignore[override]  # what asyncio hands in
        most = min(nbytes or memoryview(buffer).nbytes, PIECE)
        count = super().recv_into(buffer, most, flags)
        self._spend(count)
        return count

    def _spend(self, octets: int) -> None:
        self.allowance -= octets
        if self.allowance < 0:
            raise OSError(errno.EMSGSIZE, "more than an answer may have")
