"""A camera and a recorder whose pages of the ledger show every state that a function can be in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pcaps import asking, tls
from pcaps.packets import Host
from pcaps.site import HIKVISION, Site
from pcaps.wire import LAN_RTT, MINUTE, MS, SECOND, START, Connection, lookup, view

if TYPE_CHECKING:
    from pcaps.savefile import Frame

DESK_MAC: Final = "00:14:22:5a:10:71"
"""Dell."""
CLOUD: Final = "litedev.ezvizlife.com"
CLOUD_AT: Final = "54.72.18.77"
"""Amazon in Ireland."""
GREETING: Final = b"SSH-2.0-dropbear_2020.81\r\n"


def ask_camera(site: Site, at: int, camera: Host) -> None:
    """What it supports, and how three of its switches stand."""
    session = asking.Session(site.wire, site.recorder, camera, site.rng, at=at, realm="IP Camera(G4411)")
    mac = camera.mac.hex(":")
    session.ask(
        "/ISAPI/System/deviceInfo", asking.device_info("gate-05", "DS-2CD2143G2-I", mac, "V5.7.3", "build 220315")
    )
    network = {"isSupportEZVIZ": True, "isSupportEhome": True, "isSupportSSH": True, "isSupportWireless": False}
    smart = {"isSupportFaceContrast": True, "isSupportFaceDetect": True}
    session.ask("/ISAPI/System/capabilities", asking.system_capabilities(network, smart))
    session.ask("/ISAPI/System/Network/EZVIZ", asking.switch("EZVIZ", on=False))
    session.ask("/ISAPI/System/Network/Ehome", asking.switch("Ehome", on=True))
    session.ask("/ISAPI/System/Network/ssh", asking.switch("SSH", on=False))
    session.close()


def ask_recorder(site: Site, at: int, desk: Host) -> None:
    """Likewise."""
    session = asking.Session(site.wire, desk, site.recorder, site.rng, at=at, realm="DVR(R2207)")
    mac = site.recorder.mac.hex(":")
    session.ask(
        "/ISAPI/System/deviceInfo", asking.device_info("recorder", "DS-7616NXI-K2", mac, "V4.61.005", "build 220905")
    )
    network = {"isSupportEZVIZ": True, "isSupportDdns": True, "isSupportSSH": True, "isSupportWireless": False}
    session.ask("/ISAPI/System/capabilities", asking.system_capabilities(network, {"isSupportFaceContrast": True}))
    session.ask("/ISAPI/System/Network/EZVIZ", asking.switch("EZVIZ", on=False))
    session.ask("/ISAPI/System/Network/ssh", asking.switch("SSH", on=True))
    session.close()


def greeted(site: Site, at: int, desk: Host, device: Host, port: int, greeting: bytes) -> None:
    """A service of a device answers."""
    shell = Connection(site.wire, desk, device, port, at=at, rng=site.rng, rtt=LAN_RTT)
    shell.open()
    shell.hear(greeting)
    shell.close()


def frames() -> list[Frame]:
    """A stream, questions, services that answer or refuse, and a session with a cloud that is said to be off."""
    site = Site("ledger_states")
    wire, camera, desk = site.wire, site.camera(5, HIKVISION), Host.at("10.20.0.71", DESK_MAC)
    site.housekeeping((camera, site.recorder, desk), minutes=6)
    view(wire, START + 20 * SECOND, site.recorder, camera, site.rng, pictures=30, every=10 * SECOND)
    ask_camera(site, START + 40 * SECOND, camera)
    ask_recorder(site, START + 60 * SECOND, desk)
    greeted(site, START + 80 * SECOND, desk, camera, 23, b"\xff\xfd\x01\xff\xfd\x1f\xff\xfb\x01\xff\xfb\x03\r\nlogin: ")
    greeted(site, START + 90 * SECOND, desk, site.recorder, 22, GREETING)
    for number, device in enumerate((camera, site.recorder)):
        at = START + (100 + number) * SECOND
        Connection(wire, desk, device, 21, at=at, rng=site.rng, rtt=LAN_RTT).reset()
    at = lookup(wire, START + 3 * MINUTE, camera, site.server, CLOUD, CLOUD_AT)
    session = Connection(wire, camera, site.router.beyond(CLOUD_AT), 443, at=at + 2 * MS, rng=site.rng)
    session.tls(site.rng, CLOUD)
    session.say(tls.application_data(site.rng, 800))
    session.hear(tls.application_data(site.rng, 300))
    session.close()
    return wire.frames()
