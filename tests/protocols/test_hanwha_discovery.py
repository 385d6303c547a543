"""Discovery of Hanwha's cameras."""

from __future__ import annotations

import pytest

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed
from monitor.protocols.hanwha_discovery import Parser, sniff
from tests.protocols.discovery_samples import HANWHA_ANSWER, HANWHA_SEARCH, MAC


def test_synthetic_search_and_answer() -> None:
    """MAC and model, out of fixed fields."""
    assert len(HANWHA_ANSWER) == 0x106
    assert Parser().feed(HANWHA_SEARCH) == [DiscoveryQuery("hanwha", None)]
    assert Parser().feed(HANWHA_ANSWER) == [DeviceAnnounced("hanwha", mac=MAC, model="XNV-6080", message="response")]


def test_sniff_needs_the_ports() -> None:
    """There is no magic: each kind of message only to its port, and an answer only with a MAC."""
    assert not sniff(HANWHA_SEARCH, 50000, 7711)
    assert not sniff(HANWHA_ANSWER, 50000, 7701)
    assert not sniff(b"\x0b" + bytes(0x105), 7701, 7711)
    assert not sniff(HANWHA_ANSWER[:-1], 7701, 7711)
    with pytest.raises(Malformed):
        Parser().feed(HANWHA_ANSWER[:-1])
