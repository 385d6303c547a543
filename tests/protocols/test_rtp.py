"""RTP and RTCP by shape: what is believed, and what only looks like it."""

from __future__ import annotations

import random
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import Fact, MediaStream, Want
from monitor.protocols.rtp import (
    MAX_DATAGRAMS,
    MAX_SOURCES,
    MAX_STRAYS,
    MORE_SOURCES,
    Parser,
    Probation,
    header,
    is_rtcp,
    sniff,
)

SSRC = 0x4DD55626


def rtp(sequence: int, *, kind: int = 96, stamp: int = 90_000, ssrc: int = SSRC, size: int = 160) -> bytes:
    return pack(">BBHII", 0x80, kind, sequence & 0xFFFF, stamp & 0xFFFFFFFF, ssrc) + b"\x5a" * size


def rtcp(kind: int, words: int = 6, first: int = 0x80) -> bytes:
    return pack(">BBHI", first, kind, words, SSRC) + bytes(4 * (words - 1))


def heard(*datagrams: bytes, announced: bool = False) -> list[Fact]:
    parser = Parser(announced=announced)
    return [fact for each in datagrams for fact in parser.feed(each)]


def test_two_in_sequence() -> None:
    """A source is believed at its second packet in sequence, and said once."""
    assert heard(rtp(7)) == []
    assert heard(*(rtp(number, size=number) for number in (100, 101))) == []
    assert heard(rtp(7), rtp(8), rtp(9)) == [MediaStream("udp", SSRC, 96, None, None)]


def test_sequence_numbers_wrap() -> None:
    """After 65535 comes 0 (RFC 3550, A.1)."""
    assert len(heard(rtp(65_535), rtp(0))) == 1


def test_a_static_type_says_what_it_is() -> None:
    """Without a session there is the table of RFC 3551."""
    assert heard(rtp(1, kind=8), rtp(2, kind=8)) == [MediaStream("udp", SSRC, 8, "audio", "PCMA")]


@pytest.mark.parametrize(
    "second",
    [
        rtp(9),
        rtp(8, kind=97),
        rtp(8, ssrc=1),
        rtp(8, stamp=90_000 + 900_001),
        rtp(8, size=161),
        rtp(7),
        rtp(6),
    ],
    ids=["a gap", "another type", "another source", "too late", "a length that grew", "again", "backwards"],
)
def test_not_in_sequence(second: bytes) -> None:
    """What does not follow is no proof; the next pair may be."""
    assert heard(rtp(7), second) == []


def test_pictures_may_go_back_in_time() -> None:
    """They are sent in the order of decoding; a lost packet only delays belief."""
    assert len(heard(rtp(7), rtp(9), rtp(10, stamp=84_000))) == 1


def test_an_announced_port_needs_one_packet() -> None:
    """Where a session said that media comes, any payload type and source will do."""
    assert heard(rtp(7, kind=40, ssrc=0), announced=True) == [MediaStream("udp", 0, 40, None, None)]
    assert not sniff(rtp(7, kind=40), 0, 0)
    assert not sniff(rtp(7, ssrc=0), 0, 0)


def test_a_length_where_the_sequence_number_should_be() -> None:
    """Synthetic: a protocol whose second field is the datagram's length, each one octet longer than the last."""
    assert heard(*(rtp(12 + size, size=size) for size in range(20, 60))) == []


def test_several_sources() -> None:
    """Sound and pictures on one port are two sources; a crowd of them is bounded."""
    both = [rtp(number, ssrc=ssrc) for number in (5, 6, 7) for ssrc in (1, 2)]
    assert [fact.ssrc for fact in heard(*both) if isinstance(fact, MediaStream)] == [1, 2]
    probation = Probation()
    packets = [header(rtp(1, ssrc=ssrc), 172) for ssrc in range(1, MAX_SOURCES + 6)]
    assert not any(probation.passes(packet) for packet in packets if packet)
    assert probation.dropped == 5


def test_it_stops() -> None:
    """After a handful of datagrams, soon after a source was believed, or a few of another shape."""
    parser = Parser()
    for number in range(MAX_DATAGRAMS):
        assert parser.want is Want.MORE
        parser.feed(rtp(2 * number))  # one is lost between any two: nothing is proven
    assert parser.want is Want.STOP
    believed = Parser()
    for number in range(2 + MORE_SOURCES):
        assert believed.want is Want.MORE
        believed.feed(rtp(number))
    assert believed.want is Want.STOP
    announced = Parser(announced=True)
    announced.feed(rtp(1))
    assert announced.want is Want.STOP
    strange = Parser()
    for _ in range(MAX_STRAYS):
        assert strange.want is Want.MORE
        assert strange.feed(b"\x00\x01\x00\x00something else") == []
    assert strange.want is Want.STOP
    assert strange.feed(rtp(1)) == []


@pytest.mark.parametrize(
    ("datagram", "size"),
    [
        (rtp(1)[:11], 11),
        (b"\x40" + rtp(1)[1:], 172),
        (b"\x8f" + rtp(1, size=59)[1:], 71),
        (b"\x90" + rtp(1, size=0)[1:] + pack(">HH", 0, 9), 16),
        (b"\xa0" + rtp(1, size=4)[1:-1] + b"\x05", 16),
        (b"\xa0" + rtp(1, size=4)[1:-1] + b"\x00", 16),
        (rtp(1, kind=200), 172),
    ],
    ids=["short", "version", "sources", "extension", "padding", "no padding", "RTCP"],
)
def test_headers_that_do_not_fit(datagram: bytes, size: int) -> None:
    """Everything that a header announces must be in the packet (RFC 3550, 5.1, A.1)."""
    assert header(datagram, size) is None


def test_a_cut_header_is_read() -> None:
    """Of an interleaved frame, or of a frame that was captured short, there may be only the beginning."""
    assert header(rtp(1)[:12], 172) == (96, 1, 90_000, SSRC, 172)
    assert header(b"\x90" + rtp(1)[1:12], 172) == (96, 1, 90_000, SSRC, 172)


def test_rtcp() -> None:
    """Packets from end to end (RFC 3550, A.2); it is recognised, and says nothing of media."""
    for datagram in (rtcp(200), rtcp(201, 1), rtcp(200) + rtcp(202, 3), rtcp(205, 3), rtcp(200) + rtcp(207, 2)):
        assert is_rtcp(datagram)
        assert sniff(datagram, 0, 0)
        assert heard(datagram, datagram) == []


@pytest.mark.parametrize(
    "datagram",
    [
        rtcp(200)[:-4],
        rtcp(200) + b"\0",
        rtcp(199),
        rtcp(207),
        rtcp(200, first=0xA0),
        rtcp(200) + rtcp(100),
        b"\x80\xc8",
    ],
    ids=["cut", "trailing", "type", "first", "padding", "second", "header"],
)
def test_not_rtcp(datagram: bytes) -> None:
    """A length that does not fit, or another protocol's octets."""
    assert not is_rtcp(datagram)


def test_rtcp_between_media() -> None:
    """Both may share a port (RFC 5761): reports are no strays."""
    assert len(heard(rtcp(200), rtp(1), rtcp(201), rtcp(200), rtcp(200), rtcp(200), rtp(2))) == 1


@given(st.lists(st.binary(max_size=64), max_size=40), st.booleans())
def test_anything(datagrams: list[bytes], announced: bool) -> None:
    """No datagram makes it fail."""
    heard(*datagrams, announced=announced)


@given(st.binary(min_size=12, max_size=12), st.integers(0, 171), st.integers(0, 255))
def test_mutations(start: bytes, at: int, octet: int) -> None:
    """A header of any shape, and one changed octet in a good packet."""
    good = bytearray(rtp(1))
    good[at] = octet
    heard(start + bytes(good), bytes(good), rtp(2), announced=True)


def test_noise() -> None:
    """Of random datagrams a few have the shape; never do two follow each other."""
    rng = random.Random(3)
    parser_facts = 0
    for _ in range(3_000):
        first, second = rng.randbytes(rng.randrange(1, 60)), rng.randbytes(40)
        if sniff(first, 0, 0):
            parser_facts += len(heard(first, second))
    assert parser_facts == 0
