"""Hours of a site with fifty cameras, second by second, without a file: what passes a mirror port.

Each camera sends video to the recorder (RTP over UDP), asks for the time and for the recorder's name, renews its lease,
is looked at, boots once a day, and is silent for a quarter of an hour now and then. Office machines talk to servers
outside. Some cameras call home: those calls are ``planted``.
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final

from collectors.blocks import Block, Interface
from pcaps import messages, packets
from pcaps.packets import Host
from pcaps.site import Site
from pcaps.wire import MINUTE, SECOND, START, Connection, boot, lookup, time_sync, view

if TYPE_CHECKING:
    from collections.abc import Sequence


CAMERAS: Final = 50
RATE: Final = 4
"""Video packets of a camera each second: 200 of all, as a mirror with sampling shows."""
VIDEO_BYTES: Final = 1000
HOUR: Final = 60 * MINUTE
CALLS: Final = 10
"""Cameras that call somebody new, each hour."""
OFFICE: Final = 20
SERVERS: Final = 200
ROOM: Final = 1 << 20
"""For the frames of one second that are no video."""
SLOT: Final = struct.Struct("!HI")
"""Sequence number and timestamp of RTP (RFC 3550, 5.1)."""
RTP: Final = 42
"""Offset of the RTP header behind Ethernet, IPv4 and UDP."""
AWAY: Final = 15 * MINUTE
"""How long a camera is silent: longer than it takes to be told of (limits.silent_minutes)."""
BOOT: Final = MINUTE
EUROPE: Final = ("updates.fleet.example", "212.58.237.1")
"""Allowed by the configuration; of the BBC's network, in the home country."""


@dataclass(frozen=True, slots=True)
class Call:
    """One planted call home."""

    camera: int
    address: str
    at: int
    """Packet time, nanoseconds."""


class Traffic:
    """The site. ``second`` is called for one second after the other."""

    def __init__(self, addresses: Sequence[str], *, cameras: int = CAMERAS) -> None:
        """``addresses``: one for each hour, of operators that differ."""
        self._site = Site("day")
        self._rng = Random("day")
        self._addresses = addresses
        self._cameras = [self._site.camera(number, "44:19:b6") for number in range(1, cameras + 1)]
        self._office = [Host.at(f"10.20.7.{number + 1}", f"00:14:22:7a:00:{number:02x}") for number in range(OFFICE)]
        self._servers = [f"151.101.{number // 100}.{number % 100 + 1}" for number in range(SERVERS)]
        self.planted: list[Call] = []
        self._video = b"".join(self._mould(camera) for camera in self._cameras)
        self._memory = bytearray(self._video) + bytearray(ROOM)
        self._width = len(self._video) // cameras
        self._sequence = 0
        self._absent: dict[int, int] = {}
        """Camera by number: until when it sends nothing."""
        self._interfaces = (Interface("hear", 1),)
        self.packets = 0

    def tables(self) -> dict[str, Any]:
        """The configuration's tables about this site."""
        return {
            "site": {"home": ["GB"], "resolvers": ["10.20.0.2"], "time_servers": ["10.20.0.2"]},
            "group": [{"name": "cameras", "allow": [f"{EUROPE[0]} tcp/443"]}],
            "device": [
                {"name": f"camera-{number}", "ip": packets.text(host.ip), "group": "cameras"}
                for number, host in enumerate(self._cameras)
            ],
        }

    def second(self, number: int) -> Block:
        """What passes in the second that begins at START + ``number`` seconds."""
        now = START + number * SECOND
        self._happen(number, now)
        rows = self._stream(now)
        at = len(self._video)
        for frame in self._site.wire.drain(now + SECOND):
            rows.append((max(frame.ts_ns, now), at, len(frame.data)))
            self._memory[at : at + len(frame.data)] = frame.data
            at += len(frame.data)
        rows.sort()
        index = array("q", [cell for ts, place, size in rows for cell in (ts, place, size, size, 0)])
        self.packets += len(rows)
        return Block(self._memory, index, len(rows), self._interfaces)

    def _mould(self, camera: Host) -> bytes:
        payload = messages.rtp(0, 0, int.from_bytes(camera.ip, "big"), self._rng.randbytes(VIDEO_BYTES), last=True)
        packet = packets.udp(camera, self._site.recorder, 50_000, 50_002 + 2 * camera.ip[-1], payload)
        return packets.frame(camera, self._site.recorder, packet) * RATE

    def _stream(self, now: int) -> list[tuple[int, int, int]]:
        size, rows = self._width // RATE, []
        self._sequence = (self._sequence + RATE) & 0xFFFF
        for number in range(len(self._cameras)):
            if self._absent.get(number, 0) > now:
                continue
            for turn in range(RATE):
                at = number * self._width + turn * size
                ts = now + turn * (SECOND // RATE) + number * 1_000_000
                SLOT.pack_into(self._memory, at + RTP + 2, (self._sequence + turn) & 0xFFFF, ts // 11_111 & 0xFFFFFFFF)
                rows.append((ts, at, size))
        return rows

    def _happen(self, number: int, now: int) -> None:
        """Begin what begins in this second."""
        site, rng, wire = self._site, self._rng, self._site.wire
        hour, within = divmod(number, 3600)
        for camera, host in enumerate(self._cameras):
            phase = number + 61 * camera
            if self._absent.get(camera, 0) > now:
                continue
            if phase % 1024 == 5:
                time_sync(wire, now, host, site.server)
            if phase % 1800 == 7:
                lookup(wire, now, host, site.server, "recorder.fleet.example", "10.20.0.10")
            if phase % 3600 == 9:
                self._update(now, host)
            if phase % 21_600 == 11:
                lease = site.lease(host, f"camera-{camera}", "dhcpcd")
                wire.udp(now, host, 68, site.router, 67, messages.dhcp(messages.Dhcp.REQUEST, lease, renewal=True))
                wire.udp(
                    now + 9_000_000, site.router, 67, host, 68, messages.dhcp(messages.Dhcp.ACK, lease, renewal=True)
                )
            if phase % 7200 == 13:
                view(wire, now, site.recorder, host, rng, pictures=5)
            if phase % 86_400 == 40_000:
                self._absent[camera] = now + BOOT
                boot(wire, now + BOOT, site.lease(host, f"camera-{camera}", "dhcpcd"))
            elif phase % 43_200 == 20_000:
                self._absent[camera] = now + AWAY
        for _ in range(1):
            host = self._office[rng.randrange(OFFICE)]
            there = site.router.beyond(self._servers[rng.randrange(SERVERS)])
            talk = Connection(wire, host, there, 443, at=now, rng=rng)
            talk.tls(rng, "www.news.example")
            talk.close()
        if within % 300 == 150 and within // 300 < CALLS:
            self._call(hour, (hour * CALLS + within // 300) % len(self._cameras), now)

    def _update(self, now: int, host: Host) -> None:
        site, (name, address) = self._site, EUROPE
        then = lookup(site.wire, now, host, site.server, name, address)
        check = Connection(site.wire, host, site.router.beyond(address), 443, at=then + 1_000_000, rng=self._rng)
        check.tls(self._rng, name)
        check.close()

    def _call(self, hour: int, camera: int, now: int) -> None:
        """A camera calls somebody: by a name that it asked for, or by an address that nobody answers at."""
        if hour >= len(self._addresses) or self._absent.get(camera, 0) > now:
            return
        site, host, address = self._site, self._cameras[camera], self._addresses[hour]
        there = site.router.beyond(address)
        self.planted.append(Call(camera, address, now))
        if camera % 2:
            Connection(site.wire, host, there, 8800, at=now, rng=self._rng).unanswered()
            return
        name = f"hub.cloud-{hour}.example"
        then = lookup(site.wire, now, host, site.server, name, address)
        call = Connection(site.wire, host, there, 443, at=then + 1_000_000, rng=self._rng)
        call.tls(self._rng, name)
        call.close()
