"""Streams of events."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.model.facts import AnalyticsEvent, Fact, Want
from monitor.protocols.answers import EventStream
from monitor.protocols.answers.events import MAX_BYTES, MAX_HELD, MAX_TOPICS
from tests.protocols import answer_samples as samples


def alert(kind: bytes, state: bytes = b"active") -> bytes:
    return samples.ALERT % (kind, state)


def dahua(code: bytes, action: bytes = b"Start") -> bytes:
    return samples.DAHUA_EVENT % (60, code, action)


STREAMS = {
    "isapi": (
        alert(b"videoloss", b"inactive") + alert(b"VMD") + alert(b"faceCapture") + alert(b"VMD"),
        ["VMD", "faceCapture"],
    ),
    "dahua": (dahua(b"VideoMotion") + dahua(b"FaceDetection", b"Stop") + dahua(b"TrafficJunction", b"Pulse"), ["VideoMotion", "TrafficJunction"]),
    "onvif": (samples.NOTIFICATION + samples.NOTIFICATION.replace(b"Recognition/Face", b"Recognition/LicensePlate"),
              ["tns1:RuleEngine/Recognition/Face", "tns1:RuleEngine/Recognition/LicensePlate"]),
}  # fmt: skip


def told(api: str, *pieces: bytes) -> list[Fact]:
    stream = EventStream(api)
    return [fact for piece in pieces for fact in stream.feed(piece)]


@pytest.mark.parametrize("api", STREAMS)
def test_topics(api: str) -> None:
    """Each that happens, once, in the order in which they came; what ended or did not happen is no event."""
    stream, topics = STREAMS[api]
    assert told(api, stream) == [AnalyticsEvent(api, topic) for topic in topics]


@pytest.mark.parametrize("api", STREAMS)
@settings(max_examples=30, deadline=None)
@given(size=st.integers(1, 700))
def test_pieces(api: str, size: int) -> None:
    """However the stream is cut."""
    stream, _ = STREAMS[api]
    assert told(api, *(stream[at : at + size] for at in range(0, len(stream), size))) == told(api, stream)


def test_other_shapes() -> None:
    """Alerts as JSON, Dahua's events that pictures ride with, and metadata that comes over RTP."""
    json = b'{\r\n"ipAddress": "10.0.0.9", "eventType": "ANPR",\r\n"eventState": "active",\r\n"eventDescription": "x"}'
    assert told("isapi", json) == [AnalyticsEvent("isapi", "ANPR")]
    pictured = b"Events[0].EventBaseInfo.Code=FaceRecognition\r\nEvents[0].EventBaseInfo.Action=Pulse\r\n"
    assert told("dahua", pictured) == [AnalyticsEvent("dahua", "FaceRecognition")]
    metadata = (
        b'<tt:MetadataStream xmlns:tt="http://www.onvif.org/ver10/schema"><tt:Event><wsnt:NotificationMessage>'
        b"<wsnt:Topic>tns1:AudioAnalytics/Audio/DetectedSound</wsnt:Topic></wsnt:NotificationMessage></tt:Event>"
    )
    assert told("onvif", metadata) == [AnalyticsEvent("onvif", "tns1:AudioAnalytics/Audio/DetectedSound")]


def test_pictures_between() -> None:
    """What is no event is passed over, and what is held stays small."""
    stream = EventStream("isapi")
    assert stream.feed(b"\xff\xd8" * 300_000) == []
    assert len(stream._held) <= MAX_HELD
    assert stream.feed(alert(b"VMD")) == [AnalyticsEvent("isapi", "VMD")]


def test_a_gap() -> None:
    """Two halves of different events make none."""
    stream = EventStream("isapi")
    whole = alert(b"VMD")
    assert stream.feed(whole[: whole.index(b"<eventState>")]) == []
    stream.gap()
    assert stream.feed(alert(b"faceCapture")[-120:]) == []
    assert stream.feed(alert(b"faceCapture")) == [AnalyticsEvent("isapi", "faceCapture")]


def test_bounds() -> None:
    """So many topics and octets of one stream, and no more."""
    stream = EventStream("dahua")
    facts = [fact for at in range(MAX_TOPICS + 5) for fact in stream.feed(dahua(b"Topic%d" % at))]
    assert len(facts) == MAX_TOPICS
    assert stream.dropped
    assert stream.want is Want.STOP
    other = EventStream("dahua")
    other.feed(bytes(MAX_BYTES + 1))
    assert other.want is Want.STOP
    assert other.feed(dahua(b"VideoMotion")) == []


@pytest.mark.parametrize(
    "piece",
    [
        b"<eventType>a</eventType>", b"<eventType>", b'"eventType":"a"', b"\nCode=", b"Code=" + b"a" * 127, b"<Topic>",
        b"<Topic " + b" " * 900, b"xmlns:", b"EventBaseInfo.Code=a\r\n", b"<Topic>tns1:a:b:c</",
    ],
)  # fmt: skip
@pytest.mark.parametrize("api", STREAMS)
def test_work_is_bounded(api: str, piece: bytes) -> None:
    """A stream that always looks as if something came costs at most a microsecond an octet."""
    body = piece * (256 * 1024 // len(piece))
    before = time.process_time()
    told(api, *(body[at : at + 1460] for at in range(0, len(body), 1460)))
    assert time.process_time() - before < 1e-6 * len(body)


@given(
    st.lists(
        st.sampled_from(
            [
                b"<eventType>",
                b"VMD",
                b"</eventType>",
                b"<eventState>",
                b"active",
                b"Code=",
                b";action=",
                b"Start",
                b"<a:Topic>",
                b"tns1:A/B",
                b"</",
                b"\xff",
                b"\r\n",
            ]
        )
    )
)
def test_random_pieces(pieces: list[bytes]) -> None:
    """Topics that print, and nothing else."""
    for api in STREAMS:
        assert all(isinstance(fact, AnalyticsEvent) and fact.topic.isprintable() for fact in told(api, *pieces))


@pytest.mark.parametrize(
    ("api", "said"),
    [
        ("onvif", (b"<Topic>" + b" " * 400) * 20),
        ("isapi", (b"<eventType>" + b" " * 33 + b"</eventType>" + b"a" * 2040) * 4),
    ],
)
def test_hostile_events_take_no_long(api: str, said: bytes) -> None:
    """Blanks that match in many ways, and one octet at a time behind them: within 50 ms of processor time each."""
    stream = EventStream(api)
    for data in (said, b"a", b"<", b">"):
        start = time.process_time()
        stream.feed(data)
        assert time.process_time() - start < 0.05
