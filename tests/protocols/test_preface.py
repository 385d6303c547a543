"""Text that stands before TLS: a hello behind it is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import Want
from monitor.protocols.conversation import Conversation
from monitor.protocols.preface import MAX_LINE, MAX_LINES, Parser, sniff
from monitor.protocols.registry import STREAMS
from tests.protocols.test_tls import EXPECTED, FULL, records

HELLO = records(FULL)
CLIENTS = {
    "smtp": [b"EHLO camera\r\n", b"STARTTLS\r\n"],
    "pop3": [b"CAPA\r\n", b"STLS\r\n"],
    "imap": [b"a1 CAPABILITY\r\n", b"a2 STARTTLS\r\n"],
    "ftp": [b"AUTH TLS\r\n"],
    "proxy": [b"PROXY TCP4 192.0.2.1 192.0.2.2 40000 443\r\n"],
}
PORTS = {"smtp": 587, "pop3": 110, "imap": 143, "ftp": 21, "proxy": 443}


@pytest.mark.parametrize("protocol", CLIENTS)
def test_synthetic_hello_behind_the_text(protocol: str) -> None:
    """Each dialogue ends where TLS begins, whether or not the segment does."""
    lines = CLIENTS[protocol]
    for pieces in ([*lines, HELLO], [*lines[:-1], lines[-1] + HELLO]):
        conversation = Conversation(STREAMS, 40000, PORTS[protocol], stream=True)
        facts = [fact for piece in pieces for fact in conversation.feed(0, piece)]
        assert facts == [EXPECTED]


@given(st.integers(min_value=1, max_value=60))
def test_synthetic_pieces_make_no_difference(size: int) -> None:
    """Behind the first line the bytes may come in any pieces."""
    conversation = Conversation(STREAMS, 40000, 25, stream=True)
    rest = b"STARTTLS\r\n" + HELLO
    facts = conversation.feed(0, b"EHLO camera\r\n")
    # As much of a record as recognises it comes at once: that is the limit of every stream's first bytes.
    pieces = [rest[at : at + size] for at in range(0, 10, size)]
    begun = sum(map(len, pieces))
    for piece in (*pieces, *(rest[at : at + max(size, 6)] for at in range(begun, len(rest), max(size, 6)))):
        facts += conversation.feed(0, piece)
    assert facts == [EXPECTED]


def test_synthetic_ftp_goes_on_in_the_clear() -> None:
    """Where the server declines TLS, the client's commands are FTP's as before."""
    conversation = Conversation(STREAMS, 40000, 21, stream=True)
    facts = conversation.feed(0, b"AUTH TLS\r\n") + conversation.feed(0, b"USER a\r\nPASV\r\nSTOR alarm.jpg\r\n")
    assert "alarm.jpg" in repr(facts)


@pytest.mark.parametrize("line", [b"MAIL FROM:<a@b>\r\n", b"QUIT\r\n"])
def test_synthetic_mail_in_the_clear_is_left_alone(line: bytes) -> None:
    """A dialogue that goes on without TLS is not read."""
    parser = Parser()
    parser.feed(b"EHLO camera\r\n" + line)
    assert parser.want is Want.STOP
    assert not parser.tunnels


def test_synthetic_bounds() -> None:
    """Neither many lines nor a long one are held."""
    lines = Parser()
    lines.feed(b"NOOP\r\n" * MAX_LINES)
    line = Parser()
    line.feed(b"EHLO " + b"a" * MAX_LINE)
    assert lines.want is line.want is Want.STOP
    assert lines.behind() == line.behind() == b""


def test_synthetic_servers_are_told_from_others() -> None:
    """Greetings of mail servers; those of FTP stay FTP's."""
    assert sniff(b"220 mx.example ESMTP Postfix\r\n", 2525, 40000)
    assert sniff(b"220 mx.example\r\n", 25, 40000)
    assert sniff(b"+OK ready\r\n", 110, 40000)
    assert sniff(b"* OK IMAP4rev1\r\n", 143, 40000)
    assert not sniff(b"220 ProFTPD Server ready\r\n", 21, 40000)
    assert not sniff(b"GET / HTTP/1.1\r\n", 40000, 80)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_nothing(data: bytes) -> None:
    """Whatever comes; and random bytes are not recognised."""
    Parser().feed(data)
    assert not sniff(b"\xff" + data, 40000, 25)
