"""XMEye's cloud over UDP; all datagrams are synthetic."""

from __future__ import annotations

import pytest

from monitor.model.facts import P2pContact
from monitor.protocols.xmeye import Parser, sniff
from tests.protocols.hostile import mutants, only_malformed, refuses_chance

SERIAL = b"09d53d540f99b818"
CLIENT = b"!xmnatuuid-IEClient-5352004118467"


def message(magic: int, command: int, *fields: tuple[int, bytes], size: int) -> bytes:
    made = bytearray(size)
    made[:4] = magic.to_bytes(2, "little") + command.to_bytes(2, "little")
    for at, value in fields:
        made[at : at + len(value)] = value
    return bytes(made)


KNOWN = [
    (message(0x2014, 1524, (4, b"1234567890ab"), size=104), "BOOTSTRAP", "unknown"),
    (message(0x2014, 1525, (4, b"192.0.2.9"), size=32), "BOOTSTRAP_ANSWER", "server"),
    (message(0x2015, 0xB000, (4, SERIAL), size=21), "LOOKUP", "client"),
    (message(0x2015, 0xB001, (4, b"\x01"), (8, SERIAL), (108, b"192.0.2.9"), size=140), "LOOKUP_ANSWER", "server"),
    (message(0x2012, 1000, size=4), "PUBLIC_ADDRESS_QUERY", "unknown"),
    (message(0x2012, 1001, (4, b"198.51.100.4"), size=24), "PUBLIC_ADDRESS", "server"),
    (message(0x2012, 1002, (4, SERIAL), (120, b"00:12:17:aa:bb:cc"), size=160), "REGISTER", "device"),
    (message(0x2012, 1004, (8, CLIENT), (108, SERIAL), size=364), "RENDEZVOUS", "client"),
    (message(0x2012, 1004, (8, SERIAL), (108, CLIENT), size=360), "RENDEZVOUS", "device"),
    (message(0x2012, 2000, (4, b"\xe9\x03"), (8, CLIENT), size=112), "SYNC", "client"),
    (message(0x2012, 2001, (8, SERIAL), size=112), "SYNC_ACK", "device"),
    (message(0x2012, 2003, (6, b"\x0c\x00"), (12, b"XMIP"), size=24), "DATA", "unknown"),
    (message(0x2012, 3001, (4, CLIENT), (108, SERIAL), size=212), "RELAY_JOIN", "client"),
]


@pytest.mark.parametrize(("made", "name", "role"), KNOWN)
def test_synthetic_messages(made: bytes, name: str, role: str) -> None:
    """Each command has a name, and the name in it says who sends it; no serial is told."""
    assert sniff(made, 40000, 8777)
    parser = Parser()
    assert parser.feed(made) == [P2pContact("xmeye", name, role)]
    assert parser.feed(made) == []


@pytest.mark.parametrize(
    "other",
    [
        message(0x2012, 2000, (8, CLIENT), size=100),
        message(0x2012, 2000, size=112),
        message(0x2012, 1001, (4, b"not an address"), size=24),
        message(0x2012, 2003, (6, b"\x0d\x00"), (12, b"XMIP"), size=24),
        message(0x2012, 9999, (8, CLIENT), size=112),
        message(0x2012, 1000, size=5),
        b"\x12\x20",
        b"",
    ],
)
def test_sniff_refuses(other: bytes) -> None:
    """A wrong size or shape, an unknown command."""
    assert not sniff(other, 40000, 8777)


def test_chance_is_refused() -> None:
    """Random payloads, alone and behind a magic and a command."""
    refuses_chance(sniff, (40000, 8777), [b"", b"\x12\x20\xd0\x07", b"\x12\x20\xd3\x07", b"\x14\x20\xf5\x05"])


def test_mutants_raise_only_malformed() -> None:
    """3,000 damaged messages."""
    only_malformed(Parser, mutants([each[0] for each in KNOWN], 3_000, 2), "xmeye")
