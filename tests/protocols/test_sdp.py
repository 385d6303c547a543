"""Session descriptions, as RFC 8866 has them and as cameras send them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.protocols.sdp import MAX_BODY, MAX_LINES, MAX_TRACKS, STATIC, Track, parse

CAMERA = b"""v=0\r
o=- 1 1 IN IP4 192.0.2.7\r
s=Stream of the gate\r
t=0 0\r
a=tool:Camera Tool 3\r
a=control:*\r
a=packetization-supported:XY\r
a=recvonly\r
m=video 0 RTP/AVP 96 97\r
a=rtpmap:97 JPEG/90000\r
a=rtpmap:96 h264/90000\r
a=control:trackID=0\r
m=audio 0 RTP/AVP 8\r
a=control:trackID=1\r
m=audio 0 RTP/AVP 0\r
a=control:trackID=5\r
a=sendonly\r
m=application 0 RTP/AVP 107\r
a=rtpmap:107 vnd.onvif.metadata/90000\r
a=control:trackID=4\r
"""
TRACKS = (
    Track("video", "H264", "recvonly", "trackID=0", (96, 97)),
    Track("audio", "PCMA", "recvonly", "trackID=1", (8,)),
    Track("audio", "PCMU", "sendonly", "trackID=5", (0,)),
    Track("application", "VND.ONVIF.METADATA", "recvonly", "trackID=4", (107,)),
)


def track(media: bytes) -> Track:
    (one,) = parse(b"v=0\n" + media).tracks
    return one


def test_a_camera() -> None:
    """Names of session and tool, and each track with its own direction or the session's."""
    said = parse(CAMERA)
    assert said == ("Stream of the gate", "Camera Tool 3", "*", ("packetization-supported:XY",), TRACKS, 0)


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_line_ends(end: bytes) -> None:
    """Lines may end as they like."""
    assert parse(CAMERA.replace(b"\r\n", end)).tracks == TRACKS


@pytest.mark.parametrize("number", STATIC)
def test_static_types(number: int) -> None:
    """Types of RFC 3551 need no rtpmap."""
    assert track(b"m=x 0 RTP/AVP %d" % number).codec == STATIC[number][1]


@pytest.mark.parametrize(
    ("media", "codec"),
    [
        (b"m=video 0 RTP/AVP 96", None),
        (b"m=audio 0 RTP/AVP 8\na=rtpmap:8 PCMU/8000/1", "PCMU"),
        (b"m=video 0 RTP/AVP 96\na=rtpmap:97 H265/90000", None),
        (b"m=application/TP-LINK 0 RTP/AVP smart/1/90000\na=rtpmap:95 TP-LINK/90000", "TP-LINK"),
        (b"m=application 9 UDP/DTLS/SCTP webrtc-datachannel", None),
        (b"m=video 0 RTP/AVP 999999999999999999999", None),
        (b"m=video", None),
        (b"m=audio 0 RTP/AVP 8\t \na=rtpmap:x", "PCMA"),
    ],
)
def test_codecs(media: bytes, codec: str | None) -> None:
    """What the rtpmap says outranks the table; a format that is no payload type takes the one that is mapped."""
    assert track(media).codec == codec


def test_a_tool_is_the_sessions_wherever_it_stands() -> None:
    """Some cameras put session attributes behind the media."""
    assert parse(b"v=0\nm=video 0 RTP/AVP 26\na=tool:T\n").tool == "T"


@pytest.mark.parametrize("name", [b"-", b" ", b""])
def test_no_name(name: bytes) -> None:
    """A dash or a blank stands for no name (RFC 8866, 5.3)."""
    assert parse(b"v=0\ns=" + name + b"\n").name is None


def test_secrets_are_cut() -> None:
    """A name that holds a URI with a password does not tell it."""
    assert parse(b"v=0\ns=rtsp://admin:hunter2@cam/live\n").name == "rtsp://***@cam/live"


def test_bounds() -> None:
    """Tracks, lines and octets beyond the bounds are dropped, and counted."""
    many = parse(b"v=0\n" + b"m=video 0 RTP/AVP 26\na=control:x\n" * (MAX_TRACKS + 3))
    assert (len(many.tracks), many.dropped) == (MAX_TRACKS, 3)
    assert parse(b"a=b\n" * (MAX_LINES + 9)).dropped == 1
    assert parse(b"s=" + b"x" * MAX_BODY).dropped == 1
    assert len(parse(b"s=" + b"\xff" * 9_000).name or "") == 255


@given(st.binary(max_size=600))
def test_anything(body: bytes) -> None:
    """Whatever it is, it is read without complaint, and every text is short and printable."""
    said = parse(body)
    texts = [said.name, said.tool, *said.marks, *(text for each in said.tracks for text in each[:3])]
    assert all(text is None or (len(text) <= 255 and text.isprintable()) for text in texts)


@given(st.lists(st.sampled_from(CAMERA.splitlines(keepends=True)), max_size=60), st.binary(max_size=20))
def test_lines_in_any_order(lines: list[bytes], noise: bytes) -> None:
    """Shuffled, repeated, and with noise behind: never more tracks than media lines."""
    said = parse(b"".join(lines) + noise)
    assert len(said.tracks) + said.dropped <= (b"".join(lines) + noise).count(b"m=")
