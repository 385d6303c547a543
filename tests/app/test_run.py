"""The daemon on a live tap."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from collectors.captures import Captures
from monitor.app import build_engine, knowledge, renderer
from monitor.config import convert
from pcaps import scenarios
from pcaps.savefile import write
from pcaps.wire import MS, START, Connection, lookup
from tests.app.living import Daemon, Site, wait_until
from tests.app.planted import toml
from tests.engine.played import AMAZON_IE, SITE, UNKNOWN_CN
from tests.engine.played import Site as Scene

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


Picture = set[tuple[Any, ...]]


def picture(messages: Iterable[dict[str, Any]]) -> Picture:
    """Device, operator, kinds, outcome, attempts and bytes of each incident, by its last message."""
    last = {each["finding_info"]["uid"]: each for each in messages}
    return {
        (
            each["device"]["name"],
            each["unmapped"]["camwarden"].get("verdict", {}).get("operator"),
            tuple(sorted(each["finding_info"]["types"])),
            each["unmapped"]["camwarden"].get("outcome"),
            each["unmapped"]["camwarden"]["attempts"],
            each["unmapped"]["camwarden"]["bytes_out"],
            each["unmapped"]["camwarden"]["bytes_in"],
        )
        for each in last.values()
    }


def replayed(path: Path, tables: dict[str, Any]) -> Picture:
    """What a replay of the file says."""
    config = convert({**tables, "sensor": {"name": "here"}}, "test")
    render = renderer("here")
    with knowledge(config) as known:
        engine = build_engine(config, known)
        told = [transition for block in Captures([path]).blocks() for transition in engine.feed(block)]
        told += engine.finish()
    return picture(msgspec.json.decode(render(each, 1, 1)) for each in told)


def scene(path: Path) -> Path:
    """Seconds of a camera that asks for a name, calls its maker's cloud, and of another that is refused abroad."""
    here = Scene()
    lookup(here.wire, START, here.gate, here.server, "dev.hik-connect.com", AMAZON_IE)
    cloud = Connection(here.wire, here.gate, here.remote(AMAZON_IE), 443, at=START + 200 * MS, rng=here.rng)
    cloud.tls(here.rng, "dev.hik-connect.com")
    cloud.close()
    for again in range(3):
        other = Connection(
            here.wire, here.hall, here.remote(UNKNOWN_CN), 8800, at=START + again * 900 * MS, rng=here.rng
        )
        other.unanswered((0,)) if again else other.reset()
    for turn in range(50):
        here.wire.udp(START + turn * 60 * MS, here.gate, 5004, here.server, 6004, b"v" * 900)
    write(path, here.wire.frames())
    return path


def test_live_is_replay(site: Site, tmp_path: Path) -> None:
    """A capture sent at its own pace and one read from the file give the same incidents."""
    tables = {key: value for key, value in SITE.items() if key != "sensor"}
    path = scene(tmp_path / "scene.pcap")
    daemon = Daemon(site, toml(tables))
    sent = site.space.replay(path, "send", "--timer=nano")
    wait_until(lambda: daemon.health()["packets"] == sent, "all packets")
    log = daemon.stop()
    wait_until(lambda: len(site.received()) >= 3, "messages")
    assert "Traceback" not in log
    found = picture(body for _, body in site.received())
    assert found == replayed(path, tables)
    assert {each[0] for each in found} == {"gate", "hall"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["irish_vendor_cloud", "quic_abroad", "hardcoded_p2p", "names_only", "ipv6_abroad"])
def test_live_is_replay_in_every_scenario(site: Site, name: str) -> None:
    """Also over minutes."""
    scenario = scenarios.load(name)
    tables = {key: value for key, value in scenario.configuration.items() if key != "sensor"}
    daemon = Daemon(site, toml(tables))
    sent = site.space.replay(scenario.capture, "send", "--timer=nano")
    wait_until(lambda: daemon.health()["packets"] == sent, "all packets")
    daemon.stop()
    time.sleep(1)
    assert picture(body for _, body in site.received()) == replayed(scenario.capture, tables)
