"""PPPP, and what is not."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.utils import RawPcapReader

from monitor.model.facts import Malformed, P2pContact, Want
from monitor.protocols.pppp import Parser, sniff

UID = b"ABCD\x00\x00\x00\x00" + (123456).to_bytes(4, "big") + b"XYZUV\x00\x00\x00"


def message(kind: int, body: bytes = b"") -> bytes:
    return bytes([0xF1, kind]) + len(body).to_bytes(2, "big") + body


HELLO = message(0x00)
LOGIN = message(0x10, UID + bytes(20))
ENCRYPTED_LOGIN = message(0x12, bytes(range(44)))


@pytest.mark.parametrize(
    ("datagram", "name", "role"),
    [
        (HELLO, "HELLO", "unknown"),
        (message(0x01, b"\x00\x02" + bytes(14)), "HELLO_ACK", "server"),
        (LOGIN, "DEV_LGN", "device"),
        (message(0x20, UID + bytes(16)), "P2P_REQ", "client"),
        (message(0x30), "LAN_SEARCH", "client"),
        (message(0x31, UID), "LAN_NOTIFY", "device"),
        (message(0x41, UID), "PUNCH_PKT", "unknown"),
        (message(0x42, UID + bytes(4)), "P2P_RDY", "device"),
        (message(0x90), "SDEV_RUN", "device"),
        (message(0x83, bytes(4) + UID + b"\x01\x00\x00\x00"), "RLY_PKT", "device"),
        (message(0x83, bytes(4) + UID + bytes(4)), "RLY_PKT", "client"),
        (message(0xD0, b"\xd1\x00\x00\x01hello"), "DRW", "unknown"),
        (message(0xD1, b"\xd1\x00\x00\x01\x00\x07"), "DRW_ACK", "unknown"),
    ],
)
def test_first_datagram_that_proves_itself(datagram: bytes, name: str, role: str) -> None:
    """Size and shape suffice on any port, and the type says who sends it."""
    assert sniff(datagram, 40000, 50000)
    assert Parser(40000, 50000).feed(datagram) == [P2pContact("pppp", name, role)]


def test_opaque_body_waits_for_a_second_datagram() -> None:
    """Off PPPP's ports an encrypted body is told once a second message of a known type follows."""
    parser = Parser(40000, 50000)
    assert parser.feed(ENCRYPTED_LOGIN) == []
    assert parser.feed(HELLO) == [P2pContact("pppp", "DEV_LGN_CRC", "device"), P2pContact("pppp", "HELLO", "unknown")]


def test_opaque_body_and_something_else_is_not_pppp() -> None:
    """Whatever else follows, nothing was told and the parser stops."""
    parser = Parser(40000, 50000)
    parser.feed(ENCRYPTED_LOGIN)
    assert parser.feed(b"\xf1\x12\x00\x2d" + bytes(44)) == []
    assert parser.want is Want.STOP
    assert parser.feed(HELLO) == []


@pytest.mark.parametrize("ports", [(40000, 32100), (32108, 40000)])
def test_port_proves(ports: tuple[int, int]) -> None:
    """On a PPPP port one framed message of a known type is enough."""
    assert Parser(*ports).feed(ENCRYPTED_LOGIN) == [P2pContact("pppp", "DEV_LGN_CRC", "device")]


def test_each_type_once_then_stop() -> None:
    """Repeats are silent; after 32 datagrams the parser has seen enough."""
    parser = Parser(40000, 32100)
    told = [fact for _ in range(32) for fact in parser.feed(HELLO)]
    assert told == [P2pContact("pppp", "HELLO", "unknown")]
    assert parser.want is Want.STOP


def test_cut_frames_of_a_proven_flow() -> None:
    """A capture that cuts frames leaves less than the length says; more than it says is Malformed."""
    parser = Parser(40000, 50000)
    parser.feed(HELLO)
    assert parser.feed(message(0xD0, b"\xd1\x00\x00\x01" + bytes(400))[:100]) == [P2pContact("pppp", "DRW", "unknown")]
    with pytest.raises(Malformed):
        parser.feed(HELLO + b"\x00")


@pytest.mark.parametrize(
    "datagram", [b"", b"\xf1", b"\xf1\x00\x00\x01", b"\xf2\x00\x00\x00", HELLO + b"\x00", message(0x55)]
)
def test_sniff_refuses(datagram: bytes) -> None:
    """Another magic, a wrong length, an unknown type: not PPPP, on whatever port."""
    assert not sniff(datagram, 40000, 32100)


def test_random_payload_is_never_told() -> None:
    """Of 100,000 random datagrams that begin with the magic and a right length, none is told as a flow of its own."""
    source = random.Random(241)
    told = 0
    for _ in range(100_000):
        body = source.randbytes(source.randrange(1, 60))
        datagram = message(source.randrange(256), body)
        if sniff(datagram, 40000, 50000):
            told += len(Parser(40000, 50000).feed(datagram))
    # A magic of its own and one of eight channels still match by chance: 2 ** -13 of three types of 256.
    assert told <= 3


@given(st.lists(st.binary(max_size=40).flatmap(lambda data: st.sampled_from([data, b"\xf1" + data])), max_size=5))
def test_random_input_raises_only_malformed(datagrams: list[bytes]) -> None:
    """Nothing but Malformed leaves the parser."""
    for ports in ((0, 0), (40000, 32100)):
        parser = Parser(*ports)
        for datagram in datagrams:
            try:
                parser.feed(datagram)
            except Malformed as error:
                assert error.layer == "pppp"


CAPTURES = Path(os.environ.get("CAMWARDEN_CAPTURES", Path(__file__).parents[3] / "shared" / "captures"))
LIFECYCLE = "nku_lifecycle/result_demo/traffic_demo/xiaobai_Y2camera_lifecycle/xiaobai_Y2camera_"


@pytest.mark.parametrize(
    ("capture", "expected"),
    [
        ("intl_iot/model/yi_camera_sample.pcap", {"HELLO", "HELLO_ACK", "DEV_LGN_KEY", "DEV_LGN_ACK_KEY", "DRW"}),
        (LIFECYCLE + "update.pcap", {"HELLO", "HELLO_ACK", "DEV_LGN_CRC", "DEV_LGN_ACK_CRC"}),
        ("iot_sentinel/D-LinkCam/Setup-A-1-STA.pcap", set()),
    ],
)
def test_real_captures(capture: str, expected: set[str]) -> None:
    """Two cameras of the PPPP family are recognised, one that does not speak it is not."""
    if not (CAPTURES / capture).is_file():
        pytest.skip(f"no {capture} at {CAPTURES} (CAMWARDEN_CAPTURES)")
    parsers: dict[tuple[bytes, bytes], Parser] = {}
    told: set[str] = set()
    with RawPcapReader(str(CAPTURES / capture)) as frames:
        for frame, _ in frames:
            if frame[12:14] != b"\x08\x00" or frame[23] != 17:
                continue
            udp = 14 + (frame[14] & 15) * 4
            payload = frame[udp + 8 : udp + int.from_bytes(frame[udp + 4 : udp + 6], "big")]
            ports = int.from_bytes(frame[udp : udp + 2], "big"), int.from_bytes(frame[udp + 2 : udp + 4], "big")
            flow = frame[26:34], frame[udp : udp + 4]
            if flow not in parsers and sniff(payload, *ports):
                parsers[flow] = Parser(*ports)
            if flow in parsers:
                told |= {fact.message for fact in parsers[flow].feed(payload) if isinstance(fact, P2pContact)}
    assert expected <= told
    assert bool(expected) == bool(told)
