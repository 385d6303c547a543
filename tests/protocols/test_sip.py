"""SIP and GB/T 28181; messages are synthetic, shaped as RFC 3261, 24 and published exchanges with cameras."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import DeviceAnnounced, Malformed, MalformedSeen, SipMessage, Want
from monitor.protocols.sip import Parser, sniff
from tests.protocols.hostile import cut, mutants, only_malformed, refuses_chance, told

DEVICE = "34020000001320000002"
SERVER = "34020000002000000001"


def message(start: str, *fields: str, body: bytes = b"") -> bytes:
    lines = [
        start,
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1",
        "Call-ID: 1",
        *fields,
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def xml(root: str, command: str, more: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="GB2312"?>\r\n<{root}>\r\n<CmdType>{command}</CmdType>\r\n<SN>1</SN>\r\n'
        f"<DeviceID>{DEVICE}</DeviceID>\r\n{more}</{root}>\r\n"
    ).encode("gb2312")


MANSCDP = "Content-Type: Application/MANSCDP+xml"
REGISTER = message(
    f"REGISTER sip:{SERVER}@3402000000 SIP/2.0",
    "CSeq: 2 REGISTER",
    "User-Agent: IP Camera",
    'Authorization: Digest username="u", response="6629fae49393a05397450978507c4ef1"',
)
REFUSED = message(
    "SIP/2.0 401 Unauthorized", "CSeq: 1 REGISTER", 'WWW-Authenticate: Digest realm="3402000000", nonce="abc"'
)
CONTROL = message(
    f"MESSAGE sip:{DEVICE}@192.0.2.9 SIP/2.0", "CSeq: 3 MESSAGE", MANSCDP, body=xml("Control", "DeviceControl")
)
INFO = message(
    f"MESSAGE sip:{SERVER}@3402000000 SIP/2.0",
    "CSeq: 20 MESSAGE",
    MANSCDP,
    "User-Agent: IP Camera",
    body=xml(
        "Response",
        "DeviceInfo",
        "<Result>OK</Result>\r\n<DeviceName>东门</DeviceName>\r\n<Manufacturer>Hikvision</Manufacturer>\r\n"
        "<Model>DS-2CD5024EFWD</Model>\r\n<Firmware>V5.4.5</Firmware>\r\n",
    ),
)
TOLD_REGISTER = SipMessage("REGISTER", None, f"sip:{SERVER}@3402000000", "IP Camera")
TOLD_INFO = SipMessage("MESSAGE", None, f"sip:{SERVER}@3402000000", "IP Camera", "DeviceInfo", DEVICE)
CAMERA = DeviceAnnounced(
    "gb28181", name="东门", vendor="Hikvision", model="DS-2CD5024EFWD", firmware="V5.4.5", message="DeviceInfo"
)


def test_camera_registers_over_udp() -> None:
    """Method and maker's agent are told, each message once; the digest is not."""
    assert sniff(REGISTER, 5060, 15060)
    assert told(Parser(stream=False), [REGISTER, REGISTER, b"\r\n\r\n", b"     ", INFO]) == [
        TOLD_REGISTER,
        TOLD_INFO,
        CAMERA,
    ]


def test_platform_answers_and_controls() -> None:
    """A response has the method of its CSeq; a body's command and device are told."""
    assert told(Parser(stream=False), [REFUSED, CONTROL]) == [
        SipMessage("REGISTER", 401, None, None),
        SipMessage("MESSAGE", None, f"sip:{DEVICE}@192.0.2.9", None, "DeviceControl", DEVICE),
    ]


@given(st.lists(st.integers(0, 2_000), max_size=8))
def test_stream_in_any_pieces(places: list[int]) -> None:
    """Over TCP the messages are those of the datagrams, however the stream is cut, blank lines between them or not."""
    stream = REGISTER + b"\r\n\r\n" + INFO + REGISTER
    assert told(Parser(stream=True), cut(stream, 30, places)) == [TOLD_REGISTER, TOLD_INFO, CAMERA]


def test_compact_names_and_a_password_in_the_uri() -> None:
    """RFC 3261, 7.3.3 and 19.1.1."""
    body = xml("Notify", "Keepalive")
    made = (
        f"MESSAGE sip:user:hunter2@192.0.2.9 SIP/2.0\r\nc: application/manscdp+xml\r\nl: {len(body)}\r\n\r\n".encode()
        + body
    )
    assert told(Parser(stream=True), [made, made]) == [
        SipMessage("MESSAGE", None, "sip:user:***@192.0.2.9", None, "Keepalive", DEVICE)
    ]


def test_nonsense_in_a_stream_stops_it() -> None:
    """What is told before stands; then nothing is read."""
    parser = Parser(stream=True)
    assert parser.feed(REGISTER) == [TOLD_REGISTER]
    with pytest.raises(Malformed):
        parser.feed(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert parser.want is Want.STOP


def test_nonsense_behind_a_message_hides_it_in_no_segment() -> None:
    """What came before the nonsense is told, however the stream is cut."""
    junk = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    parser = Parser(stream=True)
    told = parser.feed(REGISTER + junk)
    assert told[0] == TOLD_REGISTER
    assert isinstance(told[1], MalformedSeen)
    assert parser.want is Want.STOP


@pytest.mark.parametrize("length", ["-1", "99999999999", "x"])
def test_lengths_that_cannot_be(length: str) -> None:
    """A body that is longer than is read, or no number, ends a stream."""
    made = f"INFO sip:a@b SIP/2.0\r\nContent-Length: {length}\r\n\r\n".encode()
    assert [type(each) for each in told(Parser(stream=True), [made])] == [MalformedSeen]


@pytest.mark.parametrize("other", [b"", b"OPTIONS rtsp://a/b RTSP/1.0\r\n", b"GET / HTTP/1.1\r\n", b"SIP/1.0 200 OK\r\n", b"MESSAGE hello", b"INVITE"])  # fmt: skip
def test_sniff_refuses(other: bytes) -> None:
    """RTSP, HTTP, another version, words that are no request."""
    assert not sniff(other, 5060, 5060)


def test_chance_is_refused() -> None:
    """Random payloads, alone and behind a method."""
    refuses_chance(sniff, (5060, 5060), [b"", b"INVITE ", b"SIP/2.0 "])


def test_mutants_raise_only_malformed() -> None:
    """3,000 damaged messages, as datagrams and in streams."""
    valid = [REGISTER, REFUSED, CONTROL, INFO]
    only_malformed(lambda: Parser(stream=False), mutants(valid, 3_000, 13), "sip")
    only_malformed(lambda: Parser(stream=True), mutants(valid, 3_000, 14), "sip")
