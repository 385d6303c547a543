"""What an RTSP session has agreed on: its tracks, where their media goes, and which request an answer is to.

Strategy: one Exchange is shared by the parsers of both directions. What only the other direction has said (the URI of
a SETUP) is looked up there by CSeq; where a mirror shows one direction alone, nothing is guessed.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from monitor.model.address import is_address
from monitor.model.facts import MediaSetup
from monitor.protocols.names import spell
from monitor.protocols.secrets import cut

if TYPE_CHECKING:
    from monitor.protocols.sdp import Track

MAX_WAITING: Final = 64
"""Requests of one direction that may wait for their answer; clients pipeline a handful (RFC 7826, 12)."""
MAX_CHANNELS: Final = 32
"""Interleaved channels that may be set up: two for each track that sdp.py reads."""
MAX_URI: Final = 1_024

_PAIR: Final = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
_ADDRESSES: Final = re.compile(r'"(?:\[([^\]"]*)\]|([^:"]*)):(\d{1,5})"')
"""One of RTSP 2.0's quoted host and port pairs (RFC 7826, 18.54)."""
_AUTHORITY: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/]*")


class Request(NamedTuple):
    """A request that waits for its answer; secrets are still in it."""

    method: bytes
    uri: str
    transport: str | None


class Transport(NamedTuple):
    """One Transport specification (RFC 2326, 12.39; RFC 7826, 18.54)."""

    interleaved: tuple[int, int] | None = None
    client_ports: tuple[int, int] | None = None
    server_ports: tuple[int, int] | None = None
    destination: str | None = None
    source: str | None = None


class Exchange:
    """What both directions of one connection know."""

    def __init__(self) -> None:
        self.tracks: tuple[Track, ...] = ()
        """Of the last description."""
        self.channels: dict[int, Track | None] = {}
        """Interleaved channels that were set up for RTP."""
        self.heard: set[int] = set()
        """Interleaved channels on which RTP passed."""
        self.dropped = 0
        """Requests that were forgotten before their answer came, and channels beyond the bounds."""
        self._waiting: tuple[OrderedDict[int, Request], ...] = (OrderedDict(), OrderedDict())

    def asked(self, direction: int, number: int | None, request: Request) -> None:
        """A request went in ``direction``; ``number`` is its CSeq."""
        if number is None:
            return
        waiting = self._waiting[direction]
        waiting[number] = request
        if len(waiting) > MAX_WAITING:
            waiting.popitem(last=False)
            self.dropped += 1

    def answered(self, direction: int, number: int | None, *, final: bool) -> Request | None:
        """The request that an answer going in ``direction`` is to, if it was seen."""
        if number is None:
            return None
        waiting = self._waiting[1 - direction]
        return waiting.pop(number, None) if final else waiting.get(number)

    def set_up(self, value: str, request: Request | None) -> MediaSetup:
        """What the Transport of a SETUP answer agrees on, with what the request adds."""
        agreed = transport_of(value)
        asked = (
            transport_of(request.transport) if request and request.transport and "," not in request.transport else None
        )
        if asked is not None:  # servers leave out what merely repeats the request
            if agreed.interleaved is None and agreed.client_ports is None and agreed.server_ports is None:
                agreed = agreed._replace(interleaved=asked.interleaved)
            if agreed.interleaved is None and agreed.client_ports is None:
                agreed = agreed._replace(client_ports=asked.client_ports)
        track = self._track_of(request)
        control = track.control if track is not None else None
        if control is None and request is not None:
            control = request.uri
        if agreed.interleaved is not None:
            if len(self.channels) < MAX_CHANNELS or agreed.interleaved[0] in self.channels:
                self.channels[agreed.interleaved[0]] = track
            else:
                self.dropped += 1
        return MediaSetup(
            media=track.media if track is not None else None,
            codec=track.codec if track is not None else None,
            control=spelled(control),
            interleaved=agreed.interleaved,
            client_ports=agreed.client_ports,
            server_ports=agreed.server_ports,
            destination=agreed.destination,
            source=agreed.source,
        )

    def track_on(self, channel: int, payload_type: int) -> Track | None:
        """The track whose media a channel carries: as set up, else the one that alone has the payload type."""
        track = self.channels.get(channel)
        if track is not None:
            return track
        fitting = [each for each in self.tracks if payload_type in each.payload_types]
        return fitting[0] if len(fitting) == 1 else None

    def _track_of(self, request: Request | None) -> Track | None:
        """The track that a SETUP is for. Controls are relative, absolute, or missing where there is but one track."""
        if len(self.tracks) == 1:
            return self.tracks[0]
        if request is None:
            return None
        uri = _AUTHORITY.sub("", request.uri).rstrip("/")
        found: Track | None = None
        longest = 0
        for track in self.tracks:
            control = _AUTHORITY.sub("", track.control or "").strip("/")
            if len(control) > longest and (uri == control or uri.endswith("/" + control)):
                found, longest = track, len(control)
        return found


def spelled(uri: str | None) -> str | None:
    """A URI as it is reported: without secrets."""
    return None if uri is None else spell(cut(uri).encode("latin-1", "replace"), MAX_URI)


def transport_of(value: str) -> Transport:
    """The first specification of a Transport header; what cannot be read is None."""
    interleaved = client = server = shared = None
    destination = source = None
    for parameter in value.partition(",")[0].split(";"):
        name, _, text = parameter.partition("=")
        name, text = name.strip().lower(), text.strip()
        if name == "interleaved":
            interleaved = _pair(text, 255)
        elif name == "client_port":
            client = _pair(text, 65_535)
        elif name == "server_port":
            server = _pair(text, 65_535)
        elif name == "port":  # of a multicast group
            shared = _pair(text, 65_535)
        elif name == "destination":
            destination = _address(text)
        elif name == "source":
            source = _address(text)
        elif name == "dest_addr":
            destination, client = _quoted(text)
        elif name == "src_addr":
            source, server = _quoted(text)
    return Transport(interleaved, client or shared, server, destination, source)


def _pair(text: str, most: int) -> tuple[int, int] | None:
    """Two numbers; one that stands alone is both."""
    found = _PAIR.match(text)
    if found is None:
        return None
    first, second = int(found[1]), int(found[2] or found[1])
    return (first, second) if first <= most and second <= most else None


def _quoted(text: str) -> tuple[str | None, tuple[int, int] | None]:
    found = _ADDRESSES.findall(text)
    if not found:
        return None, None
    ports = int(found[0][2]), int(found[-1][2])
    return _address(found[0][0] or found[0][1]), ports if max(ports) <= 65_535 else None


def _address(text: str) -> str | None:
    text = text.strip('"[]')
    return text if is_address(text) and "%" not in text else None
