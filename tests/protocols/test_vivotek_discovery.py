"""Discovery of Vivotek's cameras."""

from __future__ import annotations

import pytest

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed
from monitor.protocols.vivotek_discovery import Parser, sniff
from tests.protocols.discovery_samples import MAC, MAC_OCTETS, VIVOTEK_ANSWER, VIVOTEK_SEARCH, vivotek


def test_synthetic_search_and_answer() -> None:
    """Name, MAC and model; the type without a length is stepped over."""
    assert Parser().feed(VIVOTEK_SEARCH) == [DiscoveryQuery("vivotek", None)]
    assert Parser().feed(VIVOTEK_ANSWER) == [
        DeviceAnnounced("vivotek", mac=MAC, name="gate", model="FD8166", message="response")
    ]


def test_synthetic_values_that_run_past_the_end() -> None:
    """What stood before them counts; behind type 0 nothing does; the first of a type wins."""
    cut = vivotek((2, MAC_OCTETS), (9, b"FD8166"))[:-1]
    assert Parser().feed(cut) == [DeviceAnnounced("vivotek", mac=MAC, message="response")]
    ended = vivotek((2, MAC_OCTETS), (0, b""), (9, b"FD8166"))
    assert Parser().feed(ended) == [DeviceAnnounced("vivotek", mac=MAC, message="response")]
    twice = vivotek((9, b"A"), (9, b"B"))
    assert Parser().feed(twice) == [DeviceAnnounced("vivotek", model="A", message="response")]


def test_sniff() -> None:
    """The magic behind one octet."""
    assert not sniff(VIVOTEK_ANSWER[1:], 10000, 10000)
    with pytest.raises(Malformed):
        Parser().feed(b"\x01\x4a")
