"""Conversations: what each direction of a flow is taken for, and what comes behind a proxy's plaintext."""

from __future__ import annotations

import pytest

from monitor.model.facts import Fact, HttpRequest, ServiceBanner, TlsClientHello
from monitor.protocols.conversation import HEAD, MAX_TUNNELS, Conversation
from monitor.protocols.registry import STREAMS
from tests.protocols import test_dns, test_dvrip, test_mqtt, test_rdp, test_smb, test_ssh, test_vnc
from tests.protocols.test_tls import EXPECTED, FULL, records

CONNECT = b"CONNECT cam.example:443 HTTP/1.1\r\nHost: cam.example:443\r\n\r\n"
HELLO = records(FULL)
EHOME = (
    b'<?xml version="1.0" encoding="GB2312"?>\r\n<PPVSPMessage><CommandType>REQUEST</CommandType><Command>REGISTER</Command>'
    b"<Params><DeviceID>cam1</DeviceID></Params></PPVSPMessage>"
)
BEGINNINGS: dict[str, tuple[int, int, bytes]] = {
    "TLS": (443, 0, HELLO),
    "HTTP": (80, 0, b"OPTIONS /live HTTP/1.1\r\nHost: cam.example\r\n\r\n"),
    "HTTP's answer": (80, 1, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "RTSP": (554, 0, b"DESCRIBE rtsp://192.0.2.1/live RTSP/1.0\r\nCSeq: 1\r\n\r\n"),
    "RTSP, as HTTP begins": (8554, 0, b"OPTIONS rtsp://192.0.2.1/live RTSP/1.0\r\nCSeq: 1\r\n\r\n"),
    "RTSP of no stream": (554, 0, b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"),
    "RTSP's answer": (554, 1, b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: a/1\r\n\r\n"),
    "SIP": (5060, 0, b"OPTIONS sip:cam.example SIP/2.0\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"),
    "SSH": (22, 1, test_ssh.LINE),
    "RDP": (3389, 0, test_rdp.REQUEST),
    "RDP with its correlation": (3390, 0, test_rdp.tpkt(0xE0, test_rdp.OFFER + test_rdp.CORRELATION)),
    "RDP's answer": (3389, 1, test_rdp.CONFIRM),
    "VNC": (5900, 1, test_vnc.VERSION),
    "NetBIOS": (139, 0, test_smb.SESSION_REQUEST + test_smb.smb1(reply=False)),
    "MQTT": (1883, 0, test_mqtt.CONNECT),
    "DNS": (53, 0, len(test_dns.QUERY).to_bytes(2, "big") + test_dns.QUERY),
    "FTP": (2121, 0, b"USER anonymous\r\nSYST\r\nRETR a.bin\r\n"),
    "DVRIP": (37777, 0, test_dvrip.LOGIN),
    "EHome": (7660, 0, EHOME),
}
"""Port of the side that was called, direction, and what it says."""


def stream() -> Conversation:
    return Conversation(STREAMS, 40000, 8080, stream=True)


def kinds(facts: list[Fact]) -> list[type[Fact]]:
    return list(map(type, facts))


def test_a_hello_behind_connect_is_read() -> None:
    """What a client sends through a proxy is its own affair again, and looked at afresh (RFC 9110, 9.3.6)."""
    conversation = stream()
    assert kinds(conversation.feed(0, CONNECT)) == [HttpRequest]
    assert conversation.wants(0)
    assert conversation.feed(0, HELLO) == [EXPECTED]


def test_a_hello_in_the_same_segment_is_read() -> None:
    """A client need not wait for the proxy's answer."""
    assert kinds(stream().feed(0, CONNECT + HELLO)) == [HttpRequest, TlsClientHello]


@pytest.mark.parametrize("cut", range(1, len(CONNECT + HELLO), 7))
def test_cuts_make_no_difference(cut: int) -> None:
    """Wherever a segment ends."""
    data = CONNECT + HELLO
    conversation = stream()
    facts = conversation.feed(0, data[:cut]) + conversation.feed(0, data[cut:])
    assert kinds(facts) == [HttpRequest, TlsClientHello]


def test_a_refused_proxy_is_asked_again() -> None:
    """After 407 the client repeats its request on the same connection."""
    conversation = stream()
    assert kinds(conversation.feed(0, CONNECT) + conversation.feed(0, CONNECT) + conversation.feed(0, HELLO)) == [
        HttpRequest, HttpRequest, TlsClientHello,
    ]  # fmt: skip


def test_something_else_behind_connect_ends_it() -> None:
    """What no parser knows is left alone, without a word."""
    conversation = stream()
    conversation.feed(0, CONNECT)
    assert conversation.feed(0, b"no such protocol\r\n" * 4) == []
    assert not conversation.wants(0)


def test_tunnels_are_bounded() -> None:
    """A segment full of CONNECT requests costs MAX_TUNNELS of them."""
    conversation = stream()
    assert kinds(conversation.feed(0, CONNECT * 1000)) == [HttpRequest] * (MAX_TUNNELS + 1)
    assert not conversation.wants(0)


def test_nothing_begins_behind_a_hole() -> None:
    """Bytes lost in the request or behind it: what follows cannot be told from the middle of something."""
    conversation = stream()
    conversation.feed(0, CONNECT)
    conversation.lost(0)
    assert conversation.feed(0, HELLO) == []
    cut = stream()
    cut.feed(0, CONNECT[:50])
    assert kinds(cut.lost(0)) == [HttpRequest]
    assert cut.feed(0, HELLO) == []


def test_the_other_direction_is_its_own() -> None:
    """The proxy's answer is read as HTTP, whatever the client does."""
    conversation = stream()
    conversation.feed(0, CONNECT + HELLO)
    assert len(conversation.feed(1, b"HTTP/1.1 200 Connection established\r\n\r\n")) == 1


@pytest.mark.parametrize("kind", BEGINNINGS)
def test_beginnings_may_come_in_pieces(kind: str) -> None:
    """A first segment of one octet, or of any number: the same is told as of the whole."""
    port, direction, data = BEGINNINGS[kind]

    def told(*pieces: bytes) -> list[Fact]:
        conversation = Conversation(STREAMS, 40000, port, stream=True)
        return [fact for piece in pieces for fact in conversation.feed(direction, piece)]

    whole = told(data)
    assert whole
    assert [cut for cut in range(1, len(data)) if told(data[:cut], data[cut:]) != whole] == []
    assert told(*(data[at : at + 1] for at in range(len(data)))) == whole


def test_a_beginning_outlasts_what_the_other_side_says() -> None:
    """Both sides of SSH begin at once: neither waits for the other's line to be whole."""
    conversation = Conversation(STREAMS, 40000, 22, stream=True)
    facts = [fact for octet in test_ssh.LINE for side in (0, 1) for fact in conversation.feed(side, bytes([octet]))]
    assert [fact.role for fact in facts if isinstance(fact, ServiceBanner)] == ["client", "server"]


def test_beginnings_are_bounded() -> None:
    """What no row knows is given up at HEAD octets, however they come, and each direction by itself."""
    conversation = stream()
    for _ in range(HEAD - 1):
        assert conversation.feed(0, b"?") == []
        assert conversation.wants(0)
    conversation.feed(0, b"?")
    assert (conversation.wants(0), conversation.wants(1)) == (0, 1)
    conversation.feed(1, b"?" * HEAD)
    assert not conversation.wants(1)


def test_a_hole_ends_a_beginning() -> None:
    """What comes behind it does not belong to what was held."""
    conversation = stream()
    conversation.feed(0, CONNECT[:3])
    assert conversation.lost(0) == []
    assert conversation.feed(0, CONNECT[3:]) == []
    assert not conversation.wants(0)
