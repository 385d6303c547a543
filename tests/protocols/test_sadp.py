"""SADP."""

from __future__ import annotations

import pytest

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed
from monitor.protocols.sadp import Parser, sniff
from tests.protocols.discovery_samples import HELLO, MAC, SADP_INQUIRY, SADP_MATCH, SADP_RESET


def test_synthetic_requests() -> None:
    """A request is told by its type alone, whether it asks or sets."""
    assert Parser().feed(SADP_INQUIRY) == [DiscoveryQuery("sadp", "inquiry_v32")]
    assert Parser().feed(SADP_RESET) == [DiscoveryQuery("sadp", "update")]


def test_synthetic_answer() -> None:
    """Model, firmware as other sources spell it, serial, MAC and boot time; nothing of whether a password was set."""
    assert Parser().feed(SADP_MATCH) == [
        DeviceAnnounced(
            "sadp",
            mac=MAC,
            model="DS-2CD2385G1-I",
            firmware="V5.3.0 build 150513",
            serial="DS-2CD2385G1-I20200414AAWRE00000001",
            boot_time="2024-03-01 02:44:11",
            message="inquiry",
        )
    ]


def test_synthetic_answer_that_was_cut() -> None:
    """What an answer said before its end is told: the firmware, but no boot time."""
    (fact,) = Parser().feed(SADP_MATCH[: SADP_MATCH.index(b"<BootTime>") + 14])
    assert isinstance(fact, DeviceAnnounced)
    assert (fact.firmware, fact.boot_time) == ("V5.3.0 build 150513", None)


def test_synthetic_padding_and_wrong_charset() -> None:
    """NULs behind the document and octets of another charset do no harm."""
    (fact,) = Parser().feed(SADP_MATCH.replace(b"DS-2CD2385G1-I<", b"\xb0\xa1<") + bytes(8))
    assert isinstance(fact, DeviceAnnounced)
    assert fact.model == "\ufffd\ufffd"
    assert fact.firmware == "V5.3.0 build 150513"


def test_sniff_by_content_or_port() -> None:
    """The root element, and the port or an element that every message has; WS-Discovery is not it."""
    assert sniff(SADP_MATCH, 50000, 50001)
    assert sniff(SADP_MATCH[:60], 37020, 50000)
    assert not sniff(SADP_MATCH[:60], 50000, 50001)
    assert not sniff(HELLO, 37020, 37020)
    with pytest.raises(Malformed):
        Parser().feed(HELLO)
