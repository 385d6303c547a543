"""SMB of all versions, behind NetBIOS session headers."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import Fact, MalformedSeen, ServiceBanner, Want
from monitor.protocols.smb import MAX_MESSAGES, Parser, sniff


def session(body: bytes, kind: int = 0) -> bytes:
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body


def smb1(*, reply: bool) -> bytes:
    return session(b"\xffSMB\x72\0\0\0\0" + bytes([0x98 if reply else 0x18]) + bytes(24) + b"\x02NT LM 0.12\0")


def smb2(command: int, *, response: bool, body: bytes = bytes(80)) -> bytes:
    return session(struct.pack("<4sHHIHHI", b"\xfeSMB", 64, 1, 0, command, 1, int(response)) + bytes(44) + body)


def negotiated(dialect: int) -> bytes:
    return smb2(0, response=True, body=struct.pack("<HHH", 65, 1, dialect) + bytes(120))


SESSION_REQUEST = session(b"\x20" + b"CA" * 16 + b"\0\x20" + b"CA" * 16 + b"\0", 0x81)
SERVER, CLIENT = (445, 40000), (40000, 445)


def read(data: bytes, *cuts: int, ports: tuple[int, int] = SERVER) -> list[Fact]:
    parser = Parser(*ports)
    return [fact for start, end in pairwise([0, *sorted(cuts), len(data)]) for fact in parser.feed(data[start:end])]


@pytest.mark.parametrize(
    ("stream", "ports", "told"),
    [
        (smb1(reply=False), CLIENT, [("client", None)]),
        (smb1(reply=True), SERVER, [("server", "1.0")]),
        (smb2(0, response=False), CLIENT, [("client", None)]),
        (negotiated(0x0311), SERVER, [("server", "3.1.1")]),
        (negotiated(0x02FF) + negotiated(0x0302), SERVER, [("server", None), ("server", "3.0.2")]),
        (smb2(5, response=True), SERVER, [("server", None)]),
        (session(b"\xfdSMB" + bytes(80)), CLIENT, [("client", "3")]),
        (session(b"\xfcSMB" + bytes(80)), (40000, 40000), [("unknown", "3")]),
        (SESSION_REQUEST + smb1(reply=False), (40000, 139), [("client", None)]),
        (b"\x82\0\0\0" + smb1(reply=True), (139, 40000), [("server", "1.0")]),
    ],
)
def test_synthetic_streams(stream: bytes, ports: tuple[int, int], told: list[tuple[str, str | None]]) -> None:
    """The side by the header's flag, the dialect once it is agreed on; wherever segments end."""
    assert sniff(stream, *ports)
    expected = [ServiceBanner("smb", role, text) for role, text in told]
    assert read(stream, ports=ports) == expected
    assert read(stream, *range(1, len(stream)), ports=ports) == expected


@pytest.mark.parametrize(
    ("head", "ports"),
    [
        (b"", SERVER),
        (b"\0\0\0", SERVER),
        (b"\0\0\0\x1fxxxx", SERVER),
        (b"\0\0\0\x0b\xffSMB", SERVER),
        (b"\0\0\0\x85\xffXYZ", SERVER),
        (b"\0\0\0\x85", (40000, 50000)),
        (SESSION_REQUEST, (40000, 50000)),
        (b"\x82\0\0\0", (445, 40000)),
        (b"\x82\0\0\1", (139, 40000)),
    ],
)
def test_sniff_refuses(head: bytes, ports: tuple[int, int]) -> None:
    """No magic, too short a message, a session off NetBIOS's port."""
    assert not sniff(head, *ports)


def test_a_header_of_its_own_segment() -> None:
    """Four octets on SMB's ports are followed."""
    assert sniff(negotiated(0x0210)[:4], *SERVER)
    assert read(negotiated(0x0210), 4) == [ServiceBanner("smb", "server", "2.1")]


def test_something_else_ends_it() -> None:
    """What is no message behind one that was not enough is Malformed, and too many keep-alives end it."""
    assert read(negotiated(0x02FF) + session(b"\x00" * 40))[1:] == [MalformedSeen("smb", "no SMB message")]
    parser = Parser(*SERVER)
    for _ in range(MAX_MESSAGES):
        assert parser.want is Want.MORE
        parser.feed(session(b"", 0x85))
    assert parser.want is Want.STOP


VALID = [smb1(reply=True), negotiated(0x02FF), negotiated(0x0300), SESSION_REQUEST]


@given(
    st.lists(st.one_of(st.binary(max_size=90), st.sampled_from(VALID)), max_size=6),
    st.integers(0, 200),
    st.integers(0, 255),
)
def test_hostile_input(pieces: list[bytes], at: int, octet: int) -> None:
    """Nothing leaves the parser, and cuts make no difference."""
    data = bytearray(b"".join(pieces))
    if at < len(data):
        data[at] = octet
    assert read(bytes(data)) == read(bytes(data), *range(1, len(data)))
