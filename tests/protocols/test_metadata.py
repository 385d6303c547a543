"""Metadata over RTP: documents cut into packets, compressed or not, over UDP and between RTSP messages."""

from __future__ import annotations

import gzip
from itertools import pairwise
from random import Random
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import AnalyticsEvent, Fact, MediaStream, SdpTrack, Want
from monitor.protocols import metadata
from monitor.protocols.answers.events import MAX_HELD
from monitor.protocols.conversation import Conversation
from monitor.protocols.metadata import MAX_INFLATED, Metadata, Parser, carries
from monitor.protocols.registry import STREAMS
from monitor.protocols.rtsp import MAX_MEDIA, MAX_WITH_METADATA
from tests.protocols.test_rtsp import BASE, answer, ask, frame
from tests.protocols.test_rtsp import rtp as video

PLAIN, ZIPPED = "VND.ONVIF.METADATA", "VND.ONVIF.METADATA.GZIP"
FACE, PLATE = "tns1:RuleEngine/Recognition/Face", "tns1:RuleEngine/Recognition/LicensePlate"
SSRC = 0x10


def document(*topics: str) -> bytes:
    """A MetadataStream (ONVIF Analytics Service Specification, 5.1), with an object and an event for each topic."""
    events = "".join(
        f"<tt:Event><wsnt:NotificationMessage><wsnt:Topic Dialect='http://www.onvif.org/ver10/tev/topicExpression/"
        f"ConcreteSet'>{topic}</wsnt:Topic><wsnt:Message/></wsnt:NotificationMessage></tt:Event>"
        for topic in topics
    )
    return (
        '<?xml version="1.0"?><tt:MetadataStream xmlns:tt="http://www.onvif.org/ver10/schema"><tt:VideoAnalytics>'
        f"<tt:Frame><tt:Object ObjectId='1'/></tt:Frame></tt:VideoAnalytics>{events}</tt:MetadataStream>"
    ).encode()


def packets(
    body: bytes, first: int = 0, size: int = 100, *, padded: bool = False, extended: bool = False
) -> list[bytes]:
    """One document, the last packet with the marker."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    head = 0x80 | (0x20 if padded else 0) | (0x10 if extended else 0)
    more = b"\xbe\xde\x00\x01abcd" if extended else b""
    tail = b"\0\0\0\4" if padded else b""
    return [
        pack("!BBHII", head, 107 | (0x80 if at == len(pieces) - 1 else 0), (first + at) & 0xFFFF, 90_000, SSRC)
        + more + piece + tail
        for at, piece in enumerate(pieces)
    ]  # fmt: skip


def topics(codec: str, given: list[bytes]) -> list[str]:
    stream = Metadata(codec)
    return [fact.topic for each in given for fact in stream.feed(each) if isinstance(fact, AnalyticsEvent)]


@pytest.mark.parametrize("codec", [PLAIN, ZIPPED])
@pytest.mark.parametrize("size", [1, 7, 100, 1400])
@pytest.mark.parametrize(("padded", "extended"), [(False, False), (True, False), (False, True), (True, True)])
def test_events_of_documents(codec: str, size: int, *, padded: bool, extended: bool) -> None:
    """Each topic once, however its document is cut, also where the sequence number begins anew."""
    given: list[bytes] = []
    for each in (document(), document(FACE), document(FACE, PLATE)):
        body = gzip.compress(each) if codec == ZIPPED else each
        given += packets(body, 65_500 + len(given), size, padded=padded, extended=extended)
    assert topics(codec, given) == [FACE, PLATE]


@pytest.mark.parametrize("codec", [PLAIN, ZIPPED])
def test_a_lost_packet_costs_its_document_and_no_more(codec: str) -> None:
    pack_up = gzip.compress if codec == ZIPPED else bytes
    first = packets(pack_up(document(FACE)), 0, 50)
    second = packets(pack_up(document(PLATE)), len(first), 50)
    without = [each for at, each in enumerate(first) if at != len(first) // 2]
    found = topics(codec, without + second)
    assert PLATE in found
    assert topics(codec, first + second) == [FACE, PLATE]
    if codec == ZIPPED:
        assert found == [PLATE]


def test_halves_of_two_topics_make_none() -> None:
    """A gap lies between them."""
    first, last = packets(document(FACE), 0, 40), packets(document(PLATE), 100, 40)
    until = document(FACE).index(b"Recognition") // 40
    behind = document(PLATE).index(b"LicensePlate") // 40
    assert topics(PLAIN, first[: until + 1] + last[behind:]) == []


def test_what_inflates_without_end_is_cut() -> None:
    """A bomb costs what a packet may come to, and the next document is read."""
    stream = Metadata(ZIPPED)
    (bomb,) = packets(gzip.compress(bytes(50 * 1024 * 1024)), 0, 60_000)
    assert stream.feed(bomb) == []
    assert stream._events._read <= MAX_INFLATED
    assert len(stream._events._held) <= MAX_HELD + MAX_INFLATED
    assert topics(ZIPPED, [bomb, *packets(gzip.compress(document(FACE)), 1)]) == [FACE]


def test_datagrams(monkeypatch: pytest.MonkeyPatch) -> None:
    """That there is a source, once, and its events; RTCP among them says nothing. Not without end."""
    monkeypatch.setattr(metadata, "MAX_READ", 10_000)
    parser = Parser(PLAIN)
    facts = [fact for each in packets(document(FACE)) for fact in parser.feed(each)]
    assert facts == [MediaStream("udp", SSRC, 107, None, None), AnalyticsEvent("onvif", FACE)]
    assert parser.feed(pack("!BBHI", 0x80, 200, 6, SSRC) + bytes(20)) == []
    for number in range(200):
        parser.feed(packets(bytes(100), 20 + number)[0])
    assert parser.want is Want.STOP


SDP = (
    b"v=0\r\ns=Gate\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H265/90000\r\na=control:trackID=1\r\n"
    b"m=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\na=control:trackID=3\r\n"
)


def session() -> Conversation:
    """Video on channel 0, metadata on channel 2 of one connection."""
    conversation = Conversation(STREAMS, 40000, 554, stream=True)
    for direction, data in (
        (0, ask("DESCRIBE", 1)),
        (1, answer(1, "Content-Type: application/sdp", body=SDP)),
        (0, ask("SETUP", 2, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1", uri=f"{BASE}/trackID=1")),
        (1, answer(2, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 7")),
        (0, ask("SETUP", 3, "Transport: RTP/AVP/TCP;unicast;interleaved=2-3", uri=f"{BASE}/trackID=3")),
        (1, answer(3, "Transport: RTP/AVP/TCP;unicast;interleaved=2-3", "Session: 7")),
    ):
        conversation.feed(direction, data)
    return conversation


def interleaved(body: bytes, first: int = 0) -> bytes:
    return b"".join(frame(0, video(at)) + frame(2, each) for at, each in enumerate(packets(body, first)))


@given(cuts=st.lists(st.integers(0, 6000), max_size=30))
def test_between_pictures_of_one_connection(cuts: list[int]) -> None:
    """However the stream is cut; a topic that comes after all channels were heard is not missed."""
    stream = interleaved(document()) + interleaved(document(FACE), 4)
    conversation, facts = session(), list[Fact]()
    places = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    for start, end in pairwise(places):
        facts += conversation.feed(1, stream[start:end])
    assert [fact for fact in facts if isinstance(fact, AnalyticsEvent)] == [AnalyticsEvent("onvif", FACE)]
    assert [each.media for each in facts if isinstance(each, MediaStream)] == ["video", "application"]


def test_a_connection_with_metadata_is_read_for_longer_and_not_without_end() -> None:
    conversation, read = session(), 0
    while conversation.wants(1):
        chunk = interleaved(document(), 0)
        conversation.feed(1, chunk)
        read += len(chunk)
    assert MAX_MEDIA < MAX_WITH_METADATA <= read <= 1.1 * MAX_WITH_METADATA


def test_without_metadata_it_is_left_alone_as_before() -> None:
    """Who describes metadata and sets up video alone is done once that is heard."""
    conversation = Conversation(STREAMS, 40000, 554, stream=True)
    described = conversation.feed(0, ask("DESCRIBE", 1)) + conversation.feed(
        1, answer(1, "Content-Type: application/sdp", body=SDP)
    )
    assert [carries(each.codec) for each in described if isinstance(each, SdpTrack)] == [False, True]
    conversation.feed(0, ask("SETUP", 2, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1", uri=f"{BASE}/trackID=1"))
    conversation.feed(1, answer(2, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 7"))
    conversation.feed(1, frame(0, video(1)))
    assert not conversation.wants(1)


@pytest.mark.parametrize("codec", [PLAIN, ZIPPED])
def test_any_bytes(codec: str) -> None:
    """Bodies that are random, broken or another's make no event and no error."""
    random, stream = Random(3), Metadata(codec)
    for number in range(2000):
        body = random.choice((random.randbytes(60), gzip.compress(document(FACE))[: random.randrange(1, 60)]))
        for each in packets(body, number, 200):
            damaged = bytearray(each)
            damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
            assert stream.feed(bytes(damaged)) == []
