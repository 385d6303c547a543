"""Hik-Connect outside TLS; all of it is synthetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import DeviceAnnounced, P2pContact, Want
from monitor.protocols import bosch_discovery, sadp, wsdiscovery
from monitor.protocols.conversation import Conversation
from monitor.protocols.hikconnect import Parser, StreamParser, sniff, sniff_stream
from monitor.protocols.registry import DATAGRAMS
from tests.protocols.discovery_samples import SAMPLES, Sample
from tests.protocols.hostile import cut, mutants, only_malformed, refuses_chance, told


def text(value: bytes) -> bytes:
    return len(value).to_bytes(2, "big") + value


def connect(flags: int, *fields: bytes) -> bytes:
    body = text(b"MQTT") + b"\x04" + bytes([flags]) + b"\x00\x3c" + b"".join(map(text, fields))
    length = bytes([len(body)]) if len(body) < 128 else bytes([len(body) & 0x7F | 0x80, len(body) >> 7])
    return b"\x10" + length + body


def frame(command: int, version: bytes = b"\x01\x00\x00\x00", body: bytes = b"<?xml?>") -> bytes:
    words = (0, 0, command, 0, len(body), 0)
    return b"\x9e\xba\xac\xe9" + version + b"".join(word.to_bytes(4, "big") for word in words) + body


def relay(code: int, body: bytes = b"\x0a\x03abc") -> bytes:
    return b"$\x00" + len(body).to_bytes(2, "big") + b"\x00\x01" + code.to_bytes(2, "big") + body


CAMERA = connect(0xC2, b"client", b"123456789", b"test")
WILL = connect(0xC6, b"client", b"topic", b"gone", b"D12345678", b"test" * 40)
DECLARED = b'<?xml version="1.0" encoding="utf-8"?>'
STUN = DECLARED + b"<Request><Type>stun</Type></Request>"
ANSWER = DECLARED + b"\r\n<Response>\r\n\t<Result>0</Result>\r\n</Response>\r\n"
XML = tuple(each for each in SAMPLES if each.module in {wsdiscovery, sadp, bosch_discovery} and b"</" in each.data)
"""Discovery datagrams in XML."""


@pytest.mark.parametrize(("stream", "serial"), [(CAMERA, "123456789"), (WILL, "D12345678")])
@given(places=st.lists(st.integers(0, 300), max_size=6))
def test_camera_logs_in(stream: bytes, serial: str, places: list[int]) -> None:
    """However it is cut: the user's name is the serial, the password is not read."""
    assert sniff_stream(stream, 40000, 31006)
    assert not sniff_stream(stream, 40000, 1883)
    assert told(StreamParser(), cut(stream, 10, places)) == [
        P2pContact("hikconnect", "MQTT_CONNECT", "device"),
        DeviceAnnounced("hikconnect", serial=serial, message="connect"),
    ]


def test_names_that_are_no_serial() -> None:
    """Without a user's name, or with one that is no serial, only the contact is told."""
    for stream in (connect(0x02, b"client"), connect(0x82, b"client", b"some one@example")):
        assert told(StreamParser(), [stream]) == [P2pContact("hikconnect", "MQTT_CONNECT", "device")]


@pytest.mark.parametrize(
    ("stream", "message", "role"),
    [
        (frame(0x2001), "OPERATION_CODE", "unknown"),
        (frame(0x5003, b"\x00\x00\x00\x01"), "REPLAY_OPEN", "unknown"),
        (frame(0x4242), "FRAME", "unknown"),
        (relay(0x13B), "STREAM_QUERY", "client"),
        (relay(0x13C), "STREAM_ANSWER", "server"),
        (relay(0x12D), "RELAY_ANSWER", "server"),
    ],
)
def test_frames_on_any_port(stream: bytes, message: str, role: str) -> None:
    """Commands and relays are known by their frames; then the parser is done."""
    assert sniff_stream(stream, 40000, 50000)
    parser = StreamParser()
    assert told(parser, [stream]) == [P2pContact("hikconnect", message, role)]
    assert parser.want is Want.STOP


def test_server_accepts() -> None:
    """A CONNACK from the camera's MQTT port."""
    assert sniff_stream(b"\x20\x02\x00\x00", 31006, 40000)
    assert told(StreamParser(), [b"\x20\x02\x00\x00"]) == [P2pContact("hikconnect", "MQTT_CONNACK", "server")]


@pytest.mark.parametrize(
    ("data", "ports", "expected"),
    [
        (STUN, (40000, 6002), P2pContact("hikconnect", "STUN_QUERY")),
        (ANSWER, (31007, 40000), P2pContact("hikconnect", "STUN_ANSWER", "server")),
    ],
)
def test_address_is_asked_for(data: bytes, ports: tuple[int, int], expected: P2pContact) -> None:
    """XML on one of three ports, told once; on another port it is something else."""
    assert sniff(data, *ports)
    assert not sniff(data, 40000, 3702)
    conversation = Conversation(DATAGRAMS, *ports, stream=False)
    assert conversation.feed(0, data) == [expected]
    assert conversation.feed(0, data) == []


@pytest.mark.parametrize("port", [31007, 6002, 6003])
@pytest.mark.parametrize("sample", XML, ids=lambda sample: sample.module.LAYER)
def test_discovery_on_the_same_ports_is_not_taken(sample: Sample, port: int) -> None:
    """A client that searches from such a port is answered there: the camera's announcement comes out of it."""
    assert not sniff(sample.data, sample.sport, port)
    facts = Conversation(DATAGRAMS, sample.sport, port, stream=False).feed(0, sample.data)
    assert facts == sample.module.Parser().feed(sample.data)


@pytest.mark.parametrize(
    "other",
    [
        DECLARED + b"<Probe><Types>inquiry</Types></Probe>",
        DECLARED + b'<Request xmlns="urn:x"></Request>',
        DECLARED + b"<s:Request></s:Request>",
        DECLARED + b"<Requests></Requests>",
        STUN[: -len("</Request>")],
        STUN[len(DECLARED) :],
    ],
)
def test_other_xml_is_not_taken(other: bytes) -> None:
    """Another root element, one that does not end, or no declaration."""
    assert not sniff(other, 40000, 6002)


@pytest.mark.parametrize("other", [b"", frame(1)[:31], frame(1, b"\x02\x00\x00\x00"), frame(0x10000), relay(0x13B) + b"x", relay(0x200), b"$\x00\x00\x05\x80\x60\x01\x3b12345"])  # fmt: skip
def test_sniff_refuses(other: bytes) -> None:
    """Too little, another version, a wrong length, RTP inside RTSP."""
    assert not sniff_stream(other, 40000, 31006)


def test_chance_is_refused() -> None:
    """Random streams and datagrams, on the cloud's own ports."""
    refuses_chance(sniff_stream, (40000, 31006), [b"", b"\x9e\xba\xac\xe9", b"$\x00", b"\x10"])
    refuses_chance(sniff, (40000, 6002))


def test_mutants_raise_only_malformed() -> None:
    """3,000 damaged messages of each kind."""
    only_malformed(StreamParser, mutants([CAMERA, WILL, frame(0x2001), relay(0x13B)], 3_000, 9), "hikconnect")
    only_malformed(Parser, mutants([STUN], 500, 10), "hikconnect")
