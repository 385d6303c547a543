"""A service PC pushes a firmware to a camera over ISAPI; afterwards the camera recognises faces and calls its maker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pcaps import asking, packets, tls
from pcaps.packets import Host
from pcaps.site import HIKVISION, Site
from pcaps.wire import MINUTE, MS, SECOND, START, Connection, boot, lookup, view

if TYPE_CHECKING:
    from pcaps.savefile import Frame

SERVICE_MAC: Final = "00:14:22:5a:10:63"
"""Dell."""
MAGIC: Final = b"\xe9\x9a\xf7\xb6"
"""How digicap.dav begins: "SWKH" under its XOR key (hiktools)."""
IMAGE_BYTES: Final = 262_144
"""Of a hundred times as much, so that the capture stays small."""
BEFORE: Final = ("V5.7.3", "build 220315")
AFTER: Final = ("V5.7.15", "build 230313")
CLOUD: Final = "dev.hik-connect.com"
CLOUD_AT: Final = "52.30.100.10"
"""Amazon in Ireland."""
REALM: Final = "IP Camera(F1234)"


def questions(site: Site, at: int, camera: Host, version: tuple[str, str], *, updated: bool) -> None:
    """What the recorder asks each time."""
    session = asking.Session(site.wire, site.recorder, camera, site.rng, at=at, realm=REALM)
    mac = camera.mac.hex(":")
    session.ask("/ISAPI/System/deviceInfo", asking.device_info("gate-03", "DS-2CD2686G2-IZS", mac, *version))
    network = {"isSupportEZVIZ": True, "isSupportSSH": True, "isSupportWireless": False}
    smart = {"isSupportFaceDetect": True, "isSupportLineDetection": True}
    if updated:
        smart |= {"isSupportFaceContrast": True}
    session.ask("/ISAPI/System/capabilities", asking.system_capabilities(network, smart))
    session.ask("/ISAPI/System/Network/EZVIZ", asking.switch("EZVIZ", on=updated))
    session.close()


def image(site: Site) -> bytes:
    """A file that begins as Hikvision's do."""
    return MAGIC + site.rng.randbytes(IMAGE_BYTES - len(MAGIC))


def frames() -> list[Frame]:
    """Questions, the push, a restart, the same questions, and a session with a cloud in Ireland."""
    site = Site("push_update")
    wire = site.wire
    camera, service = site.camera(3, HIKVISION), Host.at("10.20.0.63", SERVICE_MAC)
    site.housekeeping((site.recorder, service), minutes=8)
    wire.arp(START + 9 * SECOND, site.recorder, camera)
    view(wire, START + 10 * SECOND, site.recorder, camera, site.rng, pictures=150)
    questions(site, START + 20 * SECOND, camera, BEFORE, updated=False)

    wire.arp(START + 179 * SECOND, service, camera)
    push = asking.Session(wire, service, camera, site.rng, at=START + 3 * MINUTE, realm=REALM)
    push.call("PUT", "/ISAPI/System/updateFirmware", image(site))
    push.call("PUT", "/ISAPI/System/reboot", b"")
    done = push.close()

    ready = boot(wire, done + 70 * SECOND, site.lease(camera, "gate-03", "udhcp 1.31.1"))
    wire.put(ready + 2 * SECOND, packets.arp(packets.ARP_REPLY, camera, camera))
    at = lookup(wire, ready + 20 * SECOND, camera, site.server, CLOUD, CLOUD_AT)
    session = Connection(wire, camera, site.router.beyond(CLOUD_AT), 443, at=at + 2 * MS, rng=site.rng)
    session.tls(site.rng, CLOUD)
    session.say(tls.application_data(site.rng, 900))
    session.hear(tls.application_data(site.rng, 400))
    session.close()
    questions(site, ready + 40 * SECOND, camera, AFTER, updated=True)
    view(wire, ready + 50 * SECOND, site.recorder, camera, site.rng, pictures=60)
    return wire.frames()
