"""Discovery of Sony's cameras."""

from __future__ import annotations

import pytest

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed
from monitor.protocols.sony_discovery import Parser, sniff
from tests.protocols.discovery_samples import MAC, SECRET, SONY_ANSWER, SONY_SEARCH


def test_synthetic_inquiry_and_answer() -> None:
    """Lines of name and value; the software's version is there."""
    assert Parser().feed(SONY_SEARCH) == [DiscoveryQuery("sony", "allinfo")]
    assert Parser().feed(SONY_ANSWER) == [
        DeviceAnnounced("sony", mac=MAC, model="SNC-VB600", firmware="3.0.0", serial="0000001", message="response")
    ]


def test_sniff() -> None:
    """Markers and the first name; what sets something is not taken."""
    assert not sniff(f"\x02SETMAC:00\u00ff{SECRET}\u00ff\x03".encode("latin-1"), 2380, 2380)
    assert not sniff(SONY_ANSWER[1:], 2380, 2380)
    assert not sniff(b"\x02MAC:", 2380, 2380)
    with pytest.raises(Malformed):
        Parser().feed(b"\x02")
