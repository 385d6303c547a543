"""A no-name camera boots and greets three hard-coded servers of a camera P2P network; one of them answers."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from pcaps.messages import PPPP_PORT, Pppp, pppp, pppp_address, pppp_uid
from pcaps.packets import Host
from pcaps.site import Site
from pcaps.wire import MINUTE, MS, SECOND, START, boot, time_sync

if TYPE_CHECKING:
    from pcaps.savefile import Frame

SILENT: Final = ("139.155.68.77", "119.45.114.92")
ANSWERING: Final = "162.62.63.154"
"""With the two silent ones, what cameras of the iLnk family carry in their firmware."""
SILENT_HELLOS: Final = (0, 2, 4, 60, 120, 180, 240)
"""Seconds after the first; each is an attempt."""
CAMERA_MAC: Final = "44:29:1e:31:7c:02"
"""AltoBeam, a Wi-Fi chip: such cameras have no prefix of their own."""
MINUTES: Final = 5


def frames() -> list[Frame]:
    """DHCP first, so that it is known that no name was looked up."""
    site = Site("hardcoded_p2p")
    camera = Host.at("10.20.0.15", CAMERA_MAC)
    ready = boot(site.wire, START + SECOND, site.lease(camera, "IPCAM", "udhcp 1.24.1"))
    time_sync(site.wire, ready, camera, site.server)
    at = ready + 2 * SECOND
    port = camera.next_port()
    for address in SILENT:
        for after in SILENT_HELLOS:
            site.wire.udp(at + after * SECOND, camera, port, site.router.beyond(address), PPPP_PORT, pppp(Pppp.HELLO))
            at += MS
    server = site.router.beyond(ANSWERING)
    login = pppp_uid("VSTC", 648113, "RWXQK") + bytes((1, 2, 1, 0)) + pppp_address(camera.ip, port)
    seen = pppp_address(bytes((81, 2, 69, 142)), port)
    exchanges = (
        (0, pppp(Pppp.HELLO), pppp(Pppp.HELLO_ACK, seen)),
        (SECOND, pppp(Pppp.DEV_LGN, login), pppp(Pppp.DEV_LGN_ACK, struct.pack("!I", 0))),
        *((turn * 15 * SECOND, pppp(Pppp.ALIVE), pppp(Pppp.ALIVE_ACK)) for turn in range(1, 4 * MINUTES)),
    )
    for after, question, answer in exchanges:
        site.wire.udp(at + after, camera, port, server, PPPP_PORT, question)
        site.wire.udp(at + after + 31 * MS, server, PPPP_PORT, camera, port, answer)
    time_sync(site.wire, START + MINUTES * MINUTE, camera, site.server)
    return site.wire.frames()
