"""Events that a device tells as they happen, over a connection that stays open."""

from __future__ import annotations

import pytest

from monitor.model.facts import AnalyticsEvent
from monitor.protocols.http import Parser
from monitor.protocols.http_exchange import Exchange

ALERT = (
    b"--boundary\r\nContent-Type: application/xml\r\nContent-Length: 300\r\n\r\n"
    b'<EventNotificationAlert version="2.0"><eventType>facedetection</eventType>'
    b"<eventState>active</eventState></EventNotificationAlert>\r\n"
)
ATTACH = b"/cgi-bin/eventManager.cgi?action=attach&codes=[All]"


def exchange(target: bytes, kind: bytes) -> Parser:
    """The parser of an answer to this request, behind its head."""
    shared = Exchange()
    Parser(shared).feed(b"GET " + target + b" HTTP/1.1\r\nHost: 10.20.0.17\r\n\r\n")
    server = Parser(shared)
    server.feed(b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\n\r\n")
    return server


@pytest.mark.parametrize("kind", [b"multipart/mixed; boundary=boundary", b"multipart/x-mixed-replace; boundary=b"])
def test_an_alert_stream_is_told_as_it_passes(kind: bytes) -> None:
    """The answer never ends, so nothing may wait for its end."""
    server = exchange(b"/ISAPI/Event/notification/alertStream", kind)
    assert AnalyticsEvent("isapi", "facedetection") in server.feed(ALERT)
    assert server.feed(ALERT) == []  # once is enough


def test_dahuas_events_are_told_by_their_code() -> None:
    server = exchange(ATTACH, b"multipart/x-mixed-replace; boundary=myboundary")
    told = server.feed(b"--myboundary\r\nContent-Type: text/plain\r\n\r\nCode=FaceDetection;action=Start;index=0\r\n")
    assert AnalyticsEvent("dahua", "FaceDetection") in told


def test_pictures_without_end_are_left_alone() -> None:
    """Video over HTTP is of the same type, and says nothing."""
    server = exchange(b"/mjpg/video.mjpg", b"multipart/x-mixed-replace; boundary=myboundary")
    assert server.feed(ALERT) == []
    assert not server.want
