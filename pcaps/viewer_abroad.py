"""A workstation views cameras on the LAN and calls abroad; the cameras themselves do nothing wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pcaps import tls
from pcaps.packets import Host
from pcaps.site import AXIS, HIKVISION, Site
from pcaps.wire import MINUTE, MS, SECOND, START, Connection, lookup, view

if TYPE_CHECKING:
    from pcaps.savefile import Frame

NAME: Final = "hm.baidu.com"
REMOTE: Final = "103.235.46.40"
"""Baidu in Hong Kong."""


def frames() -> list[Frame]:
    """Two streams of 2 minutes, two sessions with a web-analytics server."""
    site = Site("viewer_abroad")
    viewer = Host.at("10.20.0.60", "00:14:22:5a:10:60")
    gate, hall = site.camera(7, HIKVISION), site.camera(8, AXIS)
    site.housekeeping((viewer, gate, hall), minutes=6)
    for camera, second in ((gate, 20), (hall, 26)):
        wire_time = START + second * SECOND
        site.wire.arp(wire_time - SECOND, viewer, camera)
        view(site.wire, wire_time, viewer, camera, site.rng, pictures=30, every=4 * SECOND)
    for minute in (3, 5):
        at = lookup(site.wire, START + minute * MINUTE, viewer, site.server, NAME, REMOTE)
        session = Connection(site.wire, viewer, site.router.beyond(REMOTE), 443, at=at + 2 * MS, rng=site.rng)
        session.tls(site.rng, NAME, alpn=("h2", "http/1.1"), grease=True)
        session.say(tls.application_data(site.rng, 1300))
        session.hear(tls.application_data(site.rng, 5200))
        session.close()
    return site.wire.frames()
