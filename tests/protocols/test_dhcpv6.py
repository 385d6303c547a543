"""DHCP for IPv6."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import DeviceAnnounced, Malformed
from monitor.protocols.dhcpv6 import Parser, sniff

MAC = bytes.fromhex("4419b6000011")


def option(code: int, data: bytes) -> bytes:
    return code.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data


CLIENT = option(1, b"\x00\x01\x00\x01" + bytes(4) + MAC)


def association(valid: int) -> bytes:
    return option(3, bytes(12) + option(5, IPv6Address("2001:db8::9").packed + bytes(4) + valid.to_bytes(4, "big")))


def message(kind: int, *options: bytes) -> bytes:
    return bytes([kind, 1, 2, 3]) + b"".join(options)


REQUEST = message(
    3, CLIENT, option(39, b"\x00\x03Cam\x05local\x00"), option(16, bytes(4) + b"\x00\x04dh c"), association(0)
)
EXPECTED = DeviceAnnounced(
    "dhcpv6", mac="44:19:b6:00:00:11", address="2001:db8::9", name="Cam.local", vendor_class="dh c", message="request"
)


def test_request() -> None:
    """MAC of the DUID, name, class and address of a request."""
    assert Parser().feed(REQUEST) == [EXPECTED]


def test_relayed_request() -> None:
    """Relays wrap a message; eight of them are undone (RFC 8415, 7.6), not more."""
    wrapped = REQUEST
    for _ in range(8):
        wrapped = bytes([12, 0]) + bytes(32) + option(9, wrapped)
    assert Parser().feed(wrapped) == [EXPECTED]
    with pytest.raises(Malformed, match="too often"):
        Parser().feed(bytes([12, 0]) + bytes(32) + option(9, wrapped))


@pytest.mark.parametrize(
    ("kind", "valid", "address"), [(7, 60, "2001:db8::9"), (7, 0, None), (2, 60, None), (8, 60, None)]
)
def test_addresses_only_where_held(kind: int, valid: int, address: str | None) -> None:
    """An address counts where it is granted for a time, not where it is offered or released."""
    (fact,) = Parser().feed(message(kind, CLIENT, association(valid)))
    assert isinstance(fact, DeviceAnnounced)
    assert fact.address == address


def test_identifiers_without_a_mac() -> None:
    """DUID-LL gives a MAC, DUID-EN none, and a message that says nothing gives no fact."""
    (fact,) = Parser().feed(message(1, option(1, b"\x00\x03\x00\x01" + MAC)))
    assert isinstance(fact, DeviceAnnounced)
    assert fact.mac == "44:19:b6:00:00:11"
    assert Parser().feed(message(1, option(1, b"\x00\x02" + bytes(12)))) == []


def test_sniff() -> None:
    """Ports 546 or 547 and a known type."""
    assert sniff(REQUEST, 546, 547)
    assert not sniff(REQUEST, 5460, 5470)
    assert not sniff(b"\x00" + REQUEST[1:], 546, 547)


@given(st.binary(max_size=120), st.integers(0, 110), st.integers(0, 255))
def test_bad_input_raises_only_malformed(data: bytes, at: int, octet: int) -> None:
    """Random octets and changed messages raise nothing but Malformed."""
    changed = bytearray(REQUEST)
    changed[at % len(changed)] = octet
    for datagram in (data, b"\x03" + data, bytes([12]) + bytes(33) + data, bytes(changed)):
        try:
            Parser().feed(datagram)
        except Malformed as error:
            assert error.layer == "dhcpv6"
