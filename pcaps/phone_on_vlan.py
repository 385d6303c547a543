"""Somebody's phone is on the camera network and uses the camera makers' apps; the camera beside it is silent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pcaps import tls
from pcaps.hardcoded_p2p import ANSWERING, SILENT
from pcaps.messages import PPPP_PORT, Pppp, pppp, pppp_address, pppp_uid
from pcaps.packets import Host
from pcaps.site import HIKVISION, Site
from pcaps.wire import MINUTE, MS, SECOND, START, Connection, boot, lookup, view

if TYPE_CHECKING:
    from pcaps.savefile import Frame

PHONE_MAC: Final = "da:a1:19:4e:07:3c"
"""Locally administered: phones make one up for each network."""
APPS: Final = (
    ("api.hik-connect.com", "54.251.110.3"),
    ("www.easy4ipcloud.com", "47.241.20.9"),
    ("courier.push.apple.com", "17.57.146.20"),
)


def frames() -> list[Frame]:
    """DHCP, three apps over TLS, and a P2P client that asks for somebody's camera."""
    site = Site("phone_on_vlan")
    wire = site.wire
    camera = site.camera(9, HIKVISION)
    site.housekeeping((camera, site.recorder), minutes=6)
    view(wire, START + 10 * SECOND, site.recorder, camera, site.rng, pictures=30, every=10 * SECOND)

    phone = Host.at("10.20.0.77", PHONE_MAC)
    ready = boot(wire, START + 30 * SECOND, site.lease(phone, "Galaxy-S23", "android-dhcp-14"))
    for number, (name, ip) in enumerate(APPS):
        at = lookup(wire, ready + (5 + 40 * number) * SECOND, phone, site.server, name, ip)
        session = Connection(wire, phone, site.router.beyond(ip), 443, at=at + 2 * MS, rng=site.rng)
        session.tls(site.rng, name, alpn=("h2", "http/1.1"), grease=True)
        session.say(tls.application_data(site.rng, 1100))
        session.hear(tls.application_data(site.rng, 4200))
        session.close()

    at = START + 3 * MINUTE
    port = phone.next_port()
    wanted = pppp_uid("VSTC", 512077, "LKJHG") + pppp_address(phone.ip, port)
    for address in (*SILENT, ANSWERING):
        wire.udp(at, phone, port, site.router.beyond(address), PPPP_PORT, pppp(Pppp.HELLO))
        wire.udp(at + 2 * SECOND, phone, port, site.router.beyond(address), PPPP_PORT, pppp(Pppp.P2P_REQ, wanted))
    server = site.router.beyond(ANSWERING)
    seen = pppp_address(bytes((81, 2, 69, 142)), port)
    wire.udp(at + 31 * MS, server, PPPP_PORT, phone, port, pppp(Pppp.HELLO_ACK, seen))
    there = pppp_address(bytes((81, 2, 69, 150)), 21043)
    wire.udp(at + 2 * SECOND + 31 * MS, server, PPPP_PORT, phone, port, pppp(Pppp.P2P_REQ_ACK, bytes(4)))
    wire.udp(at + 2 * SECOND + 60 * MS, server, PPPP_PORT, phone, port, pppp(Pppp.PUNCH_TO, there))
    return wire.frames()
