"""What a parser learnt from bytes, and the observation that says when and between whom.

A Fact knows nothing of packets; an Observation is a Fact plus Where. ``kind`` is the name under
which ``camwarden observe`` prints it.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

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
    TO_END = 2
    """Keep sending it, and say when this direction has ended: what it brings ends with it."""


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
    """Empty where the hello is not one of TLS (Google's first QUIC)."""
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


PROXIED: Final = "proxied"
"""The ``message`` of an announcement that speaks for others, and so says nothing of its sender."""


class ProxyRequest(Fact, frozen=True, tag="proxy.request"):
    """A SOCKS proxy is asked to reach somebody (RFC 1928); an HTTP proxy's CONNECT is an HttpRequest."""

    protocol: str
    """socks4 socks5"""
    host: str
    """Name or address."""
    port: int


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
    """Type of the message that said so: "discover", "request", "ack" (DHCP), "probe" (ARP) ..., or PROXIED."""


class PrefixAnnounced(Fact, frozen=True, tag="network.prefix"):
    """An on-link IPv6 prefix of a router advertisement (RFC 4861, 4.6.2)."""

    prefix: str
    router_mac: str | None


class RtspRequest(Fact, frozen=True, tag="rtsp.request"):
    method: str
    uri: str
    """Secrets already cut."""
    user_agent: str | None


class RtspResponse(Fact, frozen=True, tag="rtsp.response"):
    status: int
    server: str | None
    realm: str | None
    """Of WWW-Authenticate (RFC 7826, 19.1)."""


class SdpTrack(Fact, frozen=True, tag="sdp.track"):
    """One media description of a session (RFC 8866, 5.14)."""

    media: str
    """video audio application ..."""
    codec: str | None
    """Encoding name of the first format, upper case: "H264", "PCMA" (RFC 8866, 6.6; RFC 3551, 6)."""
    direction: str | None
    """sendrecv sendonly recvonly inactive (RFC 8866, 6.7); of a camera's back channel, "sendonly"."""
    control: str | None
    """URI of the track; secrets already cut."""
    tool: str | None = None
    """What made the description (RFC 8866, 6.16); it may name the maker."""
    session: str | None = None
    """The session's name (RFC 8866, 5.3); it may name the maker."""
    marks: tuple[str, ...] = ()
    """Session attributes of no standard that name the maker, "name:value"."""


class MediaSetup(Fact, frozen=True, tag="rtsp.setup"):
    """Where the media of a track was agreed to go (Transport of a SETUP answer; RFC 2326, 12.39)."""

    media: str | None
    codec: str | None
    control: str | None
    interleaved: tuple[int, int] | None
    """Channels of RTP and RTCP inside the control connection."""
    client_ports: tuple[int, int] | None
    server_ports: tuple[int, int] | None
    destination: str | None = None
    """Address the media goes to, where it is not the client's."""
    source: str | None = None
    """Address the media comes from, where it is not the server's."""


class MediaStream(Fact, frozen=True, tag="rtp.stream"):
    """RTP is passing (RFC 3550, 5.1)."""

    transport: str
    """udp interleaved tcp (RFC 4571)"""
    ssrc: int
    payload_type: int
    media: str | None
    """What the session said of it, or the payload type says (RFC 3551, 6)."""
    codec: str | None
    session: str | None = None
    """Community ID of the RTSP connection that agreed on it."""


class StunMessage(Fact, frozen=True, tag="stun"):
    """STUN or TURN (RFC 8489, RFC 8656)."""

    method: str
    """Binding Allocate Refresh Send Data CreatePermission ChannelBind ChannelData ..."""
    message_class: str
    """request indication success error data"""
    mapped: str | None = None
    """The sender as the server sees it, "address port"."""
    relayed: str | None = None
    """The address the server lends, "address port"."""
    peer: str | None = None
    """Whom the relay is to reach, "address port"."""
    software: str | None = None
    realm: str | None = None


class ServiceBanner(Fact, frozen=True, tag="service.banner"):
    """A service that greets, or a client of it."""

    protocol: str
    """ssh telnet ftp smb rdp sip ..."""
    role: str
    """server client unknown"""
    text: str | None
    """What it calls itself, at most 255 characters; secrets already cut."""


class FileRequest(Fact, frozen=True, tag="file.request"):
    """A file is asked for or offered, or a firmware image is sent."""

    protocol: str
    """tftp ftp sofia baichuan"""
    operation: str
    """read write list delete ..."""
    name: str
    mode: str | None = None


class PortMapping(Fact, frozen=True, tag="port.mapping"):
    """A device asks its router to let the outside in (RFC 6886, RFC 6887, UPnP WANIPConnection)."""

    protocol: str
    """natpmp pcp upnp"""
    role: str
    """request response"""
    transport: str | None
    """tcp udp; None where the message does not say, as one that only asks for the outside address"""
    internal_port: int | None
    external_port: int | None
    lifetime: int | None
    """Seconds; 0 removes the mapping; None: not said, or (UPnP) without end."""
    external_address: str | None = None
    result: str | None = None


class DiscoveryQuery(Fact, frozen=True, tag="discovery.query"):
    """Somebody asks the LAN who is there."""

    protocol: str
    """ssdp wsdiscovery sadp dhdiscover xm hanwha ..."""
    target: str | None
    """What is looked for: a search target, a type."""


class SipMessage(Fact, frozen=True, tag="sip.message"):
    """SIP, as GB/T 28181 and door phones speak it (RFC 3261)."""

    method: str
    """Of a request, or of the CSeq of a response."""
    status: int | None
    """None: a request."""
    uri: str | None
    user_agent: str | None
    command: str | None = None
    """CmdType of a GB/T 28181 body: Catalog DeviceInfo DeviceControl ..."""
    device_id: str | None = None
    """DeviceID of such a body."""


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


class FirmwareTransfer(Fact, frozen=True, tag="firmware.transfer"):
    """A firmware image, or what is fetched or pushed as one, has passed or stopped passing."""

    direction: str
    """to_device, from_device; unknown where neither end is known."""
    via: str
    """What carried it: http isapi onvif cgi rpc vapix reolink sunapi lapi tftp ftp sofia baichuan sdk."""
    name: str | None
    """Of the file, where something names it."""
    uri: str | None
    """Where it was fetched from or sent to, with its scheme and host; secrets already cut."""
    bytes: int
    """Of the file that were seen: entity body, multipart part or chunks together, without their framing."""
    complete: bool
    """All of it was seen, without a gap."""
    sha256: str | None
    """Of the file as the receiver gets it; None unless it is complete."""
    magic: str | None
    """What its first bytes say it is: "hikvision-dav", "elf", "uimage" ...; None: nothing known."""
    vendor: str | None
    """Catalogue key of the maker whose images begin so."""
    signs: tuple[str, ...] = ()
    """Why it is taken for a firmware: call magic name host."""


class FirmwareCall(Fact, frozen=True, tag="firmware.call"):
    """Somebody asks a device to take a firmware, to say how far it is, or to restart."""

    via: str
    """As of FirmwareTransfer."""
    operation: str
    """upload: here comes one. fetch: get one from there. install status cancel reboot."""
    uri: str | None
    accepted: bool | None = None
    """What the device answered; None: not seen, or not said yet."""


class FirmwareCheck(Fact, frozen=True, tag="firmware.check"):
    """A device asks a server whether there is a newer firmware, or is told to ask; no image passes."""

    via: str
    uri: str | None
    version: str | None = None
    """What it says that it runs."""
    offered: str | None = None
    """What the server says that there is."""


class CapabilityStated(Fact, frozen=True, tag="capability.stated"):
    """What a device's own interface says of its functions, as it says it."""

    api: str
    """isapi onvif dahua vapix reolink sunapi lapi sofia rtsp."""
    question: str
    """What it answers: an endpoint without its query's secrets, a SOAP action, a command."""
    statements: tuple[tuple[str, str], ...]
    """Path and value of each leaf, in the order of their paths: ("DeviceCap/SysCap/isSupportEZVIZ", "true")."""


class AnalyticsEvent(Fact, frozen=True, tag="analytics.event"):
    """A device tells somebody that it has seen or heard something."""

    api: str
    """isapi onvif dahua."""
    topic: str
    """As the device names it: "FaceDetection", "tns1:RuleEngine/Recognition/Face"."""


class ExploitAttempt(Fact, frozen=True, tag="exploit.attempt"):
    """A request that is known to have taken cameras over."""

    key: str
    """Of the catalogue's vulnerability row: "CVE-2021-36260"."""
    uri: str | None
    """Secrets already cut."""


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
