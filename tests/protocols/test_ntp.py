"""NTP."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import Malformed, NtpMessage
from monitor.protocols.ntp import Parser, sniff

CLIENT = b"\x23" + bytes(47)
SERVER = b"\x1c\x02" + bytes(46)


def test_client_and_server() -> None:
    """Mode, version and stratum of a question and its answer."""
    assert Parser().feed(CLIENT) == [NtpMessage("client", 4, 0)]
    assert Parser().feed(SERVER) == [NtpMessage("server", 3, 2)]


def test_only_changes_are_told() -> None:
    """A message that repeats the last one's mode, version and stratum is silent."""
    parser = Parser()
    parser.feed(SERVER)
    assert parser.feed(SERVER) == []
    assert parser.feed(b"\x1c\x10" + bytes(46)) == [NtpMessage("server", 3, 16)]


def test_control_messages() -> None:
    """Control messages have no stratum; a monlist request is a private one (CVE-2013-5211)."""
    assert Parser().feed(b"\x16\x02" + bytes(10)) == [NtpMessage("control", 2, 0)]
    assert Parser().feed(b"\x17\x00\x03\x2a" + bytes(4)) == [NtpMessage("private", 2, 0)]


@pytest.mark.parametrize(
    ("head", "sport", "dport"),
    [
        (b"", 123, 123),
        (CLIENT[:47], 123, 123),
        (CLIENT, 124, 40000),
        (b"\x2b" + bytes(47), 123, 123),
        (b"\x20" + bytes(47), 123, 123),
        (b"\x03" + bytes(47), 123, 123),
    ],
)
def test_sniff_is_strict(head: bytes, sport: int, dport: int) -> None:
    """Too short, off the port, version 0 or 5, mode 0: not NTP."""
    assert not sniff(head, sport, dport)


@given(st.binary(max_size=64))
def test_random_input(data: bytes) -> None:
    """What sniff takes is parsed, the rest is Malformed."""
    if sniff(data, 123, 123):
        assert len(Parser().feed(data)) == 1
    else:
        with pytest.raises(Malformed):
            Parser().feed(data)
