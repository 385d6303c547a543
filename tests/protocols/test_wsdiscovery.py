"""WS-Discovery."""

from __future__ import annotations

import pytest

from monitor.model.facts import PROXIED, DeviceAnnounced, DiscoveryQuery, Malformed, MalformedSeen
from monitor.protocols.wsdiscovery import MAX_ANNOUNCED, MAX_TYPES, Parser, sniff
from tests.protocols.discovery_samples import BYE, ENVELOPE, HELLO, MAC, MATCHES, PROBE, RESOLVE, SADP_MATCH, match

TYPES = ("NetworkVideoTransmitter", "Device")
ALL = {"mac": MAC, "name": "Front gate \u00dc1", "model": "DS-2CD2142FWD-I", "services": TYPES}


def test_synthetic_queries() -> None:
    """A probe names types, without the prefixes that every sender chooses; a resolve names a device."""
    assert Parser().feed(PROBE) == [DiscoveryQuery("wsdiscovery", "NetworkVideoTransmitter")]
    assert Parser().feed(ENVELOPE.format(body="<d:Probe/>").encode()) == [DiscoveryQuery("wsdiscovery", None)]
    assert Parser().feed(RESOLVE) == [DiscoveryQuery("wsdiscovery", "urn:uuid:1")]


def test_synthetic_hello_and_bye() -> None:
    """Name and hardware come from the scopes, decoded; the endpoint's address, not the header's, is the serial."""
    assert Parser().feed(HELLO) == [DeviceAnnounced("wsdiscovery", serial="urn:uuid:1", message="hello", **ALL)]
    assert Parser().feed(BYE) == [DeviceAnnounced("wsdiscovery", serial="urn:uuid:1", message="bye")]


def test_synthetic_matches() -> None:
    """Each match of an answer is a device of its own; which of them the sender is, nobody knows."""
    assert Parser().feed(MATCHES) == [
        DeviceAnnounced("wsdiscovery", serial=f"urn:uuid:{number}", message=PROXIED, **ALL) for number in (1, 2)
    ]


def test_synthetic_oasis_namespace_and_default_prefix() -> None:
    """The OASIS standard's namespace counts as well, and names need no prefix."""
    data = (
        b'\xef\xbb\xbf\r\n<Envelope><Body><Probe xmlns="http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01">'
        b"<Types>Device</Types></Probe></Body></Envelope>"
    )
    assert sniff(data, 50000, 50001)
    assert Parser().feed(data) == [DiscoveryQuery("wsdiscovery", "Device")]


def test_synthetic_proxy_is_bounded() -> None:
    """A proxy that speaks for many devices is heard for the first of them; types are bounded as well."""
    many = "".join(match("ProbeMatch", number) for number in range(MAX_ANNOUNCED + 4))
    facts = Parser().feed(ENVELOPE.format(body=f"<d:ProbeMatches>{many}</d:ProbeMatches>").encode())
    assert len(facts) == MAX_ANNOUNCED
    types = " ".join(f"t:T{number}" for number in range(100))
    (fact,) = Parser().feed(ENVELOPE.format(body=f"<d:Hello><d:Types>{types}</d:Types></d:Hello>").encode())
    assert isinstance(fact, DeviceAnnounced)
    assert len(fact.services) == MAX_TYPES


def test_synthetic_scopes_that_are_odd() -> None:
    """Another authority's name is not taken, percent signs may be wrong, controls go, length is bounded."""
    scopes = (
        f"onvif://evil.example/name/x ONVIF://WWW.ONVIF.ORG/name/%41%zz%07%ff{'n' * 400} onvif://www.onvif.org/hardware"
    )
    (fact,) = Parser().feed(ENVELOPE.format(body=match("Hello", scopes=scopes)).encode())
    assert isinstance(fact, DeviceAnnounced)
    assert fact.name == f"A%zz\ufffd{'n' * 250}"[:255]
    assert fact.model is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'<!DOCTYPE a [<!ENTITY x "y">]><Envelope>&x;</Envelope>', "document type declaration"),
        (b"<Envelope>" + b"<a/>" * 2000, "too many elements"),
        (b"<Envelope>" + b"<a>" * 200, "elements nested too deep"),
        (b"<html></html>", "no SOAP envelope"),
        (b"<", "no SOAP envelope"),
    ],
)
def test_synthetic_documents_that_are_refused(data: bytes, reason: str) -> None:
    """A document type, too many or too deep elements, and what is no envelope."""
    with pytest.raises(Malformed, match=reason):
        Parser().feed(data)


def test_synthetic_breakage_does_not_hide_what_came_before() -> None:
    """Behind a mismatched tag nothing is read; before it everything is."""
    facts = Parser().feed(HELLO.replace(b"</s:Body>", b"</x>"))
    assert isinstance(facts[0], DeviceAnnounced)
    assert facts[1:] == [MalformedSeen("wsdiscovery", "no well-formed XML")]


def test_sniff_by_content_or_port() -> None:
    """An answer is known by its namespace on any port; an envelope that was cut before it, by its port."""
    assert sniff(MATCHES, 50000, 50001)
    assert sniff(b'<?xml version="1.0"?><s:Envelope xmlns:s="h', 3702, 50000)
    assert not sniff(b'<?xml version="1.0"?><s:Envelope xmlns:s="h', 3703, 50000)
    assert not sniff(SADP_MATCH, 37020, 37020)
