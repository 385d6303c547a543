"""Messages of a stream that begin with a header of fixed size which says how long the body is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import MalformedSeen, Want

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from monitor.model.exhibits import Spool
    from monitor.model.facts import Fact
    from monitor.protocols.image import Image

NONSENSE: Final = -1
"""The length of a body whose header cannot be one of the protocol's."""


class Frames:
    """Cuts one direction of a stream into messages; bodies too long to be of use are counted through, not held."""

    def __init__(
        self,
        header: int,
        body_length: Callable[[bytes], int],
        max_body: int,
        taker: Callable[[bytes], Callable[[bytes], None] | None] | None = None,
    ) -> None:
        """``header`` in octets; ``body_length`` of a header, or NONSENSE; at most header + ``max_body`` are held.

        ``taker`` of a header is who takes its body as it passes: of that nothing is held.
        """
        self.lost = False
        """A header was nonsense: where messages begin is no longer known."""
        self._header = header
        self._body_length = body_length
        self._max_body = max_body
        self._taker = taker
        self._take: Callable[[bytes], None] | None = None
        self._held = bytearray()
        self._skip = 0

    def push(self, data: bytes) -> Iterator[tuple[bytes, bytes | None]]:
        """Headers and bodies that are now complete; None in place of a body that is too long or taken as it passes.

        What is done with one message comes before the next one is looked at.
        """
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            if self._take is not None:
                self._take(data[:skipped])
            data = data[skipped:]
        if self.lost or not data:
            return
        self._held += data
        at = 0
        while len(self._held) - at >= self._header:
            header = bytes(self._held[at : at + self._header])
            length = self._body_length(header)
            if length < 0:
                self.lost = True
                break
            end = at + self._header + length
            self._take = self._taker(header) if self._taker is not None else None
            if self._take is not None:
                self._take(bytes(self._held[at + self._header : end]))
                self._skip = max(0, end - len(self._held))
                yield header, None
            elif length > self._max_body:
                self._skip = max(0, end - len(self._held))
                yield header, None
            elif end > len(self._held):
                break
            else:
                yield header, bytes(self._held[at + self._header : end])
            at = min(end, len(self._held))
        del self._held[:at]


class FramedParser:
    """One direction of a connection that is nothing but such messages; so many of them are read.

    Those of a firmware that passes are read to its end: ``image`` is what has passed of it.
    """

    image: Image | None = None
    spool: Spool | None = None

    def __init__(self, protocol: str, frames: Frames, max_messages: int) -> None:
        """``protocol`` is the layer of what is malformed."""
        self.want = Want.MORE
        self.protocol = protocol
        self._frames = frames
        self._max_messages = max_messages
        self._messages = 0

    def spool_to(self, spool: Spool) -> None:
        """Images of this connection are to be kept there."""
        self.spool = spool

    def feed(self, data: bytes) -> list[Fact]:
        """Who speaks, once, and what the messages say."""
        facts: list[Fact] = []
        for header, body in self._frames.push(data):
            if self._messages >= self._max_messages and self.image is None:
                break
            facts += self.read(header, body or b"", first=not self._messages)
            self._messages += 1
        if self._frames.lost:
            facts.append(MalformedSeen(self.protocol, "no message where one should begin"))
        if self._frames.lost:
            facts += self.told(complete=False)
        if self._frames.lost or (self._messages >= self._max_messages and self.image is None):
            self.want = Want.STOP
        return facts

    def ended(self, whole: bool) -> list[Fact]:  # noqa: ARG002, FBT001  a connection's end is no end of a file
        """No more will come, or octets are missing: where messages begin is no longer known."""
        return self.told(complete=False)

    def told(self, *, complete: bool) -> list[Fact]:
        """The firmware has passed, or stopped passing."""
        image, self.image = self.image, None
        return list(image.fact(complete=complete)) if image is not None else []

    def read(self, header: bytes, body: bytes, *, first: bool) -> list[Fact]:
        """What one message says; ``body`` is empty where it was too long to be held."""
        raise NotImplementedError
