"""BcUDP; all datagrams are synthetic, after neolink and bairelay."""

from __future__ import annotations

from itertools import cycle
from zlib import crc32

import pytest

from monitor.model.facts import P2pContact
from monitor.protocols.bcudp import _KEY, Parser, sniff
from tests.protocols.hostile import mutants, only_malformed, refuses_chance

UID = b"95270000YGAKNWKJ"


def le(number: int) -> bytes:
    return number.to_bytes(4, "little")


def discovery(document: bytes, number: int = 87) -> bytes:
    key = b"".join(le(word + number & 0xFFFFFFFF) for word in _KEY)
    body = bytes(octet ^ mask for octet, mask in zip(document, cycle(key), strict=False))
    return b"\x3a\xcf\x87\x2a" + le(len(body)) + le(1) + le(number) + le(crc32(body, 0xFFFFFFFF) ^ 0xFFFFFFFF) + body


def said(verb: str) -> bytes:
    return (
        b"<P2P>\n<"
        + verb.encode()
        + b">\n<uid>"
        + UID
        + b"</uid>\n<token>77</token>\n</"
        + verb.encode()
        + b">\n</P2P>\n"
    )


DATA = b"\x10\xcf\x87\x2a" + le(80) + le(0) + le(1) + le(24) + bytes(24)
ACK = b"\x20\xcf\x87\x2a" + le(80) + le(0) + le(0xFFFFFFFF) + le(0xFFFFFFFF) + le(0) + le(3) + b"\x00\x01\x01"
KNOWN = [
    (discovery(said("D2M_Q"), 1), "D2M_Q", "device"),
    (discovery(said("M2D_Q_R"), 0xFFFFFFFF), "M2D_Q_R", "server"),
    (discovery(said("D2R_HB")), "D2R_HB", "device"),
    (discovery(said("C2M_Q")), "C2M_Q", "client"),
    (discovery(said("R2C_C_R")), "R2C_C_R", "server"),
    (discovery(said("C2D_DISC").replace(b"\n", b"")), "C2D_DISC", "client"),
    (discovery(said("D2C_C_R")), "D2C_C_R", "device"),
    (discovery(b"<P2P><new/></P2P>"), "UNKNOWN", "unknown"),
    (DATA, "DATA", "unknown"),
    (ACK, "ACK", "unknown"),
]


@pytest.mark.parametrize(("made", "message", "role"), KNOWN)
def test_synthetic_messages(made: bytes, message: str, role: str) -> None:
    """The first element names the message and its sender, each is told once; neither UID nor token is."""
    assert sniff(made, 40000, 9999)
    parser = Parser()
    assert parser.feed(made) == [P2pContact("baichuan", message, role)]
    assert parser.feed(made) == []


@pytest.mark.parametrize("other", [b"", DATA[:19], DATA + b"\x00", ACK[:-1], DATA[:8] + le(1) + DATA[12:], discovery(said("D2M_Q"))[:-1] + b"\x00", discovery(b"")])  # fmt: skip
def test_sniff_refuses(other: bytes) -> None:
    """A wrong length, constant or checksum."""
    assert not sniff(other, 40000, 9999)


def test_chance_is_refused() -> None:
    """Random payloads, alone and behind each magic."""
    refuses_chance(sniff, (40000, 9999), [b"", *(bytes([kind]) + b"\xcf\x87\x2a" for kind in (0x3A, 0x10, 0x20))])


def test_mutants_raise_only_malformed() -> None:
    """3,000 damaged messages."""
    only_malformed(Parser, mutants([each[0] for each in KNOWN], 3_000, 7), "baichuan")
