"""Discovery of Panasonic's cameras."""

from __future__ import annotations

import pytest

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed
from monitor.protocols.panasonic_discovery import Parser, sniff
from tests.protocols.discovery_samples import MAC, PANASONIC_ANSWER, PANASONIC_SEARCH, panasonic


def test_synthetic_search_and_answer() -> None:
    """MAC and full name; where that is missing the short one."""
    assert Parser().feed(PANASONIC_SEARCH) == [DiscoveryQuery("panasonic", None)]
    assert Parser().feed(PANASONIC_ANSWER) == [
        DeviceAnnounced("panasonic", mac=MAC, model="WV-S1131", message="response")
    ]
    assert Parser().feed(panasonic((0xA8, b"WV"))) == [
        DeviceAnnounced("panasonic", mac=MAC, model="WV", message="response")
    ]


def test_sniff() -> None:
    """Only on the ports, and no longer than the length says; a cut one may be shorter."""
    assert not sniff(PANASONIC_ANSWER, 50000, 50001)
    assert not sniff(PANASONIC_ANSWER + b"x", 10670, 10669)
    assert sniff(PANASONIC_ANSWER[:60], 10670, 10669)
    with pytest.raises(Malformed):
        Parser().feed(PANASONIC_ANSWER + b"x")
