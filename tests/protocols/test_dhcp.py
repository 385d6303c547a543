"""DHCP for IPv4."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import DeviceAnnounced, Fact, Malformed, MalformedSeen
from monitor.protocols.dhcp import Parser, sniff

MAC = bytes.fromhex("4419b6000011")


def datagram(
    options: bytes,
    *,
    op: int = 1,
    current: bytes = bytes(4),
    given: bytes = bytes(4),
    file: bytes = b"",
    sname: bytes = b"",
) -> bytes:
    fixed = bytes([op, 1, 6, 0]) + bytes(8) + current + given + bytes(8) + MAC + bytes(10)
    return fixed + sname.ljust(64, b"\x00") + file.ljust(128, b"\x00") + b"\x63\x82\x53\x63" + options


def option(code: int, data: bytes) -> bytes:
    return bytes([code, len(data)]) + data


def only(facts: list[Fact]) -> DeviceAnnounced:
    (fact,) = facts
    assert isinstance(fact, DeviceAnnounced)
    return fact


def test_request() -> None:
    """MAC, name, class, fingerprint and the address that is demanded."""
    options = (
        option(53, b"\x03") + option(12, b"HIKVISION-cam\x00") + option(60, b"udhcp 1.21")
        + option(55, bytes([1, 3, 6])) + b"\x00" + option(50, bytes([192, 0, 2, 9])) + b"\xff junk"
    )  # fmt: skip
    assert only(Parser().feed(datagram(options))) == DeviceAnnounced(
        "dhcp", mac="44:19:b6:00:00:11", address="192.0.2.9", name="HIKVISION-cam", vendor_class="udhcp 1.21",
        fingerprint="1,3,6", message="request",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "op", "message", "address"),
    [
        (1, 1, "discover", None), (2, 2, "offer", None), (3, 1, "request", "192.0.2.1"), (4, 1, "decline", None),
        (5, 2, "ack", "192.0.2.2"), (6, 2, "nak", None), (7, 1, "release", None), (8, 1, "inform", "192.0.2.1"),
    ],
)  # fmt: skip
def test_addresses_only_where_held(kind: int, op: int, message: str, address: str | None) -> None:
    """An address counts in REQUEST, INFORM and ACK, not where it is offered, refused or given up."""
    fact = only(
        Parser().feed(
            datagram(option(53, bytes([kind])), op=op, current=bytes([192, 0, 2, 1]), given=bytes([192, 0, 2, 2]))
        )
    )
    assert (fact.message, fact.address) == (message, address)


def test_server_options_are_not_the_clients() -> None:
    """What a server puts into 55 and 60 is not the client's fingerprint."""
    fact = only(Parser().feed(datagram(option(53, b"\x05") + option(60, b"srv") + option(55, b"\x01"), op=2)))
    assert (fact.vendor_class, fact.fingerprint) == (None, None)


def test_overloaded_and_split_options() -> None:
    """Options go on in file and sname (option 52), and parts of one are joined (RFC 3396)."""
    options = option(53, b"\x01") + option(12, b"CAM") + option(52, b"\x03") + b"\xff"
    fact = only(Parser().feed(datagram(options, file=option(12, b"-00") + b"\xff", sname=option(12, b"11"))))
    assert fact.name == "CAM-0011"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"\x00\x00\x00cam.local", "cam.local"),
        (b"\x04\x00\x00\x03Cam\x05local\x00", "Cam.local"),
        (b"\x04\x00\x00\x03Cam", "Cam"),
        (b"\x04\x00\x00\xc0\x0c", None),
        (b"\x04\x00\x00", None),
    ],
)
def test_name_of_option_81(value: bytes, expected: str | None) -> None:
    """The FQDN option in ASCII and in wire format, partial or not, no pointers (RFC 4702)."""
    assert only(Parser().feed(datagram(option(53, b"\x03") + option(81, value)))).name == expected


def test_control_octets_are_escaped() -> None:
    """A name that would break a line is spelled out."""
    assert only(Parser().feed(datagram(option(12, b"a\nb\xff")))).name == r"a\x0ab\xff"


def test_cut_option_keeps_what_came_before() -> None:
    """Options before one that is cut are told, and the damage."""
    facts = Parser().feed(datagram(option(53, b"\x01") + option(12, b"cam") + b"\x37\x09\x01"))
    assert isinstance(facts[0], DeviceAnnounced)
    assert facts[0].name == "cam"
    assert facts[1:] == [MalformedSeen("dhcp", "option runs past its field")]


def test_sniff_needs_port_and_cookie() -> None:
    """Ports 67 or 68, a request or reply, and the magic cookie."""
    good = datagram(option(53, b"\x01"))
    assert sniff(good, 68, 67)
    assert not sniff(good, 6800, 6700)
    assert not sniff(good.replace(b"\x63\x82\x53\x63", b"\x63\x82\x53\x64"), 68, 67)
    assert not sniff(good[:239], 68, 67)


@given(st.binary(max_size=80), st.binary(max_size=128))
def test_bad_options_raise_only_malformed(options: bytes, file: bytes) -> None:
    """Whatever stands in the options, the file and the name field."""
    for head in (b"", option(52, b"\x03")):
        try:
            Parser().feed(datagram(head + options, file=file, sname=file[:64]))
        except Malformed as error:
            assert error.layer == "dhcp"


@given(st.binary(max_size=300))
def test_random_input_raises_only_malformed(data: bytes) -> None:
    """Random octets are no DHCP message."""
    with pytest.raises(Malformed):
        Parser().feed(data)
