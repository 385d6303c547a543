"""A camera that sent video alone offers a microphone one morning, and is listened to; nobody updated it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcaps.site import UNIVIEW, Site
from pcaps.wire import MINUTE, SECOND, START, view

if TYPE_CHECKING:
    from pcaps.savefile import Frame


def frames() -> list[Frame]:
    """Two sessions of the recorder with the same URI; in the second one there is sound."""
    site = Site("audio_woken")
    camera = site.camera(6, UNIVIEW)
    site.housekeeping((camera, site.recorder), minutes=6)
    site.wire.arp(START + 9 * SECOND, site.recorder, camera)
    view(site.wire, START + 10 * SECOND, site.recorder, camera, site.rng, pictures=40, every=2 * SECOND)
    at = START + 3 * MINUTE
    view(site.wire, at, site.recorder, camera, site.rng, pictures=40, every=2 * SECOND, speech=100)
    return site.wire.frames()
