"""Words that open devices; all streams are synthetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import ExploitAttempt, Want
from monitor.protocols.back_doors import Parser, sniff
from monitor.protocols.conversation import Conversation
from monitor.protocols.registry import STREAMS
from tests.protocols.hostile import cut, refuses_chance, told

TVT = b"{D79E94C5-70F0-46BD-965B-E17497CCB598}"
XM = b"\x13OpenTelnet:OpenOnce"
REQUEST = b"GET /requestSystemConfig HTTP/1.1\r\nContent-Length:0\r\n" + TVT + b" 1\r\n\r\n"
WORDS = [(TVT, 4567, "tvt-nvms9000"), (XM, 9530, "xm-opentelnet"), (XM[1:] + b"\x00", 9530, "xm-opentelnet")]


@pytest.mark.parametrize(("word", "port", "key"), WORDS)
@given(places=st.lists(st.integers(0, 60), max_size=4))
def test_word_is_an_attempt(word: bytes, port: int, key: str, places: list[int]) -> None:
    """However it is cut behind its first octets, once."""
    assert sniff(word, 40000, port)
    assert told(Parser(40000, port), cut(word + REQUEST, 8, places)) == [ExploitAttempt(key, None)]


@pytest.mark.parametrize(("word", "port", "key"), WORDS)
@pytest.mark.parametrize("moved", [0, 1000])
def test_echo_is_none(word: bytes, port: int, key: str, moved: int) -> None:
    """A device that says the word back attacks nobody, on its own port and on another one."""
    conversation = Conversation(STREAMS, 40000, port + moved, stream=True)
    assert conversation.feed(0, word) == [ExploitAttempt(key, None)]
    assert conversation.feed(1, word) == []
    assert conversation.feed(0, REQUEST) == []


@pytest.mark.parametrize(("word", "port", "key"), WORDS)
def test_echo_alone_is_none(word: bytes, port: int, key: str) -> None:
    """Where only the answer was seen, nothing is told."""
    assert told(Parser(port, 40000), [word]) == []


@pytest.mark.parametrize(
    "head",
    [b"OpenTelnet:Close", b"{D79E94C5-70F0-46BD-965B-000000000000}", b"OpenTel", b"", b"\x12OpenTelnet:OpenOnce", b"{"],
)
def test_others_are_none(head: bytes) -> None:
    """What only begins like such a word, or is too short to tell, is not one."""
    assert told(Parser(40000, 9530), [head]) == []
    assert not sniff(head, 40000, 9530) or told(Parser(40000, 9530), [head, b"x" * 40]) == []


def test_other_word_ends_it() -> None:
    """A stream that goes on otherwise is left alone."""
    parser = Parser(40000, 9530)
    assert parser.feed(b"OpenTelnet:OpenTwice") == []
    assert parser.want is Want.STOP


def test_chance_is_refused() -> None:
    """Random octets are never taken for it."""
    refuses_chance(sniff, (40000, 4567), (b"", b"{", b"\x13"))
