"""Watching: an engine as in earnest over a capture, or over a tap for a while, with a survey as its observer."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from collectors import interface
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


def over_captures(config: Config, captures: Captures, cameras: Sequence[IPNetwork] = ()) -> Survey:
    """What these captures show. CatalogueError, GeoError or ValueError as from build_engine."""
    survey = Survey()
    with _engine(config, survey, cameras):
        for block in captures.blocks():
            survey.block(block)
            survey.engine.feed(block)
    return survey


def over_time(
    config: Config, source: Source, seconds: float, names: Sequence[str], cameras: Sequence[IPNetwork] = ()
) -> Survey:
    """What comes from the source in so many seconds; ``names`` are its interfaces. OSError if one of them is gone."""
    survey = Survey(own_macs=map(interface.mac, names), largest=max(map(interface.mtu, names)) + AROUND)
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
