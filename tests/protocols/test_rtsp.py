"""RTSP in both directions, with media between the messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.model.facts import (
    Fact,
    HttpRequest,
    Malformed,
    MalformedSeen,
    MediaSetup,
    MediaStream,
    RtspRequest,
    RtspResponse,
    SdpTrack,
    Want,
)
from monitor.protocols.conversation import Conversation
from monitor.protocols.registry import STREAMS
from monitor.protocols.rtsp import MAX_HEADER, MAX_MEDIA, MAX_MESSAGES, MAX_RESYNC, SMALLEST, Parser, pair, sniff
from monitor.protocols.rtsp_session import MAX_CHANNELS, MAX_WAITING, Exchange, Request, Transport, transport_of
from tests.protocols.hostile import everything
from tests.protocols.test_rtp import rtcp, rtp

if TYPE_CHECKING:
    from collections.abc import Sequence

BASE = "rtsp://cam/live"
SDP = (
    b"v=0\r\ns=Gate\r\nt=0 0\r\na=control:*\r\n"
    b"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H265/90000\r\na=control:trackID=1\r\n"
    b"m=audio 0 RTP/AVP 8\r\na=control:trackID=11\r\na=sendonly\r\n"
)
VIDEO = SdpTrack("video", "H265", None, "trackID=1", None, "Gate")
AUDIO = SdpTrack("audio", "PCMA", "sendonly", "trackID=11", None, "Gate")
UDP = "RTP/AVP;unicast;client_port=5000-5001;server_port=6000-6001;ssrc=1"


def ask(method: str, number: int, *lines: str, uri: str = BASE, body: bytes = b"") -> bytes:
    fields = [
        f"{method} {uri} RTSP/1.0",
        f"CSeq: {number}",
        *lines,
        *([f"Content-Length: {len(body)}"] if body else []),
    ]
    return "\r\n".join([*fields, "", ""]).encode("latin-1") + body


def answer(number: int, *lines: str, status: int = 200, body: bytes = b"") -> bytes:
    fields = [f"RTSP/1.0 {status} OK", f"CSeq: {number}", *lines, *([f"Content-Length: {len(body)}"] if body else [])]
    return "\r\n".join([*fields, "", ""]).encode("latin-1") + body


def frame(channel: int, packet: bytes) -> bytes:
    return b"$" + bytes((channel,)) + len(packet).to_bytes(2, "big") + packet


def played(turns: Sequence[tuple[int, bytes]]) -> list[Fact]:
    """Facts of a conversation; the first number of a turn is its direction."""
    conversation = Conversation(STREAMS, 40000, 10554, stream=True)
    return [fact for direction, data in turns for fact in conversation.feed(direction, data)]


def only(kind: type[Fact], facts: list[Fact]) -> list[Fact]:
    return [fact for fact in facts if isinstance(fact, kind)]


SESSION = [
    (0, ask("DESCRIBE", 1, "User-Agent: recorder/2")),
    (1, answer(1, 'WWW-Authenticate: Digest realm="Gate", nonce="n0"', "Server: cam", status=401)),
    (0, ask("DESCRIBE", 2, 'Authorization: Digest username="u", response="r0"')),
    (1, answer(2, f"Content-Base: {BASE}/", "Content-Type: application/sdp", body=SDP)),
    (0, ask("SETUP", 3, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1", uri=f"{BASE}/trackID=1")),
    (1, answer(3, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 77;timeout=60")),
    (0, ask("SETUP", 4, "Transport: RTP/AVP/TCP;unicast;interleaved=2-3", uri=f"{BASE}/trackID=11")),
    (1, answer(4, "Transport: RTP/AVP/TCP;unicast;interleaved=2-3", "Session: 77")),
    (0, ask("PLAY", 5, "Session: 77")),
    (1, answer(5, "Session: 77") + frame(0, rtp(1)) + frame(1, rtcp(200)) + frame(0, rtp(2))),
]


def test_a_session_with_interleaved_media() -> None:
    """Who asks, what is there, what was agreed on, that it passes: each once, in order, and no secret of any."""
    facts = played([*SESSION, (1, frame(2, rtp(9, kind=8, ssrc=5)))])
    assert facts == [
        RtspRequest("DESCRIBE", BASE, "recorder/2"),
        RtspResponse(401, "cam", "Gate"),
        RtspRequest("DESCRIBE", BASE, None),
        RtspResponse(200, None, None),
        VIDEO,
        AUDIO,
        RtspRequest("SETUP", f"{BASE}/trackID=1", None),
        RtspResponse(200, None, None),
        MediaSetup("video", "H265", "trackID=1", (0, 1), None, None),
        RtspRequest("SETUP", f"{BASE}/trackID=11", None),
        RtspResponse(200, None, None),
        MediaSetup("audio", "PCMA", "trackID=11", (2, 3), None, None),
        RtspRequest("PLAY", BASE, None),
        RtspResponse(200, None, None),
        MediaStream("interleaved", 0x4DD55626, 96, "video", "H265"),
        MediaStream("interleaved", 5, 8, "audio", "PCMA"),
    ]


def test_it_stops_when_all_that_was_set_up_is_heard() -> None:
    """The server's direction ends with the last channel's first packet; the client's goes on."""
    conversation = Conversation(STREAMS, 40000, 10554, stream=True)
    for direction, data in SESSION:
        conversation.feed(direction, data)
    assert conversation.wants(1)
    conversation.feed(1, frame(2, rtp(9, kind=8)))
    assert not conversation.wants(1)
    assert conversation.wants(0)


def test_a_silent_track_does_not_make_it_read_on() -> None:
    """Video alone, with sound set up that never comes: after MAX_MEDIA octets it is left alone."""
    conversation = Conversation(STREAMS, 40000, 10554, stream=True)
    for direction, data in SESSION:
        conversation.feed(direction, data)
    read = 0
    while conversation.wants(1):
        chunk = frame(0, rtp(3, size=1400))
        conversation.feed(1, chunk)
        read += len(chunk)
    assert MAX_MEDIA - 2_000 < read < MAX_MEDIA + 2_000


def test_media_over_udp() -> None:
    """Ports and hosts as the answer has them; a track is found by the URI of its SETUP."""
    turns = [
        *SESSION[2:4],
        (0, ask("SETUP", 3, uri=f"{BASE}/trackID=11")),
        (1, answer(3, f"Transport: {UDP};source=192.0.2.7;destination=192.0.2.9")),
    ]
    expected = MediaSetup("audio", "PCMA", "trackID=11", None, (5000, 5001), (6000, 6001), "192.0.2.9", "192.0.2.7")
    assert only(MediaSetup, played(turns)) == [expected]


def test_a_one_sided_mirror_guesses_nothing() -> None:
    """Without the requests a SETUP names no track; what passes is told by its payload type where that is one track's."""
    facts = played([turn for turn in SESSION if turn[0] == 1] + [(1, frame(2, rtp(9, kind=8, ssrc=5)))])
    assert only(MediaSetup, facts) == [
        MediaSetup(None, None, None, (0, 1), None, None),
        MediaSetup(None, None, None, (2, 3), None, None),
    ]
    assert only(MediaStream, facts) == [
        MediaStream("interleaved", 0x4DD55626, 96, "video", "H265"),
        MediaStream("interleaved", 5, 8, "audio", "PCMA"),
    ]


def test_a_server_may_ask_and_a_client_may_announce() -> None:
    """ANNOUNCE and RECORD bring media the other way; a server's requests have numbers of their own."""
    turns = [
        (0, ask("ANNOUNCE", 1, "Content-Type: application/sdp", body=SDP)),
        (1, answer(1)),
        (0, ask("SETUP", 2, uri=f"{BASE}/trackID=1")),
        (1, ask("OPTIONS", 2, uri="*")),
        (0, answer(2)),
        (1, answer(2, "Transport: RTP/AVP/TCP;interleaved=0-1;mode=record")),
        (0, ask("RECORD", 3) + frame(0, rtp(1))),
    ]
    facts = played(turns)
    assert only(SdpTrack, facts) == [VIDEO, AUDIO]
    assert only(MediaSetup, facts) == [MediaSetup("video", "H265", "trackID=1", (0, 1), None, None)]
    assert only(MediaStream, facts) == [MediaStream("interleaved", 0x4DD55626, 96, "video", "H265")]
    assert RtspRequest("OPTIONS", "*", None) in facts


@pytest.mark.parametrize(
    "uri",
    [
        "rtsp://admin:hunter2@cam/live",
        "rtsp://cam/user=admin_password=hunter2_channel=1_stream=0.sdp?real_stream",
        "rtsp://cam/live?token=hunter2",
    ],
)
def test_secrets_are_cut(uri: str) -> None:
    """Neither the request nor the track's control tells a password."""
    body = SDP.replace(b"trackID=11", uri.encode())
    facts = played([(0, ask("DESCRIBE", 1, uri=uri)), (1, answer(1, body=body)), (0, ask("SETUP", 2, uri=uri))])
    facts += played([(0, ask("SETUP", 1, uri=uri)), (1, answer(1, f"Transport: {UDP}"))])
    assert len(only(SdpTrack, facts)) == 2
    assert len(only(MediaSetup, facts)) == 1
    assert "hunter2" not in repr(facts)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("RTP/AVP/TCP;unicast;interleaved=2-3;ssrc= d6d6627", Transport(interleaved=(2, 3))),
        (
            "RTP/AVP;multicast;destination=239.1.1.1;port=5000-5001;ttl=9",
            Transport(None, (5000, 5001), None, "239.1.1.1"),
        ),
        ("RTP/AVP;client_port=5000;source=cam.example", Transport(client_ports=(5000, 5000))),
        ("RTP/AVP;Interleaved=256-257;client_port=70000", Transport()),
        ("RTP/AVP/TCP;interleaved=0-1,RTP/AVP;client_port=1-2", Transport(interleaved=(0, 1))),
        (
            'RTP/AVP;unicast;dest_addr="192.0.2.5:3456"/"192.0.2.5:3457";src_addr="[2001:db8::1]:6256"/":6257"',
            Transport(None, (3456, 3457), (6256, 6257), "192.0.2.5", "2001:db8::1"),
        ),
        ("", Transport()),
    ],
)
def test_transports(value: str, expected: Transport) -> None:
    """RTSP 1.0 and 2.0; what cannot be is left out."""
    assert transport_of(value) == expected


def test_an_answer_that_leaves_out_what_the_request_said() -> None:
    """A Transport without ports means those that were asked for."""
    turns = [
        (0, ask("SETUP", 3, "Transport: RTP/AVP;client_port=5000-5001")),
        (1, answer(3, "Transport: RTP/AVP;unicast")),
    ]
    assert only(MediaSetup, played(turns)) == [MediaSetup(None, None, BASE, None, (5000, 5001), None)]


@pytest.mark.parametrize(
    ("control", "uri"),
    [
        ("rtsp://192.0.2.7/live/trackID=1?profile=a", "rtsp://cam:554/live/trackID=1?profile=a"),
        ("/live/trackID=1", "rtsp://cam/live/trackID=1"),
        ("trackID=1", "rtsp://cam/live?channel=1&proto=Onvif/trackID=1"),
        ("trackID=1", "rtsp://cam/live/trackID=1/"),
    ],
)
def test_controls(control: str, uri: str) -> None:
    """Absolute, rooted and relative controls, whatever host stands before them (RFC 2326, C.1.1)."""
    body = SDP.replace(b"trackID=1\r\n", control.encode() + b"\r\n", 1)
    turns = [
        (0, ask("DESCRIBE", 1)),
        (1, answer(1, body=body)),
        (0, ask("SETUP", 2, uri=uri)),
        (1, answer(2, f"Transport: {UDP}")),
    ]
    (setup,) = only(MediaSetup, played(turns))
    assert isinstance(setup, MediaSetup)
    assert (setup.media, setup.control) == ("video", control)


def test_bare_line_feeds_and_folded_fields() -> None:
    """Both are read, as HTTP's are."""
    head = b"\n\r\nRTSP/1.0 200 OK\nCSeq: 1\nServer: a\n b\n\n" + answer(2)
    assert everything(Parser(), head) == [RtspResponse(200, "a b", None), RtspResponse(200, None, None)]


def test_other_bodies_are_passed_over() -> None:
    """Parameters are not read, nor is a description that is none; the next message is."""
    stream = (
        ask("SET_PARAMETER", 1, body=b"RTSP/1.0 200 no message") + answer(9, body=b"no description") + ask("PLAY", 2)
    )
    assert [type(fact) for fact in everything(Parser(), stream)] == [RtspRequest, RtspResponse, RtspRequest]


WHOLE = b"".join(data for direction, data in SESSION if direction == 1) + frame(0, rtp(3)) + answer(6)


@settings(max_examples=60)
@given(st.lists(st.integers(1, len(WHOLE) - 1), max_size=12, unique=True))
def test_cuts_make_no_difference(cuts: list[int]) -> None:
    """Wherever segments end, the facts are the same."""
    assert everything(Parser(), WHOLE, *cuts) == everything(Parser(), WHOLE)


def test_one_octet_at_a_time() -> None:
    """Down to single octets."""
    assert everything(Parser(), WHOLE, *range(1, len(WHOLE))) == everything(Parser(), WHOLE)


@given(st.binary(max_size=300))
def test_anything(data: bytes) -> None:
    """Nothing but Malformed is raised, for any octets."""
    everything(Parser(), data, len(data) // 2)
    everything(Parser(), b"RTSP/1.0 200 OK\r\n" + data + b"\r\n\r\n" + data)
    everything(Parser(), b"$" + data + data)


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=4), st.booleans())
def test_mutations(at: int, octets: bytes, lose: bool) -> None:
    """Nor for a session with octets changed, or lost on the way."""
    parsers = pair(1, 2)
    try:
        parsers[1].feed(WHOLE[:at])
        if lose:
            parsers[1].gap()
        parsers[1].feed(octets + WHOLE[at + len(octets) :])
        parsers[0].feed(octets + ask("SETUP", 7))
    except Malformed as error:
        assert error.layer == "rtsp"


@pytest.mark.parametrize(
    "head",
    [
        b"RTSP/1.0 200 OK\r\n",
        b"RTSP/",
        b"\r\nRTSP/2.0 404 Not Found\n",
        b"DESCRIBE rtsp://cam/ RTSP/1.0\r\nCSeq",
        b"OPTIONS * RTSP/1.0\r\n",
        b"SETUP rtsp://cam/a long uri that is cu",
        b"GET_PARAMETER rtsp:",
        frame(0, rtp(1, size=400))[:30],
        frame(1, rtcp(200)),
    ],
)
def test_recognised(head: bytes) -> None:
    """Messages in either direction, cut or whole, and the middle of interleaved media."""
    assert sniff(head, 40000, 8554)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"R",
        b"OPTIONS ",
        b"GET_PARAMETER ",
        b"RTSP/1.0 OK\r\n",
        b"RTSP is a protocol",
        b"OPTIONS * HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nX: RTSP/1.0\r\n",
        b"PLAY some music\r\n",
        b"PLAY some music",
        b"REGISTER sip:a SIP/2.0\r\n",
        b"NOTIFY * RTSP/1.0",
        b"$",
        b"$MYNICK someone|$KEY x|",
        b"$\x00\x00\x0c" + rtp(1)[:11],
        frame(0, b"\x00" * 40),
    ],
)
def test_not_recognised(head: bytes) -> None:
    """Other protocols that begin alike, and too little to go by."""
    assert not sniff(head, 554, 554)


@given(st.binary(min_size=1, max_size=64))
def test_noise_is_not_recognised(head: bytes) -> None:
    """Nor is noise."""
    assert not sniff(head.replace(b"$", b"%"), 1, 2)


def test_http_keeps_what_is_its_own() -> None:
    """On the same port as often as not."""
    assert [type(fact) for fact in played([(0, b"OPTIONS * HTTP/1.1\r\n\r\n")])] == [HttpRequest]
    assert [type(fact) for fact in played([(0, ask("OPTIONS", 1))])] == [RtspRequest]


def test_media_that_only_looked_like_it_is_no_complaint() -> None:
    """Synthetic: a stream that begins like a frame and goes on as something else is left alone, without a word."""
    parser = Parser()
    assert parser.feed(frame(0, rtp(1)) + b"something else") == []
    assert parser.want is Want.STOP


def test_a_capture_that_begins_in_the_middle_of_media() -> None:
    """Two frames in sequence prove a source; what it is, its payload type may say."""
    facts = everything(Parser(), frame(4, rtp(1, kind=8)) + frame(5, rtcp(200)) + frame(4, rtp(2, kind=8)))
    assert facts == [MediaStream("interleaved", 0x4DD55626, 8, "audio", "PCMA")]


@pytest.mark.parametrize(
    "rest",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"\x00\x01",
        b"PLAY nothing\r\n\r\n",
        b"RTSP/1.0 2 OK\r\n\r\n",
        b"PLAY " + b"x" * MAX_HEADER,
    ],
)
def test_behind_a_message_anything_else_is_malformed(rest: bytes) -> None:
    """Once it is RTSP, it must go on so."""
    facts = everything(Parser(), answer(1) + rest)
    assert isinstance(facts[-1], MalformedSeen)
    assert len(facts) == 2


@pytest.mark.parametrize("length", ["x", "5, 6", "-1"])
def test_lengths_that_are_none(length: str) -> None:
    """A body that cannot be measured ends the direction."""
    assert only(MalformedSeen, everything(Parser(), answer(1, f"Content-Length: {length}") + answer(2))) == [
        MalformedSeen("rtsp", "content length is no number")
    ]


def test_behind_a_gap() -> None:
    """The cut message is read as far as it goes, then the next one that begins a segment; media of a known channel too."""
    parser = Parser()
    parser.feed(b"RTSP/1.0 401 Unauthorized\r\nServer: cam\r\nWWW-Auth")
    parser.gap()
    assert parser.feed(b"") == [RtspResponse(401, "cam", None)]
    assert parser.feed(b"the middle of something") == []
    assert parser.feed(answer(2)) == [RtspResponse(200, None, None)]
    described = Parser()
    assert len(described.feed(answer(1, body=SDP)[:-5])) == 1
    described.gap()
    assert described.feed(b"") == [VIDEO, SdpTrack("audio", "PCMA", None, "trackID=11", None, "Gate")]


def test_a_gap_that_never_closes() -> None:
    """After MAX_RESYNC segments in which nothing begins it is left alone."""
    parser = Parser()
    parser.feed(answer(1))
    parser.gap()
    for _ in range(MAX_RESYNC):
        assert parser.want is Want.MORE
        parser.feed(b"the middle of something")
    assert parser.want is Want.STOP
    parser.gap()
    assert parser.feed(answer(2)) == []


def test_messages_are_bounded() -> None:
    """A connection that is kept alive for weeks is not read for weeks."""
    parser = Parser()
    facts = parser.feed(b"".join(answer(number) for number in range(MAX_MESSAGES + 5)))
    assert len(facts) == MAX_MESSAGES
    assert parser.want is Want.STOP


def test_empty_frames_are_bounded() -> None:
    """They carry nothing and cost as much to read."""
    parser = Parser()
    parser.feed(answer(1))
    frames = 0
    while parser.want is Want.MORE:
        parser.feed(frame(0, b""))
        frames += 1
    assert frames == MAX_MEDIA // SMALLEST


def test_the_exchange_is_bounded() -> None:
    """Requests without an answer and channels without end are dropped, and counted."""
    exchange = Exchange()
    for number in range(MAX_WAITING + 3):
        exchange.asked(0, number, Request(b"SETUP", BASE, None))
    assert exchange.dropped == 3
    assert exchange.answered(1, 0, final=True) is None
    assert exchange.answered(1, MAX_WAITING, final=True) is not None
    for channel in range(MAX_CHANNELS + 2):
        exchange.set_up(f"RTP/AVP/TCP;interleaved={channel}-{channel}", None)
    assert (len(exchange.channels), exchange.dropped) == (MAX_CHANNELS, 5)


def test_either_direction_may_be_recognised_first() -> None:
    """A capture that begins with an answer: the request's direction gets the partner that was made for it."""
    turns = [
        (1, answer(1, body=SDP)),
        (0, ask("SETUP", 2, uri=f"{BASE}/trackID=1")),
        (1, answer(2, f"Transport: {UDP}")),
    ]
    (setup,) = only(MediaSetup, played(turns))
    assert isinstance(setup, MediaSetup)
    assert setup.media == "video"
