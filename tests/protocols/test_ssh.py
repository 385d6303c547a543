"""SSH's identification string."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import Fact, Malformed, MalformedSeen, ServiceBanner, Want
from monitor.protocols.ssh import MAX_LINE, Parser, sniff

LINE = b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"


def read(data: bytes, *cuts: int, ports: tuple[int, int] = (22, 40000)) -> list[Fact]:
    parser = Parser(*ports)
    return [fact for start, end in pairwise([0, *sorted(cuts), len(data)]) for fact in parser.feed(data[start:end])]


@pytest.mark.parametrize(
    ("line", "ports", "role", "text"),
    [
        (LINE, (22, 40000), "server", "OpenSSH_9.2p1 Debian-2"),
        (b"SSH-2.0-dropbear_2019.78\r\n", (40000, 22), "client", "dropbear_2019.78"),
        (b"SSH-1.99-Cisco-1.25\n", (2222, 40000), "server", "Cisco-1.25"),
        (b"SSH-2.0-\r\n", (50000, 50000), "unknown", None),
        (b"SSH-2.0-x token=abc\r\n", (40000, 2222), "client", "x token=***"),
    ],
)
def test_synthetic_strings(line: bytes, ports: tuple[int, int], role: str, text: str | None) -> None:
    """Software and comment, the role by the ports; what is binary behind the line is not looked at."""
    assert sniff(line, *ports)
    parser = Parser(*ports)
    assert parser.feed(line + b"\0\0\5\x14\xff") == [ServiceBanner("ssh", role, text)]
    assert parser.want is Want.STOP
    assert parser.feed(line) == []


@given(st.lists(st.integers(0, len(LINE)), max_size=6))
def test_cuts_make_no_difference(cuts: list[int]) -> None:
    """Wherever segments end."""
    assert read(LINE, *cuts) == [ServiceBanner("ssh", "server", "OpenSSH_9.2p1 Debian-2")]


def test_a_line_without_end() -> None:
    """The banner stands; that its line breaks the rules is told behind it (as of Cisco's, filled with zeros)."""
    broken = MalformedSeen("ssh", "identification string does not end")
    assert read(b"SSH-1.99-Cisco-1.25 " + bytes(400)) == [ServiceBanner("ssh", "server", "Cisco-1.25"), broken]
    assert read(b"SSH-2.0-" + b"a" * 400)[1:] == [broken]
    assert read(b"SSH-2.0-" + b"a" * 400, 10, 20, 300) == read(b"SSH-2.0-" + b"a" * 400)


@pytest.mark.parametrize(
    "head", [b"", b"SSH", b"SSHX-2.0", b"SSH-x", b"SSH-2.0 OpenSSH", b"SSH-123.0-", b"ssh-2.0-a\r\n"]
)
def test_sniff_refuses(head: bytes) -> None:
    """No version, or not at the beginning."""
    assert not sniff(head, 22, 40000)


@given(st.lists(st.binary(max_size=300).flatmap(lambda data: st.sampled_from([data, b"SSH-2.0-" + data])), max_size=4))
def test_hostile_input(pieces: list[bytes]) -> None:
    """Nothing but Malformed leaves the parser, and it holds no more than a line."""
    parser = Parser(1, 2)
    for piece in pieces:
        try:
            parser.feed(piece)
        except Malformed as error:
            assert error.layer == "ssh"
        assert len(parser._held) <= 2 * MAX_LINE + 1
