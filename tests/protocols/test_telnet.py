"""Telnet: negotiations, greetings, and nothing that was typed."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import Fact, ServiceBanner, Want
from monitor.protocols.telnet import MAX_OPTIONS, MAX_TEXT, Parser, sniff

SERVER, CLIENT, ELSEWHERE = (23, 40000), (40000, 23), (9527, 40000)
# What BusyBox's telnetd begins with: DO ECHO, DO NAWS, WILL ECHO, WILL SGA.
OPTIONS = b"\xff\xfd\x01\xff\xfd\x1f\xff\xfb\x01\xff\xfb\x03"
GREETING = OPTIONS + b"\r\n192.0.0.64 login: "
TERMINAL = b"\xff\xfb\x18\xff\xfb\x1f\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0"


def server(text: str | None) -> ServiceBanner:
    return ServiceBanner("telnet", "server", text)


def read(data: bytes, ports: tuple[int, int], *cuts: int) -> list[Fact]:
    parser = Parser(*ports)
    return [fact for start, end in pairwise([0, *sorted(cuts), len(data)]) for fact in parser.feed(data[start:end])]


@pytest.mark.parametrize("ports", [SERVER, (2323, 40000), ELSEWHERE])
@given(cuts=st.lists(st.integers(0, len(GREETING)), max_size=8))
def test_synthetic_server(ports: tuple[int, int], cuts: list[int]) -> None:
    """A server is told at once and again with what stands up to its prompt, wherever segments end."""
    assert sniff(GREETING, *ports)
    assert sniff(GREETING[:12], *ports)
    facts = read(GREETING + b"admin\r\nPassword: ", ports, *cuts)
    assert facts[-2:] == [server(None), server("192.0.0.64 login:")]
    assert len(facts) == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"\x1b[2J\x1b[1;1HWelcome\r\n\r\nNVR \0\x07login:root", "Welcome NVR login:"),
        (b"User Name :admin", "User Name :"),
        (b"BusyBox v1.19.4\r\n\r\n/ # cat /etc/passwd\r\n", "BusyBox v1.19.4 / #"),
        (b"Router>enable\r\n", "Router>"),
        (b"Enter the code 1: 1234", "Enter the code 1:"),
        (b"Password:hunter2\r\n", "Password:"),
    ],
)
def test_nothing_that_is_typed_is_told(text: bytes, told: str) -> None:
    """A server echoes what is typed behind its first prompt: the text ends there."""
    assert read(OPTIONS + text, SERVER) == [server(None), server(told)]


def test_client_is_not_read() -> None:
    """Of a client there is its negotiation alone."""
    for ports in (CLIENT, (40000, 9527)):
        assert sniff(TERMINAL, *ports)
        parser = Parser(*ports)
        assert parser.feed(TERMINAL + b"admin\r\n") == [ServiceBanner("telnet", "client", None)]
        assert parser.want is Want.STOP or ports != CLIENT
    assert not sniff(b"admin\r\n", *CLIENT)


def test_text_without_negotiation() -> None:
    """From a telnet port a prompt in the first segment is a greeting; other text may be anything, typed words too."""
    assert read(b"\r\nDVR login: ", SERVER) == [server(None), server("DVR login:")]
    assert read(b"admin\r\n# ls\r\nlogin.sh\r\n", SERVER) == [server(None)]
    assert not sniff(b"\r\nDVR login: ", *ELSEWHERE)
    assert not sniff(b"\0\0\0\1", *SERVER)


def test_no_prompt() -> None:
    """Text that never asks is not told, and reading ends."""
    parser = Parser(*SERVER)
    facts = parser.feed(OPTIONS) + parser.feed(b"word " * (MAX_TEXT // 5 + 1))
    assert facts == [server(None)]
    assert parser.want is Want.STOP
    parser = Parser(*SERVER)
    parser.feed(b"\xff\xfa\x18" + bytes(2 * MAX_OPTIONS))
    assert parser.want is Want.STOP


def test_side_unknown() -> None:
    """Options that both sides use tell no role, and text behind them ends the wait."""
    assert read(b"\xff\xfb\x03\xff\xfd\x03" + b"a" * 100, ELSEWHERE) == [ServiceBanner("telnet", "unknown", None)]


@pytest.mark.parametrize(
    "head",
    [b"", b"\xff", b"\xff\xfd", b"\xff\xd8\xff\xe0", b"\xff\xfd\x80", b"\xff\xfe\xff\xe7\x00\x44", b"\xff\xfd\x01\x00\x01", b"\xff\xf0\x01"],
)  # fmt: skip
def test_sniff_refuses(head: bytes) -> None:
    """Off telnet's ports: cut short, JPEG, no option, Dahua's inverted STUN, other octets behind a single one."""
    assert not sniff(head, *ELSEWHERE)


def test_sniff_refuses_random_payload() -> None:
    """Of 100,000 random heads that begin with IAC, at most a handful pass: of those as short as one negotiation."""
    source = random.Random(854)
    passed = [
        head
        for head in (b"\xff" + source.randbytes(source.randrange(1, 64)) for _ in range(100_000))
        if sniff(head, *ELSEWHERE)
    ]
    assert all(len(head) <= 6 for head in passed)
    assert len(passed) < 20


OCTETS = st.sampled_from([255, 254, 253, 252, 251, 250, 240, 1, 24, 31, 58, 35, 13, 10, 65, 27, 91])


@given(
    st.one_of(st.binary(max_size=80), st.lists(OCTETS, max_size=80).map(bytes)),
    st.sampled_from([SERVER, CLIENT, ELSEWHERE]),
)
def test_hostile_input(data: bytes, ports: tuple[int, int]) -> None:
    """Nothing leaves the parser; where options come first, cuts make no difference."""
    whole = read(data, ports)
    if data[:1] == b"\xff":
        assert read(data, ports, *range(1, len(data))) == whole
