"""ARP."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import DeviceAnnounced, Malformed
from monitor.protocols.arp import parse

NOBODY = str(IPv4Address(0))
MAC = bytes.fromhex("4419b6000011")


def packet(operation: int, sender: str, target: str, mac: bytes = MAC) -> bytes:
    fixed = b"\x00\x01\x08\x00\x06\x04" + operation.to_bytes(2, "big")
    return fixed + mac + IPv4Address(sender).packed + bytes(6) + IPv4Address(target).packed + bytes(18)


@pytest.mark.parametrize(
    ("operation", "sender", "target", "address", "message"),
    [
        (1, "192.0.2.9", "192.0.2.1", "192.0.2.9", "request"),
        (2, "192.0.2.9", "192.0.2.1", "192.0.2.9", "reply"),
        (1, "192.0.2.9", "192.0.2.9", "192.0.2.9", "gratuitous"),
        (2, "192.0.2.9", "192.0.2.9", "192.0.2.9", "gratuitous"),
        (1, NOBODY, "192.0.2.9", "192.0.2.9", "probe"),
    ],
)
def test_sender(operation: int, sender: str, target: str, address: str, message: str) -> None:
    """The sender's MAC and address; a probe is about the address that it asks for (RFC 5227)."""
    assert parse(packet(operation, sender, target)) == [
        DeviceAnnounced("arp", mac="44:19:b6:00:00:11", address=address, message=message)
    ]


def test_what_says_nothing() -> None:
    """A sender without an address, RARP and hardware other than Ethernet give no fact."""
    assert parse(packet(2, NOBODY, "192.0.2.9")) == []
    assert parse(packet(3, "192.0.2.9", "192.0.2.9")) == []
    assert parse(b"\x00\x06" + packet(1, "192.0.2.9", "192.0.2.1")[2:]) == []


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        packet(1, "192.0.2.9", "192.0.2.1")[:27],
        packet(1, "192.0.2.9", "192.0.2.1", b"\xff" * 6),
        packet(1, "192.0.2.9", "192.0.2.1", bytes(6)),
    ],
)
def test_damage(bad: bytes) -> None:
    """Packets that are cut, and senders that are groups or nobody, are Malformed."""
    with pytest.raises(Malformed):
        parse(bad)


@given(st.binary(max_size=40))
def test_random_input_raises_only_malformed(data: bytes) -> None:
    """Nothing but Malformed leaves the parser."""
    for payload in (data, packet(1, "192.0.2.9", "192.0.2.1")[:8] + data):
        try:
            parse(payload)
        except Malformed as error:
            assert error.layer == "arp"
