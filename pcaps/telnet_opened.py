"""A laptop scans a camera, whose Telnet is shut, opens it through the back door of the camera's maker, and logs in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pcaps.packets import Host
from pcaps.site import Site
from pcaps.wire import LAN_RTT, MINUTE, SECOND, START, Connection, view

if TYPE_CHECKING:
    from pcaps.savefile import Frame

CAMERA_MAC: Final = "00:12:16:20:00:12"
"""ICP Internet Communication Payment AG: Xiongmai's boards carry its prefix."""
LAPTOP_MAC: Final = "3c:97:0e:5a:10:88"
"""Wistron."""
SCANNED: Final = (21, 22, 23, 2323, 8080)
DOOR: Final = 9530
TELNET: Final = 23


def framed(text: str) -> bytes:
    """Behind an octet with its length, as the opener on TCP 9530 writes (public text 36028535013 on GitHub)."""
    return bytes([len(text)]) + text.encode()


def frames() -> list[Frame]:
    """Five refusals, the opener's three exchanges, and Telnet's greeting."""
    site = Site("telnet_opened")
    wire, camera = site.wire, Host.at("10.20.0.18", CAMERA_MAC)
    laptop = Host.at("10.20.0.88", LAPTOP_MAC)
    site.housekeeping((camera, site.recorder, laptop), minutes=6)
    wire.arp(START + 19 * SECOND, site.recorder, camera)
    view(wire, START + 20 * SECOND, site.recorder, camera, site.rng, pictures=60, every=5 * SECOND)
    wire.arp(START + 89 * SECOND, laptop, camera)
    for number, port in enumerate(SCANNED):
        at = START + 90 * SECOND + number * SECOND // 10
        Connection(wire, laptop, camera, port, at=at, rng=site.rng, rtt=LAN_RTT).reset()

    opener = Connection(wire, laptop, camera, DOOR, at=START + 3 * MINUTE, rng=site.rng, rtt=LAN_RTT)
    opener.open()
    number = site.rng.randrange(10**7, 10**8)
    opener.say(framed("OpenTelnet:OpenOnce"))
    opener.hear(framed(f"randNum:{number}"))
    opener.say(framed(f"randNum:{number}{site.rng.randbytes(16).hex()}"))
    opener.hear(framed("verify:OK"))
    opener.say(framed("CMD:Telnet:OpenOnce"))
    opener.hear(framed("Open:OK"))
    opener.close()

    shell = Connection(wire, laptop, camera, TELNET, at=opener.now + 4 * SECOND, rng=site.rng, rtt=LAN_RTT)
    shell.open()
    shell.hear(b"\xff\xfd\x01\xff\xfd\x1f\xff\xfb\x01\xff\xfb\x03\r\n(none) login: ")
    shell.say(b"\xff\xfb\x1f\xff\xfd\x01\xff\xfd\x03")
    shell.say(b"root\r\n")
    shell.hear(b"root\r\nPassword: ")
    shell.close()
    return wire.frames()
