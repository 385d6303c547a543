"""Discovery of Foscam's cameras."""

from __future__ import annotations

import pytest

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed
from monitor.protocols.foscam_discovery import Parser, sniff
from tests.protocols.discovery_samples import FOSCAM_ANSWER, FOSCAM_MASKED, FOSCAM_SEARCH, foscam


@pytest.mark.parametrize("answer", [FOSCAM_ANSWER, FOSCAM_MASKED])
def test_synthetic_answer(answer: bytes) -> None:
    """The serial is the MAC; four octets are the firmware's version; a masked answer says the same."""
    assert Parser().feed(answer) == [
        DeviceAnnounced(
            "foscam",
            mac="00:62:6e:01:02:03",
            name="gate",
            firmware="11.37.2.54",
            serial="00626E010203",
            message="response",
        )
    ]


def test_synthetic_search_and_other_operations() -> None:
    """A search is a query; of other operations, which set something, nothing is told."""
    assert Parser().feed(FOSCAM_SEARCH) == [DiscoveryQuery("foscam", None)]
    assert Parser().feed(foscam(2, b"admin")) == []
    assert Parser().feed(FOSCAM_ANSWER[:60]) == []


def test_sniff() -> None:
    """The magic, and an operation that searches or answers."""
    assert sniff(FOSCAM_ANSWER, 50000, 50001)
    assert not sniff(foscam(2, b"admin"), 10000, 10000)
    assert not sniff(b"MO_O" + FOSCAM_ANSWER[4:], 10000, 10000)
    assert not sniff(FOSCAM_SEARCH[:20], 10000, 10000)
    with pytest.raises(Malformed):
        Parser().feed(b"MO_I")
