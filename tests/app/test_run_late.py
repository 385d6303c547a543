"""Packets that are handed over late, and in bursts, give the same incidents as those that come at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from collectors import pipe, tap
from collectors.captures import Captures
from monitor.app import knowledge, renderer
from monitor.config import convert
from pcaps.savefile import Frame
from pcaps.wire import MS, SECOND
from tests.app.scripted import NOW, Station
from tests.app.test_run import TABLES, Picture, picture, replayed, scene
from tests.live.sending import frames

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.config import Config

RENDER = renderer("here")
SCENE_S = 10


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scene(tmp_path_factory.mktemp("scene") / "scene.pcap")


@pytest.fixture(scope="module")
def coming(path: Path) -> list[Frame]:
    """The scene, in the station's days."""
    found = list(frames(Captures([path]).blocks()))
    later = NOW - found[0].ts_ns + SECOND
    return [Frame(frame.ts_ns + later, frame.data) for frame in found]


@pytest.fixture(scope="module")
def config() -> Config:
    return convert({**TABLES, "sensor": {"name": "here"}}, "test")


@pytest.fixture(scope="module")
def expected(path: Path) -> Picture:
    return replayed(path, TABLES)


def live(config: Config, coming: list[Frame], held_ns: int, lateness_ns: int) -> Picture:
    """What a Watch tells of them."""
    with knowledge(config) as known:
        station = Station(known, config=config)
        station.source.held_ns, station.source.lateness_ns = held_ns, lateness_ns
        station.source.coming(coming)
        station.run(SCENE_S + lateness_ns / SECOND)
        told = station.told() + station.engine.finish()
        station.close()
    return picture(msgspec.json.decode(RENDER(each, 1, 1)) for each in told)


@pytest.mark.parametrize(
    ("held_ns", "lateness_ns"),
    [
        (1, tap.LATENESS_NS),
        (tap.LATENESS_NS, tap.LATENESS_NS),
        (SECOND, pipe.LATENESS_NS),
        (pipe.LATENESS_NS, pipe.LATENESS_NS),
    ],
    ids=["at once", "a ring", "tcpdump", "tcpdump from afar"],
)
def test_late_is_at_once(
    config: Config, coming: list[Frame], expected: Picture, held_ns: int, lateness_ns: int
) -> None:
    """However late they come: a connection that is handed over in two parts is still seen whole before it is told."""
    assert len(expected) == 9
    assert live(config, coming, held_ns, lateness_ns) == expected


def test_nobody_waited(config: Config, coming: list[Frame], expected: Picture) -> None:
    """Then at least one conversation is told before its hello is there: the scene can show it."""
    bursts = range(300, 900, 50)
    assert any(live(config, coming, burst * MS, tap.LATENESS_NS) != expected for burst in bursts)
