"""Dahua's older discovery."""

from __future__ import annotations

import pytest

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed
from monitor.protocols.dahua_discovery import Parser, sniff
from tests.protocols.discovery_samples import DV1_ANSWER, DV1_SEARCH, MAC


def test_synthetic_search() -> None:
    """Both spellings of it, whose fourth octet differs."""
    assert Parser().feed(DV1_SEARCH) == [DiscoveryQuery("dahua_v1", None)]
    assert Parser().feed(DV1_SEARCH[:3] + b"\x00" + DV1_SEARCH[4:]) == [DiscoveryQuery("dahua_v1", None)]


def test_synthetic_answer() -> None:
    """MAC and model as text behind the fixed fields, the serial in the lines behind them."""
    assert Parser().feed(DV1_ANSWER) == [
        DeviceAnnounced(
            "dahua_v1", mac=MAC, name="gate", model="IPC-HFW2100", serial="3K00000PAG00001", message="response"
        )
    ]


def test_synthetic_answer_without_sections() -> None:
    """The fixed fields alone are an answer too; a cut one says less."""
    fixed = DV1_ANSWER[:2] + b"\x00" + DV1_ANSWER[3:20] + b"\x00\x00" + DV1_ANSWER[22:120]
    assert Parser().feed(fixed) == [DeviceAnnounced("dahua_v1", name="gate", message="response")]
    (fact,) = Parser().feed(DV1_ANSWER[:141])
    assert isinstance(fact, DeviceAnnounced)
    assert (fact.mac, fact.model, fact.serial) == (MAC, "IPC-", None)


def test_sniff_is_strict() -> None:
    """More octets than the lengths say, another payload length, another first octet: not it."""
    assert not sniff(DV1_ANSWER + b"x", 5050, 5050)
    assert not sniff(DV1_ANSWER[:4] + b"\x59" + DV1_ANSWER[5:], 5050, 5050)
    assert not sniff(b"\xb1" + DV1_ANSWER[1:], 5050, 5050)
    assert not sniff(DV1_SEARCH + b"\x00", 50000, 5050)
    with pytest.raises(Malformed):
        Parser().feed(b"\xb3")
