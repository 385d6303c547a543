"""Discovery of Xiongmai's devices."""

from __future__ import annotations

import json

import pytest

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed
from monitor.protocols.xm_discovery import Parser, sniff
from tests.protocols.discovery_samples import MAC, XM_ANSWER, XM_COMMON, XM_SEARCH, XM_SETTING, xm


def test_synthetic_search() -> None:
    """The search of python-dvr."""
    assert bytes.fromhex("ff00000000000000000000000000fa0500000000") == XM_SEARCH
    assert Parser().feed(XM_SEARCH) == [DiscoveryQuery("xm", None)]


def test_synthetic_answer() -> None:
    """Name, MAC, serial and version."""
    assert Parser().feed(XM_ANSWER) == [
        DeviceAnnounced(
            "xm",
            mac=MAC,
            name="LocalHost",
            firmware="V4.02.R11.00030751",
            serial="41e6853ada5e0001",
            message="response",
        )
    ]


def test_synthetic_answer_without_version() -> None:
    """Then the build's date tells one firmware from another."""
    common = {key: value for key, value in XM_COMMON.items() if key != "Version"}
    (fact,) = Parser().feed(xm(1531, json.dumps({"NetWork.NetCommon": common}).encode()))
    assert isinstance(fact, DeviceAnnounced)
    assert fact.firmware == "2019-02-28 17:30:58"


def test_synthetic_setting_is_not_read() -> None:
    """A message that sets a device's address holds a password: it is not recognised, nor read after a search."""
    assert not sniff(XM_SETTING, 34569, 34569)
    parser = Parser()
    parser.feed(XM_SEARCH)
    assert parser.feed(XM_SETTING) == []


def test_sniff() -> None:
    """The message's number and a length that fits; off the ports the rest of the header must be zero."""
    assert sniff(XM_ANSWER, 50000, 50001)
    assert sniff(xm(1530, version=1), 50000, 34571)
    assert not sniff(xm(1530, version=1), 50000, 50001)
    assert not sniff(XM_ANSWER + b"more", 34569, 34569)
    assert not sniff(xm(1000), 34569, 34569)
    assert Parser().feed(XM_ANSWER[:-9]) == []
    with pytest.raises(Malformed):
        Parser().feed(b"\xff")
