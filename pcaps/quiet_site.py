"""A site as it should be: twelve cameras, a recorder, and one update check at home that a rule allows."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from pcaps import messages, packets, tls
from pcaps.site import AXIS, Site
from pcaps.wire import MINUTE, MS, SECOND, START, Connection, lookup, time_sync, view

if TYPE_CHECKING:
    from pcaps.packets import Host
    from pcaps.savefile import Frame

MDNS: Final = 5353
CAMERAS: Final = 12
MINUTES: Final = 8
UPDATES: Final = "updates.fleet.example"
UPDATES_AT: Final = "20.90.130.14"
"""Microsoft in the United Kingdom."""


def renew(site: Site, at: int, camera: Host) -> None:
    """Half a lease is over: request and acknowledgement, unicast (RFC 2131, 4.4.5)."""
    lease = site.lease(camera, f"axis-{camera.mac.hex()}", "AXIS,Network Camera,P3245-LV,10.12.182")
    site.wire.udp(at, camera, 68, site.router, 67, messages.dhcp(messages.Dhcp.REQUEST, lease, renewal=True))
    site.wire.udp(at + 4 * MS, site.router, 67, camera, 68, messages.dhcp(messages.Dhcp.ACK, lease, renewal=True))


def announce(site: Site, at: int, camera: Host) -> None:
    """``_axis-video._tcp`` by multicast DNS (RFC 6762)."""
    serial = camera.mac.hex().upper()
    body = messages.mdns_announcement(
        "_axis-video._tcp.local",
        f"AXIS P3245-LV - {serial}",
        f"axis-{serial.lower()}.local",
        camera.ip,
        f"macaddress={serial}",
    )
    group = packets.multicast("224.0.0.251")
    datagram = struct.pack("!HHHH", MDNS, MDNS, 8 + len(body), 0) + body
    sealed = packets.with_checksum(camera, group, packets.UDP, datagram, 6)
    packet = packets.ip(camera, group, packets.UDP, sealed, ttl=255)
    site.wire.send(at, camera, group, packet)


def frames() -> list[Frame]:
    """Lease, name, time and stream of each camera; every third one asks whether there is an update."""
    site = Site("quiet_site")
    cameras = [site.camera(11 + number, AXIS) for number in range(CAMERAS)]
    updates = site.router.beyond(UPDATES_AT, ttl=55)
    time_sync(site.wire, START + SECOND, site.recorder, site.server)
    site.housekeeping(cameras, minutes=MINUTES)
    for number, camera in enumerate(cameras):
        at = START + (10 + 5 * number) * SECOND
        renew(site, at, camera)
        announce(site, at + SECOND, camera)
        site.wire.arp(at + 2 * SECOND, site.recorder, camera)
        view(site.wire, at + 3 * SECOND, site.recorder, camera, site.rng, pictures=24, every=15 * SECOND)
        if number % 3 == 0:
            then = lookup(site.wire, at + 2 * MINUTE, camera, site.server, UPDATES, UPDATES_AT)
            session = Connection(site.wire, camera, updates, 443, at=then + 2 * MS, rng=site.rng, rtt=9 * MS)
            session.tls(site.rng, UPDATES)
            session.say(tls.application_data(site.rng, 400))
            session.hear(tls.application_data(site.rng, 600))
            session.close()
    return site.wire.frames()
