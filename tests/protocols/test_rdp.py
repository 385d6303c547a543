"""RDP's connection request and confirmation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import Malformed, ServiceBanner, Want
from monitor.protocols.rdp import Parser, sniff


def tpkt(kind: int, rest: bytes = b"") -> bytes:
    return b"\x03\0" + (11 + len(rest)).to_bytes(2, "big") + bytes((6 + len(rest), kind)) + b"\0\0\x12\x34\0" + rest


COOKIE = b"Cookie: mstshash=somebody\r\n"
OFFER = b"\x01\x00\x08\x00\x0b\x00\x00\x00"
CORRELATION = b"\x06\x00\x24\x00" + bytes(range(32))
REQUEST = tpkt(0xE0, COOKIE + OFFER)
CONFIRM = tpkt(0xD0, b"\x02\x1f\x08\x00\x02\x00\x00\x00")


@pytest.mark.parametrize(
    ("packet", "role"),
    [
        (REQUEST, "client"),
        (tpkt(0xE0, COOKIE), "client"),
        (tpkt(0xE0, OFFER), "client"),
        (tpkt(0xE0, b"Cookie: msts=3640205228.15629.0000\r\n" + OFFER), "client"),
        (tpkt(0xE0, COOKIE + b"\x01\x08\x08\x00\x0b\x00\x00\x00" + CORRELATION), "client"),
        (CONFIRM, "server"),
        (tpkt(0xD0, b"\x03\x00\x08\x00\x05\x00\x00\x00"), "server"),
    ],
)
def test_synthetic_packets(packet: bytes, role: str) -> None:
    """With a cookie or a negotiation, on any port; the user name is not told."""
    assert sniff(packet, 40000, 50000)
    parser = Parser(40000, 50000)
    assert parser.feed(packet) == [ServiceBanner("rdp", role, None)]
    assert parser.want is Want.STOP
    assert parser.feed(packet) == []


def test_the_oldest_requests_need_the_port() -> None:
    """An X.224 request with nothing in it is S7's or MMS's as well."""
    assert sniff(tpkt(0xE0), 40000, 3389)
    assert Parser(3389, 40000).feed(tpkt(0xD0)) == [ServiceBanner("rdp", "server", None)]
    assert not sniff(tpkt(0xE0), 40000, 102)
    assert not sniff(tpkt(0xE0, b"\xc0\x01\x0a\xc1\x02\x01\x00\xc2\x02\x01\x02"), 40000, 3389)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        REQUEST[:10],
        REQUEST[:27],
        tpkt(0xE0, OFFER)[:-1],
        b"\x03\x01" + REQUEST[2:],
        tpkt(0xF0, COOKIE),
        tpkt(0xE0, OFFER[:-4]),
    ],
)
def test_sniff_refuses(head: bytes) -> None:
    """Cut short, another version or type, a structure that is not whole."""
    assert not sniff(head, 40000, 50000)


@pytest.mark.parametrize("head", [REQUEST[:28], REQUEST[:-1], tpkt(0xE0, OFFER + CORRELATION)[:19]])
def test_the_first_field_is_enough(head: bytes) -> None:
    """A cookie's name, or a negotiation that stands first."""
    assert sniff(head, 40000, 50000)


@given(st.integers(0, len(REQUEST)))
def test_cuts_make_no_difference(cut: int) -> None:
    """Wherever a segment ends."""
    parser = Parser(40000, 3389)
    assert parser.feed(REQUEST[:cut]) + parser.feed(REQUEST[cut:]) == [ServiceBanner("rdp", "client", None)]


@given(
    st.one_of(
        st.binary(max_size=300),
        st.tuples(st.sampled_from([REQUEST, CONFIRM]), st.integers(0, 18), st.integers(0, 255)).map(
            lambda each: each[0][: each[1]] + bytes([each[2]]) + each[0][each[1] + 1 :]
        ),
    )
)
def test_hostile_input(data: bytes) -> None:
    """Nothing but Malformed leaves the parser, and what sniff refuses is never told."""
    try:
        facts = Parser(1, 3389).feed(data)
    except Malformed:
        facts = []
    assert bool(facts) <= sniff(data, 1, 3389)
