"""Discovery of Vstarcam's cameras."""

from __future__ import annotations

import pytest

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed
from monitor.protocols.vstarcam_discovery import READ, Parser, sniff
from tests.protocols.discovery_samples import MAC, VSTARCAM_ANSWER, VSTARCAM_SEARCH


def test_synthetic_search_and_answer() -> None:
    """MAC, name, serial and firmware; the user and password behind them are not read."""
    assert Parser().feed(VSTARCAM_SEARCH) == [DiscoveryQuery("vstarcam", None)]
    assert Parser().feed(VSTARCAM_ANSWER) == [
        DeviceAnnounced(
            "vstarcam", mac=MAC, name="gate", firmware="48.53.64.67", serial="VSTA000001ABCDE", message="response"
        )
    ]


def test_sniff() -> None:
    """The four octets of a search alone, or an answer up to its versions."""
    assert not sniff(VSTARCAM_SEARCH + b"x", 50000, 8600)
    assert not sniff(VSTARCAM_ANSWER[: READ - 1], 8600, 50000)
    with pytest.raises(Malformed):
        Parser().feed(VSTARCAM_ANSWER[: READ - 1])
