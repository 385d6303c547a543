"""What of a payload may be kept as evidence: names and greetings; and never a credential, wherever segments begin."""

from __future__ import annotations

import base64
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.protocols.redaction import hello_rest, of_datagram, of_segment
from pcaps import messages
from pcaps.tls import client_hello, first_flight
from tests.builds import other_build

if TYPE_CHECKING:
    from types import ModuleType

SECRET: Final = "QjZxVkWq7Yp"
"""Stands in no message but as a credential, and no three of its letters do."""
BASIC: Final = base64.b64encode(f"admin:{SECRET}".encode()).decode()
DIGEST: Final = (
    f'Digest username="u{SECRET}", realm="x", nonce="n{SECRET}", uri="/a", response="{SECRET}", cnonce="{SECRET}"'
)
SOAP: Final = (
    '<s:Envelope><s:Header><Security><UsernameToken><Username>admin</Username><Password Type="#PasswordDigest">'
    f"{SECRET}</Password><Nonce>{SECRET}</Nonce></UsernameToken></Security></s:Header></s:Envelope>"
)
DIALOGUES: Final = {
    "basic": f"GET / HTTP/1.1\r\nHost: cam\r\nAuthorization: Basic {BASIC}\r\nUser-Agent: x\r\n\r\n",
    "digest": f"PUT /ISAPI/x HTTP/1.1\r\nAuthorization: {DIGEST}\r\nContent-Length: 2\r\n\r\n{{}}",
    "cookie": f"GET / HTTP/1.1\r\nCookie: sid={SECRET}\r\nHost: cam\r\n\r\n",
    "set-cookie": f"HTTP/1.1 200 OK\r\nSet-Cookie: WebSession={SECRET}; Path=/\r\nServer: x\r\n\r\n",
    "query": f"GET /cgi-bin/login.cgi?loginuse=admin&loginpas={SECRET}&x=1 HTTP/1.1\r\nHost: cam\r\n\r\n",
    "token": f"GET /snapshot?token={SECRET} HTTP/1.0\r\n\r\n",
    "user-info": f"GET http://admin:{SECRET}@cam/ HTTP/1.1\r\nHost: admin:{SECRET}@cam\r\n\r\n",
    "referer": f"GET / HTTP/1.1\r\nReferer: http://a:{SECRET}@cam/\r\nHost: cam\r\n\r\n",
    "folded": f"GET / HTTP/1.1\r\nUser-Agent: x\r\n password={SECRET}\r\nAuthorization:\r\n\tBasic {SECRET}\r\n\r\n",
    "no-colon": f"GET / HTTP/1.1\r\n{SECRET}\r\n\r\n",
    "form": f"POST /login HTTP/1.1\r\nContent-Length: 40\r\n\r\nuser=admin&password={SECRET}",
    "onvif": f"POST /onvif/device_service HTTP/1.1\r\nHost: cam\r\nContent-Length: {len(SOAP)}\r\n\r\n{SOAP}",
    "rtsp": f"DESCRIBE rtsp://admin:{SECRET}@cam:554/1 RTSP/1.0\r\nCSeq: 2\r\nAuthorization: {DIGEST}\r\n\r\n",
    "rtsp-path": f"DESCRIBE rtsp://cam:554/user=admin_password={SECRET}_channel=1.sdp RTSP/1.0\r\nCSeq: 2\r\n\r\n",
    "challenge": f'RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest nonce="{SECRET}"\r\nCSeq: 2\r\n\r\n',
    "dahua-p2p": f"DHPOST /device/x HTTP/1.1\r\nCSeq: 1\r\nX-WSSE: UsernameToken PasswordDigest={SECRET}\r\n\r\n",
    "ftp": f"USER admin\r\nPASS {SECRET}\r\nLIST\r\n",
    "telnet": f"login: root\r\nPassword: {SECRET}\r\n# ",
    "sofia": f'\xff\x01\0\0{{"PassWord": "{SECRET}", "UserName": "admin"}}',
    "smtp": f"AUTH PLAIN {BASIC}\r\n",
}
PARTS: Final = tuple(SECRET[at : at + 3].encode() for at in range(len(SECRET) - 2)) + tuple(
    BASIC[at : at + 4].encode() for at in range(8, len(BASIC) - 4)
)


def leaks(kept: bytes) -> bool:
    return any(part in kept for part in PARTS)


@pytest.mark.parametrize("name", DIALOGUES)
def test_no_credential_is_kept_of_a_whole_message(name: str) -> None:
    """Neither of a segment nor of a datagram; and of HTTP and RTSP it is still seen what was asked."""
    data = DIALOGUES[name].encode("latin-1")
    assert leaks(data)
    for port in (80, 554, 21, 23, 34567):
        kept, what = of_segment(data, 40000, port)
        assert not leaks(kept)
        assert not leaks(of_datagram(data, 40000, port)[0])
        if b"/1." in data.split(b"\r\n")[0]:
            assert what == "head, values blanked"
            assert data.startswith(kept.split(b" ")[0])
        else:
            assert kept == b""


@given(
    name=st.sampled_from(sorted(DIALOGUES)),
    cuts=st.lists(st.integers(0, 400), max_size=5),
    before=st.sampled_from(["", DIALOGUES["basic"], "OPTIONS * HTTP/1.1\r\nHost: cam\r\n\r\n"]),
    port=st.sampled_from([80, 554, 21, 23, 53, 5353, 34567]),
)
def test_no_credential_is_kept_wherever_segments_begin(name: str, cuts: list[int], before: str, port: int) -> None:
    """Of no piece of a dialogue is so much as three letters of a secret kept, from either side."""
    data = (before + DIALOGUES[name]).encode("latin-1")
    ends = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    for start, end in pairwise(ends):
        for ports in ((40000, port), (port, 40000)):
            assert not leaks(of_segment(data[start:end], *ports)[0])
            assert not leaks(of_datagram(data[start:end], *ports)[0])


@given(data=st.binary(max_size=300), sport=st.integers(0, 65535), dport=st.sampled_from([53, 80, 123, 443, 69]))
def test_what_is_kept_stands_where_it_stood(data: bytes, sport: int, dport: int) -> None:
    """It is as long as a beginning of the payload, and differs from it only in what is blanked."""
    for kept, _ in (of_segment(data, sport, dport), of_datagram(data, sport, dport)):
        assert len(kept) <= len(data)
        assert all(one in (other, ord("*")) for one, other in zip(kept, data, strict=False))


def test_what_a_request_asks_for_is_kept() -> None:
    """The first line, the names of all fields, and the values that say who is asked and by which program."""
    kept, _ = of_segment(DIALOGUES["digest"].encode(), 40000, 80)
    lines = kept.split(b"\r\n")
    assert lines[0] == b"PUT /ISAPI/x HTTP/1.1"
    assert lines[1].startswith(b"Authorization:***")
    assert lines[2] == b"Content-Length: 2"
    assert kept.endswith(b"\r\n\r\n")


def test_lines_that_end_elsewhere_are_not_kept() -> None:
    """Half of a URI does not show that it holds a password."""
    assert of_segment(b"GET http://admin:QjZ", 40000, 80) == (b"", "")
    assert of_segment(b"GET / HTTP/1.1\r\nUser-Agent: http://a:QjZ", 40000, 80)[0] == b"GET / HTTP/1.1\r\n"


def test_names_are_kept() -> None:
    """Of DNS all, on its ports and if it is that to the last octet."""
    asked = messages.dns_query(7, "cloud.example")
    assert of_datagram(asked, 40000, 53) == (asked, "DNS")
    assert of_datagram(asked + b"QjZxVk", 40000, 53) == (b"", "")
    assert of_datagram(asked, 40000, 4000)[1] != "DNS"


def test_a_greeting_is_kept_and_what_follows_it_is_not(rng_hello: bytes) -> None:
    """A ClientHello to its end, also where that is in the next segment; application data never."""
    data = b"\x17\x03\x03\x00\x10" + bytes(16)
    assert of_segment(rng_hello + data, 40000, 443) == (rng_hello, "TLS greeting")
    assert of_segment(data, 40000, 443) == (b"", "")
    assert hello_rest(rng_hello[:100]) == len(rng_hello) - 100
    assert hello_rest(rng_hello + data) == 0


def test_pppp_openings_only() -> None:
    """A hello is kept; data, in which the web interface's passwords pass, is not."""
    assert of_datagram(b"\xf1\x00\x00\x00", 4000, 32100) == (b"\xf1\x00\x00\x00", "PPPP opening")
    drw = b"\xf1\xd0\x00\x20\xd1\x00\x00\x01" + b"loginuse=admin&loginpas=QjZx"
    assert of_datagram(drw, 4000, 32100)[0] == b""


def test_both_builds_keep_the_same() -> None:
    """Compiled and as Python."""
    other: ModuleType = other_build("monitor.protocols.redaction")[0]
    for text in DIALOGUES.values():
        data = text.encode("latin-1")
        assert other.of_segment(data, 40000, 80) == of_segment(data, 40000, 80)
        assert other.of_datagram(data, 40000, 80) == of_datagram(data, 40000, 80)


@pytest.fixture
def rng_hello() -> bytes:
    from random import Random

    return first_flight(client_hello(Random(1), "dev.example"))
