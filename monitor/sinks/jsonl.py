"""Messages as JSON lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

AT_ONCE: Final = 65536
"""Bytes that are given to the system together: as much as a pipe holds on Linux."""


class JsonLines:
    """Writes each body as one line. A body is canonical JSON and so has no line break of its own."""

    def __init__(self, stream: BinaryIO) -> None:
        """``stream`` stays the caller's to close."""
        self._stream = stream
        self.written = 0

    def write(self, bodies: Iterable[bytes]) -> None:
        """Write and flush. BrokenPipeError and any other OSError are the caller's."""
        held = bytearray()
        for body in bodies:
            held += body
            held += b"\n"
            self.written += 1
            if len(held) >= AT_ONCE:
                self._stream.write(held)
                held = bytearray()
        self._stream.write(held)
        self._stream.flush()
