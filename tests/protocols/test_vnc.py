"""VNC's protocol version."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import Malformed, ServiceBanner, Want
from monitor.protocols.vnc import Parser, sniff

VERSION = b"RFB 003.008\n"


@pytest.mark.parametrize(
    ("ports", "role"), [((5901, 40000), "server"), ((40000, 5900), "client"), ((40000, 40000), "unknown")]
)
def test_synthetic_versions(ports: tuple[int, int], role: str) -> None:
    """Both sides say the same; the ports tell which it is."""
    assert sniff(VERSION, *ports)
    parser = Parser(*ports)
    assert parser.feed(VERSION + b"\1\2") == [ServiceBanner("vnc", role, "003.008")]
    assert parser.want is Want.STOP


@given(st.integers(0, len(VERSION)))
def test_cuts_make_no_difference(cut: int) -> None:
    """Wherever a segment ends."""
    parser = Parser(5900, 40000)
    assert parser.feed(VERSION[:cut]) + parser.feed(VERSION[cut:]) == [ServiceBanner("vnc", "server", "003.008")]


@pytest.mark.parametrize("head", [b"", b"RFB", VERSION[:11], b"RFB 003-008\n", b"RFB 00x.008\n", b"rfb 003.008\n"])
def test_sniff_refuses(head: bytes) -> None:
    """Anything but the twelve octets."""
    assert not sniff(head, 5900, 40000)


@given(st.binary(max_size=32))
def test_hostile_input(data: bytes) -> None:
    """Nothing but Malformed leaves the parser."""
    try:
        facts = Parser(1, 2).feed(data)
    except Malformed:
        facts = []
    assert bool(facts) == sniff(data, 1, 2)
