"""SSDP."""

from __future__ import annotations

import pytest

from monitor.model.facts import DeviceAnnounced, DiscoveryQuery, Malformed, ServiceBanner
from monitor.protocols.ssdp import MAX_BANNERS, Parser, sniff
from tests.protocols.discovery_samples import SSDP_ALIVE, SSDP_ANSWER, SSDP_SEARCH, ssdp_message


def announced(data: bytes) -> DeviceAnnounced:
    fact = Parser().feed(data)[-1]
    assert isinstance(fact, DeviceAnnounced)
    return fact


def test_synthetic_search() -> None:
    """A search names its target; whoever says what it is gets a banner, once."""
    assert Parser().feed(SSDP_SEARCH) == [DiscoveryQuery("ssdp", "ssdp:all")]
    named = ssdp_message(
        "M-SEARCH * HTTP/1.1", MAN='"ssdp:discover"', ST="upnp:rootdevice", USER_AGENT="a/1 UPnP/1.1 b/2"
    )
    parser = Parser()
    assert parser.feed(named) == [
        ServiceBanner("ssdp", "client", "a/1 UPnP/1.1 b/2"),
        DiscoveryQuery("ssdp", "upnp:rootdevice"),
    ]
    assert parser.feed(named) == [DiscoveryQuery("ssdp", "upnp:rootdevice")]


def test_synthetic_notice() -> None:
    """A notice says its type, the device's unique name and, by SERVER, its product."""
    assert Parser().feed(SSDP_ALIVE) == [
        ServiceBanner("ssdp", "server", "Linux/4.9, UPnP/1.1, CAM-7/2.4"),
        DeviceAnnounced(
            "ssdp",
            model="CAM-7",
            serial="uuid:Upnp-BasicDevice-1_0-00408C010203",
            services=("urn:axis-com:service:BasicService:1",),
            message="alive",
        ),
    ]


@pytest.mark.parametrize("message", ["byebye", "update", "alive"])
def test_synthetic_kinds_of_notice(message: str) -> None:
    """NTS says whether the device comes, goes or changes its number (UPnP DA 2.0, 1.2)."""
    fact = announced(ssdp_message("NOTIFY * HTTP/1.1", NT="upnp:rootdevice", NTS=f"ssdp:{message}", USN="uuid:1"))
    assert (fact.message, fact.services, fact.serial) == (message, ("upnp:rootdevice",), "uuid:1")


def test_synthetic_answer_from_any_port() -> None:
    """An answer comes from port 1900 or not: the field USN proves it."""
    assert sniff(SSDP_ANSWER, 38616, 61328)
    assert announced(SSDP_ANSWER).services == ("upnp:rootdevice",)
    assert announced(SSDP_ANSWER).message == "response"
    assert not sniff(b"HTTP/1.1 200 OK\r\nContent-Type: plex/media-server\r\n\r\n", 32412, 50000)


@pytest.mark.parametrize(
    ("server", "model"),
    [
        ("Linux,    UPnP/1.0 CAM-935/1.0", "CAM-935"),
        ("OS/1, UPnP/1.0, IPCam7", "IPCam7"),
        ("Linux/3.0.8, UPnP/1.0, Portable SDK for UPnP devices/1.6.18", None),
        ("Ubuntu/16.04 UPnP/1.1 MiniUPnPd/2.1", None),
        ("Microsoft-Windows/10.0 UPnP/1.0 UPnP-Device-Host/1.0", None),
        ("Embedded UPnP/1.0", None),
        ("Unspecified, UPnP/1.0, Unspecified", None),
        ("UPnP/1.0", None),
        ("nginx", None),
    ],
)
def test_synthetic_products(server: str, model: str | None) -> None:
    """The product behind the UPnP version is a model if it is one word with a digit; libraries are not."""
    assert announced(ssdp_message("NOTIFY * HTTP/1.1", NTS="ssdp:alive", SERVER=server)).model == model


def test_synthetic_banners_are_bounded() -> None:
    """A sender that changes its SERVER with each message is told a few times only."""
    parser = Parser()
    facts = [
        fact
        for number in range(20)
        for fact in parser.feed(ssdp_message("NOTIFY * HTTP/1.1", NTS="ssdp:alive", SERVER=f"a/1 UPnP/1.0 b{number}"))
    ]
    assert sum(isinstance(fact, ServiceBanner) for fact in facts) == MAX_BANNERS
    assert sum(isinstance(fact, DeviceAnnounced) for fact in facts) == 20


def test_synthetic_cut_message() -> None:
    """A capture that cuts frames leaves a start line: still a search, on its port."""
    assert sniff(SSDP_SEARCH[:30], 50000, 1900)
    assert not sniff(SSDP_SEARCH[:30], 50000, 50001)
    assert Parser().feed(SSDP_SEARCH[:30]) == [DiscoveryQuery("ssdp", None)]


def test_what_is_no_ssdp() -> None:
    """HTTP over UDP that is neither search, notice nor answer."""
    assert not sniff(b"GET / HTTP/1.1\r\n\r\n", 1900, 1900)
    with pytest.raises(Malformed):
        Parser().feed(b"GET / HTTP/1.1\r\n\r\n")
