"""Discovery of Ubiquiti's devices."""

from __future__ import annotations

import pytest

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed
from monitor.protocols.ubiquiti_discovery import Parser, sniff
from tests.protocols.discovery_samples import MAC, MAC_OCTETS, UBIQUITI_ANSWER, UBIQUITI_SEARCH, ubiquiti


def test_synthetic_search_and_answer() -> None:
    """MAC, model and firmware; long spellings stand in for short ones that are missing."""
    assert Parser().feed(UBIQUITI_SEARCH) == [DiscoveryQuery("ubiquiti", None)]
    assert Parser().feed(UBIQUITI_ANSWER) == [
        DeviceAnnounced("ubiquiti", mac=MAC, model="UVC G3", firmware="UVC.S2L.v4.23.8", message="response")
    ]
    assert Parser().feed(ubiquiti((1, MAC_OCTETS), (0x15, b"UVC"), (0x16, b"4.23.8"))) == [
        DeviceAnnounced("ubiquiti", mac=MAC, model="UVC", firmware="4.23.8", message="response")
    ]


def test_sniff() -> None:
    """Only on the port, with a length that fits and a MAC."""
    assert not sniff(UBIQUITI_ANSWER, 50000, 50001)
    assert not sniff(UBIQUITI_ANSWER + b"x", 10001, 50000)
    assert not sniff(ubiquiti((12, b"UVC G3")), 10001, 50000)
    assert not sniff(b"\x03" + UBIQUITI_ANSWER[1:], 10001, 50000)
    with pytest.raises(Malformed):
        Parser().feed(ubiquiti((12, b"UVC G3")))
