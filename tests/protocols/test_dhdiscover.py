"""DHDiscover."""

from __future__ import annotations

import pytest

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed
from monitor.protocols.dhdiscover import Parser, sniff
from tests.protocols.discovery_samples import DH_ANSWER, DH_SEARCH, MAC, dhip


def test_synthetic_requests() -> None:
    """The method that is called; the one-octet probe has none."""
    assert Parser().feed(DH_SEARCH) == [DiscoveryQuery("dhdiscover", "DHDiscover.search")]
    assert Parser().feed(dhip({"method": "DHDiscover.setConfig"})) == [
        DiscoveryQuery("dhdiscover", "DHDiscover.setConfig")
    ]
    assert Parser().feed(b"\xff") == [DiscoveryQuery("dhdiscover", None)]


def test_synthetic_answer() -> None:
    """What the device says of itself; nothing of whether a password was set."""
    assert Parser().feed(DH_ANSWER) == [
        DeviceAnnounced(
            "dhdiscover",
            mac=MAC,
            name="gate",
            vendor="Private",
            model="IPC-HFW4431R",
            firmware="2.460.0000000.2.R",
            serial="3K00000PAG00001",
            message="notify_device_info",
        )
    ]


@pytest.mark.parametrize("info", [None, [], 7, {"DeviceType": 7, "Version": {"a": 1}, "Vendor": ""}])
def test_synthetic_answer_of_other_types(info: object) -> None:
    """Values of an unexpected type are as if they were not there."""
    answer = dhip({"method": "client.notifyDevInfo", "params": {"deviceInfo": info}})
    assert Parser().feed(answer) == [DeviceAnnounced("dhdiscover", message="notify_device_info")]


@pytest.mark.parametrize("body", [[], "x", None, 1])
def test_synthetic_body_that_is_no_object(body: object) -> None:
    """Malformed, as is no JSON at all."""
    with pytest.raises(Malformed):
        Parser().feed(dhip(body))
    with pytest.raises(Malformed):
        Parser().feed(dhip({})[:32] + b"{]\n")


def test_synthetic_body_that_was_cut() -> None:
    """Half an object says nothing."""
    assert Parser().feed(DH_ANSWER[:-9]) == []


def test_sniff() -> None:
    """The header on any port; one octet only where devices listen."""
    assert sniff(DH_ANSWER, 50000, 50001)
    assert sniff(b"\xff", 50000, 37810)
    assert not sniff(b"\xff", 37810, 50000)
    assert not sniff(b"\xff\xff", 50000, 37810)
    with pytest.raises(Malformed):
        Parser().feed(b"\x20\x00\x00\x00DHIP")
