"""A mirror shows each packet of a small call-home twice, one direction tagged; nothing may count double."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pcaps import packets, tls
from pcaps.packets import Host
from pcaps.savefile import Frame
from pcaps.site import REOLINK, Site
from pcaps.wire import MINUTE, MS, START, US, Connection, lookup

if TYPE_CHECKING:
    from collections.abc import Iterator

VLAN: Final = 20
UPSTREAM: Final = Host.at("192.0.2.1", "00:00:0c:07:ac:fe")
"""The next router, which is on the second span's link; its address is never seen."""
NAME: Final = "apis.reolink.com"
ANSWERS: Final = "3.65.10.20"
SILENT: Final = "52.58.61.9"
ETHERNET: Final = 14


def twice(number: int, frame: Frame, camera: Host, router: Host) -> Iterator[Frame]:
    """The frame as both spans see it: what comes in is tagged, every second packet goes out is seen routed too."""
    inbound = frame.data[:6] == camera.mac
    data = frame.data
    if inbound:
        tag = packets.ETHERTYPE_VLAN.to_bytes(2, "big") + VLAN.to_bytes(2, "big")
        data = data[:12] + tag + data[12:]
    yield Frame(frame.ts_ns, data)
    later = frame.ts_ns + (3 + number % 5) * US
    ip = data[12:14] == packets.ETHERTYPE_IPV4.to_bytes(2, "big")
    if ip and not inbound and data[30:32] != b"\x0a\x14" and number % 2 == 0:
        length = int.from_bytes(data[16:18], "big")
        onward = packets.one_hop_on(data[ETHERNET : ETHERNET + length])
        yield Frame(later, packets.frame(Host(router.mac, b""), UPSTREAM, onward))
    else:
        yield Frame(later, data)


def frames() -> list[Frame]:
    """Two sessions with the maker's cloud and three attempts that nobody answers."""
    site = Site("duplicate_mirror")
    camera = site.camera(40, REOLINK)
    site.housekeeping((camera,), minutes=6)
    for minute in (1, 3):
        at = lookup(site.wire, START + minute * MINUTE, camera, site.server, NAME, ANSWERS, SILENT)
        session = Connection(site.wire, camera, site.router.beyond(ANSWERS), 443, at=at + 2 * MS, rng=site.rng)
        session.tls(site.rng, NAME)
        session.say(tls.application_data(site.rng, 3000))
        session.hear(tls.application_data(site.rng, 900))
        session.close()
    silent = site.router.beyond(SILENT)
    for minute in (2, 4, 5):
        Connection(site.wire, camera, silent, 443, at=START + minute * MINUTE, rng=site.rng).unanswered()
    seen = [
        copy for number, frame in enumerate(site.wire.frames()) for copy in twice(number, frame, camera, site.router)
    ]
    return sorted(seen, key=lambda frame: frame.ts_ns)
