"""RTSP: who asks a camera for pictures, what it offers, and that media passes (RFC 2326, RFC 7826).

Strategy: one parser reads either direction, for servers ask as well; both share an Exchange. Between messages stand
interleaved frames (RFC 2326, 10.12; RFC 7826, 14): of each channel the first RTP header is read, the rest is counted
through. Once every channel that was set up has been heard, or a bound is met, the parser stops: video is not for us.
Metadata is: a channel that carries it is read until the bound.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from monitor.model.facts import Malformed, MalformedSeen, RtspRequest, RtspResponse, SdpTrack, Want
from monitor.protocols import metadata, rtp, sdp
from monitor.protocols.http_fields import MAX_READ, Fields, length_of, realm_of, split, text_of
from monitor.protocols.names import spell
from monitor.protocols.rtsp_session import Exchange, Request, spelled

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "rtsp"
MAX_HEADER: Final = 16_384
"""Octets of a header section, as of HTTP's (RFC 7826, 20.4 leaves it to the recipient)."""
MAX_BODY: Final = 1_048_576
"""Octets of a body that is no description and is counted through to find the message behind it."""
MAX_MEDIA: Final = 1_048_576
"""Octets of interleaved media of one direction that are counted through: a large picture, and sound behind it."""
MAX_WITH_METADATA: Final = 16 * MAX_MEDIA
"""Where a channel carries metadata: as much as is searched of other streams of events (answers.events)."""
SMALLEST: Final = 64
"""Octets that a frame counts for at least: empty ones are work as well."""
MAX_MESSAGES: Final = 256
"""Messages of one direction that are read: a session's opening takes some ten, the rest keeps it alive."""
MAX_RESYNC: Final = 64
"""Segments behind a gap in which a message or frame may begin anew."""

METHODS: Final = (
    b"OPTIONS", b"DESCRIBE", b"ANNOUNCE", b"SETUP", b"PLAY", b"PAUSE", b"TEARDOWN", b"GET_PARAMETER",
    b"SET_PARAMETER", b"REDIRECT", b"RECORD", b"PLAY_NOTIFY",
)  # fmt: skip
"""RFC 2326, 10 and RFC 7826, 13."""
DOLLAR: Final = 0x24
"""What an interleaved frame begins with; its channel and two octets of length follow."""
FRAME: Final = 4

_STATUS_LINE: Final = re.compile(rb"RTSP/[12]\.[0-9] +([1-9][0-9]{2})(?![0-9])")
_REQUEST_LINE: Final = re.compile(rb"([A-Z][A-Z_]{2,31}) +(\S(?:.*\S)?) +RTSP/[12]\.[0-9]\s*", re.DOTALL)
_CUT_REQUEST: Final = re.compile(rb"([A-Z_]{4,13}) +rtsp[su]?:", re.IGNORECASE)
"""As much of a request line as must be there where its end is not."""
_METHOD: Final = re.compile(rb"[A-Z][A-Z_]{0,31}(?= |$)")
_HEADER_END: Final = re.compile(rb"\n\r?\n")
_RESPONSE: Final = b"RTSP/"
_NUMBER: Final = re.compile(rb"\d{1,10}")
_SUCCESS: Final = 200
STOP: Final = Want.STOP
MORE: Final = Want.MORE


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  content alone decides
    """Whether a direction of a TCP stream begins with RTSP, or goes on so in the middle of its media."""
    first = head[0] if head else 0
    if first == DOLLAR:
        return _media_frame(head)
    if not 0x41 <= first <= 0x5A and first not in b"\r\n":  # a method's letter, or a blank line before it
        return False
    line, ended, _ = head[:MAX_HEADER].lstrip(b"\r\n").partition(b"\n")
    if line.startswith(_RESPONSE):
        return _STATUS_LINE.match(line) is not None or (not ended and len(line) < 12)
    if ended:
        return b"RTSP/" in line and _REQUEST_LINE.fullmatch(line) is not None
    started = _CUT_REQUEST.match(line)
    return started is not None and started[1] in METHODS


def _media_frame(head: bytes) -> bool:
    """Whether this is the beginning of a frame whose RTP or RTCP header no chance makes."""
    length = int.from_bytes(head[2:4], "big")
    packet = head[FRAME : FRAME + length]
    if len(packet) == length and rtp.is_rtcp(packet):
        return True
    return len(packet) >= rtp.HEADER and rtp.sniff(packet, 0, 0) and rtp.header(packet, length) is not None


def pair(sport: int, dport: int) -> tuple[Parser, Parser]:  # noqa: ARG001  ports say nothing
    """Parsers of a direction and of the other one, which know of each other."""
    exchange = Exchange()
    return Parser(exchange, 0), Parser(exchange, 1)


class Parser:
    """One direction of a TCP connection."""

    def __init__(self, exchange: Exchange | None = None, direction: int = 0) -> None:
        """``exchange`` is shared with the other direction's parser, where there is one."""
        self.want = MORE
        self.dropped = 0
        """Header fields beyond the bounds or that are none, and parts of descriptions beyond theirs."""
        self.exchange = exchange or Exchange()
        self._direction = direction
        self._held = bytearray()
        self._searched = 0
        """Octets of ``_held`` in which the end of the header section was not found."""
        self._skip = 0
        """Octets of a body or frame that are still to be passed over."""
        self._body = 0
        """Octets of a description that is being waited for."""
        self._messages = 0
        self._media = 0
        self._proven = False
        """A message was read, or two frames in sequence."""
        self._probation = rtp.Probation()
        self._metadata: dict[int, metadata.Metadata] = {}
        """By channel, what reads it."""
        self._lost: int | None = None
        """Segments since a gap in which nothing began; None when in step."""
        self._owed: list[Fact] | None = None

    def feed(self, data: bytes) -> list[Fact]:
        """What these octets complete. Behind a gap it comes after what the cut message had said."""
        facts = self._owed if self._owed is not None else []
        self._owed = None
        if self.want is STOP or not data:
            return facts
        if self._lost is not None and not self._found(data):
            return facts
        if self._skip:
            passed = min(self._skip, len(data))
            self._skip -= passed
            if passed == len(data):
                return facts
            data = data[passed:]
        self._held += data
        try:
            while self.want is MORE and self._held and self._step(facts):
                pass
        except Malformed as error:
            self._stop()
            if not self._proven:
                return facts  # it only looked like media
            if not facts:
                raise
            facts.append(MalformedSeen(error.layer, error.reason))
        return facts

    def gap(self) -> None:
        """Octets are missing: keep what the cut message had said, and look for the next one."""
        if self.want is STOP:
            return
        owed = self._owed if self._owed is not None else []
        held = bytes(self._held)
        held = held[: held.rfind(b"\n") + 1]
        self._held.clear()
        self._searched = self._skip = 0
        try:
            if self._body:
                self._describe(held, owed)
            elif held and held[0] != DOLLAR:
                self._message(held, owed)
                self._skip = 0
        except Malformed as error:
            owed.append(MalformedSeen(error.layer, error.reason))
        self._owed = owed
        self._body, self._lost = 0, 0

    def _found(self, data: bytes) -> bool:
        """Whether a message or frame begins here, behind a gap."""
        if sniff(data, 0, 0) and (data[0] != DOLLAR or self._known(data[1])):
            self._lost = None
            return True
        self._lost = (self._lost or 0) + 1
        if self._lost >= MAX_RESYNC:
            self._stop()
        return False

    def _known(self, channel: int) -> bool:
        channels = self.exchange.channels
        return not channels or channel in channels or channel - 1 in channels

    def _stop(self) -> None:
        self.want = STOP
        self._held.clear()

    def _step(self, facts: list[Fact]) -> bool:
        """Whether one more message, body or frame was consumed."""
        held = self._held
        if self._body:
            if len(held) < self._body:
                return False
            body = bytes(held[: self._body])
            del held[: self._body]
            self._describe(body, facts)
            return True
        if held[0] == DOLLAR:
            return self._frame(facts)
        if not self._searched and held[0] in b"\r\n":
            del held[: len(held) - len(held.lstrip(b"\r\n"))]
            return True
        if not held.startswith(_RESPONSE[: len(held)]) and _METHOD.match(held) is None:
            raise Malformed(LAYER, "no start line")
        found = _HEADER_END.search(held, max(0, self._searched - 3), MAX_HEADER)
        if found is None:
            if len(held) >= MAX_HEADER:
                raise Malformed(LAYER, "header section too long")
            self._searched = len(held)
            return False
        section = bytes(held[: found.end()])
        del held[: found.end()]
        self._searched = 0
        self._message(section, facts)
        self._messages += 1
        if self._messages >= MAX_MESSAGES and not self._body:
            self._stop()
        passed = min(self._skip, len(held))
        del held[:passed]
        self._skip -= passed
        return True

    def _frame(self, facts: list[Fact]) -> bool:
        """One interleaved frame; only as much of it is waited for as says whose it is."""
        held = self._held
        if len(held) < FRAME:
            return False
        channel, length = held[1], held[2] << 8 | held[3]
        events = self._events(channel)
        if events is not None or channel not in self.exchange.heard:
            if len(held) < FRAME + (length if events is not None else min(length, rtp.HEADER)):
                return False
            packet = bytes(held[FRAME : FRAME + length])
            if channel not in self.exchange.heard:
                self._hear(channel, packet, length, facts)
            if events is not None:
                facts += events.feed(packet)
            if self.want is STOP:
                return False
        passed = min(FRAME + length, len(held))
        self._skip = FRAME + length - passed
        del held[:passed]
        self._media += max(FRAME + length, SMALLEST)
        if self._media >= (MAX_WITH_METADATA if self._metadata else MAX_MEDIA):
            self._stop()
        return True

    def _events(self, channel: int) -> metadata.Metadata | None:
        """What reads this channel, if it was set up for metadata."""
        track = self.exchange.channels.get(channel)
        if track is None or not metadata.carries(track.codec):
            return None
        events = self._metadata.get(channel)
        if events is None:
            events = self._metadata[channel] = metadata.Metadata(track.codec or "")
        return events

    def _hear(self, channel: int, packet: bytes, length: int, facts: list[Fact]) -> None:
        exchange = self.exchange
        header = rtp.header(packet, length)
        if header is None:
            return
        announced = channel in exchange.channels
        if not announced and (channel - 1 in exchange.channels or not rtp.likely(header)):
            return
        # Servers give several channels one source: on its channel alone a source is one.
        if not announced and not self._probation.passes(header._replace(ssrc=channel << 32 | header.ssrc)):
            return
        self._proven = True
        exchange.heard.add(channel)
        track = exchange.track_on(channel, header.payload_type)
        media, codec = (track.media, track.codec) if track is not None else (None, None)
        facts.append(rtp.stream("interleaved", header, media, codec))
        if exchange.channels and not self._metadata and exchange.heard.issuperset(exchange.channels):
            self._stop()

    def _message(self, section: bytes, facts: list[Fact]) -> None:
        line, _, rest = section.partition(b"\n")
        fields, dropped = split(rest)
        self.dropped += dropped
        number = _number(fields)
        status = _STATUS_LINE.match(line)
        described = False
        if status is not None:
            described = self._response(int(status[1]), number, fields, facts)
        else:
            request = _REQUEST_LINE.fullmatch(line)
            if request is None:
                raise Malformed(LAYER, "no start line")
            described = request[1] == b"ANNOUNCE"
            self._request(request[1], request[2], number, fields, facts)
        self._proven = True
        self._frame_body(fields, described)

    def _request(self, method: bytes, target: bytes, number: int | None, fields: Fields, facts: list[Fact]) -> None:
        uri = target[:MAX_READ].decode("latin-1")
        self.exchange.asked(self._direction, number, Request(method, uri, _text(fields, b"transport")))
        facts.append(RtspRequest(spell(method), spelled(uri) or "", text_of(fields, b"user-agent")))

    def _response(self, status: int, number: int | None, fields: Fields, facts: list[Fact]) -> bool:
        """Whether the body may be a description."""
        facts.append(RtspResponse(status, text_of(fields, b"server"), realm_of(fields)))
        request = self.exchange.answered(self._direction, number, final=status >= _SUCCESS)
        if status != _SUCCESS:
            return False
        transport = _text(fields, b"transport")
        if transport is not None and (request is None or request.method == b"SETUP"):
            facts.append(self.exchange.set_up(transport, request))
        return request is None or request.method == b"DESCRIBE"

    def _frame_body(self, fields: Fields, described: bool) -> None:  # noqa: FBT001  a compiled method takes no keywords
        """Content-Length alone says how long a body is (RFC 2326, 4.4)."""
        length = length_of(fields) or 0
        if length < 0:
            raise Malformed(LAYER, "content length is no number")
        kind = (_text(fields, b"content-type") or "application/sdp").lower()
        if described and kind.startswith("application/sdp") and length <= sdp.MAX_BODY:
            self._body = length
        elif length > MAX_BODY:
            self._stop()
        else:
            self._skip = length

    def _describe(self, body: bytes, facts: list[Fact]) -> None:
        """The tracks of a description, whether the message said that it is one or not."""
        self._body = 0
        if not body.lstrip().startswith(b"v="):
            return
        said = sdp.parse(body)
        self.dropped += said.dropped
        self.exchange.tracks = said.tracks
        facts += [
            SdpTrack(
                media=track.media,
                codec=track.codec,
                direction=track.direction,
                control=spelled(track.control),
                tool=said.tool,
                session=said.name,
                marks=said.marks,
            )
            for track in said.tracks
        ]


def _text(fields: Fields, name: bytes) -> str | None:
    """The first value of this name as it stands."""
    values = fields.get(name)
    return values[0][:MAX_READ].decode("latin-1") if values else None


def _number(fields: Fields) -> int | None:
    """CSeq (RFC 2326, 12.17)."""
    found = _NUMBER.match((fields.get(b"cseq") or [b""])[0])
    return int(found[0]) if found else None
