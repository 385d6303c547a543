"""Media belongs to the session that agreed on it, through the whole engine."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from collectors.captures import Captures
from monitor.model.address import from_packed
from monitor.model.community_id import community_id
from monitor.model.facts import MediaStream
from pcaps.packets import ACK, PSH, SYN, Segment, frame, tcp, udp
from pcaps.savefile import Frame
from pcaps.wire import MS
from tests.engine.played import START, Site, blocks, configured, engine
from tests.oracles.running import CAPTURES, is_there

if TYPE_CHECKING:
    from monitor.app import Knowledge
    from monitor.model.facts import Observation

DAHUA = "2ic80_dahua_rtsp/rtsp.pcapng"
SETUP = b"SETUP rtsp://10.20.0.11/live/track1 RTSP/1.0\r\nCSeq: 3\r\nTransport: RTP/AVP;unicast;client_port=50000-50001\r\n\r\n"
AGREED = (
    b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nServer: Rtsp Server/3.0\r\nSession: 7\r\n"
    b"Transport: RTP/AVP;unicast;client_port=50000-50001;server_port=20000-20001\r\n\r\n"
)


def rtp(number: int) -> bytes:
    """A packet of a dynamic payload type (RFC 3550, 5.1)."""
    return struct.pack("!BBHII", 0x80, 96, number, 3000 * number, 0x1234) + b"\x41" * 200


def test_synthetic_media_over_udp_has_the_session_that_set_it_up(known: Knowledge) -> None:
    """The camera answers a SETUP with ports; what it then sends between them is that session's."""
    site = Site()
    seen: list[Observation] = []
    gate, viewer = site.gate, site.phone
    said = [(viewer, gate, Segment(40000, 554, 1, 0, SYN)), (gate, viewer, Segment(554, 40000, 1, 2, SYN | ACK))]
    said += [
        (viewer, gate, Segment(40000, 554, 2, 2, ACK | PSH, payload=SETUP)),
        (gate, viewer, Segment(554, 40000, 2, 2 + len(SETUP), ACK | PSH, payload=AGREED)),
    ]
    frames = [frame(here, there, tcp(here, there, segment)) for here, there, segment in said]
    frames += [frame(gate, viewer, udp(gate, viewer, 20000, 50000, rtp(number))) for number in range(1, 9)]
    stamped = [Frame(START + number * MS, data) for number, data in enumerate(frames)]
    engine(known, configured(), observer=lambda one, _: seen.append(one)).feed(blocks(stamped)).finish()
    (media,) = (each.fact for each in seen if isinstance(each.fact, MediaStream))
    control = community_id(from_packed(viewer.ip), from_packed(gate.ip), 40000, 554, 6)
    assert (media.transport, media.session) == ("udp", control)


@pytest.mark.parametrize("codec", ["vnd.onvif.metadata", "H264"])
def test_synthetic_metadata_over_udp_shows_what_the_camera_does(known: Knowledge, codec: str) -> None:
    """The events in it are functions at work; in a stream that is called video nothing is looked for."""
    site = Site()
    gate, viewer = site.gate, site.phone
    described = b"v=0\r\nm=application 0 RTP/AVP 107\r\na=rtpmap:107 " + codec.encode() + b"/90000\r\n"
    answer = b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n"
    ask = b"DESCRIBE rtsp://10.20.0.11/live RTSP/1.0\r\nCSeq: 2\r\n\r\n"
    here, there, frames = 2, 2, []
    for request, reply in ((ask, answer % len(described) + described), (SETUP, AGREED)):
        sent = tcp(viewer, gate, Segment(40000, 554, here, there, ACK | PSH, payload=request))
        back = tcp(gate, viewer, Segment(554, 40000, there, here + len(request), ACK | PSH, payload=reply))
        frames += [frame(viewer, gate, sent), frame(gate, viewer, back)]
        here, there = here + len(request), there + len(reply)
    event = b"<wsnt:Topic>tns1:RuleEngine/Recognition/Face</wsnt:Topic>"
    for number in range(1, 9):
        packet = struct.pack("!BBHII", 0x80, 0x80 | 107, number, 3000 * number, 0x1234) + event
        frames.append(frame(gate, viewer, udp(gate, viewer, 20000, 50000, packet)))
    stamped = [Frame(START + number * MS, data) for number, data in enumerate(frames)]
    played = engine(known, configured()).feed(blocks(stamped)).finish()
    page = played.engine.inspection.ledger.known("gate")
    assert page is not None
    done = {key for key, row in page.rows.items() if row.exercised is not None}
    assert ({"face.detect", "metadata.stream"} <= done) is (codec != "H264")
    assert ("face.detect" in done) is (codec != "H264")


@pytest.mark.skipif(not is_there(), reason=f"no captures in {CAPTURES}")
def test_the_dahua_camera_is_recognised_and_its_media_attributed(known: Knowledge) -> None:
    """A real camera's session: its streams are the session's, and what it says of itself names its maker."""
    seen: list[Observation] = []
    played = engine(known, configured(), observer=lambda one, _: seen.append(one))
    played.feed(Captures([CAPTURES / DAHUA]).blocks()).finish()
    media = [each for each in seen if isinstance(each.fact, MediaStream)]
    assert media
    assert all(isinstance(each.fact, MediaStream) and each.fact.session for each in media)
    assert "dahua" in {device.vendor for device in played.engine.attribution.devices if device.watched}
