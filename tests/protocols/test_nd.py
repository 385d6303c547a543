"""IPv6 Neighbor Discovery."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.address import pack
from monitor.model.facts import DeviceAnnounced, Malformed, PrefixAnnounced
from monitor.protocols.nd import parse

MAC = bytes.fromhex("4419b6000011")
LINK = "44:19:b6:00:00:11"
HOST = pack("fe80::1")
TARGET = IPv6Address("2001:db8::9").packed


def test_solicitation_tells_its_sender() -> None:
    """Source address and source link-layer address belong together."""
    assert parse(b"\x87\x00" + bytes(6) + TARGET + b"\x01\x01" + MAC, HOST) == [
        DeviceAnnounced("nd", mac=LINK, address="fe80::1", message="solicitation")
    ]
    assert parse(b"\x85\x00" + bytes(6) + b"\x01\x01" + MAC, HOST) == [
        DeviceAnnounced("nd", mac=LINK, address="fe80::1", message="solicitation")
    ]


def test_solicitation_without_option_tells_its_sender() -> None:
    """The option may be left out (RFC 4861, 4.1): the source address alone says that a host is there."""
    for kind, rest in ((0x85, b""), (0x87, TARGET)):
        assert parse(bytes((kind, 0)) + bytes(6) + rest, HOST) == [
            DeviceAnnounced("nd", address="fe80::1", message="solicitation")
        ]
    assert parse(b"\x85\x00" + bytes(6), pack("::")) == []


def test_advertisement_tells_its_target() -> None:
    """The target address has the target link-layer address; without one nothing is told."""
    assert parse(b"\x88\x00\x60" + bytes(5) + TARGET + b"\x02\x01" + MAC, HOST) == [
        DeviceAnnounced("nd", mac=LINK, address="2001:db8::9", message="advertisement")
    ]
    assert parse(b"\x88\x00\x60" + bytes(5) + TARGET, HOST) == []


def test_duplicate_address_detection_is_a_probe() -> None:
    """A solicitation from :: asks for the sender's own new address (RFC 4862, 5.4.2)."""
    assert parse(b"\x87\x00" + bytes(6) + TARGET, pack("::")) == [
        DeviceAnnounced("nd", address="2001:db8::9", message="probe")
    ]


def prefix(flags: int, valid: int, net: str, length: int = 64) -> bytes:
    return bytes([3, 4, length, flags]) + valid.to_bytes(4, "big") + bytes(8) + IPv6Address(net).packed


def test_router_tells_on_link_prefixes() -> None:
    """Prefixes with the on-link flag and a lifetime, link-local ones excepted (RFC 4861, 6.3.4)."""
    options = b"\x01\x01" + MAC + prefix(0xC0, 600, "2001:db8::1") + prefix(0x40, 600, "2001:db8:1::")
    options += prefix(0xC0, 0, "2001:db8:2::") + prefix(0xC0, 600, "fe80::") + prefix(0x80, 600, "fd00::", 48)
    assert parse(b"\x86\x00" + bytes(14) + options, HOST) == [
        DeviceAnnounced("nd", mac=LINK, address="fe80::1", message="router"),
        PrefixAnnounced("2001:db8::/64", LINK),
        PrefixAnnounced("fd00::/48", LINK),
    ]


@pytest.mark.parametrize(
    "bad",
    [
        b"\x87\x00" + bytes(6) + TARGET[:8],
        b"\x87\x01" + bytes(6) + TARGET,
        b"\x87\x00" + bytes(6) + TARGET + b"\x01\x00" + MAC,
        b"\x87\x00" + bytes(6) + TARGET + b"\x01\x02" + MAC,
        b"\x88\x00" + bytes(6) + b"\xff" + TARGET[1:],
    ],
)
def test_damage(bad: bytes) -> None:
    """Cut messages, a code, options of length zero or past the end, multicast targets (RFC 4861, 7.1)."""
    with pytest.raises(Malformed):
        parse(bad, HOST)


def test_other_types_say_nothing() -> None:
    """An echo request is not Neighbor Discovery."""
    assert parse(b"\x80" + bytes(30), HOST) == []


@given(st.integers(133, 136), st.binary(max_size=80))
def test_random_input_raises_only_malformed(kind: int, data: bytes) -> None:
    """Nothing but Malformed leaves the parser."""
    for message in (data, bytes([kind, 0]) + bytes(6) + data):
        try:
            parse(message, HOST)
        except Malformed as error:
            assert error.layer == "nd"
