"""The broker goes and comes back, or is there and cannot be reached: no message is lost, and none overtakes another."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.app.living import BROKER_PORT, MOSQUITTO, Daemon, Site, answers, wait_until
from tests.app.planted import attempt, configured
from tests.collectors.namespaces import Namespace

if TYPE_CHECKING:
    from collections.abc import Iterator

CAMERAS = 250


def uids(site: Site) -> list[str]:
    """Of messages, as they first came."""
    return [body["metadata"]["uid"] for _, body in site.received()]


def journalled(daemon: Daemon) -> list[str]:
    return [body["metadata"]["uid"] for body in daemon.journal()]


def seen(site: Site, daemon: Daemon, first: int, last: int) -> None:
    """Attempts of these cameras are in the journal."""
    before = len(daemon.journal())
    site.send(*(attempt(number) for number in range(first, last)))
    wait_until(lambda: len(daemon.journal()) >= before + last - first, "the journal")


def test_a_broker_is_killed_and_started_again(site: Site) -> None:
    """What happened meanwhile comes afterwards, in order; the capture does not notice."""
    daemon = Daemon(site, configured(CAMERAS))
    seen(site, daemon, 0, 50)
    site.broker.process.kill()
    site.broker.process.wait()
    wait_until(lambda: daemon.health()["mqtt_connected"] is False, "the loss of the broker")
    assert daemon.health()["mqtt_error"]
    assert daemon.health()["code"] == 200  # it sees, and writes down what it sees
    assert daemon.says("mqtt_lost")
    seen(site, daemon, 50, CAMERAS)
    wait_until(lambda: daemon.metric("outbox_depth", 'sink="mqtt"') >= CAMERAS - 50, "what is owed")
    assert daemon.metric("sink_up", 'sink="mqtt"') == 0

    site.begin_broker()
    wait_until(lambda: daemon.health()["mqtt_connected"], "the broker's return", 20)
    wait_until(lambda: uids(site) == journalled(daemon), "all messages in order", 10)
    wait_until(lambda: daemon.metric("outbox_depth", 'sink="mqtt"') == 0, "nothing is owed any more")
    assert daemon.metric("kernel_drops_total") == 0
    daemon.stop()


@pytest.fixture
def elsewhere(site: Site) -> Iterator[Namespace]:
    """A namespace with another broker at the other end of a link."""
    there = Namespace()
    conf = site.directory / "elsewhere.conf"
    conf.write_text(f"listener {BROKER_PORT}\nallow_anonymous true\n")
    try:
        site.space.ip("link", "add", "uplink", "type", "veth", "peer", "name", "broker", "netns", there.name)
        site.space.ip("addr", "add", "10.99.0.1/24", "dev", "uplink")
        site.space.ip("link", "set", "uplink", "up")
        there.ip("link", "set", "lo", "up")
        there.ip("addr", "add", "10.99.0.2/24", "dev", "broker")
        there.ip("link", "set", "broker", "up")
        site.start(str(MOSQUITTO), "-c", str(conf), space=there)
        with there.inside():
            wait_until(lambda: answers(BROKER_PORT), "the broker elsewhere")
        site.start(
            "mosquitto_sub", "-h", "127.0.0.1", "-t", "camwarden/v1/+/incidents/#", "-q", "1", "-F", "%U %p",
            output=site.messages, space=there,
        )  # fmt: skip
        time.sleep(0.5)
        yield there
    finally:
        there.close()


def hole(site: Site, elsewhere: Namespace, daemon: Daemon, seconds: float) -> None:
    """What the broker answers goes nowhere for so long; attempts are made all the time."""
    seen(site, daemon, 0, 50)
    wait_until(lambda: len(site.received()) >= 50, "messages by the way that is there")
    elsewhere.ip("route", "add", "blackhole", "10.99.0.1/32")
    begun = time.monotonic()
    seen(site, daemon, 50, CAMERAS)
    time.sleep(max(0, begun + seconds - time.monotonic()))
    owed = daemon.metric("outbox_depth", 'sink="mqtt"')
    assert owed >= CAMERAS - 50
    elsewhere.ip("route", "del", "blackhole", "10.99.0.1/32")


@pytest.mark.slow
def test_a_black_hole(site: Site, elsewhere: Namespace) -> None:
    """Nothing is answered for some seconds: TCP and the outbox get over it."""
    daemon = Daemon(site, configured(CAMERAS, mqtt={"host": "10.99.0.2", "port": BROKER_PORT}))
    hole(site, elsewhere, daemon, 3)
    wait_until(lambda: uids(site) == journalled(daemon), "all messages in order", 20)
    assert daemon.metric("kernel_drops_total") == 0
    daemon.stop()


@pytest.mark.slow
def test_a_black_hole_for_longer_than_patience(site: Site, elsewhere: Namespace) -> None:
    """The connection is given up and made anew."""
    daemon = Daemon(site, configured(CAMERAS, mqtt={"host": "10.99.0.2", "port": BROKER_PORT}))
    hole(site, elsewhere, daemon, 45)
    assert daemon.says("mqtt_lost")
    wait_until(lambda: uids(site) == journalled(daemon), "all messages in order", 90)
    assert daemon.metric("kernel_drops_total") == 0
    daemon.stop()
