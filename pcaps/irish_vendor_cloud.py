"""A camera talks to its Chinese maker's cloud, which runs on Irish addresses of an American company."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcaps import tls
from pcaps.site import HIKVISION, Site
from pcaps.wire import MINUTE, SECOND, START, Connection, lookup, view

if TYPE_CHECKING:
    from pcaps.savefile import Frame


def frames() -> list[Frame]:
    """Three sessions with one server and one with another, beside a stream to the recorder."""
    site = Site("irish_vendor_cloud")
    camera = site.camera(2, HIKVISION)
    site.housekeeping((camera, site.recorder), minutes=10)
    view(site.wire, START + 20 * SECOND, site.recorder, camera, site.rng, pictures=60, every=8 * SECOND)
    sessions = (
        (1, "dev.hik-connect.com", "52.30.100.10"),
        (3, "dev.hik-connect.com", "52.30.100.10"),
        (4, "api.hik-connect.com", "54.72.18.77"),
        (7, "dev.hik-connect.com", "52.30.100.10"),
    )
    for minute, name, ip in sessions:
        at = lookup(site.wire, START + minute * MINUTE, camera, site.server, name, ip)
        session = Connection(site.wire, camera, site.router.beyond(ip), 443, at=at + 3_000_000, rng=site.rng)
        session.tls(site.rng, name)
        for _ in range(3):
            session.say(tls.application_data(site.rng, 2400))
            session.hear(tls.application_data(site.rng, 700))
            session.now += 12 * SECOND
        session.close()
    return site.wire.frames()
