"""Dahua P2P; all datagrams are synthetic, after dh-p2p."""

from __future__ import annotations

import pytest

from monitor.model.facts import Malformed, P2pContact
from monitor.protocols.dahua_p2p import Parser, sniff
from tests.protocols.hostile import mutants, only_malformed, refuses_chance

SERIAL = "7L0ABCDPAZ12345"
SECRET = 'X-WSSE: UsernameToken Username="u", PasswordDigest="c2VjcmV0", Nonce="1"'


def request(verb: str, path: str) -> bytes:
    return f"{verb} {path} HTTP/1.1\r\nCSeq: 1\r\n{SECRET}\r\n\r\n".encode()


def ptcp(body: bytes = b"") -> bytes:
    return b"PTCP" + bytes(12) + b"\x00\x00\x00\x01\x00\x00\x00\x00" + body


def stun(kind: int, attribute: int, more: bytes = bytes(12)) -> bytes:
    body = attribute.to_bytes(2, "big") + b"\x00\x08" + bytes(8) + more
    clear = kind.to_bytes(2, "big") + len(body).to_bytes(2, "big") + bytes(range(16)) + body
    return bytes(octet ^ 0xFF for octet in clear)


ANSWER = b"HTTP/1.1 200 OK\r\nCSeq: 2\r\nContent-Length: 41\r\n\r\n<body><US>192.0.2.7:8800</US></body>"
KNOWN = [
    (request("DHGET", "/probe/p2psrv"), "PROBE_SERVER", "unknown"),
    (request("DHGET", f"/online/p2psrv/{SERIAL}"), "FIND_SERVER", "client"),
    (request("GET", f"/probe/device/{SERIAL}"), "PROBE_DEVICE", "client"),
    (request("DHGET", "/online/relay"), "FIND_RELAY", "unknown"),
    (request("DHPOST", f"/device/{SERIAL}/p2p-channel"), "OPEN_CHANNEL", "unknown"),
    (request("DHGET", "/relay/agent"), "FIND_AGENT", "unknown"),
    (request("DHPOST", "/relay/start/6b8f3a"), "START_RELAY", "unknown"),
    (request("DHGET", "/something/new"), "REQUEST", "unknown"),
    (ANSWER, "ANSWER", "server"),
    (ptcp(b"\x00\x03\x01\x00"), "PTCP_SYN", "unknown"),
    (ptcp(b"\x10\x00\x00\x05" + bytes(8) + b"RTSP/"), "PTCP_DATA", "unknown"),
    (ptcp(b"\x12\x00\x00\x04\x00\x00\x00\x07\x00\x00\x00\x00CONN"), "PTCP_STATUS", "unknown"),
    (ptcp(b"\x13" + bytes(11)), "PTCP_HEARTBEAT", "unknown"),
    (stun(0x0001, 0x802A), "STUN_REQUEST", "unknown"),
    (stun(0x0101, 0x8029), "STUN_ANSWER", "unknown"),
]


@pytest.mark.parametrize(("made", "message", "role"), KNOWN)
def test_synthetic_messages(made: bytes, message: str, role: str) -> None:
    """Each has a name and is told once; neither serial nor credentials are in it."""
    assert sniff(made, 40000, 8800)
    parser = Parser()
    assert parser.feed(made) == [P2pContact("dahua", message, role)]
    assert parser.feed(made) == []


def test_inverted_stun_is_as_libprotoident_has_it() -> None:
    """44 octets that begin with FF FE FF E7."""
    assert stun(0x0001, 0x802A)[:4].hex() == "fffeffe7"
    assert len(stun(0x0001, 0x802A)) == 44


@pytest.mark.parametrize(
    "other",
    [
        b"HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nST: upnp:rootdevice\r\n\r\n",
        request("GET", "/index.html"),
        b"NOTIFY * HTTP/1.1\r\n\r\n",
        ptcp(b"\x10\x00\x00\x06" + bytes(8) + b"RTSP/"),
        ptcp(b"\x10\x00\x00\x05\x00\x00\x00\x00\x01\x00\x00\x00RTSP/"),
        ptcp()[:-1],
        stun(0x0001, 0x8022),
        stun(0x0001, 0x802A) + b"\x00",
        b"\xff\xfe\xff\xe7",
    ],
)
def test_sniff_refuses(other: bytes) -> None:
    """SSDP, plain HTTP, and what does not add up."""
    assert not sniff(other, 40000, 8800)


def test_chance_is_refused() -> None:
    """Random payloads, alone and behind each of the magics."""
    refuses_chance(sniff, (40000, 8800), [b"", b"PTCP", b"\xff\xfe\xff\xe7", b"DHGET "])


def test_mutants_raise_only_malformed() -> None:
    """3,000 damaged messages."""
    only_malformed(Parser, mutants([each[0] for each in KNOWN], 3_000, 1), "dahua")


def test_a_bare_header_tells_nothing_at_first() -> None:
    """An acknowledgement is a magic and numbers: it is told in a flow that is recognised, and recognises none."""
    assert not sniff(ptcp(), 40000, 8800)
    assert Parser().feed(ptcp()) == [P2pContact("dahua", "PTCP_ACK", "unknown")]


def test_what_begins_like_it_and_is_not_is_malformed() -> None:
    """PTCP with a wrong length, in a flow that is recognised."""
    parser = Parser()
    with pytest.raises(Malformed):
        parser.feed(ptcp(b"\x10\x00\x00\x06" + bytes(8) + b"RTSP/"))
