"""SDP: what media a session offers, and what its server calls itself (RFC 8866).

Strategy: line by line, and tolerant, for cameras leave out mandatory lines, end lines as they like and put attributes
anywhere. What cannot be read is skipped; of each media description only the first format is named.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from monitor.protocols.names import spell
from monitor.protocols.secrets import cut

MAX_BODY: Final = 65_536
"""Octets of a description; RTSP and SDP name no limit, five tracks with parameter sets take some 4,000."""
MAX_LINES: Final = 1_024
MAX_TRACKS: Final = 16
"""Media descriptions of one session: a camera has video, audio, metadata and a back channel (ONVIF Streaming, 5.3)."""
MAX_FORMATS: Final = 32
"""Payload types of one media description."""
MAX_READ: Final = 2_048
"""Octets of a line that are looked at: more than are kept, to see a secret that straddles the cut."""

STATIC: Final = {
    0: ("audio", "PCMU"), 3: ("audio", "GSM"), 4: ("audio", "G723"), 5: ("audio", "DVI4"), 6: ("audio", "DVI4"),
    7: ("audio", "LPC"), 8: ("audio", "PCMA"), 9: ("audio", "G722"), 10: ("audio", "L16"), 11: ("audio", "L16"),
    12: ("audio", "QCELP"), 13: ("audio", "CN"), 14: ("audio", "MPA"), 15: ("audio", "G728"), 16: ("audio", "DVI4"),
    17: ("audio", "DVI4"), 18: ("audio", "G729"), 25: ("video", "CELB"), 26: ("video", "JPEG"), 28: ("video", "NV"),
    31: ("video", "H261"), 32: ("video", "MPV"), 33: ("video", "MP2T"), 34: ("video", "H263"),
}  # fmt: skip
"""Payload types that need no rtpmap: media and encoding name (RFC 3551, 6, tables 4 and 5)."""
DIRECTIONS: Final = frozenset({"sendrecv", "sendonly", "recvonly", "inactive"})
"""RFC 8866, 6.7."""
_MAKERS: Final = frozenset({"packetization-supported", "rtppayload-supported"})
"""Session attributes of no standard whose value names the maker of the media stack ("DH", Dahua's)."""
_RTPMAP: Final = re.compile(r"(\d{1,3})\s+([^\s/]+)")
_LINE_END: Final = re.compile(rb"\r\n?|\n")


class Track(NamedTuple):
    """One media description (RFC 8866, 5.14)."""

    media: str
    codec: str | None
    """Encoding name of the first format, upper case."""
    direction: str | None
    """Its own, else the session's."""
    control: str | None
    """As it is spelled, relative or not; secrets are still in it."""
    payload_types: tuple[int, ...]


class Description(NamedTuple):
    """One session."""

    name: str | None
    """RFC 8866, 5.3; None if it is blank or "-"."""
    tool: str | None
    """RFC 8866, 6.16."""
    control: str | None
    """Of the session as a whole (RFC 2326, C.1.1)."""
    marks: tuple[str, ...]
    """Makers' own session attributes, "name:value"."""
    tracks: tuple[Track, ...]
    dropped: int
    """Lines and media descriptions beyond the bounds."""


class _Media:
    __slots__ = ("control", "direction", "formats", "media", "names")

    def __init__(self, value: str) -> None:
        fields = value.split()
        self.media = fields[0] if fields else ""
        self.formats = fields[3 : 3 + MAX_FORMATS]
        self.control: str | None = None
        self.direction: str | None = None
        self.names: dict[int, str] = {}

    def track(self, direction: str | None) -> Track:
        types = tuple(int(each) for each in self.formats if each.isascii() and each.isdigit() and len(each) <= 3)
        codec: str | None = None
        if types:
            codec = self.names.get(types[0]) or STATIC.get(types[0], (None, None))[1]
        elif self.names:
            codec = next(iter(self.names.values()))  # the format is no payload type, yet one is mapped
        media = spell(self.media.encode("latin-1"))
        return Track(media, codec, self.direction or direction, self.control, types)


def parse(body: bytes) -> Description:
    """The session that ``body`` describes; what cannot be read of it is left out."""
    lines = _LINE_END.split(body[:MAX_BODY], MAX_LINES)
    dropped = int(len(lines) > MAX_LINES or len(body) > MAX_BODY)
    name: str | None = None
    tool: str | None = None
    control: str | None = None
    direction: str | None = None
    marks: list[str] = []
    media: list[_Media] = []
    skipping = False
    for line in lines[:MAX_LINES]:
        if line[1:2] != b"=":
            continue
        kind, value = line[:1], line[2:MAX_READ].decode("latin-1").strip()
        if kind == b"m":
            skipping = len(media) >= MAX_TRACKS or not value
            dropped += skipping
            if not skipping:
                media.append(_Media(value))
        elif kind == b"s" and name is None:
            name = value
        elif kind == b"a" and not skipping:
            attribute, _, value = value.partition(":")
            attribute, value = attribute.lower(), value.strip()
            if attribute == "tool":  # a session's, wherever it stands
                tool = tool or value
            elif media:
                _describe(media[-1], attribute, value)
            elif attribute == "control":
                control = value
            elif attribute in DIRECTIONS:
                direction = attribute
            elif attribute in _MAKERS:
                marks.append(_kept(f"{attribute}:{value}"))
    tracks = tuple(each.track(direction) for each in media)
    return Description(_words(name), _words(tool), control, tuple(marks[: len(_MAKERS)]), tracks, dropped)


def _describe(media: _Media, attribute: str, value: str) -> None:
    if attribute == "control":
        media.control = media.control or value
    elif attribute in DIRECTIONS:
        media.direction = attribute
    elif attribute == "rtpmap" and len(media.names) < MAX_FORMATS:
        mapped = _RTPMAP.match(value)
        if mapped:
            media.names.setdefault(int(mapped[1]), _kept(mapped[2]).upper())


def _words(value: str | None) -> str | None:
    """Free text; "-" and a blank stand for none (RFC 8866, 5.3)."""
    return _kept(value) if value and value != "-" else None


def _kept(text: str) -> str:
    return spell(cut(text).encode("latin-1"))
