"""Multicast DNS announcements."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import DeviceAnnounced, Malformed, MalformedSeen
from monitor.protocols.mdns import Parser, sniff


def name(*labels: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\x00"


def record(owner: bytes, rtype: int, data: bytes, ttl: int = 120) -> bytes:
    return owner + rtype.to_bytes(2, "big") + b"\x80\x01" + ttl.to_bytes(4, "big") + len(data).to_bytes(2, "big") + data


def message(*records: bytes, flags: int = 0x8400, questions: bytes = b"", authority: bool = False) -> bytes:
    answers, authorities = (0, len(records)) if authority else (len(records), 0)
    counts = (1 if questions else 0, answers, authorities, 0)
    return (
        b"\x00\x00"
        + flags.to_bytes(2, "big")
        + b"".join(n.to_bytes(2, "big") for n in counts)
        + questions
        + b"".join(records)
    )


def text(*entries: str) -> bytes:
    return b"".join(bytes([len(entry)]) + entry.encode() for entry in entries)


HOST = name("AXIS-ACCC8E000001", "local")
INSTANCE = name("AXIS P1375 - ACCC8E000001", "_axis-video", "_tcp", "local")
CAMERA = (
    record(name("_axis-video", "_tcp", "local"), 12, INSTANCE),
    record(INSTANCE, 33, b"\x00\x00\x00\x00\x00\x50" + HOST),
    record(INSTANCE, 16, text("macaddress=ACCC8E000001", "md=P1375", "path=/?token=x")),
    record(HOST, 1, bytes([192, 0, 2, 7])),
)


def test_camera_announces_itself() -> None:
    """Host name, address, services, and the facts of the TXT record are one announcement."""
    assert Parser().feed(message(*CAMERA)) == [
        DeviceAnnounced(
            "mdns", mac="ac:cc:8e:00:00:01", address="192.0.2.7", name="AXIS-ACCC8E000001", model="P1375",
            services=("_axis-video._tcp",), message="response",
        )
    ]  # fmt: skip


def test_service_catalogue_and_device_info() -> None:
    """Types come from the service catalogue too, the model from _device-info (RFC 6763, 9)."""
    (fact,) = Parser().feed(
        message(
            record(name("_services", "_dns-sd", "_udp", "local"), 12, name("_rtsp", "_tcp", "local")),
            record(name("x", "_device-info", "_tcp", "local"), 16, text("model=J42dAP")),
        )
    )
    assert isinstance(fact, DeviceAnnounced)
    assert fact.services == ("_rtsp._tcp", "_device-info._tcp")
    assert fact.model == "J42dAP"


def test_queries_are_ignored_but_probes_are_not() -> None:
    """A question says nothing of its sender; a probe holds its own records (RFC 6762, 8.1)."""
    question = HOST + b"\x00\xff\x00\x01"
    assert Parser().feed(message(flags=0, questions=question)) == []
    (fact,) = Parser().feed(message(CAMERA[3], flags=0, questions=question, authority=True))
    assert isinstance(fact, DeviceAnnounced)
    assert (fact.name, fact.address, fact.message) == ("AXIS-ACCC8E000001", "192.0.2.7", "probe")


def test_known_answers_of_a_query_say_nothing() -> None:
    """The known answers that a query carries are others' (RFC 6762, 7.1)."""
    assert Parser().feed(message(CAMERA[0], flags=0)) == []


def test_reflected_hosts_are_apart() -> None:
    """Several hosts in one message get their own addresses, and nobody the services."""
    other = record(name("printer", "local"), 1, bytes([192, 0, 2, 8]))
    facts = Parser().feed(message(*CAMERA, other))
    assert [(fact.name, fact.address, fact.services) for fact in facts if isinstance(fact, DeviceAnnounced)] == [
        ("AXIS-ACCC8E000001", "192.0.2.7", ()),
        ("printer", "192.0.2.8", ()),
    ]


def test_goodbye_says_nothing() -> None:
    """A record of TTL zero takes back what was said (RFC 6762, 10.1)."""
    assert Parser().feed(message(record(HOST, 1, bytes([192, 0, 2, 7]), ttl=0))) == []


def test_damage_keeps_what_came_before() -> None:
    """A record that breaks the rules leaves those before it."""
    facts = Parser().feed(message(CAMERA[3], record(b"\x80", 1, b"")))
    assert isinstance(facts[0], DeviceAnnounced)
    assert isinstance(facts[1], MalformedSeen)


def test_sniff() -> None:
    """Its port and a sane header."""
    assert sniff(message(*CAMERA), 5353, 5353)
    assert not sniff(message(*CAMERA), 53, 40000)
    assert not sniff(message(*CAMERA), 53, 5353)
    assert not sniff(b"\x00" * 5, 5353, 5353)


@given(st.binary(max_size=120), st.integers(0, 119), st.integers(0, 255))
def test_bad_input_raises_only_malformed(data: bytes, at: int, octet: int) -> None:
    """Random octets and changed messages raise nothing but Malformed."""
    changed = bytearray(message(*CAMERA))
    changed[at] = octet
    for datagram in (
        data,
        message()[:12] + data,
        b"\x00\x00\x84\x00\x00\x00\x00\x09\x00\x00\x00\x00" + data,
        bytes(changed),
    ):
        try:
            Parser().feed(datagram)
        except Malformed as error:
            assert error.layer == "mdns"


def test_too_many_questions() -> None:
    """A response that claims a thousand questions is Malformed, not work."""
    with pytest.raises(Malformed):
        Parser().feed(b"\x00\x00\x84\x00\x03\xe8" + bytes(6) + bytes(200))
