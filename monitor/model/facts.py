"""What a parser learnt from bytes, and the observation that says when and between whom.

A Fact knows nothing of packets; an Observation is a Fact plus Where. ``kind`` is the name under
which ``camwarden observe`` prints it.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from monitor.model.address import Address, Mac


class Malformed(Exception):  # noqa: N818  it names what the peer sent, not a failure of ours
    """The one exception a parser may raise: the peer's bytes are not what the layer allows."""

    def __init__(self, layer: str, reason: str) -> None:
        """``layer`` from a closed set (a metric label); ``reason`` a constant phrase, never payload."""
        super().__init__(f"{layer}: {reason}")
        self.layer = layer
        self.reason = reason


class Want(IntEnum):
    """A parser's verdict on the rest of its flow and direction."""

    STOP = 0
    """Send no more payload."""
    MORE = 1
    """Keep sending payload."""


class Fact(Struct, frozen=True, tag_field="kind", omit_defaults=False):
    """Base of everything a parser can report."""


class DnsQuery(Fact, frozen=True, tag="dns.query"):
    name: str
    qtype: str
    """Mnemonic ("A", "AAAA", "HTTPS") or "TYPE65280" (RFC 3597)."""


class DnsAnswer(Fact, frozen=True, tag="dns.answer"):
    name: str
    """The name that was asked for."""
    qtype: str
    rcode: str
    """Mnemonic: "NOERROR", "NXDOMAIN", "REFUSED" ..."""
    addresses: tuple[str, ...] = ()
    cname: tuple[str, ...] = ()
    """Aliases from ``name`` to the owner of the addresses, in order."""
    ttl: int = 0
    """Smallest TTL of the address records, seconds."""


class ClientHello(Fact, frozen=True):
    sni: str | None
    alpn: tuple[str, ...]
    ja4: str
    version: str
    """Highest version offered: "1.3", "1.2", "1.1", "1.0", "ssl3", "ssl2", "unknown"; of QUIC too it is that of TLS."""
    ech: bool
    """The encrypted_client_hello extension is there (GREASE cannot be told from the real one)."""


class TlsClientHello(ClientHello, frozen=True, tag="tls.client_hello"):
    pass


class QuicClientHello(ClientHello, frozen=True, tag="quic.client_hello"):
    pass


class TlsCertificate(Fact, frozen=True, tag="tls.certificate"):
    """The leaf certificate of a server (TLS 1.2 and older send it in the clear)."""

    subject: str
    issuer: str
    sha256: str


class HttpRequest(Fact, frozen=True, tag="http.request"):
    method: str
    host: str | None
    uri: str
    """Secrets already cut."""
    user_agent: str | None


class HttpResponse(Fact, frozen=True, tag="http.response"):
    status: int
    server: str | None
    content_type: str | None
    content_length: int | None
    realm: str | None = None


class DeviceAnnounced(Fact, frozen=True, tag="device.announced"):
    """What a device says about itself, or what its neighbours can tell, on the LAN."""

    protocol: str
    """arp nd dhcp dhcpv6 mdns ..."""
    mac: str | None = None
    address: str | None = None
    name: str | None = None
    vendor: str | None = None
    model: str | None = None
    firmware: str | None = None
    serial: str | None = None
    boot_time: str | None = None
    vendor_class: str | None = None
    """DHCP option 60 (RFC 2132, 9.13) or DHCPv6 option 16."""
    fingerprint: str | None = None
    """DHCP option 55 as comma-separated numbers."""
    services: tuple[str, ...] = ()
    """DNS-SD service types ("_axis-video._tcp")."""
    message: str | None = None
    """Type of the message that said so: "discover", "request", "ack" (DHCP), "probe", "gratuitous" (ARP) ..."""


class PrefixAnnounced(Fact, frozen=True, tag="network.prefix"):
    """An on-link IPv6 prefix of a router advertisement (RFC 4861, 4.6.2)."""

    prefix: str
    router_mac: str | None


class NtpMessage(Fact, frozen=True, tag="ntp"):
    mode: str
    """client server symmetric broadcast control private"""
    version: int
    stratum: int


class P2pContact(Fact, frozen=True, tag="p2p.contact"):
    network: str
    """Key of the catalogue's p2p row: pppp kalay dahua ..."""
    message: str
    """Mnemonic of the message type: "HELLO", "DEV_LGN" ..."""
    role: str = "unknown"
    """Who sends such a message: "device", "client", "server", or "unknown"."""


class FlowEnd(Fact, frozen=True, tag="flow.end"):
    packets_out: int
    packets_in: int
    bytes_out: int
    """Frame bytes from initiator to responder."""
    bytes_in: int
    payload_out: int
    payload_in: int
    attempts: int
    outcome: str
    start_ns: int
    end_ns: int
    reason: str
    """closed idle evicted reused end"""


class MalformedSeen(Fact, frozen=True, tag="malformed"):
    layer: str
    reason: str


class Where(Struct, frozen=True):
    """When a fact was seen and between whom."""

    ts_ns: int
    src: Address
    dst: Address
    sport: int
    dport: int
    proto: int
    """IP protocol number; 0 where there is no IP (ARP)."""
    vlan: tuple[int, ...]
    """VLAN ids, outermost first."""
    src_mac: Mac | None
    dst_mac: Mac | None


class Observation(Struct, frozen=True):
    where: Where
    fact: Fact
