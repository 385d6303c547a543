"""Google's first QUIC: the name in a client's CHLO."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import Malformed, QuicClientHello, Want
from monitor.protocols.gquic import PACKETS_MAX, TAGS_MAX, Parser, hello, sniff
from tests.protocols.hostile import mutants, only_malformed

EXPECTED = QuicClientHello(sni="cam.example", alpn=(), ja4="", version="unknown", ech=False)


def chlo(*values: tuple[bytes, bytes]) -> bytes:
    """A CHLO of these tags."""
    table = data = b""
    for tag, value in values:
        data += value
        table += struct.pack("<4sI", tag, len(data))
    return struct.pack("<4sHH", b"CHLO", len(values), 0) + table + data


HELLO = chlo((b"PAD\0", b"-" * 400), (b"SNI\0", b"Cam.example"), (b"VER\0", b"Q043"))


def packet(version: bytes, message: bytes, *, number: bytes = b"\x01", offset: int = 0) -> bytes:
    """A client's packet of a version, with a STREAM frame of the handshake."""
    order = ">" if version >= b"Q039" else "<"
    frame = b"\xa4\x01" + struct.pack(order + "H", offset) if offset else b"\xa0\x01"
    body = bytes(range(12)) + frame + struct.pack(order + "H", len(message)) + message
    if version >= b"Q044":
        return b"\xc3" + version + b"\x50" + bytes(8) + b"\0\0\0\x01" + body
    flags = 0x0D | {1: 0, 2: 0x10, 4: 0x20, 6: 0x30}[len(number)]
    return bytes((flags,)) + bytes(8) + version + number + body


@pytest.mark.parametrize("version", [b"Q034", b"Q035", b"Q038", b"Q039", b"Q043", b"Q044", b"Q046"])
def test_synthetic_hellos_of_each_version(version: bytes) -> None:
    """The name, in lower case, once."""
    parser = Parser()
    data = packet(version, HELLO)
    assert sniff(data, 40000, 443)
    assert parser.feed(data) == [EXPECTED]
    assert parser.want is Want.STOP


@pytest.mark.parametrize("number", [b"\1", b"\0\1", b"\0\0\0\1", b"\0\0\0\0\0\1"])
def test_synthetic_packet_numbers_of_each_size(number: bytes) -> None:
    """And a later place in the stream, as behind a refusal."""
    assert Parser().feed(packet(b"Q043", HELLO, number=number, offset=1024)) == [EXPECTED]


def test_synthetic_hello_without_a_name() -> None:
    """A client may know an address only."""
    fact = hello(chlo((b"VER\0", b"Q043")))
    assert fact is not None
    assert fact.sni is None


def test_synthetic_hello_that_is_not_whole() -> None:
    """The table and the name must be there; the rest need not."""
    assert hello(HELLO[:40]) is None
    assert hello(HELLO[:-8]) is None
    assert hello(HELLO[:-4]) == EXPECTED


def test_synthetic_damage_is_malformed() -> None:
    """Values that go backwards, more tags than any hello has, another message."""
    backwards = struct.pack("<4sHH", b"CHLO", 2, 0) + struct.pack("<4sI4sI", b"PAD\0", 8, b"SNI\0", 4) + bytes(8)
    for damaged in (backwards, struct.pack("<4sHH", b"CHLO", TAGS_MAX + 1, 0), b"REJ\0" + HELLO[4:]):
        with pytest.raises(Malformed):
            hello(damaged)


def test_synthetic_others_are_not_taken() -> None:
    """Packets without a CHLO, of unknown versions, or whose frame is longer than they are."""
    assert not sniff(packet(b"Q043", b"REJ\0" + HELLO[4:]), 1, 2)
    assert not sniff(packet(b"Q033", HELLO), 1, 2)
    assert not sniff(packet(b"Q0 4", HELLO), 1, 2)
    assert not sniff(packet(b"Q046", HELLO)[:-1], 1, 2)
    parser = Parser()
    for _ in range(PACKETS_MAX):
        assert parser.feed(b"\x0c" + bytes(100)) == []
    assert parser.want is Want.STOP


@given(st.binary(max_size=300))
def test_random_bytes_are_not_taken(data: bytes) -> None:
    """It takes a version and a CHLO in their places."""
    assert not sniff(data, 40000, 443)
    assert Parser().feed(data) == []


def test_synthetic_mutants_are_malformed_at_most() -> None:
    """Nothing else is raised."""
    valid = [packet(version, HELLO) for version in (b"Q035", b"Q043", b"Q046")]
    only_malformed(Parser, mutants(valid, 3000, 5), "quic")
