"""What passes the tap while hosts talk: frames in time, with sequence numbers and acknowledgements kept.

Strategy: hosts have no clock. Every call says when its first packet passes; a Connection carries ``now``
on by itself. The tap is beside the client, so the server's packets are a round trip behind.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from pcaps import messages, packets, tls
from pcaps.packets import ACK, FIN, PSH, RST, SYN, Host, Segment
from pcaps.savefile import Frame

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

US: Final = 1_000
MS: Final = 1_000_000
SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND

PACKET_LIMIT: Final = 1500
"""Of Ethernet (RFC 894)."""
RTSP: Final = "RTSP/1.0"
VIDEO_CLOCK: Final = 90_000
"""RTP ticks a second (RFC 3551, 5)."""
PCMA: Final = 8
SPEECH: Final = 160
"""Octets of G.711 in the usual 20 ms, a tick each (RFC 3551, 4.2 and 6)."""
SYN_RETRIES: Final = (SECOND, 3 * SECOND)
"""When Linux sends an unanswered SYN again, counted from the first (RFC 6298, 2.1 and 5.5: 1 s, doubled)."""
START: Final = 1_777_881_600 * SECOND
"""When the scenarios start: Monday 4 May 2026, 08:00 UTC."""
LAN_RTT: Final = 400 * US
WAN_RTT: Final = 38 * MS


class Wire:
    """All frames that one tap sees."""

    def __init__(self, *, vlan: tuple[int, ...] = ()) -> None:
        self.vlan = vlan
        self._frames: list[Frame] = []

    def put(self, at: int, frame: bytes) -> None:
        """A whole frame."""
        self._frames.append(Frame(at, frame))

    def send(self, at: int, source: Host, destination: Host, packet: bytes) -> None:
        """An IP packet, tagged as the tap tags."""
        self.put(at, packets.frame(source, destination, packet, self.vlan))

    def udp(self, at: int, source: Host, sport: int, destination: Host, dport: int, payload: bytes) -> None:
        """One datagram."""
        self.send(at, source, destination, packets.udp(source, destination, sport, dport, payload))

    def arp(self, at: int, asker: Host, target: Host) -> None:
        """A request and its reply."""
        self.put(at, packets.arp(packets.ARP_REQUEST, asker, target, self.vlan))
        self.put(at + 150 * US, packets.arp(packets.ARP_REPLY, target, asker, self.vlan))

    def frames(self) -> list[Frame]:
        """In time order; frames of one instant stay in the order of their calls."""
        return sorted(self._frames, key=lambda frame: frame.ts_ns)

    def drain(self, before: int) -> Iterator[Frame]:
        """Hand over, in time order, and forget all frames that passed earlier than ``before``."""
        ordered = self.frames()
        self._frames = [frame for frame in ordered if frame.ts_ns >= before]
        yield from ordered[: len(ordered) - len(self._frames)]


class Connection:
    """One TCP connection seen beside the client, with SACK, window scale and timestamps as Linux has them."""

    def __init__(
        self, wire: Wire, client: Host, server: Host, port: int, *, at: int, rng: Random, rtt: int = WAN_RTT
    ) -> None:
        self.wire = wire
        self.client = client
        self.server = server
        self.ports = (client.next_port(), port)
        self.now = at
        self.rtt = rtt
        self._seq = {True: rng.getrandbits(32), False: rng.getrandbits(32)}
        self._acked = {True: 0, False: 0}
        self._clock = {True: rng.getrandbits(31), False: rng.getrandbits(31)}
        self._echo = {True: 0, False: 0}
        self._start = at
        self._limit = PACKET_LIMIT - (72 if len(client.ip) == 16 else 52)  # headers with the timestamp option

    def _packet(self, *, by_client: bool, at: int, flags: int, payload: bytes = b"") -> bytes:
        ticks = (self._clock[by_client] + (at - self._start) // MS) & 0xFFFFFFFF
        stamp = struct.pack("!BBII", 8, 10, ticks, self._echo[by_client])
        if flags & SYN:
            limit = struct.pack("!BBH", 2, 4, self._limit + 12)
            options = limit + b"\x04\x02" + stamp + b"\x01\x03\x03\x07"
        else:
            options = b"\x01\x01" + stamp
        self._echo[not by_client] = ticks
        sport, dport = self.ports if by_client else self.ports[::-1]
        source, destination = (self.client, self.server) if by_client else (self.server, self.client)
        window = 64240 if flags & SYN else 502
        ack = self._acked[by_client] if flags & ACK else 0
        return packets.tcp(
            source, destination, Segment(sport, dport, self._seq[by_client], ack, flags, window, options, payload)
        )

    def _put(self, *, by_client: bool, at: int, flags: int, payload: bytes = b"") -> bytes:
        packet = self._packet(by_client=by_client, at=at, flags=flags, payload=payload)
        source, destination = (self.client, self.server) if by_client else (self.server, self.client)
        self.wire.send(at, source, destination, packet)
        return packet

    def _advance(self, *, by_client: bool, count: int) -> None:
        self._seq[by_client] = (self._seq[by_client] + count) & 0xFFFFFFFF
        self._acked[not by_client] = self._seq[by_client]

    def syn(self) -> bytes:
        """The first packet, also to be quoted by whoever refuses it."""
        return self._put(by_client=True, at=self.now, flags=SYN)

    def unanswered(self, retries: tuple[int, ...] = SYN_RETRIES) -> None:
        """A SYN and its retransmissions, into silence."""
        self.syn()
        for after in retries:
            self._put(by_client=True, at=self.now + after, flags=SYN)

    def prohibited(self, router: Host, *, after: int = 700 * US) -> None:
        """A SYN that a router on the way refuses; Linux gives up at once (EHOSTUNREACH)."""
        refused = self.syn()
        self.wire.send(self.now + after, router, self.client, packets.admin_prohibited(router, refused))

    def reset(self) -> None:
        """A SYN that the server itself refuses."""
        self.syn()
        self._advance(by_client=True, count=1)
        segment = Segment(self.ports[1], self.ports[0], 0, self._acked[False], RST | ACK, 0)
        self.wire.send(self.now + self.rtt, self.server, self.client, packets.tcp(self.server, self.client, segment))

    def open(self) -> None:
        """The three-way handshake."""
        self.syn()
        self._advance(by_client=True, count=1)
        self.now += self.rtt
        self._put(by_client=False, at=self.now, flags=SYN | ACK)
        self._advance(by_client=False, count=1)
        self.now += 200 * US
        self._put(by_client=True, at=self.now, flags=ACK)

    def say(self, payload: bytes, *, by_client: bool = True) -> None:
        """``payload`` in as many segments as it takes, and the other side's acknowledgement."""
        self.now += 500 * US
        for start in range(0, len(payload), self._limit):
            part = payload[start : start + self._limit]
            flags = ACK | PSH if start + self._limit >= len(payload) else ACK
            self._put(by_client=by_client, at=self.now, flags=flags, payload=part)
            self._advance(by_client=by_client, count=len(part))
            self.now += 30 * US
        self.now += self.rtt if by_client else 200 * US
        self._put(by_client=not by_client, at=self.now, flags=ACK)

    def hear(self, payload: bytes) -> None:
        """The server says ``payload``."""
        self.say(payload, by_client=False)

    def close(self) -> None:
        """The client's FIN, the server's, and the last acknowledgement."""
        self.now += MS
        self._put(by_client=True, at=self.now, flags=FIN | ACK)
        self._advance(by_client=True, count=1)
        self.now += self.rtt
        self._put(by_client=False, at=self.now, flags=FIN | ACK)
        self._advance(by_client=False, count=1)
        self.now += 200 * US
        self._put(by_client=True, at=self.now, flags=ACK)

    def tls(self, rng: Random, sni: str | None, *, alpn: tuple[str, ...] = ("http/1.1",), grease: bool = False) -> None:
        """Open, and both flights of a TLS 1.3 handshake."""
        self.open()
        hello = tls.client_hello(rng, sni, alpn, grease=grease)
        self.say(tls.first_flight(hello))
        self.hear(tls.server_flight(rng, hello))
        self.say(tls.client_finish(rng))


def lookup(
    wire: Wire,
    at: int,
    client: Host,
    resolver: Host,
    name: str,
    *addresses: str,
    qtype: int = messages.A,
    rcode: int = messages.NOERROR,
    alias: str | None = None,
) -> int:
    """A question and its answer; returns when the answer passes."""
    port = client.next_port()
    ident = (port * 40503 ^ at // MS) & 0xFFFF
    wire.udp(at, client, port, resolver, 53, messages.dns_query(ident, name, qtype))
    answer = messages.dns_answer(ident, name, qtype, addresses=addresses, rcode=rcode, alias=alias)
    then = at + 6 * MS
    wire.udp(then, resolver, 53, client, port, answer)
    return then


def time_sync(wire: Wire, at: int, client: Host, server: Host) -> None:
    """An NTP question and its answer."""
    port = client.next_port()
    question = messages.ntp_request(at)
    wire.udp(at, client, port, server, 123, question)
    wire.udp(at + 600 * US, server, 123, client, port, messages.ntp_reply(question, at + 300 * US))


def boot(wire: Wire, at: int, lease: messages.Lease) -> int:
    """DHCP from discover to acknowledgement, then the address is probed and announced (RFC 5227, 2.1 and 2.3)."""
    client, server = lease.client, lease.server
    unset = Host(client.mac, bytes(4))
    everybody = packets.multicast("255.255.255.255")
    for kind in (messages.Dhcp.DISCOVER, messages.Dhcp.OFFER, messages.Dhcp.REQUEST, messages.Dhcp.ACK):
        body = messages.dhcp(kind, lease)
        if kind in {messages.Dhcp.DISCOVER, messages.Dhcp.REQUEST}:
            wire.udp(at, unset, 68, everybody, 67, body)
        else:
            wire.udp(at, server, 67, client, 68, body)
        at += 12 * MS
    wire.put(at, packets.arp(packets.ARP_REQUEST, unset, client, wire.vlan))
    at += SECOND
    wire.put(at, packets.arp(packets.ARP_REQUEST, client, client, wire.vlan))
    at += 200 * MS
    wire.arp(at, client, server)
    return at + 10 * MS


def stream_set_up(
    control: Connection,
    ip: str,
    uri: str,
    ports: tuple[int, int],
    session: str,
    *,
    audio: tuple[int, int] | None = None,
) -> None:
    """RTSP from OPTIONS to PLAY (RFC 2326); ``ports`` are the viewer's and the camera's for RTP of video and audio."""
    described = messages.sdp(ip, "Media", audio=audio is not None)
    _ask(control, 1, "OPTIONS", uri, {}, {"Public": "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"})
    _ask(control, 2, "DESCRIBE", uri, {"Accept": "application/sdp"}, {"Content-Type": "application/sdp"}, described)
    number = 3
    for track, (mine, theirs) in enumerate([ports] if audio is None else [ports, audio], start=1):
        transport = f"RTP/AVP;unicast;client_port={mine}-{mine + 1}"
        agreed = {"Session": session, "Transport": f"{transport};server_port={theirs}-{theirs + 1}"}
        asked = {"Transport": transport} if track == 1 else {"Transport": transport, "Session": session}
        _ask(control, number, "SETUP", f"{uri}/trackID={track}", asked, agreed)
        number += 1
    _ask(control, number, "PLAY", uri, {"Session": session}, {"Session": session, "Range": "npt=0.000-"})


def _ask(
    control: Connection,
    number: int,
    method: str,
    uri: str,
    asked: dict[str, str],
    told: dict[str, str],
    body: bytes = b"",
) -> None:
    control.say(messages.request(method, uri, RTSP, {"CSeq": str(number), **asked}))
    control.hear(messages.response("200 OK", RTSP, {"CSeq": str(number), **told}, body))


def view(
    wire: Wire,
    at: int,
    viewer: Host,
    camera: Host,
    rng: Random,
    *,
    pictures: int,
    every: int = SECOND,
    speech: int = 0,
) -> int:
    """RTSP until PLAY, ``pictures`` RTP packets, TEARDOWN; returns when it is over (RFC 3550).

    ``speech``: the description has an audio track too, which is set up; so many packets of it come.
    """
    ip = packets.text(camera.ip)
    uri = f"rtsp://{ip}:554/Streaming/Channels/101"
    ports = (viewer.next_port(), camera.next_port())
    heard = (viewer.next_port(), camera.next_port()) if speech else None
    session = f"{rng.getrandbits(32):08x}"
    control = Connection(wire, viewer, camera, 554, at=at, rng=rng, rtt=LAN_RTT)
    control.open()
    stream_set_up(control, ip, uri, ports, session, audio=heard)
    source, sequence, stamp = rng.getrandbits(32), rng.getrandbits(15), rng.getrandbits(31)
    for picture in range(pictures):
        ticks = stamp + picture * every * VIDEO_CLOCK // SECOND
        unit = messages.rtp(sequence + picture, ticks, source, rng.randbytes(180), last=True)
        wire.udp(control.now + picture * every, camera, ports[1], viewer, ports[0], unit)
    if heard is not None:
        for number in range(speech):
            sound = messages.rtp(
                sequence + number, stamp + number * SPEECH, source + 1, rng.randbytes(SPEECH), kind=PCMA
            )
            wire.udp(control.now + number * 20 * MS, camera, heard[1], viewer, heard[0], sound)
    control.now += pictures * every
    _ask(control, 6 if heard else 5, "TEARDOWN", uri, {"Session": session}, {})
    control.close()
    return control.now
