"""What a fuzz target is, and how it takes its input apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Target(NamedTuple):
    """One parser and what it must bear."""

    run: Callable[[bytes], None]
    """Gives the parser these bytes. Raises for whatever a hostile input must not be able to do."""
    seeds: Callable[[], list[bytes]]
    """Inputs to begin with, well formed, made by the builders of pcaps/ and of the tests."""
    longest: int = 4096
    """Bytes of an input."""
    words: Callable[[], set[bytes]] = set
    """What a parser of this kind looks for."""


class Input:
    """Bytes that are used up from the front; past the end there are zeros."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def number(self, width: int = 1) -> int:
        """The next ``width`` bytes, big-endian."""
        return int.from_bytes(self.take(width).ljust(width, b"\0"), "big")

    def take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        self._at += len(taken)
        return taken

    def rest(self) -> bytes:
        return self.take(len(self._data))

    def messages(self, most: int = 16) -> Iterator[bytes]:
        """What follows as runs of bytes, each behind its length of two bytes."""
        while self and most:
            most -= 1
            yield self.take(self.number(2))


def joined(*messages: bytes) -> bytes:
    """What ``Input.messages`` takes apart."""
    return b"".join(len(message).to_bytes(2, "big") + message for message in messages)
