"""Messages as JSON lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterable


class JsonLines:
    """Writes each body as one line. A body is canonical JSON and so has no line break of its own."""

    def __init__(self, stream: BinaryIO) -> None:
        """``stream`` stays the caller's to close."""
        self._stream = stream
        self.written = 0

    def write(self, bodies: Iterable[bytes]) -> None:
        """Write and flush. BrokenPipeError and any other OSError are the caller's."""
        for body in bodies:
            self._stream.write(body + b"\n")
            self.written += 1
        self._stream.flush()
