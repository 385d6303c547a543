"""What can be wrong with a capture, as a value and as the exception that carries it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Damage:
    """A capture that could not be read, or not to its end."""

    path: str
    """As the user gave it; "-" is standard input."""
    offset: int
    """Where reading stopped: bytes from the start of the capture, after decompression."""
    reason: str

    def __str__(self) -> str:
        """Give the one line that says what and where; at its start there is no where."""
        where = "standard input" if self.path == "-" else self.path
        return f"{where}: {self.reason}" + (f" (at byte {self.offset})" if self.offset else "")


class CaptureError(Exception):
    """A capture cannot be read on."""

    def __init__(self, path: str, offset: int, reason: str) -> None:
        """Take the fields of a Damage."""
        super().__init__(str(Damage(path, offset, reason)))
        self.path = path
        self.offset = offset
        self.reason = reason

    @property
    def damage(self) -> Damage:
        """The same as a value, to be kept."""
        return Damage(self.path, self.offset, self.reason)
