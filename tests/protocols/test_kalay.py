"""Kalay: every datagram here is synthetic but for the two heads that libprotoident has of Foscam cameras."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import Malformed, P2pContact, Want
from monitor.protocols.kalay import _KEY, _ORDER, _WORDS, Parser, _right, descramble, sniff

UID = b"ABCDEFGHIJ1234567890"
FROM_FACTS = {
    "6e4c9d8c40d140ca3d2da82d00e7cada": "04021902340000000106210000000000",
    "2e0d8dac40d140ca3d2da82d40e6cade": "04021902600000000302340000000000",
}


def scramble(header: bytes) -> bytes:
    """The way there, after go2rtc's description: turn right, key, place, turn right."""
    turned = _WORDS.pack(*(_right(word, (4 * at + 1) % 32) for at, word in enumerate(_WORDS.unpack(header))))
    keyed = bytes(octet ^ key for octet, key in zip(turned, _KEY, strict=True))
    placed = bytearray(16)
    for at, source in enumerate(_ORDER):
        placed[source] = keyed[at]
    return _WORDS.pack(*(_right(word, (4 * at + 3) % 32) for at, word in enumerate(_WORDS.unpack(bytes(placed)))))


def datagram(command: int, parties: int, body: bytes = b"", *, version: int = 0x19, session: bytes = bytes(4)) -> bytes:
    header = b"\x04\x02" + bytes([version, 2]) + len(body).to_bytes(2, "little") + b"\x00\x00"
    return scramble(header + command.to_bytes(2, "little") + bytes([parties, 0]) + session) + body


def clear(command: int, body: bytes) -> bytes:
    return b"\x51\xcc\x00\x00" + command.to_bytes(2, "little") + len(body).to_bytes(2, "little") + bytes(4) + body


@pytest.mark.parametrize(("scrambled", "header"), FROM_FACTS.items())
def test_descramble_known_headers(scrambled: str, header: str) -> None:
    """The search on the LAN and the question for a peer come out as their sender made them."""
    assert descramble(bytes.fromhex(scrambled)).hex() == header


@given(st.binary(min_size=16, max_size=16))
def test_scrambling_goes_both_ways(block: bytes) -> None:
    """De-scrambling undoes scrambling, whatever the block."""
    assert descramble(scramble(block)) == block


@pytest.mark.parametrize(("octets", "command", "parties"), [("3e2f8dcc", 0x0104, 0x14), ("7e2a9dec", 0x0106, 0x41)])
def test_foscam_pings_are_kalay(octets: str, command: int, parties: int) -> None:
    """The first octets of a real camera's ping and of its server's answer (60 octets) are those of these commands."""
    assert datagram(command, parties, bytes(44), version=0x12)[:4].hex() == octets


@given(
    st.integers(0x10, 0x1F),
    st.integers(0, 255),
    st.integers(0, 0xFFFF),
    st.binary(min_size=6, max_size=6),
    st.binary(max_size=90),
)
def test_any_synthetic_header_passes_the_first_check(
    version: int, stage: int, command: int, rest: bytes, body: bytes
) -> None:
    """The cheap condition on scrambled octets lets every header with magic, version and length through."""
    header = b"\x04\x02" + bytes([version, stage]) + len(body).to_bytes(2, "little") + bytes(2)
    assert sniff(scramble(header + command.to_bytes(2, "little") + rest) + body, 40000, 50000)


@pytest.mark.parametrize(
    ("made", "message", "role"),
    [
        (datagram(0x0601, 0x21, UID + bytes(32)), "LAN_SEARCH", "client"),
        (datagram(0x0602, 0x12, bytes(184)), "LAN_REPLY", "device"),
        (datagram(0x0203, 0x34, UID + bytes(76)), "PEER_QUERY", "client"),
        (datagram(0x0301, 0x43, bytes(40)), "PEER_ANSWER", "server"),
        (datagram(0x1007, 0x18, bytes(38)), "PUBLIC_ADDRESS_QUERY", "unknown"),
        (datagram(0x0104, 0x14, bytes(44), version=0x12), "MASTER_PING", "device"),
        (datagram(0x0408, 0x12, bytes(500), session=b"abcd"), "DATA", "device"),
        (datagram(0x0428, 0x12, bytes(8)), "PING", "device"),
        (datagram(0x7777, 0x77, bytes(8)), "UNKNOWN", "unknown"),
        (clear(0x1002, bytes(40)), "CLEAR_DISCOVERY", "unknown"),
        (clear(0x1502, bytes(100)), "CLEAR_DTLS", "unknown"),
    ],
)
def test_synthetic_messages(made: bytes, message: str, role: str) -> None:
    """A command has a name, and who sends it is in the header; each is told once."""
    assert sniff(made, 40000, 10001)
    parser = Parser()
    assert parser.feed(made) == [P2pContact("kalay", message, role)]
    assert parser.feed(made) == []


@pytest.mark.parametrize("wrong", [b"", b"\x51\xcc", clear(0x1002, bytes(40)) + b"\x00", clear(0x1003, bytes(40)), datagram(0x0601, 0x21, UID) + b"\x00", datagram(0x0601, 0x21, UID)[:-1], datagram(0x0601, 0x21, UID, version=0x40)])  # fmt: skip
def test_sniff_refuses(wrong: bytes) -> None:
    """Another length, version or command, or too little: not Kalay."""
    assert not sniff(wrong, 40000, 10001)


def test_random_datagrams_are_not_kalay() -> None:
    """Of 60,000 random datagrams, a quarter with the clear magic, none is taken."""
    source = random.Random(41)
    for turn in range(60_000):
        made = source.randbytes(source.randrange(12, 90))
        assert not sniff(b"\x51\xcc" + made if turn % 4 == 0 else made, 40000, 10001)


def test_reads_no_more_than_it_needs() -> None:
    """After 32 datagrams the direction is left alone."""
    parser = Parser()
    for _ in range(32):
        parser.feed(clear(0x1202, bytes(36)))
    assert parser.want is Want.STOP


@given(st.lists(st.binary(max_size=80), max_size=4))
def test_random_input_raises_only_malformed(datagrams: list[bytes]) -> None:
    """Nothing but Malformed leaves the parser."""
    parser = Parser()
    for each in datagrams:
        try:
            parser.feed(each)
        except Malformed as error:
            assert error.layer == "kalay"
