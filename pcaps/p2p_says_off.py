"""A camera answers the recorder that its peer-to-peer service is off, and logs in to a peer-to-peer network abroad."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from pcaps import asking
from pcaps.hardcoded_p2p import ANSWERING
from pcaps.messages import PPPP_PORT, Pppp, pppp, pppp_address, pppp_uid
from pcaps.site import DAHUA, Site
from pcaps.wire import MINUTE, MS, SECOND, START, view

if TYPE_CHECKING:
    from pcaps.savefile import Frame

T2U: Final = "/cgi-bin/configManager.cgi?action=getConfig&name=T2UServer"
OFF: Final = b"table.T2UServer.Enable=false\r\ntable.T2UServer.RegServerAddress=\r\n"
"""As Dahua's CGI writes it (public text 69651548647 on GitHub)."""
TEXT: Final = "text/plain;charset=utf-8"
REALM: Final = "Login to 6J0C3B1PAZ4F2E8"


def frames() -> list[Frame]:
    """Asked twice; between and after, a log-in and what keeps it alive."""
    site = Site("p2p_says_off")
    wire, camera = site.wire, site.camera(4, DAHUA)
    site.housekeeping((camera, site.recorder), minutes=6)
    wire.arp(START + 9 * SECOND, site.recorder, camera)
    view(wire, START + 10 * SECOND, site.recorder, camera, site.rng, pictures=60, every=5 * SECOND)
    for minute in (1, 4):
        session = asking.Session(wire, site.recorder, camera, site.rng, at=START + minute * MINUTE, realm=REALM)
        session.ask(
            "/cgi-bin/magicBox.cgi?action=getSoftwareVersion", b"version=2.820.0000000.48.R,build:2023-05-22\r\n", TEXT
        )
        session.ask(T2U, OFF, TEXT)
        session.close()
    port, server = camera.next_port(), site.router.beyond(ANSWERING)
    login = pppp_uid("DHIP", 301877, "KWXPQ") + bytes((1, 2, 1, 0)) + pppp_address(camera.ip, port)
    exchanges = (
        (0, pppp(Pppp.HELLO), pppp(Pppp.HELLO_ACK, pppp_address(bytes((81, 2, 69, 142)), port))),
        (SECOND, pppp(Pppp.DEV_LGN, login), pppp(Pppp.DEV_LGN_ACK, struct.pack("!I", 0))),
        *((turn * 20 * SECOND, pppp(Pppp.ALIVE), pppp(Pppp.ALIVE_ACK)) for turn in range(1, 12)),
    )
    for after, question, answer in exchanges:
        wire.udp(START + 2 * MINUTE + after, camera, port, server, PPPP_PORT, question)
        wire.udp(START + 2 * MINUTE + after + 31 * MS, server, PPPP_PORT, camera, port, answer)
    return wire.frames()
