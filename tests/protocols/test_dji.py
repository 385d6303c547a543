"""DUML; all frames are synthetic, their checksums computed bit by bit here."""

from __future__ import annotations

import pytest

from monitor.model.facts import DeviceAnnounced, ServiceBanner
from monitor.protocols.dji import Parser, sniff
from tests.protocols.hostile import mutants, only_malformed, refuses_chance, told


def crc(octets: bytes, polynomial: int, seed: int) -> int:
    for octet in octets:
        seed ^= octet
        for _ in range(8):
            seed = seed >> 1 ^ (polynomial if seed & 1 else 0)
    return seed


def frame(sender: int, flags: int, command: tuple[int, int], body: bytes = b"") -> bytes:
    head = b"\x55" + (len(body) + 13 | 1 << 10).to_bytes(2, "little")
    made = head + bytes([crc(head, 0x8C, 0x77), sender, 2, 1, 0, flags, *command]) + body
    return made + crc(made, 0x8408, 0x3692).to_bytes(2, "little")


PING = frame(2, 0x40, (0, 0))
VERSION = frame(
    3,
    0x80,
    (0, 1),
    b"\x00\x00" + b"wm220 FC Ver.A".ljust(16, b"\x00") + b"\x00\x00\x00\x02" + b"\x10\x09\x02\x03" + bytes(8),
)


def test_header_checksum_of_a_known_frame() -> None:
    """A shortest frame of version 1 begins 55 0D 04 33, as in every published capture of DUML."""
    assert PING[:4].hex() == "550d0433"


def test_app_and_aircraft() -> None:
    """An app is the client; a part of the aircraft says its version, once."""
    assert sniff(PING, 40000, 9003)
    assert told(Parser(), [PING, PING]) == [ServiceBanner("duml", "client", None)]
    assert told(Parser(), [VERSION, VERSION]) == [
        ServiceBanner("duml", "server", None),
        DeviceAnnounced("duml", model="wm220 FC Ver.A", firmware="03.02.09.16", message="version"),
    ]


def test_encrypted_answer_is_not_read() -> None:
    """With encryption set, no version is told."""
    assert told(Parser(), [frame(3, 0x81, (0, 1), bytes(40))]) == [ServiceBanner("duml", "server", None)]


@pytest.mark.parametrize("other", [b"", PING[:12], PING[:3] + b"\x34" + PING[4:], PING[:-1] + b"\x00", b"\x55\x0d\x08" + PING[3:], b"\x54" + PING[1:]])  # fmt: skip
def test_sniff_refuses(other: bytes) -> None:
    """Too little, a wrong checksum, another version or magic."""
    assert not sniff(other, 40000, 9003)


def test_chance_is_refused() -> None:
    """Random payloads, alone and behind a whole header."""
    refuses_chance(sniff, (40000, 9003), [b"", b"\x55"])


def test_mutants_raise_only_malformed() -> None:
    """3,000 damaged frames."""
    only_malformed(Parser, mutants([PING, VERSION], 3_000, 12), "duml")
