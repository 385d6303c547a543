"""STUN and TURN, as datagrams and as streams."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import Fact, Malformed, MalformedSeen, MediaStream, StunMessage, Want
from monitor.protocols.stun import MAX_ADDRESSES, MAX_MESSAGES, MAX_OTHERS, Parser, StreamParser, sniff, sniff_stream

HEADER = "2112a442b7e7a701bc34d686fa87dfae"
# RFC 5769, 2.1 to 2.3.
REQUEST = bytes.fromhex(
    "00010058" + HEADER + "802200105354554e207465737420636c69656e74002400046e0001ff80290008932ff9b151263b36"
    "000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf"
)
RESPONSE = bytes.fromhex(
    "0101003c" + HEADER + "8022000b7465737420766563746f7220002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96"
)
RESPONSE_6 = bytes.fromhex(
    "01010048" + HEADER + "8022000b7465737420766563746f7220002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    "00080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c"
)
TOLD = [StunMessage("Binding", "success", mapped="192.0.2.1 32853", software="test vector")]
COOKIE = bytes.fromhex("2112a442")
TRANSACTION = bytes(range(1, 13))


def attribute(kind: int, value: bytes) -> bytes:
    return kind.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value + bytes(-len(value) % 4)


def address(host: bytes, port: int) -> bytes:
    """An IPv4 address as the XOR attributes have it."""
    mask = COOKIE
    return (
        b"\0\1"
        + bytes(a ^ b for a, b in zip(port.to_bytes(2, "big"), mask, strict=False))
        + bytes(a ^ b for a, b in zip(host, mask, strict=True))
    )


def message(kind: int, *attributes: bytes) -> bytes:
    body = b"".join(attributes)
    return kind.to_bytes(2, "big") + len(body).to_bytes(2, "big") + COOKIE + TRANSACTION + body


def channel(number: int, payload: bytes, *, padded: bool = False) -> bytes:
    return number.to_bytes(2, "big") + len(payload).to_bytes(2, "big") + payload + bytes(-len(payload) % 4 * padded)


def classic(kind: int, body: bytes, transaction: bytes = bytes(range(40, 56))) -> bytes:
    return kind.to_bytes(2, "big") + len(body).to_bytes(2, "big") + transaction + body


def stream(data: bytes, *cuts: int) -> list[Fact]:
    parser = StreamParser()
    return [fact for start, end in pairwise([0, *sorted(cuts), len(data)]) for fact in parser.feed(data[start:end])]


def test_vectors_of_the_standard() -> None:
    """The sample messages of RFC 5769: addresses of both families and the software; no user name, no integrity."""
    assert Parser().feed(REQUEST) == [StunMessage("Binding", "request", software="STUN test client")]
    assert Parser().feed(RESPONSE) == TOLD
    (fact,) = Parser().feed(RESPONSE_6)
    assert isinstance(fact, StunMessage)
    assert fact.mapped == "2001:db8:1234:5678:11:2233:4455:6677 32853"


ALLOCATED = message(
    0x0103,
    attribute(0x0016, address(bytes((203, 0, 113, 9)), 50000)),
    attribute(0x0020, address(bytes((192, 0, 2, 1)), 1024)),
)
UNAUTHORISED = message(0x0113, attribute(0x0014, b"turn.example"), attribute(0x0015, b"a nonce"))
PERMISSION = message(
    0x0008,
    attribute(0x0012, address(bytes((198, 51, 100, 7)), 9)),
    attribute(0x0012, address(bytes((198, 51, 100, 8)), 9)),
    attribute(0x0006, b"a user"),
)


@pytest.mark.parametrize(
    ("datagram", "facts"),
    [
        (ALLOCATED, [StunMessage("Allocate", "success", mapped="192.0.2.1 1024", relayed="203.0.113.9 50000")]),
        (UNAUTHORISED, [StunMessage("Allocate", "error", realm="turn.example")]),
        (PERMISSION, [StunMessage("CreatePermission", "request", peer=f"198.51.100.{host} 9") for host in (7, 8)]),
        (message(0x0016), [StunMessage("Send", "indication")]),
        (message(0x0800), [StunMessage("0x200", "request")]),
    ],
)
def test_synthetic_messages_of_turn(datagram: bytes, facts: list[Fact]) -> None:
    """Method and class, the relay's address, and each peer; nonce and user name stay where they are."""
    assert sniff(datagram, 40000, 50000)
    assert Parser().feed(datagram) == facts


def test_synthetic_classic_stun() -> None:
    """Without a cookie, length and attributes must fit to the last octet (RFC 3489)."""
    mapped = classic(0x0101, attribute(1, b"\0\1\4\0\xc0\0\2\1"))
    assert sniff(mapped, 40000, 50000)
    assert Parser().feed(mapped) == [StunMessage("Binding", "success", mapped="192.0.2.1 1024")]
    assert not sniff(mapped + b"\0", 40000, 50000)
    assert not sniff(mapped[:-1], 40000, 50000)
    assert not sniff(classic(0x0001, b"", bytes(16)), 40000, 50000)
    assert sniff(classic(0x0001, b"", bytes(16)), 40000, 3478)


def test_synthetic_microsoft() -> None:
    """In [MS-TURN] 0x0014 is a nonce, 0x0015 the realm and MAPPED-ADDRESS the relay's; nothing is padded."""
    body = (
        bytes.fromhex("000f000472c64bc6")
        + bytes.fromhex("00140003616263")
        + bytes.fromhex("0015000272610001000800010400c0000201")
    )
    datagram = classic(0x0103, body)
    assert sniff(datagram, 40000, 3478)
    assert Parser(40000, 3478).feed(datagram) == [
        StunMessage("Allocate", "success", relayed="192.0.2.1 1024", realm="ra")
    ]


def test_each_type_once_and_new_addresses() -> None:
    """A repetition is silent, a new mapped address is told."""
    other = message(0x0101, attribute(0x0020, address(bytes((192, 0, 2, 2)), 1024)))
    parser = Parser()
    assert [parser.feed(each) for each in (RESPONSE, RESPONSE, other, other, RESPONSE)] == [
        TOLD, [], [StunMessage("Binding", "success", mapped="192.0.2.2 1024")], [], [],
    ]  # fmt: skip


def test_addresses_are_bounded() -> None:
    """After MAX_ADDRESSES different ones the direction ends, and with MAX_MESSAGES in any case."""
    parser = Parser()
    told = [
        fact
        for port in range(100)
        for fact in parser.feed(message(0x0101, attribute(0x0020, address(bytes(4), 1000 + port))))
    ]
    assert len(told) == MAX_ADDRESSES
    assert parser.want is Want.STOP
    parser = Parser()
    for _ in range(MAX_MESSAGES):
        assert parser.want is Want.MORE
        parser.feed(REQUEST)
    assert parser.want is Want.STOP


def test_a_frame_that_was_cut() -> None:
    """A capture that cuts frames leaves the first attributes; what the message itself contradicts is Malformed."""
    assert Parser().feed(RESPONSE[:60]) == TOLD
    assert Parser().feed(message(0x0001, b"\x80\x22\x00\x20abcd")) == [
        StunMessage("Binding", "request"),
        MalformedSeen("stun", "attribute runs past its message"),
    ]


def test_channel_data() -> None:
    """Believed behind STUN at once, else with a second datagram of the same channel; never with one of another."""
    data = StunMessage("ChannelData", "data")
    parser = Parser()
    parser.feed(message(0x0009))
    assert parser.feed(channel(0x4001, b"abc")) == [data]
    parser = Parser()
    assert [parser.feed(channel(0x4001, b"abc", padded=pad)) for pad in (False, True)] == [[], [data]]
    parser = Parser()
    assert [parser.feed(channel(number, b"abc")) for number in (0x4001, 0x4002)] == [[], []]
    assert parser.want is Want.STOP
    assert not sniff(channel(0x4001, b"abc") + b"12345678", 40000, 50000)


def test_media_on_the_same_path_is_read() -> None:
    """WebRTC sends RTP where STUN opened the way (RFC 7983), and not for ever."""
    parser = Parser()
    parser.feed(REQUEST)
    packets = [
        b"\x80\x60" + number.to_bytes(2, "big") + (3000 * number).to_bytes(4, "big") + b"SSRC" + bytes(100)
        for number in range(MAX_OTHERS + 1)
    ]
    facts = [fact for packet in packets for fact in parser.feed(packet)]
    assert [type(fact) for fact in facts] == [MediaStream]
    assert parser.want is Want.STOP


WHOLE = REQUEST + RESPONSE + channel(0x4001, b"0123456", padded=True) + ALLOCATED + UNAUTHORISED
FRAMED = b"".join(
    len(each).to_bytes(2, "big") + each for each in (REQUEST, RESPONSE, b"\x80\x60 media", b"\x16 DTLS", b"", ALLOCATED)
)


@given(st.lists(st.integers(0, len(WHOLE)), max_size=12))
def test_streams_may_be_cut_anywhere(cuts: list[int]) -> None:
    """Over TCP the same is told wherever segments end."""
    assert sniff_stream(WHOLE[:20], 1, 2)
    facts = stream(WHOLE, *cuts)
    assert facts == stream(WHOLE)
    assert [fact.method for fact in facts if isinstance(fact, StunMessage)] == [
        "Binding", "Binding", "ChannelData", "Allocate", "Allocate",
    ]  # fmt: skip


@given(st.lists(st.integers(0, len(FRAMED)), max_size=12))
def test_framed_streams_may_be_cut_anywhere(cuts: list[int]) -> None:
    """Likewise behind lengths, with media between (RFC 6544)."""
    assert sniff_stream(FRAMED, 1, 2)
    facts = stream(FRAMED, *cuts)
    assert [fact.method for fact in facts if isinstance(fact, StunMessage)] == ["Binding", "Binding", "Allocate"]
    assert len(facts) == 3


def test_a_stream_that_loses_its_framing_ends() -> None:
    """Something else between two messages ends the direction; what came before stands."""
    parser = StreamParser()
    facts = parser.feed(RESPONSE + b"\x80 something else")
    assert facts[:1] == TOLD
    assert isinstance(facts[-1], MalformedSeen)
    assert parser.want is Want.STOP
    assert parser.feed(RESPONSE_6) == []


def test_streams_are_bounded() -> None:
    """Channel data is counted through for a while, then left alone."""
    parser = StreamParser()
    parser.feed(REQUEST)
    for _ in range(MAX_OTHERS):
        assert parser.want is Want.MORE
        parser.feed(channel(0x4000, bytes(1000)))
    assert parser.want is Want.STOP


def test_random_payload_is_never_told() -> None:
    """Of 50,000 random datagrams that begin with zeros or like a channel, none is told."""
    source = random.Random(8489)
    told = 0
    for _ in range(50_000):
        size = source.randrange(4, 64)
        datagram = source.choice([b"\0", b"\1", b"\x40"]) + source.randbytes(size)
        if sniff(datagram, 40000, 50000):
            told += len(Parser().feed(datagram))
    assert told == 0


MESSAGES = [REQUEST, RESPONSE, RESPONSE_6, ALLOCATED, UNAUTHORISED, PERMISSION, classic(1, attribute(3, b"\0\0\0\6"))]


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(MESSAGES)))
    for _ in range(draw(st.integers(0, 4))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))])


@given(st.lists(st.one_of(mutants(), st.binary(max_size=64)), max_size=6))
def test_hostile_input(datagrams: list[bytes]) -> None:
    """Nothing but Malformed leaves either parser."""
    parser, streams = Parser(40000, 3478), StreamParser()
    for datagram in datagrams:
        sniff(datagram, 40000, 3478)
        sniff_stream(datagram, 40000, 3478)
        for each in (parser, streams):
            try:
                each.feed(datagram)
            except Malformed as error:
                assert error.layer in {"stun", "rtp"}
