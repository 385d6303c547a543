"""Discovery of Bosch's cameras."""

from __future__ import annotations

import pytest

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed
from monitor.protocols.bosch_discovery import Parser, sniff
from tests.protocols.discovery_samples import BOSCH_ANSWER, BOSCH_SEARCH, BOSCH_XML, MAC


def test_synthetic_search_and_answers() -> None:
    """A binary answer has a MAC, one in XML the model and serial as well."""
    assert Parser().feed(BOSCH_SEARCH) == [DiscoveryQuery("bosch", None)]
    assert Parser().feed(BOSCH_ANSWER) == [DeviceAnnounced("bosch", mac=MAC, message="response")]
    assert Parser().feed(BOSCH_XML) == [
        DeviceAnnounced(
            "bosch", mac=MAC, name="gate", model="FLEXIDOME IP 7000", serial="044000001", message="response"
        )
    ]


def test_sniff() -> None:
    """Magic and size on any port; XML on the ports only."""
    assert sniff(BOSCH_ANSWER, 50000, 50001)
    assert not sniff(BOSCH_ANSWER + b"x", 1757, 1758)
    assert not sniff(BOSCH_SEARCH[:-1] + b"x", 1757, 1757)
    assert not sniff(BOSCH_XML, 50000, 50001)
    with pytest.raises(Malformed):
        Parser().feed(BOSCH_ANSWER + b"x")
