"""Messages of a stream that begin with a header of fixed size which says how long the body is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import MalformedSeen, Want

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.model.facts import Fact

NONSENSE: Final = -1
"""The length of a body whose header cannot be one of the protocol's."""


class Frames:
    """Cuts one direction of a stream into messages; bodies too long to be of use are counted through, not held."""

    def __init__(self, header: int, body_length: Callable[[bytes], int], max_body: int) -> None:
        """``header`` in octets; ``body_length`` of a header, or NONSENSE; at most header + ``max_body`` are held."""
        self.lost = False
        """A header was nonsense: where messages begin is no longer known."""
        self._header = header
        self._body_length = body_length
        self._max_body = max_body
        self._held = bytearray()
        self._skip = 0

    def push(self, data: bytes) -> list[tuple[bytes, bytes | None]]:
        """Headers and bodies that are now complete; None in place of a body that is too long."""
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        if self.lost or not data:
            return []
        self._held += data
        messages: list[tuple[bytes, bytes | None]] = []
        at = 0
        while len(self._held) - at >= self._header:
            header = bytes(self._held[at : at + self._header])
            length = self._body_length(header)
            if length < 0:
                self.lost = True
                break
            end = at + self._header + length
            if length > self._max_body:
                messages.append((header, None))
                self._skip = max(0, end - len(self._held))
            elif end > len(self._held):
                break
            else:
                messages.append((header, bytes(self._held[at + self._header : end])))
            at = min(end, len(self._held))
        del self._held[:at]
        return messages


class FramedParser:
    """One direction of a connection that is nothing but such messages; so many of them are read."""

    def __init__(self, protocol: str, frames: Frames, max_messages: int) -> None:
        """``protocol`` is the layer of what is malformed."""
        self.want = Want.MORE
        self.protocol = protocol
        self._frames = frames
        self._max_messages = max_messages
        self._messages = 0

    def feed(self, data: bytes) -> list[Fact]:
        """Who speaks, once, and what the messages say."""
        facts: list[Fact] = []
        for header, body in self._frames.push(data):
            if self._messages == self._max_messages:
                break
            facts += self.read(header, body or b"", first=not self._messages)
            self._messages += 1
        if self._frames.lost:
            facts.append(MalformedSeen(self.protocol, "no message where one should begin"))
        if self._frames.lost or self._messages == self._max_messages:
            self.want = Want.STOP
        return facts

    def read(self, header: bytes, body: bytes, *, first: bool) -> list[Fact]:
        """What one message says; ``body`` is empty where it was too long to be held."""
        raise NotImplementedError
