"""Whose packet an ICMP error quotes, and whether the error refuses it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.address import pack
from monitor.wire.quotes import quoted, refuses
from pcaps import packets
from pcaps.packets import Host, Segment

HERE, THERE = Host.at("10.20.0.12", "44:19:b6:20:00:0c"), Host.at("52.30.100.10", "00:00:0c:07:ac:01")
HERE6, THERE6 = Host.at("2001:db8::c", "44:19:b6:20:00:0c"), Host.at("2a00:1450::10", "00:00:0c:07:ac:01")
SYN = packets.tcp(HERE, THERE, Segment(40000, 443, 7, 0, packets.SYN))


def test_a_quote_has_ends_and_ports() -> None:
    """As the sender sent it, with eight bytes behind the IP header or with all."""
    for data in (SYN, SYN[:28], SYN[:24]):
        quote = quoted(data)
        assert quote == (pack("10.20.0.12"), pack("52.30.100.10"), 40000, 443, packets.TCP)
    datagram = packets.udp(HERE6, THERE6, 1000, 2000, b"x")
    assert quoted(datagram) == (pack("2001:db8::c"), pack("2a00:1450::10"), 1000, 2000, packets.UDP)


def test_options_of_the_quoted_header_are_stepped_over() -> None:
    """Ports stand behind them."""
    quote = quoted(bytes([0x46]) + SYN[1:20] + bytes(4) + SYN[20:])
    assert quote is not None
    assert (quote.sport, quote.dport) == (40000, 443)


@pytest.mark.parametrize(
    ("packet", "ports"),
    [
        (packets.ip(HERE, THERE, 1, b"\x08\x00\0\0"), (8, 0)),
        (packets.ip(HERE6, THERE6, 58, b"\x80\x00\0\0"), (128, 129)),
    ],
)
def test_a_quoted_echo_is_the_flow_of_echoes(packet: bytes, ports: tuple[int, int]) -> None:
    """Request and reply stand in for ports, as in the flow table."""
    quote = quoted(packet)
    assert quote is not None
    assert (quote.sport, quote.dport) == ports


@pytest.mark.parametrize("data", [b"", b"\x45", SYN[:23], b"\x44" + SYN[1:], b"\x55" + SYN[1:], b"\x60" + bytes(42)])
def test_a_quote_that_is_cut_or_no_packet_is_none(data: bytes) -> None:
    """Nothing is guessed."""
    assert quoted(data) is None


@given(st.binary(max_size=80))
def test_any_bytes_are_a_quote_or_none(data: bytes) -> None:
    """Nothing raises."""
    quote = quoted(data)
    assert quote is None or len(quote.source) == len(quote.destination) == 16


@pytest.mark.parametrize(
    ("proto", "kind", "code", "refused"),
    [(1, 3, 0, True), (1, 3, 1, True), (1, 3, 3, True), (1, 3, 13, True), (1, 3, 4, False), (1, 11, 0, False), (1, 5, 1, False),
     (58, 1, 0, True), (58, 1, 4, True), (58, 2, 0, False), (58, 3, 0, False), (17, 3, 3, False)],
)  # fmt: skip
def test_only_unreachable_refuses(proto: int, kind: int, code: int, refused: bool) -> None:
    """Too big and time exceeded do not."""
    assert refuses(proto, kind, code) is refused
