"""FTP's control connection."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import Fact, FileRequest, ServiceBanner, Want
from monitor.protocols.ftp import MAX_COMMANDS, MAX_LINE, MAX_REQUESTS, Parser, sniff

SERVER, CLIENT = (21, 40000), (40000, 21)
OTHER_SERVER, OTHER_CLIENT = (5555, 40000), (40000, 5555)
BANNER = ServiceBanner("ftp", "client", None)


def read(data: bytes, ports: tuple[int, int], *cuts: int) -> list[Fact]:
    parser = Parser(*ports)
    return [fact for start, end in pairwise([0, *sorted(cuts), len(data)]) for fact in parser.feed(data[start:end])]


@pytest.mark.parametrize(
    ("reply", "ports", "text"),
    [
        (b"220 (vsFTPd 3.0.3)\r\n", SERVER, "(vsFTPd 3.0.3)"),
        (b"220-\r\n220-#####\r\n220-NVR 7\r\n220 ready\r\n", SERVER, "NVR 7"),
        (b"220-FileZilla Server\r\n  indented\r\n220 end\r\n234 go\r\n", OTHER_SERVER, "FileZilla Server"),
        (b"220 ready\r\n331 Password required\r\n", OTHER_SERVER, "ready"),
        (b"220-one\r\n220 my ftp server\r\n", OTHER_SERVER, "one"),
        (b"220 \r\n", SERVER, None),
        (b"226 Transfer complete\r\n", SERVER, None),
        (b"220 FTP http://a:b@c/ \x1b[1m\r\n", OTHER_SERVER, "FTP http://***@c/ \\x1b[1m"),
    ],
)
def test_synthetic_greetings(reply: bytes, ports: tuple[int, int], text: str | None) -> None:
    """The first line of the greeting that has words; off port 21 a word or a reply must be FTP's."""
    assert sniff(reply, *ports)
    assert read(reply, ports) == [ServiceBanner("ftp", "server", text)]
    assert read(reply, ports, *range(1, len(reply))) == [ServiceBanner("ftp", "server", text)]


@pytest.mark.parametrize(
    "reply", [b"220 mail ready\r\n250-mail\r\n250 SIZE\r\n354 go\r\n331 late\r\n", b"220 ready\r\n", b"220-a\r\n" * 20]
)
def test_other_greetings_are_not_told(reply: bytes) -> None:
    """What goes on as SMTP does, or not at all."""
    assert read(reply, OTHER_SERVER) == []


SESSION = (
    b"USER admin\r\nPASS secret\r\nSYST\r\nTYPE I\r\nPASV\r\nRETR /fw/digicap.dav\r\nSTOR cam 1?pwd=x.jpg\r\nstor b\r\n"
    b"\xff\xf4\xff\xf2ABOR\r\nTYPE A\r\nLIST -la\r\nMLSD\r\nAPPE log\r\nDELE old\r\nRETR /fw/digicap.dav\r\nSTOR b\r\n"
)
FILES = [
    FileRequest("ftp", "read", "/fw/digicap.dav", "image"),
    FileRequest("ftp", "write", "cam 1?pwd=***", "image"),
    FileRequest("ftp", "write", "b", "image"),
    FileRequest("ftp", "list", "-la", "ascii"),
    FileRequest("ftp", "list", "", "ascii"),
    FileRequest("ftp", "append", "log", "ascii"),
    FileRequest("ftp", "delete", "old", "ascii"),
    FileRequest("ftp", "read", "/fw/digicap.dav", "ascii"),
    FileRequest("ftp", "write", "b", "ascii"),
]


@pytest.mark.parametrize("ports", [CLIENT, OTHER_CLIENT])
@given(cuts=st.lists(st.integers(0, len(SESSION)), max_size=8))
def test_synthetic_session(ports: tuple[int, int], cuts: list[int]) -> None:
    """Which files are asked for, wherever segments end; neither user name nor password."""
    assert sniff(SESSION[:11], *ports)
    assert read(SESSION, ports, *cuts) == [BANNER, *FILES]


@pytest.mark.parametrize(
    "commands",
    [
        b"USER a\r\nPASS b\r\nSTAT\r\nLIST\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n",  # POP3
        b"USER guest 0 * :Guest\r\nNICK guest\r\nSTOR a\r\n",  # IRC
        b"PORT 1\r\nUNKNOWN\r\nRETR a\r\n",
        b"PASV\r\n",
    ],
)
def test_other_commands_are_not_told(commands: bytes) -> None:
    """Off port 21 POP3, IRC and a single command are not believed."""
    assert read(commands, OTHER_CLIENT) == []


@pytest.mark.parametrize(
    ("head", "ports"),
    [
        (b"", SERVER),
        (b"220", SERVER),
        (b"220 mx ESMTP Postfix\r\n", (25, 40000)),
        (b"250 ok\r\n", OTHER_SERVER),
        (b"22", OTHER_SERVER),
        (b"HELO cam\r\n", CLIENT),
        (b"USERS\r\n", CLIENT),
        (b"USER", OTHER_CLIENT),
        (b"\x16\x03\x01", CLIENT),
    ],
)
def test_sniff_refuses(head: bytes, ports: tuple[int, int]) -> None:
    """Neither a greeting nor a command."""
    assert not sniff(head, *ports)


def test_encryption_ends_it() -> None:
    """Behind AUTH comes TLS (RFC 4217)."""
    parser = Parser(*CLIENT)
    assert parser.feed(b"AUTH TLS\r\n") == [BANNER]
    assert parser.feed(b"\x16\x03\x01\x00\x05\n..") == []
    assert parser.want is Want.STOP


def test_a_hole() -> None:
    """The line that lost octets is left out, the commands behind it are read; a greeting with a hole is none."""
    parser = Parser(*CLIENT)
    assert parser.feed(b"TYPE I\r\nRETR a") == [BANNER]
    parser.gap()
    assert parser.feed(b"") + parser.feed(b"ORT 1\r") + parser.feed(b"\nSTOR b\r\n") == [
        FileRequest("ftp", "write", "b", "image")
    ]
    parser = Parser(*SERVER)
    parser.feed(b"220-we")
    parser.gap()
    assert parser.feed(b"come\r\n220 ok\r\n") == []


def test_bounds() -> None:
    """Files, commands and the length of a line."""
    parser = Parser(*CLIENT)
    facts = [fact for number in range(200) for fact in parser.feed(b"STOR %d.jpg\r\n" % number)]
    assert len(facts) == 1 + MAX_REQUESTS
    assert parser.want is Want.STOP
    parser = Parser(*CLIENT)
    parser.feed(b"NOOP\r\n" * (MAX_COMMANDS + 1))
    assert parser.want is Want.STOP
    parser = Parser(*CLIENT)
    assert parser.feed(b"RETR " + b"a" * MAX_LINE) == []
    assert parser.want is Want.STOP


@given(
    st.lists(
        st.one_of(st.binary(max_size=40), st.sampled_from(SESSION.splitlines(keepends=True)), st.just(b"220-a\n"))
    ),
    st.sampled_from([SERVER, CLIENT, OTHER_SERVER, OTHER_CLIENT]),
)
def test_hostile_input(pieces: list[bytes], ports: tuple[int, int]) -> None:
    """Nothing leaves the parser, and cuts make no difference."""
    data = b"".join(pieces)
    assert read(data, ports) == read(data, ports, *range(1, len(data)))
