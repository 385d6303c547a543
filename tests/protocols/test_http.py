"""HTTP/1 requests and responses as streams."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.model.facts import HttpRequest, HttpResponse, Malformed, MalformedSeen, Want
from monitor.protocols.http import MAX_HEADER, Parser, sniff
from tests.protocols.hostile import everything

GET = b"GET /a?b=1 HTTP/1.1\r\nHost: Cam.Example:8080\r\nUser-Agent: probe/1\r\n\r\n"
GOT = HttpRequest("GET", "cam.example", "/a?b=1", "probe/1")
OK = b"HTTP/1.1 200 OK\r\nServer: web\r\nContent-Length: 0\r\n\r\n"
FINE = HttpResponse(200, "web", None, 0)


def test_request() -> None:
    """Method, host without its port, target and agent of a request."""
    assert Parser().feed(GET) == [GOT]


def test_response() -> None:
    """Status, server, type, length and realm of a response; nothing else of the challenge."""
    stream = (
        b"HTTP/1.1 401 Unauthorized\r\nserver : App-webs/\r\n"
        b'WWW-Authenticate: Digest nonce="n0", realm="IP \\"Camera\\""\r\n'
        b"WWW-Authenticate: Basic realm=other\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello"
    )
    assert Parser().feed(stream) == [HttpResponse(401, "App-webs/", "text/html", 5, 'IP "Camera"')]


@pytest.mark.parametrize(
    ("line", "host", "uri"),
    [
        (b"GET http://u:p@Other:81/x HTTP/1.1", "other", "http://***@Other:81/x"),
        (b"CONNECT [2001:db8::1]:443 HTTP/1.1", "2001:db8::1", "[2001:db8::1]:443"),
        (b"OPTIONS * HTTP/1.1", "here", "*"),
        (b"GET / HTTP/1.", "here", "/"),
        (b"GET /HTTP/1.1", "here", "/"),
        (b"GET HTTP/1.1", "here", ""),
        (b"GET /with blank HTTP/1.0", "here", "/with blank"),
        (b"GET /\xff\x01\\ HTTP/1.0", "here", r"/\xff\x01\x5c"),
    ],
)
def test_targets(line: bytes, host: str, uri: str) -> None:
    """An absolute or authority target names the host, else the Host field does (RFC 9112, 3.2)."""
    (fact,) = Parser().feed(line + b"\r\nHost: here\r\n\r\n")
    assert isinstance(fact, HttpRequest)
    assert (fact.host, fact.uri) == (host, uri)


BODIES = {
    "length": b"POST / HTTP/1.1\r\nContent-Length: 20\r\n\r\nGET / HTTP/1.1\r\n\r\n..",
    "chunked": b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
    b'5;ext="x"\r\nhello\r\n00A\r\n0123456789\r\n0\r\nTrailer: GET / HTTP/1.1\r\n\r\n',
    "both": b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    "repeated length": b"POST / HTTP/1.1\r\nContent-Length: 2, 2\r\nContent-Length: 2\r\n\r\n..",
    "none": b"DELETE / HTTP/1.1\r\n\r\n",
    "line feeds": b"\r\n\nPOST / HTTP/1.1\nContent-Length: 2\n\n..",
    "folded": b"POST / HTTP/1.1\r\nX: a\r\n b\r\nContent-Length:\r\n\t2\r\n\r\n..",
    "chunks with line feeds": b"POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n2\n..\n0\n\n",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_request_behind_a_body(body: bytes) -> None:
    """A body is counted through by each kind of framing, and the pipelined request behind it is found."""
    facts = Parser().feed(body + GET)
    assert len(facts) == 2
    assert facts[1] == GOT


@pytest.mark.parametrize("status", [b"100 Continue", b"204 No Content", b"304 Not Modified"])
def test_responses_without_a_body(status: bytes) -> None:
    """1xx, 204 and 304 have no body, whatever length they announce (RFC 9112, 6.3)."""
    facts = Parser().feed(b"HTTP/1.1 " + status + b"\r\nContent-Length: 5\r\n\r\n" + OK)
    assert facts[1:] == [FINE]


@pytest.mark.parametrize("framing", [b"Content-Length: 500000", b"Transfer-Encoding: chunked"])
def test_response_to_head(framing: bytes) -> None:
    """Where a status line stands in place of an announced body, the response answered HEAD."""
    head = b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n"
    for cut in range(len(head) + len(OK)):
        assert everything(Parser(), head + OK, cut)[1:] == [FINE]


def test_body_that_begins_like_a_status_line() -> None:
    """A body that only begins like a status line is a body."""
    assert Parser().feed(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.x " + OK)[1:] == [FINE]


@pytest.mark.parametrize(
    "message",
    [
        b"HTTP/1.1 200 OK\r\n\r\n<!DOCTYPE html>",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n\xff\xd8\xff\xe0\0\x10JFIF",
        b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=x\r\nContent-Length: 9\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n\x89PNG\r\n\x1a\n",
        b"CONNECT a:443 HTTP/1.1\r\n\r\n",
        b"POST /upload HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n\0\0\0\x18ftypmp42",
        b"POST /upload HTTP/1.1\r\nContent-Type: video/mp4\r\nContent-Length: 99999999\r\n\r\n",
        b"HTTP/1.1 404 No\r\nContent-Length: 99999999\r\n\r\n",
    ],
)
def test_stops_where_nothing_can_follow(message: bytes) -> None:
    """Bodies until close, tunnels, and long ones that do not begin like an image end the parser after the fact."""
    parser = Parser()
    assert len(parser.feed(message)) == 1
    assert parser.want is Want.STOP
    assert parser.feed(OK) == []


def test_upgrade_that_was_granted_is_no_damage() -> None:
    """Frames behind an Upgrade request end the parser silently; a request there means it was declined."""
    upgrade = b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    parser = Parser()
    assert len(parser.feed(upgrade)) == 1
    assert parser.feed(b"\x81\x85abcd12345") == []
    assert parser.want is Want.STOP
    assert Parser().feed(upgrade + GET)[1:] == [GOT]


@pytest.mark.parametrize(
    ("stream", "facts"),
    [
        (b"\x16\x03\x01\x02\x00\x01", 0),
        (b"GET /\r\n\r\n", 0),
        (b"OPTIONS rtsp://h/x RTSP/1.0\r\n\r\n", 0),
        (b"POST / HTTP/1.1\r\nContent-Length: 5, 6\r\n\r\n", 1),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 1),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 1),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n", 1),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * MAX_HEADER, 1),
        (b"GET /" + b"a" * MAX_HEADER, 0),
        (OK + b"\x00\x00\x00", 1),
    ],
)
def test_damage_keeps_what_came_before(stream: bytes, facts: int) -> None:
    """What was learnt before the damage is told, then that there is damage; the parser stops."""
    told = everything(Parser(), stream)
    assert len(told) == facts + 1
    assert isinstance(told[-1], MalformedSeen)
    assert everything(Parser(), stream, *range(1, min(len(stream), 200))) == told


def test_header_fields_are_bounded_and_counted() -> None:
    """The 128 first fields are read, the others and lines that are no fields are counted."""
    parser = Parser()
    parser.feed(b"GET / HTTP/1.1\r\nnonsense\r\n" + b"X: y\r\n" * 130 + b"Host: late\r\n\r\n")
    assert parser.dropped == 1 + 4


def test_gap_in_a_body_finds_the_next_message() -> None:
    """Behind lost octets a segment that begins with a start line begins anew."""
    parser = Parser()
    parser.feed(b"POST / HTTP/1.1\r\nContent-Length: 5000\r\n\r\nabc")
    parser.gap()
    assert parser.feed(b"rest of the body") == []
    assert parser.feed(GET) == [GOT]


def test_gap_in_a_header_keeps_what_was_said() -> None:
    """Of a header section that is cut, the whole lines are told with the next octets, or with none."""
    parser = Parser()
    parser.feed(GET[:-10])
    parser.gap()
    assert parser.feed(b"") == [HttpRequest("GET", "cam.example", "/a?b=1", None)]
    assert parser.feed(OK) == [FINE]


def test_gives_up_behind_a_gap() -> None:
    """A stream that shows no start line in 64 segments behind a gap is given up."""
    parser = Parser()
    parser.feed(GET)
    parser.gap()
    for _ in range(64):
        assert parser.want is Want.MORE
        parser.feed(b"body")
    assert parser.want is Want.STOP


@pytest.mark.parametrize(
    "head",
    [
        b"GET /",
        b"OPTIONS ru",
        b"GET http:",
        b"NOTIFY s3",
        b"HTTP/1.",
        b"HTTP/1.0 200",
        b"PROPFIND / HTTP/1.1\r\n",
        b"\r\nPOST /",
        GET,
        OK,
    ],
)
def test_sniff_takes_http(head: bytes) -> None:
    """A method and the first of its target may do; a whole line must be a start line."""
    assert sniff(head, 40000, 81)


@pytest.mark.parametrize(
    "head",
    [
        b"", b"\x16\x03\x01", b"RTSP/1.0 200 OK\r\n", b"SIP/2.0 200 OK\r\n", b"OPTIONS rtsp://h/ RTSP/1.0\r\n",
        b"GETX", b"PRI * HTTP/2.0\r\n", b"G", b"GET ", b"H", b"HTTP/1", b"OPTIONS *", b"OPTIONS rts", b"NOTIFY si",
        b"OPTIONS sip:a@b", b"GET / RTSP/1.0\r\n", b"DESCRIBE rtsp://h/ RTSP/1.0", b"SSH-2.0-x\r\n", b"GET_PARAMETER rtsp://",
    ],
)  # fmt: skip
def test_sniff_refuses_its_kin(head: bytes) -> None:
    """RTSP, SIP, HTTP/2 and strangers are not HTTP/1, nor is what may become one of them."""
    assert not sniff(head, 40000, 80)


def test_no_secret_reaches_a_fact() -> None:
    """User info, secret parameters, Authorization, cookies and the Referer are in no fact, split anywhere."""
    stream = (
        b"GET http://u:CaNaRy7@h/x?pwd=CaNaRy7&ch=1 HTTP/1.1\r\nHost: u:CaNaRy7@h\r\nAuthorization: Basic CaNaRy7\r\n"
        b"Referer: http://h/?token=CaNaRy7\r\nCookie: sid=CaNaRy7\r\nUser-Agent: x http://u:CaNaRy7@h\r\n\r\n"
        b"CONNECT u:CaNaRy7@h:443 HTTP/1.1\r\n\r\n"
    )
    answer = (
        b"HTTP/1.1 401 No\r\nServer: x?key=CaNaRy7\r\nSet-Cookie: sid=CaNaRy7\r\n"
        b'WWW-Authenticate: Digest nonce="CaNaRy7", realm="http://u:CaNaRy7@h"\r\n'
    )
    for cut in range(len(stream)):
        assert "CaNaRy7" not in repr(everything(Parser(), stream, cut))
    parser = Parser()
    parser.feed(answer)
    parser.gap()
    told = parser.feed(b"")
    assert len(told) == 1
    assert "CaNaRy7" not in repr(told)


def test_long_values_are_cut() -> None:
    """A target keeps 1024 characters, any other value 255; user info that straddles the cut is gone."""
    straddling = b"/x?u=" + b"a" * 1000 + b"http://user:CaNaRy7" + b"b" * 100 + b"@h"
    (fact,) = Parser().feed(b"GET " + straddling + b" HTTP/1.1\r\nUser-Agent: " + b"c" * 900 + b"\r\n\r\n")
    assert isinstance(fact, HttpRequest)
    assert len(fact.uri) <= 1024
    assert "CaNaRy7" not in fact.uri
    assert len(fact.user_agent or "") == 255


STREAM = b"".join([*BODIES.values(), GET, b"GET /\xff?key=1 HTTP/1.1\r\nX\r\n\r\n", OK[:20]])


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_any_split_gives_equal_facts(cuts: list[int]) -> None:
    """Facts do not depend on how the stream was cut into segments."""
    assert everything(Parser(), STREAM, *cuts) == everything(Parser(), STREAM)


@settings(max_examples=200)
@given(st.data())
def test_mutated_streams_give_equal_facts_split_anywhere(data: st.DataObject) -> None:
    """Octets that were changed raise nothing but Malformed, and the same facts whatever the segments."""
    stream = bytearray(data.draw(st.sampled_from([STREAM, OK + OK, GET + GET, *BODIES.values()])))
    for _ in range(data.draw(st.integers(1, 3))):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(
            st.sampled_from([*b"\r\n :;0GHT/1\x00\xff", 0x41])
        )
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=6))
    assert everything(Parser(), bytes(stream), *cuts) == everything(Parser(), bytes(stream))


@given(st.lists(st.binary(max_size=60), max_size=6), st.booleans())
def test_random_octets_raise_only_malformed(pieces: list[bytes], gap: bool) -> None:
    """Nothing but Malformed leaves the parser, gaps included."""
    parser = Parser()
    for piece in pieces:
        try:
            parser.feed(piece)
        except Malformed as error:
            assert error.layer == "http"
        if gap:
            parser.gap()
