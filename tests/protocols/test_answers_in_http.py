"""What devices answer to the questions of others, read as it passes in the clear."""

from __future__ import annotations

import gzip
import zlib

import pytest

from monitor.model.facts import CapabilityStated, DeviceAnnounced, Fact, MalformedSeen
from monitor.protocols import http

INFO = b"<DeviceInfo><model>DS-2CD2143</model><firmwareVersion>V5.5.82</firmwareVersion></DeviceInfo>"
REFUSAL = b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="IP Camera"\r\nContent-Length: 0\r\n\r\n'


def asked(*uris: str) -> bytes:
    return b"".join(f"GET {uri} HTTP/1.1\r\nHost: 10.20.0.11\r\n\r\n".encode() for uri in uris)


def answer(body: bytes, kind: str = "application/xml") -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def heard(question: bytes, said: bytes) -> list[Fact]:
    """Facts of the direction that answers."""
    client, server = http.pair(40000, 80)
    client.feed(question)
    return [*server.feed(said), *server.ended(True)]


def stated(facts: list[Fact]) -> list[tuple[str, str]]:
    return [(each.api, each.question) for each in facts if isinstance(each, CapabilityStated)]


def test_an_answer_says_what_the_device_is_and_runs() -> None:
    """Model and firmware of ISAPI's deviceInfo, and each of its statements."""
    facts = heard(asked("/ISAPI/System/deviceInfo"), answer(INFO))
    (device,) = [each for each in facts if isinstance(each, DeviceAnnounced)]
    assert (device.protocol, device.model, device.firmware) == ("isapi", "DS-2CD2143", "V5.5.82")
    assert stated(facts) == [("isapi", "System/deviceInfo")]


def test_the_answer_is_that_of_the_request_that_was_let_in() -> None:
    """Digest asks twice: the refusal states nothing, the second answer everything."""
    facts = heard(asked("/ISAPI/System/deviceInfo", "/ISAPI/System/deviceInfo"), REFUSAL + answer(INFO))
    assert stated(facts) == [("isapi", "System/deviceInfo")]


def test_an_answer_that_cannot_be_read_hides_none_behind_it() -> None:
    """It is counted as malformed, and the next one on the same connection is read."""
    question = asked("/ISAPI/System/capabilities", "/ISAPI/System/deviceInfo")
    facts = heard(question, answer(b"<DeviceCap><SysCap>") + answer(INFO))
    assert [each for each in facts if isinstance(each, MalformedSeen)]
    assert stated(facts) == [("isapi", "System/deviceInfo")]


def test_a_page_is_no_answer_and_no_fault() -> None:
    """A log-in page in place of an answer; JSON that is called HTML, as Reolink does, is one."""
    page = heard(asked("/cgi-bin/magicBox.cgi?action=getSoftwareVersion"), answer(b"<html></html>", "text/html"))
    assert not [each for each in page if isinstance(each, CapabilityStated | MalformedSeen)]
    body = b'[{"cmd": "GetP2p", "code": 0, "value": {"P2p": {"enable": 0}}}]'
    assert stated(heard(asked("/cgi-bin/api.cgi?cmd=GetP2p"), answer(body, "text/html"))) == [("reolink", "GetP2p")]


def test_part_of_an_answer_is_none() -> None:
    """What was cut off says nothing: neither that a function is there nor that it went."""
    assert stated(heard(asked("/ISAPI/System/deviceInfo"), answer(INFO)[:-20])) == []


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_compressed_answer_says_the_same(coding: str) -> None:
    """Browsers ask for it (RFC 9110, 8.4.1); one that is cut short says nothing."""
    packed = gzip.compress(INFO, mtime=0) if coding == "gzip" else zlib.compress(INFO)
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Encoding: {coding}\r\n"
    said = head.encode() + b"Content-Length: %d\r\n\r\n" % len(packed) + packed
    facts = heard(asked("/ISAPI/System/deviceInfo"), said)
    assert stated(facts) == [("isapi", "System/deviceInfo")]
    short = head.encode() + b"Content-Length: %d\r\n\r\n" % (len(packed) - 9) + packed[:-9]
    assert stated(heard(asked("/ISAPI/System/deviceInfo"), short)) == []
