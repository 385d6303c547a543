"""Tuya on the LAN; all frames are synthetic, after tinytuya and nDPI."""

from __future__ import annotations

from zlib import crc32

import pytest

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, ServiceBanner, Want
from monitor.protocols.tuya import Parser, StreamParser, sniff, sniff_stream
from tests.protocols.hostile import mutants, only_malformed, refuses_chance, told


def old(command: int, body: bytes) -> bytes:
    made = b"\x00\x00\x55\xaa" + bytes(4) + command.to_bytes(4, "big") + (len(body) + 8).to_bytes(4, "big") + body
    return made + crc32(made).to_bytes(4, "big") + b"\x00\x00\xaa\x55"


def new(command: int, body: bytes) -> bytes:
    return (
        b"\x00\x00\x66\x99"
        + bytes(6)
        + command.to_bytes(4, "big")
        + len(body).to_bytes(4, "big")
        + body
        + b"\x00\x00\x99\x66"
    )


PLAIN = old(
    0, bytes(4) + b'{"ip":"192.168.1.9","gwId":"bf12ab34cd56ef","active":2,"productKey":"keyabc","version":"3.1"}'
)
ENCRYPTED = old(0x13, bytes(range(160)))
ASK = new(0x25, bytes(range(60)))


def test_announcement_in_the_clear() -> None:
    """Older devices say their identifier and product; repeats are silent, and the parser soon has enough."""
    assert sniff(PLAIN, 49154, 6666)
    parser = Parser()
    expected = DeviceAnnounced("tuya", model="keyabc", serial="bf12ab34cd56ef", message="broadcast")
    assert told(parser, [PLAIN] * 4) == [expected]
    assert parser.want is Want.STOP


@pytest.mark.parametrize("made", [ENCRYPTED, new(0x13, bytes(range(80)))])
def test_encrypted_announcement(made: bytes) -> None:
    """That it is Tuya's is all there is to know."""
    assert sniff(made, 49154, 6667)
    assert told(Parser(), [made]) == [DeviceAnnounced("tuya", message="encrypted")]


def test_app_asks() -> None:
    """Command 25 asks who is there."""
    assert sniff(ASK, 40000, 7000)
    assert told(Parser(), [ASK]) == [DiscoveryQuery("tuya", None)]


@pytest.mark.parametrize(("ports", "role"), [((40000, 6668), "client"), ((6668, 40000), "server")])
def test_control_connection(ports: tuple[int, int], role: str) -> None:
    """Either side is known by the port; on another one a frame is not looked for."""
    assert sniff_stream(old(10, bytes(40)), *ports)
    assert not sniff_stream(old(10, bytes(40)), 40000, 50000)
    assert told(StreamParser(ports[0]), [old(10, bytes(40))]) == [ServiceBanner("tuya", role, None)]


@pytest.mark.parametrize("other", [b"", ENCRYPTED[:-1], ENCRYPTED + b"\x00", ENCRYPTED[:20] + b"\xff" + ENCRYPTED[21:], ASK[:-1] + b"\x67", old(0x90, bytes(9))])  # fmt: skip
def test_sniff_refuses(other: bytes) -> None:
    """A wrong length, end, checksum or command."""
    assert not sniff(other, 49154, 6667)


def test_chance_is_refused() -> None:
    """Random payloads, alone and behind each prefix."""
    refuses_chance(sniff, (40000, 6667), [b"", b"\x00\x00\x55\xaa", b"\x00\x00\x66\x99"])
    refuses_chance(sniff_stream, (40000, 6668), [b"", b"\x00\x00\x55\xaa", b"\x00\x00\x66\x99"])


def test_mutants_raise_only_malformed() -> None:
    """3,000 damaged frames."""
    only_malformed(Parser, mutants([PLAIN, ENCRYPTED, ASK], 3_000, 11), "tuya")
