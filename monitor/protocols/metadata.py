"""ONVIF metadata over RTP: what a camera's analytics see, and the events that happen (ONVIF Streaming Specification).

Strategy: a document of XML is cut over as many packets as it needs, the last of which has the marker bit; so the bodies
of a source in sequence are one stream of events, which is searched as any other (see answers.events). Compressed
documents are gzip, each by itself. EXI is not read.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from monitor.model.facts import Want
from monitor.protocols import rtp

if TYPE_CHECKING:
    from monitor.model.facts import Fact

NAME: Final = "METADATA"
"""In the encoding names "vnd.onvif.metadata" and "vnd.onvif.metadata.gzip" (Streaming Specification, 5.1.2.1.1)."""
MAX_READ: Final = 256 * 1024 * 1024
"""Octets of one stream that are searched: a day and more of what analytics send, and no endless work where a device
calls metadata what is none."""
MAX_INFLATED: Final = 65_536
"""Octets that one packet may come to: 1,400 that inflate fortyfold."""

_GZIP: Final = "GZIP"
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_MARKER: Final = 0x80


def carries(codec: str | None) -> bool:
    """Whether this encoding name is metadata's."""
    return codec is not None and NAME in codec.upper()


class Metadata:
    """One stream of metadata, packet after packet."""

    def __init__(self, codec: str) -> None:
        """``codec`` is the encoding name, as the session has it."""
        from monitor.protocols.answers import EventStream

        self.want = Want.MORE
        self._events = EventStream("onvif", MAX_READ)
        self._zipped = _GZIP in codec.upper()
        self._document = zlib.decompressobj(_GZIP_WINDOW) if self._zipped else None
        """What the present document is inflated with; None: it is not compressed, or is broken up to its end."""
        self._next = -1
        """The sequence number that goes on; -1: any."""

    def feed(self, packet: bytes) -> list[Fact]:
        """The events that this RTP packet is the first to name."""
        header = rtp.header(packet, len(packet))
        if self.want is Want.STOP or header is None:
            return []
        if header.sequence != self._next and self._next >= 0:
            self._events.gap()
            self._document = None
        self._next = (header.sequence + 1) & 0xFFFF
        body = rtp.body(packet)
        facts = self._events.feed(self._inflated(body) if self._zipped else body)
        if packet[1] & _MARKER and self._zipped:
            self._document = zlib.decompressobj(_GZIP_WINDOW)
        self.want = self._events.want
        return facts

    def _inflated(self, body: bytes) -> bytes:
        if self._document is None:
            return b""
        try:
            return self._document.decompress(body, MAX_INFLATED)
        except zlib.error:
            self._document = None
            self._events.gap()
            return b""


class Parser:
    """One direction of a UDP flow in which a session announced metadata."""

    def __init__(self, codec: str) -> None:
        """``codec`` is the encoding name, as the session has it."""
        self.want = Want.MORE
        self._source = rtp.Parser(announced=True)
        self._metadata = Metadata(codec)

    def feed(self, data: bytes) -> list[Fact]:
        """That there is metadata, once, and the events that this datagram is the first to name."""
        facts = self._source.feed(data) + self._metadata.feed(data)
        self.want = self._metadata.want
        return facts
