"""The interface goes and comes, and the mirror dies or shows one direction only: said, counted, and got over."""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING

import pytest

from pcaps import packets
from pcaps.savefile import Frame, write
from pcaps.wire import MS, SECOND, START, Connection, Wire
from tests.app.living import Daemon, Site, wait_until
from tests.app.planted import ENOUGH_FOR_NEWS, ROUTER, attempt, camera, configured

if TYPE_CHECKING:
    from pathlib import Path

    from tests.app.living import Message


def opened_and_ended(site: Site, about: str) -> tuple[Message, Message]:
    """The two messages of the one alarm that says this."""
    wait_until(lambda: any(each["activity_id"] == 3 for each in site.told("sensor_blind", about)), f"the end: {about}")
    found = [each for each in site.told("sensor_blind", about) if each["activity_id"] in (1, 3)]
    assert [each["activity_id"] for each in found] == [1, 3], found
    assert found[0]["finding_info"]["uid"] == found[1]["finding_info"]["uid"]
    return found[0], found[1]


def seen_again(site: Site, daemon: Daemon, number: int, interface: str = "send") -> Message:
    """A camera's attempt from now on is told."""
    name = f"cam-{number}"
    site.send(attempt(number), interface=interface)
    wait_until(lambda: site.about(name), f"the attempt of {name}")
    return site.about(name)[0]


def test_a_cable_is_pulled_and_put_back(site: Site) -> None:
    """Nothing can be seen meanwhile, which is told, and counts as a gap for whatever is open; then it goes on."""
    daemon = Daemon(site, configured(4))
    seen_again(site, daemon, 0)
    site.space.ip("link", "set", "send", "down")  # the other end of the cable: no carrier
    took = wait_until(lambda: site.told("sensor_blind", "the interface is down (no carrier)"), "sensor_blind")
    assert took < 5
    health = daemon.health()
    assert (health["code"], health["blind"] is not None) == (503, True)
    assert daemon.says("interface", name="hear", state="down", reason="no carrier")
    wait_until(lambda: daemon.metric("incidents_open", 'kind="sensor_blind"') == 1, "the gauge")

    site.space.ip("link", "set", "send", "up")
    wait_until(lambda: daemon.health()["code"] == 200, "health")
    opened_and_ended(site, "hear")
    assert daemon.health()["gaps_s"] >= 1
    wait_until(lambda: daemon.metric("incidents_open", 'kind="sensor_blind"') == 0, "the gauge")
    assert seen_again(site, daemon, 1)["unmapped"]["camwarden"]["visibility"]["gaps_s"] == 0
    site.send(*(attempt(0) for _ in range(ENOUGH_FOR_NEWS)))
    wait_until(lambda: len(site.about("cam-0")) == 2, "news of what was open meanwhile")
    assert site.about("cam-0")[1]["unmapped"]["camwarden"]["visibility"]["gaps_s"] >= 1

    site.space.ip("link", "set", "hear", "down")  # our own end
    wait_until(lambda: site.told("sensor_blind", "(set down)"), "sensor_blind of our own end")
    site.space.ip("link", "set", "hear", "up")
    wait_until(lambda: daemon.health()["code"] == 200, "health")
    seen_again(site, daemon, 2)
    ledger_is_exact(daemon)
    daemon.stop()


def test_an_interface_is_removed_made_again_and_renamed(site: Site) -> None:
    """It is found again by its name, and under another one it keeps its label."""
    daemon = Daemon(site, configured(4))
    seen_again(site, daemon, 0)
    site.space.ip("link", "del", "hear")
    wait_until(lambda: site.told("sensor_blind", "the interface is gone"), "sensor_blind")
    assert daemon.health()["code"] == 503
    site.space.pair("send", "hear")
    wait_until(lambda: daemon.health()["code"] == 200, "health")
    opened_and_ended(site, "hear")
    seen_again(site, daemon, 1)

    site.space.ip("link", "set", "hear", "down")
    site.space.ip("link", "set", "hear", "name", "mirror0")
    site.space.ip("link", "set", "mirror0", "up")
    wait_until(lambda: daemon.says("interface", name="hear", state="renamed"), "the new name")
    wait_until(lambda: daemon.health()["code"] == 200, "health")
    before = daemon.metric("packets_total", 'interface="hear"')
    seen_again(site, daemon, 2)
    wait_until(lambda: daemon.metric("packets_total", 'interface="hear"') > before, "packets under the old label")
    site.space.ip("link", "del", "mirror0")
    wait_until(lambda: daemon.health()["code"] == 503, "gone again")
    site.space.pair("send", "mirror0")
    wait_until(lambda: daemon.health()["code"] == 200, "health under the new name")
    seen_again(site, daemon, 3)
    ledger_is_exact(daemon)
    daemon.stop()


def ledger_is_exact(daemon: Daemon) -> None:
    """Nothing was lost, and every packet is accounted for."""
    assert daemon.metric("kernel_drops_total") == 0
    assert daemon.health()["lost"] == 0


def test_a_dead_mirror_and_a_canary_that_is_not_seen(site: Site) -> None:
    """An interface that is up and shows nothing is told within a minute, as is a planted attempt that is missed.

    The canary is sent by the daemon itself, by a way that its tap sees, until the way is gone.
    """
    site.space.pair("out", "canary")
    site.space.ip("addr", "add", "192.0.2.1/24", "dev", "out")
    site.space.ip("neigh", "add", "192.0.2.9", "lladdr", "02:00:00:00:00:09", "dev", "out")
    tables = configured(4, canary={"address": "192.0.2.9", "every_s": 1.0})
    daemon = Daemon(site, tables, interfaces=("hear", "canary"))
    wait_until(lambda: daemon.metric("packets_total", 'interface="canary"') >= 2, "canaries")
    seen_again(site, daemon, 0)
    assert daemon.health()["code"] == 200
    assert not site.told("unexpected_contact", "192.0.2.9")

    site.space.ip("route", "del", "192.0.2.0/24", "dev", "out")
    wait_until(lambda: daemon.says("canary cannot be sent"), "a canary that cannot be sent")
    wait_until(lambda: len(alarms_open(site)) == 3, "three alarms", 45)
    assert alarms_open(site) == {"hear: no packet", "canary: no packet", "canary: the attempt"}
    health = daemon.health()
    assert (health["code"], health["alive"]) == (503, True)
    assert "is it mirrored?" in health["blind"]
    assert "canary" in health["blind"]

    site.space.ip("route", "add", "192.0.2.0/24", "dev", "out", "src", "192.0.2.1")
    seen_again(site, daemon, 1)
    wait_until(lambda: daemon.health()["code"] == 200, "health")
    wait_until(lambda: not alarms_open(site), "the end of all three")
    daemon.stop()


@pytest.mark.slow
def test_a_canary_that_another_host_plants(site: Site) -> None:
    """It is missed while everything else is seen, and found again; nobody is blamed for it."""
    daemon = Daemon(site, configured(4, canary={"address": "192.0.2.9", "every_s": 1.0, "send": False}))
    host, nowhere = camera(3), ROUTER.beyond("192.0.2.9")

    def plant() -> None:
        datagram = packets.udp(host, nowhere, host.next_port(), 9, b"canary")
        site.send(packets.frame(host, nowhere, datagram))

    for _ in range(36):  # longer than it takes to miss one
        plant()
        time.sleep(1)
    assert daemon.health()["code"] == 200
    for _ in range(36):
        site.send(attempt(0))
        time.sleep(1)
    assert alarms_open(site) == {"canary: the attempt"}
    assert daemon.health()["code"] == 503
    plant()
    wait_until(lambda: daemon.health()["code"] == 200, "health")
    daemon.stop()
    assert not site.about("cam-3")


def alarms_open(site: Site) -> set[str]:
    """What sensor_blind says at present, in short."""
    last = {each["finding_info"]["uid"]: each for each in site.told("sensor_blind")}
    said = [each["message"] for each in last.values() if each["activity_id"] != 3]
    found = set()
    for message in said:
        if "canary: the attempt" in message:
            found.add("canary: the attempt")
        else:
            found.add(f"{message.split(' on ')[1].split(':')[0]}: no packet")
    return found


def conversations(path: Path, *, both: bool) -> Path:
    """Many short conversations of a camera, of which the mirror shows ``both`` directions or the camera's alone."""
    wire, rng, host = Wire(), Random(3), camera(0)
    for number in range(30):
        one = Connection(wire, host, ROUTER.beyond("20.90.130.10"), 443, at=START + number * 100 * MS, rng=rng)
        one.tls(rng, "service.example")
        one.close()
    shown = [frame for frame in wire.frames() if both or frame.data[6:12] == host.mac]
    write(path, [Frame(frame.ts_ns - START + SECOND, frame.data) for frame in shown])
    return path


def test_a_mirror_of_one_direction(site: Site, tmp_path: Path) -> None:
    """It is told, what is judged on it says so too, and with both directions it ends."""
    daemon = Daemon(site, configured(4, group=[{"name": "cameras", "allow": ["*.example", "service.example"]}]))
    site.space.replay(conversations(tmp_path / "one.pcap", both=False), "send", "--topspeed")
    wait_until(lambda: site.told("sensor_blind", "one direction only"), "sensor_blind", 10)
    assert daemon.health()["code"] == 503
    assert seen_again(site, daemon, 1)["unmapped"]["camwarden"]["visibility"]["one_sided"]
    daemon.stop()
