"""Dialogues of cameras with 40 operators, to be written again and again for other cameras.

Strategy: each is built once, packet by packet, by the same code as the scenarios, for a camera whose address is
0.0.0.0. Writing it for a real camera means to patch its MAC, address, port and IP identification and to add the
difference to the checksums (RFC 1624).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from pcaps import messages, packets, quic, tls
from pcaps.messages import Pppp, pppp
from pcaps.packets import EPHEMERAL, Host
from pcaps.site import RECORDER_MAC, ROUTER_MAC, SERVER_MAC
from pcaps.wire import MS, SECOND, START, US, Connection, Wire, lookup, stream_set_up, time_sync

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

VARIANTS: Final = 4
"""Of each kind of dialogue with each operator."""
TURN: Final = 40 * MS
"""What one turn of waiting stands for."""

VENDOR_NAMES: Final = (
    "litedev.ezvizlife.com",
    "time.ys7.com",
    "dev.ezviz7.com",
    "dev.hik-connect.com",
    "ieu.hik-proconnect.com",
    "www.easy4ipcloud.com",
    "openapi.easy4ip.com",
    "www.dahuap2pcloud.com",
    "www.lechange.com",
    "www.imoulife.com",
    "www.quickddns.com",
    "p2p.amcrestview.com",
    "ntp.lorexddns.net",
    "secu100.net",
    "push.umeye.cn",
    "tks.xmeye.net",
    "rds-viot.bcloud365.net",
    "www.xm030.cn",
    "en.ezcloud.uniview.com",
    "nat.autonat.com",
    "cli-nat20.eyeincloud.com",
    "device.provisionisr-nat2.com",
    "p2p.reolink.com",
    "dispatcher-st.axis.com",
    "config.prod.wra1.wisenetcloud.com",
    "n-device-api.tplinkcloud.com",
    "auth-prod.api.wyze.com",
    "m1.tuyaeu.com",
    "www.myfoscam.org",
    "security-device-access.ivyiot.io",
    "m1.iotcplatform.com",
    "www.kalayservice.com",
)
"""Of 32 registered domains of camera makers and platforms."""
ABROAD: Final = ("139.155.68", "47.97.12", "8.219.10", "43.156.7", "52.30.100", "54.72.18", "3.65.10", "103.235.46")
"""Networks in China, Singapore, Ireland, Germany and Hong Kong."""
AT_HOME: Final = "20.90.130"
"""Microsoft in the United Kingdom."""
OPERATORS: Final = (
    *((name, f"{ABROAD[number % len(ABROAD)]}.{10 + number}") for number, name in enumerate(VENDOR_NAMES)),
    *((f"service.site-{number}.example", f"{AT_HOME}.{10 + number}") for number in range(8)),
)
PPPP_SERVER: Final = "119.45.114.92"

WORD: Final = struct.Struct("!H")


@dataclass(slots=True)
class Caller:
    """The camera for which a dialogue is written."""

    hardware: bytes
    ip: bytes
    ip_sum: int
    """Modulo 65535."""
    ident: int
    next_port: int = EPHEMERAL.start


class Packet(NamedTuple):
    """One packet of a dialogue, for a camera at 0.0.0.0."""

    frame: bytes
    outward: bool
    """From the camera."""
    source: int
    """Which host's IP identification it takes, if it is not the camera's."""
    ip_sum: int
    sum: int
    """Of the transport, modulo 65535 like the other, both without what is patched."""
    sum_at: int
    port_at: int
    port: int
    wait: int
    """Turns to sit out before it."""


def written(packet: Packet, caller: Caller, shift: int, ident: int) -> bytearray:
    """The frame for ``caller``, its ephemeral port moved by ``shift``."""
    frame = bytearray(packet.frame)
    if packet.outward:
        frame[6:12] = caller.hardware
        frame[26:30] = caller.ip
    else:
        frame[0:6] = caller.hardware
        frame[30:34] = caller.ip
    WORD.pack_into(frame, 18, ident)
    WORD.pack_into(frame, 24, 0xFFFF - ((packet.ip_sum + ident + caller.ip_sum) % 0xFFFF or 0xFFFF))
    WORD.pack_into(frame, packet.port_at, packet.port + shift)
    # An odd sum of zero would read as "no checksum" in UDP; 0xFFFF is the same number (RFC 768).
    value = 0xFFFF - (packet.sum + caller.ip_sum + shift) % 0xFFFF
    WORD.pack_into(frame, packet.sum_at, value)
    return frame


class Dialogue(NamedTuple):
    """Some packets between a camera and others that belong together."""

    packets: tuple[Packet, ...]
    ports: int
    """How many ports it uses up."""
    media: bytes | None = None
    """Source and destination port of the video that it sets up."""


class Mix(NamedTuple):
    """Which dialogues come, in what proportion."""

    kinds: tuple[Callable[[], Dialogue], ...]
    order: tuple[int, ...]
    """Positions in ``kinds``, again and again."""


@dataclass(slots=True)
class Workshop:
    """Builds dialogues."""

    rng: Random
    sources: dict[bytes, int] = field(default_factory=dict)

    def build(self, act: Callable[[Wire, Host], None], media: tuple[int, int] | None = None) -> Dialogue:
        """``act`` puts the packets of one dialogue on a wire."""
        wire = Wire()
        camera = Host(bytes(6), bytes(4), port=EPHEMERAL.start - 1)
        act(wire, camera)
        frames = wire.frames()
        before = frames[0].ts_ns
        built = []
        for frame in frames:
            gap = frame.ts_ns - before
            before = frame.ts_ns
            built.append(self._packet(frame.data, gap // TURN if gap > SECOND // 2 else 0))
        ports = max(packet.port for packet in built) - EPHEMERAL.start + 1
        return Dialogue(tuple(built), ports, media and struct.pack("!HH", *media))

    def _packet(self, frame: bytes, wait: int) -> Packet:
        outward = frame[26:30] == bytes(4)
        sum_at = 50 if frame[23] == packets.TCP else 40
        sport, dport = struct.unpack_from("!HH", frame, 34)
        port_at, port = (34, sport) if sport in EPHEMERAL else (36, dport)
        bare = frame[14:18] + bytes(2) + frame[20:24] + frame[26:34]
        source = self.sources.setdefault(frame[26:30], len(self.sources))
        return Packet(
            frame,
            outward,
            source,
            0xFFFF - packets.checksum(bare),
            0xFFFF - WORD.unpack_from(frame, sum_at)[0],
            sum_at,
            port_at,
            port,
            wait,
        )


class Dialogues:
    """All kinds of dialogue, built once for each operator."""

    def __init__(self) -> None:
        self.workshop = Workshop(Random("dialogues"))
        self.router = Host.at("10.20.0.1", ROUTER_MAC)
        self.server = Host.at("10.20.0.2", SERVER_MAC)
        self.recorder = Host.at("10.20.0.10", RECORDER_MAC)
        self.recorder.port = EPHEMERAL.start - 1

    @property
    def rng(self) -> Random:
        """The one source of all that is made up here."""
        return self.workshop.rng

    def dns(self, name: str, ip: str) -> Dialogue:
        """Three to ten questions from one port."""
        pairs = self.rng.randrange(3, 11)

        def act(wire: Wire, camera: Host) -> None:
            port = camera.next_port()
            for number in range(pairs):
                ident = self.rng.getrandbits(16)
                qtype = messages.AAAA if number % 3 == 2 else messages.A
                at = START + number * 20 * MS
                answered = (ip,) if qtype == messages.A else ()
                wire.udp(at, camera, port, self.server, 53, messages.dns_query(ident, name, qtype))
                answer = messages.dns_answer(ident, name, qtype, addresses=answered)
                wire.udp(at + 5 * MS, self.server, 53, camera, port, answer)

        return self.workshop.build(act)

    def tls(self, name: str, ip: str, *, asks: bool = False, port: int = 443) -> Dialogue:
        """A session with some data; with ``asks`` its name is looked up first."""

        def act(wire: Wire, camera: Host) -> None:
            at = lookup(wire, START, camera, self.server, name, ip) if asks else START
            session = Connection(wire, camera, self.router.beyond(ip), port, at=at + MS, rng=self.rng)
            session.tls(self.rng, name)
            session.say(tls.application_data(self.rng, self.rng.randrange(200, 1300)))
            session.hear(tls.application_data(self.rng, self.rng.randrange(200, 1300)))
            session.close()

        return self.workshop.build(act)

    def silence(self, name: str, ip: str) -> Dialogue:
        """A name, and a SYN that nobody answers, sent three times."""

        def act(wire: Wire, camera: Host) -> None:
            at = lookup(wire, START, camera, self.server, name, ip)
            Connection(wire, camera, self.router.beyond(ip), 443, at=at + MS, rng=self.rng).unanswered()

        return self.workshop.build(act)

    def refusal(self, name: str, ip: str) -> Dialogue:
        """A name, and a SYN that is answered by RST."""

        def act(wire: Wire, camera: Host) -> None:
            at = lookup(wire, START, camera, self.server, name, ip)
            Connection(wire, camera, self.router.beyond(ip), 443, at=at + MS, rng=self.rng).reset()

        return self.workshop.build(act)

    def http(self, name: str, ip: str) -> Dialogue:
        """One request and one response."""
        size = self.rng.randrange(100, 4000)

        def act(wire: Wire, camera: Host) -> None:
            session = Connection(wire, camera, self.router.beyond(ip), 80, at=START, rng=self.rng)
            session.open()
            asked = {"Host": name, "User-Agent": "IPCamera/5.7", "Accept": "*/*"}
            session.say(messages.request("GET", f"/api/v1/status?n={size}", "HTTP/1.1", asked))
            told = {"Server": "nginx", "Content-Type": "application/octet-stream"}
            session.hear(messages.response("200 OK", "HTTP/1.1", told, self.rng.randbytes(size)))
            session.close()

        return self.workshop.build(act)

    def quic(self, name: str, ip: str) -> Dialogue:
        """A ClientHello in two Initial packets, the server's answer, and one to five packets each way."""
        turns = self.rng.randrange(1, 6)

        def act(wire: Wire, camera: Host) -> None:
            server, port = self.router.beyond(ip), camera.next_port()
            chosen, mine, theirs = (self.rng.randbytes(8) for _ in range(3))
            hello = tls.client_hello(self.rng, name, ("h3",), quic=quic.transport_parameters(mine))
            keys = quic.Keys.of(chosen, "client")
            for number, (start, end) in enumerate(((0, 1000), (1000, len(hello)))):
                part = quic.initial(keys, quic.Path(chosen, mine), number, quic.crypto(start, hello[start:end]))
                wire.udp(START + number * 50 * US, camera, port, server, 443, part)
            answer = quic.acknowledge(1) + quic.crypto(0, tls.server_hello(self.rng, hello))
            first = quic.initial(quic.Keys.of(chosen, "server"), quic.Path(mine, theirs), 0, answer, datagram=0)
            rest = quic.handshake(self.rng, quic.Path(mine, theirs), 900)
            wire.udp(START + 40 * MS, server, 443, camera, port, first + rest)
            for turn in range(turns):
                at = START + (50 + 50 * turn) * MS
                wire.udp(at, camera, port, server, 443, quic.one_rtt(self.rng, quic.Path(theirs, mine), 300))
                back = quic.one_rtt(self.rng, quic.Path(mine, theirs), 700)
                wire.udp(at + 40 * MS, server, 443, camera, port, back)

        return self.workshop.build(act)

    def ntp(self) -> Dialogue:
        """Three questions to the site's time server."""

        def act(wire: Wire, camera: Host) -> None:
            for number in range(3):
                time_sync(wire, START + number * 20 * MS, camera, self.server)

        return self.workshop.build(act)

    def pppp(self) -> Dialogue:
        """HELLO, its answer, and two ALIVE exchanges with a server of a camera P2P network."""
        kinds = ((Pppp.HELLO, Pppp.HELLO_ACK), (Pppp.ALIVE, Pppp.ALIVE_ACK), (Pppp.ALIVE, Pppp.ALIVE_ACK))

        def act(wire: Wire, camera: Host) -> None:
            server, port = self.router.beyond(PPPP_SERVER), camera.next_port()
            seen = messages.pppp_address(bytes((81, 2, 69, 142)), port)
            for number, (question, answer) in enumerate(kinds):
                at = START + number * 100 * MS
                wire.udp(at, camera, port, server, messages.PPPP_PORT, pppp(question))
                body = seen if answer == Pppp.HELLO_ACK else b""
                wire.udp(at + 40 * MS, server, messages.PPPP_PORT, camera, port, pppp(answer, body))

        return self.workshop.build(act)

    def rtsp(self, number: int) -> Dialogue:
        """The recorder sets the camera's video up anew, on ports of this dialogue; the connection stays open."""
        media = (62000 + 2 * number, 63000 + 2 * number)

        def act(wire: Wire, camera: Host) -> None:
            self.recorder.port = EPHEMERAL.start - 1
            control = Connection(wire, self.recorder, camera, 554, at=START, rng=self.rng, rtt=MS)
            control.open()
            uri = "rtsp://camera.local:554/Streaming/Channels/101"
            session = f"{self.rng.getrandbits(32):08x}"
            stream_set_up(control, "0.0.0.0", uri, (media[1], media[0]), session)  # noqa: S104  "same as the connection" in SDP

        return self.workshop.build(act, media)

    def camera_vlan(self) -> Mix:
        """What cameras say beside video."""
        kinds = [
            [self.tls(*operator, asks=True) for operator in OPERATORS for _ in range(VARIANTS)],
            [self.silence(*operator) for operator in OPERATORS],
            [self.refusal(*operator) for operator in OPERATORS],
            [self.ntp() for _ in range(VARIANTS)],
            [self.pppp() for _ in range(VARIANTS)],
            [self.rtsp(number) for number in range(4 * VARIANTS)],
            [self.http(*operator) for operator in OPERATORS],
        ]
        order = (0, 3, 0, 4, 0, 1, 5, 0, 3, 0, 6, 0, 2, 4, 0, 5, 0, 1, 3, 0)
        return Mix(tuple(map(self._prepared, kinds)), order)

    def control_mix(self) -> Mix:
        """DNS 40 %, TLS 30 %, HTTP 15 %, QUIC 10 %, time and P2P 5 % of the flows."""
        kinds = [
            [build(*operator) for operator in OPERATORS for _ in range(VARIANTS)]
            for build in (self.dns, self.tls, self.http)
        ]
        kinds.append([*(self.pppp() for _ in range(VARIANTS)), *(self.rtsp(number) for number in range(VARIANTS))])
        order = (0, 1, 0, 2, 1, 0, 4, 0, 1, 0, 2, 1, 0, 0, 1, 3, 0, 4, 1, 2)
        return Mix((*map(self._prepared, kinds), self._fresh_quic), order)

    def _prepared(self, dialogues: Sequence[Dialogue]) -> Callable[[], Dialogue]:
        return lambda: dialogues[self.rng.randrange(len(dialogues))]

    def _fresh_quic(self) -> Dialogue:
        """Built anew each time: a connection id that came again would be a migration (RFC 9000, 9)."""
        return self.quic(*OPERATORS[self.rng.randrange(len(OPERATORS))])
