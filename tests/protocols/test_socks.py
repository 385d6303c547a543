"""SOCKS: whom a proxy is asked to reach, and that what passes behind it is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import Fact, ProxyRequest, Want
from monitor.protocols.conversation import Conversation
from monitor.protocols.registry import STREAMS
from monitor.protocols.socks import MAX_HELD, Parser, sniff
from tests.protocols.hostile import mutants, told
from tests.protocols.test_tls import EXPECTED, FULL, records

HELLO = records(FULL)
NAME = b"\x05\x01\x00\x03\x0bcam.example\x01\xbb"
PASSWORD = b"\x01\x05admin\x06secret"
GRANTED = b"\x05\x00\x00\x01\x0a\x00\x00\x01\x04\x38"
DIALOGUES: dict[str, tuple[list[tuple[int, bytes]], ProxyRequest]] = {
    "a name": (
        [(0, b"\x05\x01\x00"), (1, b"\x05\x00"), (0, NAME), (1, GRANTED)],
        ProxyRequest("socks5", "cam.example", 443),
    ),
    "with a password": (
        [(0, b"\x05\x02\x00\x02"), (1, b"\x05\x02"), (0, PASSWORD), (1, b"\x01\x00"), (0, NAME), (1, GRANTED)],
        ProxyRequest("socks5", "cam.example", 443),
    ),
    "without waiting": (
        [(0, b"\x05\x01\x00" + NAME), (1, b"\x05\x00" + GRANTED)],
        ProxyRequest("socks5", "cam.example", 443),
    ),
    "IPv6": (
        [(0, b"\x05\x01\x00"), (0, b"\x05\x01\x00\x04\x20\x01\x0d\xb8" + bytes(11) + b"\x07\x01\xbb")],
        ProxyRequest("socks5", "2001:db8::7", 443),
    ),
    "SOCKS 4": (
        [(0, b"\x04\x01\x01\xbb\xc0\x00\x02\x07user\0"), (1, b"\x00\x5a\x01\xbb\xc0\x00\x02\x07")],
        ProxyRequest("socks4", "192.0.2.7", 443),
    ),
    "SOCKS 4A": (
        [(0, b"\x04\x01\x01\xbb\x00\x00\x00\x01\0cam.example\0"), (1, b"\x00\x5a" + bytes(6))],
        ProxyRequest("socks4", "cam.example", 443),
    ),
}


@pytest.mark.parametrize("kind", DIALOGUES)
def test_synthetic_requests_and_what_is_behind_them(kind: str) -> None:
    """The request says whom; then both directions are looked at afresh, and TLS is found."""
    conversation = Conversation(STREAMS, 40000, 1080, stream=True)
    messages, request = DIALOGUES[kind]
    facts: list[Fact] = []
    for direction, data in messages:
        facts += conversation.feed(direction, data)
    assert facts == [request]
    assert conversation.feed(0, HELLO) == [EXPECTED]
    assert "secret" not in repr(facts)


ASKS_4 = DIALOGUES["SOCKS 4A"][0][0][1]
ANSWERS_4 = b"\x00\x5a" + bytes(6)


def test_synthetic_socks_4_off_its_port_needs_its_answer() -> None:
    """Other protocols begin alike: the request is told once the proxy has answered it, by the side that asked."""
    conversation = Conversation(STREAMS, 40000, 9999, stream=True)
    assert conversation.feed(0, ASKS_4) == []
    assert conversation.feed(1, ANSWERS_4) == []
    assert conversation.feed(0, HELLO) == [DIALOGUES["SOCKS 4A"][1], EXPECTED]


@pytest.mark.parametrize("code", [0x5B, 0x5C, 0x5D])
def test_synthetic_socks_4_refused_is_told_at_the_end(code: int) -> None:
    """Behind a refusal a client has nothing more to say; what it says is not looked at."""
    for behind in (b"", HELLO):
        conversation = Conversation(STREAMS, 40000, 9999, stream=True)
        facts = conversation.feed(0, ASKS_4) + conversation.feed(1, bytes((0, code)) + bytes(6))
        facts += (conversation.feed(0, behind) if behind else []) + conversation.ended(0, True)
        assert facts == [DIALOGUES["SOCKS 4A"][1]]


@pytest.mark.parametrize("answer", [b"", b"\x00\x5e" + bytes(6), b"\x00\x5a" + bytes(7), b"\x04\x5a" + bytes(6)])
def test_synthetic_socks_4_without_such_an_answer_is_none(answer: bytes) -> None:
    """No answer, or one that SOCKS does not give: off port 1080 nothing is told, and nothing looked at behind it."""
    conversation = Conversation(STREAMS, 40000, 9999, stream=True)
    assert conversation.feed(0, ASKS_4) + (conversation.feed(1, answer) if answer else []) == []
    assert conversation.feed(0, HELLO) + conversation.ended(0, True) == []


@pytest.mark.parametrize("port", [1080, 9999])
@pytest.mark.parametrize(
    "other",
    [
        b"\x04\x02\x00\x01\x00\x00\x00\x01\x00\x00",
        b"\x04\x02\x00\x01\x00\x00\x00\x01user\x00\x00",
        ASKS_4 + b"\x00",
        b"\x04\x01\x01\xbb\xc0\x00\x02\x07user\x00more\x00",
    ],
)
def test_synthetic_socks_4_names_somebody_and_ends(other: bytes, port: int) -> None:
    """An empty name, and octets behind the request, are another protocol's."""
    conversation = Conversation(STREAMS, 40000, port, stream=True)
    assert conversation.feed(0, other) + conversation.feed(1, ANSWERS_4) == []
    assert conversation.feed(0, HELLO) + conversation.ended(0, True) == []


@pytest.mark.parametrize(
    "reply", [b"\x05\x01\x00\x01" + bytes(6), b"\x05\x00\x01\x01" + bytes(6), b"\x05\x00\x00\x02" + bytes(6)]
)
def test_synthetic_refusals_end_it(reply: bytes) -> None:
    """Behind a refusal, or what is no reply at all, nothing is looked at."""
    parser = Parser(1080, 40000)
    assert parser.feed(b"\x05\x00") == []
    assert parser.feed(reply) == []
    assert parser.want is Want.STOP
    assert not parser.tunnels


@given(st.integers(min_value=1, max_value=40))
def test_synthetic_pieces_make_no_difference(size: int) -> None:
    """Behind its greeting, a client's bytes may come in any pieces."""
    data = PASSWORD + NAME + HELLO
    parser = Parser(40000, 1080)
    pieces = [b"\x05\x02\x00\x02", *(data[at : at + size] for at in range(0, len(data), size))]
    assert told(parser, pieces) == [ProxyRequest("socks5", "cam.example", 443)]
    assert HELLO.startswith(parser.behind())


def test_synthetic_other_protocols_are_not_taken() -> None:
    """A greeting fills its segment or has a request behind it, and names each method once."""
    assert sniff(b"\x05\x02\x00\x02", 40000, 1080)
    assert all(sniff((b"\x05\x02\x00\x02" + NAME)[:size], 40000, 1080) for size in range(4, 20))
    assert not sniff(b"\x05\x02\x00\x02\x04", 40000, 1080)
    assert not sniff(b"\x05\x02\x00\x02\x05\x01\x01", 40000, 1080)
    assert not sniff(b"\x05\x02\x00\x02\x05\x01\x00\x02", 40000, 1080)
    assert not sniff(b"\x05\x02\x00\x00", 40000, 1080)
    assert not sniff(b"\x05\x00\x0b\x03\x10\x00\x00\x00", 40000, 135)
    assert not sniff(b"\x04\x01\x00\x00\x00\x00\x00\x00\x00", 40000, 1080)
    assert not sniff(b"", 40000, 1080)
    assert sniff(b"\x05\x02", 1080, 40000)
    assert not sniff(b"\x05\x02", 40000, 1080), "a greeting may begin so"


@given(st.binary(max_size=64))
def test_synthetic_random_bytes_are_not_taken(data: bytes) -> None:
    """But for what has the form to the last byte; what ends here has no request behind it."""
    assert not sniff(b"\x05" + data.replace(b"\x05", b"") + b"\x05" * 20, 1, 2)


def test_synthetic_mutants_raise_nothing() -> None:
    """Nothing is raised, and no more is held than one message may have."""
    valid = [message for messages, _ in DIALOGUES.values() for _, message in messages]
    for mutant in mutants(valid, 3000, 7):
        parser = Parser(40000, 1080)
        if sniff(mutant, 1, 2):
            for data in (mutant, NAME, mutant):
                if parser.want is Want.MORE:
                    parser.feed(data)
            assert len(parser.behind()) <= MAX_HELD + len(NAME) + len(mutant)


@pytest.mark.parametrize("port", [1080, 9999])
def test_synthetic_socks_4_waits_for_a_caller(port: int) -> None:
    """BIND is told as CONNECT is; what comes behind it is not followed."""
    conversation = Conversation(STREAMS, 40000, port, stream=True)
    facts = conversation.feed(0, b"\x04\x02" + ASKS_4[2:]) + conversation.feed(1, ANSWERS_4)
    assert facts + conversation.feed(0, HELLO) == [DIALOGUES["SOCKS 4A"][1]]
