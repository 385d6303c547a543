"""Targets of what devices answer: bodies, requests that ask for them, streams of events, and the vocabulary's reading."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Final

import msgspec

from monitor.enrich.catalogue import Catalogue
from monitor.model.facts import AnalyticsEvent, CapabilityStated, Malformed
from monitor.protocols.answers import APIS, EventStream, question_of, read
from monitor.protocols.answers.bounds import MAX_STATEMENTS, MAX_TEXT
from monitor.protocols.answers.events import MAX_HELD, MAX_TOPIC
from monitor.protocols.answers.volatile import NAMES
from tests.fuzz.conversations import CONTROL, texts
from tests.fuzz.target import Input, Target, joined
from tests.protocols import answer_samples as samples

ORDER: Final = sorted(APIS)
EVENTS: Final = ("isapi", "dahua", "onvif")
PLANTED: Final = "hunter2xyz"


def targets() -> dict[str, Target]:
    """By the name of what is parsed."""
    return {
        "answer": Target(_answer, answers, 8192, words),
        "answer-question": Target(_question, questions, 1024),
        "answer-events": Target(_events, streams, 8192),
    }


@cache
def _vocabulary() -> Catalogue:
    return Catalogue.load()


def _answer(data: bytes) -> None:
    """Facts within their bounds, the same each time, in which the vocabulary reads what it may; or Malformed."""
    given = Input(data)
    api, question = ORDER[given.number() % len(ORDER)], given.take(given.number() & 63).decode("latin-1")
    body = given.rest()
    with suppress(Malformed):
        facts = read(api, question, body, None)
        assert facts == read(api, question, body, None)
        for fact in facts:
            assert not any(CONTROL.search(text) for text in texts(msgspec.to_builtins(fact))), fact
            if isinstance(fact, CapabilityStated):
                assert 0 < len(fact.statements) <= MAX_STATEMENTS
                assert list(fact.statements) == sorted(set(fact.statements))
                assert all(len(path) <= MAX_TEXT and len(value) <= MAX_TEXT for path, value in fact.statements)
                found = _vocabulary().vocabulary.declared(api, question, fact.statements)
                assert {each.identifier for each in found} <= {path for path, _ in fact.statements}
    planted = b"<a><password>" + PLANTED.encode() + b"</password><b>" + body + b"</b></a>"
    with suppress(Malformed):
        assert PLANTED not in repr(read(api, question, planted, None))


def _question(data: bytes) -> None:
    """Nothing, or a known interface and a question that prints."""
    given = Input(data)
    method = ("GET", "POST", "PUT", "")[given.number() & 3]
    uri, action = given.take(given.number(2) & 0x3FF).decode("latin-1"), given.take(given.number()).decode("latin-1")
    found = question_of(method, uri, action or None, given.rest())
    if found is not None:
        assert found[0] in APIS
        assert found[1]
        assert len(found[1]) <= MAX_TEXT
        assert not CONTROL.search(found[1])


def _events(data: bytes) -> None:
    """Each topic once, whole or in pieces; what is held is bounded."""
    given = Input(data)
    api = EVENTS[given.number() % len(EVENTS)]
    stream, told = EventStream(api), []
    for piece in given.messages(64):
        told += stream.feed(piece)
        assert len(stream._held) <= MAX_HELD
        if len(piece) == 3:
            stream.gap()
    topics = [fact.topic for fact in told if isinstance(fact, AnalyticsEvent)]
    assert len(topics) == len(told) == len(set(topics))
    assert all(len(topic) <= MAX_TOPIC and not CONTROL.search(topic) for topic in topics)
    for topic in topics:
        _vocabulary().vocabulary.capability_of_topic(api, topic)


def answers() -> list[bytes]:
    found = []
    for api, question, body in samples.ALL:
        asked = question.encode()[:63]
        found.append(bytes((ORDER.index(api), len(asked))) + asked + body)
    return found


def questions() -> list[bytes]:
    def one(method: int, uri: bytes, action: bytes = b"", body: bytes = b"") -> bytes:
        return bytes((method,)) + len(uri).to_bytes(2, "big") + uri + bytes((len(action),)) + action + body

    return [
        one(0, b"/ISAPI/System/deviceInfo"),
        one(0, b"/cgi-bin/configManager.cgi?action=getConfig&name=T2UServer"),
        one(0, b"/axis-cgi/param.cgi?action=list&group=root.Network"),
        one(0, b"/stw-cgi/system.cgi?msubmenu=deviceinfo&action=view"),
        one(0, b"/LAPI/V1.0/System/DeviceInfo"),
        one(1, b"/cgi-bin/api.cgi", b"", b'[{"cmd":"GetDevInfo"}]'),
        one(1, b"/RPC2", b"", b'{"method":"configManager.getConfig","params":{"name":"Telnet"}}'),
        one(1, b"/onvif/x", b"http://www.onvif.org/ver20/media/wsdl/GetProfiles"),
        one(1, b"/onvif/x", b"", samples.soap("<GetScopes xmlns='http://www.onvif.org/ver10/device/wsdl'/>")),
    ]


def streams() -> list[bytes]:
    alerts = [samples.ALERT % (kind, b"active") for kind in (b"VMD", b"faceCapture")]
    codes = [samples.DAHUA_EVENT % (60, kind, b"Start") for kind in (b"VideoMotion", b"FaceDetection")]
    return [b"\0" + joined(*alerts), b"\1" + joined(*codes), b"\2" + joined(samples.NOTIFICATION, b"gap")]


def words() -> set[bytes]:
    return {name.encode() for name in NAMES} | {b"<![CDATA[", b"xmlns:", b"tt:", b"@token", b"table.", b"Response"}
