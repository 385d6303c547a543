"""MQTT's CONNECT packet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import Malformed, ServiceBanner, Want
from monitor.protocols.mqtt import Parser, sniff

BEHIND = b"\xc2\x00\x3c\x00\x06camera\x00\x04user\x00\x06secret"
CONNECT = b"\x10\x1e\x00\x04MQTT\x04" + BEHIND
CLIENT = [ServiceBanner("mqtt", "client", None)]


@pytest.mark.parametrize(
    "packet",
    [
        CONNECT,
        b"\x10\x1f\x00\x04MQTT\x05" + BEHIND,
        b"\x10\x20\x00\x06MQIsdp\x03" + BEHIND,
        b"\x10\xff\x01\x00\x04MQTT\x84" + BEHIND,
    ],
)
def test_synthetic_connects(packet: bytes) -> None:
    """Of all versions, and of bridges: a client, and nothing of what it says."""
    assert sniff(packet, 40000, 31006)
    parser = Parser()
    assert parser.feed(packet) == CLIENT
    assert parser.want is Want.STOP
    assert parser.feed(packet) == []


@given(st.lists(st.integers(0, len(CONNECT)), min_size=2, max_size=2).map(sorted))
def test_cuts_make_no_difference(cuts: list[int]) -> None:
    """Wherever segments end."""
    parser, (first, second) = Parser(), cuts
    pieces = CONNECT[:first], CONNECT[first:second], CONNECT[second:]
    assert [fact for piece in pieces for fact in parser.feed(piece)] == CLIENT


@pytest.mark.parametrize(
    "head",
    [
        b"", b"\x10", CONNECT[:9], b"\x20" + CONNECT[1:], b"\x10\x80\x80\x80\x80\x00\x04MQTT\x04\x02", b"\x10\x80",
        b"\x10\x1e\x00\x04MQTT\x06\x02", b"\x10\x1e\x00\x04MQTT\x04\x03", b"\x10\x1e\x00\x04MQTX\x04\x02",
    ],
)  # fmt: skip
def test_sniff_refuses(head: bytes) -> None:
    """Cut short, another packet, an endless length, an unknown version, the reserved flag."""
    assert not sniff(head, 40000, 1883)


@given(st.one_of(st.binary(max_size=32), st.binary(max_size=32).map(lambda data: CONNECT[:7] + data)))
def test_hostile_input(data: bytes) -> None:
    """Nothing but Malformed leaves the parser."""
    try:
        facts = Parser().feed(data)
    except Malformed:
        facts = []
    assert bool(facts) == sniff(data, 1, 2)
