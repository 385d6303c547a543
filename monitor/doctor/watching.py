"""Watching: an engine as in earnest over a capture, or over a tap for a while, with a survey as its observer."""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from monitor.app import build_engine, knowledge
from monitor.doctor.survey import BABY_GIANT, Survey

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from collectors.captures import Captures
    from collectors.live import Source
    from monitor.config import Config
    from monitor.model.address import IPNetwork

WAIT_S: Final = 0.25
"""How long the engine's clock may stand still while nothing comes."""
AROUND: Final = BABY_GIANT - 1500
"""Bytes of a frame beyond its interface's MTU."""
SYSFS: Final = Path("/sys/class/net")


def over_captures(config: Config, captures: Captures, cameras: Sequence[IPNetwork] = ()) -> Survey:
    """What these captures show. CatalogueError, GeoError or ValueError as from build_engine."""
    survey = Survey()
    with _engine(config, survey, cameras):
        for block in captures.blocks():
            survey.block(block)
            survey.engine.feed(block)
    return survey


def over_time(
    config: Config, source: Source, seconds: float, interfaces: Sequence[str], cameras: Sequence[IPNetwork] = ()
) -> Survey:
    """What comes from the source in so many seconds."""
    survey = Survey(own_macs=map(own_mac, interfaces), largest=max(map(mtu, interfaces), default=1500) + AROUND)
    with _engine(config, survey, cameras):
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            block = source.wait(min(WAIT_S, left))
            if block is None:
                survey.engine.tick(time.time_ns())
            else:
                survey.block(block)
                survey.engine.feed(block)
            survey.events += source.events()
        survey.ledgers = tuple(source.ledgers())
    return survey


@contextmanager
def _engine(config: Config, survey: Survey, cameras: Sequence[IPNetwork]) -> Iterator[None]:
    with knowledge(config) as known:
        survey.engine = build_engine(config, known, cameras=cameras, observer=survey)
        yield
        survey.engine.finish()


def mtu(interface: str) -> int:
    """Bytes of an IP packet that the interface takes; Ethernet's 1500 where it does not say."""
    try:
        return int((SYSFS / interface / "mtu").read_text())
    except (OSError, ValueError):
        return 1500


def own_mac(interface: str) -> bytes:
    """The interface's MAC; empty where it does not say."""
    try:
        return bytes.fromhex((SYSFS / interface / "address").read_text().strip().replace(":", ""))
    except (OSError, ValueError):
        return b""
