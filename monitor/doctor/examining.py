"""Examining: all findings in the order in which they are told, each as soon as it is known."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from collectors.tap import Tap, TapError
from monitor.doctor.finding import Light, red
from monitor.doctor.interface import interfaces, privilege
from monitor.doctor.machine import machine
from monitor.doctor.mirror import mirror
from monitor.doctor.watching import over_captures, over_time
from monitor.enrich.catalogue import CatalogueError
from monitor.enrich.geo import GeoError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from collectors.captures import Captures
    from monitor.config import Config
    from monitor.doctor.finding import Finding
    from monitor.model.address import IPNetwork


def captures(config: Config, source: Captures, cameras: Sequence[IPNetwork]) -> Iterator[Finding]:
    """What captures say of the mirror they come from; nothing of this machine, which may be another."""
    try:
        survey = over_captures(config, source, cameras)
    except (CatalogueError, GeoError) as error:
        yield red("data", str(error))
        return
    yield from mirror(survey)


def here(
    config: Config,
    names: Sequence[str],
    seconds: float,
    cameras: Sequence[IPNetwork],
    say: Callable[[str], None],
) -> Iterator[Finding]:
    """Say how this machine is, and if interfaces are named, how the mirror is that comes in there."""
    fit = True
    for finding in machine(config):
        fit = fit and not (finding.light is Light.RED and finding.topic in ("catalogue", "addresses"))
        yield finding
    if not names:
        yield privilege(needed=False)
        return
    for finding in interfaces(names):
        fit = fit and finding.light is not Light.RED
        yield finding
    if not fit:
        return
    try:
        with contextlib.closing(Tap(names)) as tap:
            say(f"looking at {', '.join(names)} for {seconds:,.0f} s")
            survey = over_time(config, tap, seconds, names, cameras)
    except (TapError, OSError) as error:
        yield red("tap", str(error))
        return
    yield from mirror(survey)
