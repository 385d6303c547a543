"""A dual-stack camera makes itself an address and reaches out over IPv6: its maker answers, another end does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pcaps import messages, packets, tls
from pcaps.packets import Host
from pcaps.site import UNIVIEW, Site
from pcaps.wire import MINUTE, MS, SECOND, START, Connection, lookup

if TYPE_CHECKING:
    from pcaps.savefile import Frame

PREFIX: Final = "2001:db8:20::"
CLOUD: Final = "240b:4001:280:1f00:6ab2:9d10:77c4:21e8"
"""Alibaba in Singapore."""
OTHER: Final = "240d:c000:2010:1a80:0:9a2c:51b3:7e04"
"""Tencent in Singapore."""


def frames() -> list[Frame]:
    """SLAAC with duplicate address detection, then two answered and three unanswered attempts."""
    site = Site("ipv6_abroad")
    wire = site.wire
    camera = site.camera(6, UNIVIEW)
    local = Host(camera.mac, packets.link_local(camera.mac))
    public = Host(camera.mac, packets.eui64(PREFIX, camera.mac))
    router = Host(site.router.mac, packets.link_local(site.router.mac))

    at = START + SECOND
    wire.arp(at, camera, site.router)
    for address in (local, public):
        unset = Host(camera.mac, bytes(16))
        group, probe = packets.neighbour_solicitation(unset, address.ip)
        wire.send(at, unset, group, probe)
        at += 1100 * MS
        if address is local:
            wire.send(at, local, packets.multicast("ff02::2"), packets.router_solicitation(local))
            announced = packets.router_advertisement(router, PREFIX)
            wire.send(at + 8 * MS, router, packets.multicast("ff02::1"), announced)
            at += 200 * MS
    group, question = packets.neighbour_solicitation(public, router.ip)
    wire.send(at, public, group, question)
    wire.send(at + MS, router, public, packets.neighbour_advertisement(router, public))
    site.housekeeping((camera,), minutes=6)

    name = "en.ezcloud.uniview.com"
    for minute in (1, 4):
        then = lookup(wire, START + minute * MINUTE, camera, site.server, name, CLOUD, qtype=messages.AAAA)
        session = Connection(wire, public, router.beyond(CLOUD), 443, at=then + 2 * MS, rng=site.rng)
        session.tls(site.rng, name)
        session.say(tls.application_data(site.rng, 900))
        session.hear(tls.application_data(site.rng, 1800))
        session.close()
    for minute in (2, 3, 5):
        Connection(wire, public, router.beyond(OTHER), 443, at=START + minute * MINUTE, rng=site.rng).unanswered()
    return wire.frames()
