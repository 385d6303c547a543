"""Conversations: what each direction of a flow is taken for, and what comes behind a proxy's plaintext."""

from __future__ import annotations

import pytest

from monitor.model.facts import Fact, HttpRequest, TlsClientHello
from monitor.protocols.conversation import MAX_TUNNELS, Conversation
from monitor.protocols.registry import STREAMS
from tests.protocols.test_tls import EXPECTED, FULL, records

CONNECT = b"CONNECT cam.example:443 HTTP/1.1\r\nHost: cam.example:443\r\n\r\n"
HELLO = records(FULL)


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
    """Wherever a segment ends. A cut that leaves the sniffers too little to go by is the streams' general limit."""
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
    assert conversation.feed(0, b"no such protocol\r\n") == []
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
