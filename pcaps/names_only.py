"""Cameras look up their makers' clouds and never connect: the network would not let them, or the name is sunk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcaps import messages
from pcaps.site import DAHUA, HIKVISION, Site
from pcaps.wire import MINUTE, SECOND, START, lookup

if TYPE_CHECKING:
    from pcaps.savefile import Frame


def frames() -> list[Frame]:
    """One camera is told an address or that there is none, the other a sinkhole's 0.0.0.0."""
    site = Site("names_only")
    gate, office = site.camera(3, HIKVISION), site.camera(4, DAHUA)
    site.housekeeping((gate, office, site.recorder), minutes=8)
    for turn in range(3):
        at = START + (30 + 110 * turn) * SECOND
        lookup(site.wire, at, gate, site.server, "dev.hik-connect.com", "52.30.100.10")
        lookup(site.wire, at + SECOND, gate, site.server, "api.hik-connect.com", rcode=messages.NXDOMAIN)
        lookup(site.wire, at + 9 * SECOND, office, site.server, "www.easy4ipcloud.com", "0.0.0.0")  # noqa: S104  a sinkhole's answer
        lookup(site.wire, at + 10 * SECOND, office, site.server, "p2pregister.easy4ipcloud.com", "0.0.0.0")  # noqa: S104  likewise
    site.wire.arp(START + 8 * MINUTE, gate, site.router)
    return site.wire.frames()
