"""140 cameras of an airport try, 11,000 times an hour together, to reach one address abroad.

The committed capture is a quarter of an hour: 2,750 attempts, the same rate, under a megabyte. ``storm``
writes any length to disk as a stream.
"""

from __future__ import annotations

from itertools import count
from random import Random
from typing import TYPE_CHECKING, Final

from pcaps import messages, savefile
from pcaps.packets import Host, text
from pcaps.site import HIKVISION, ROUTER_MAC, SERVER_MAC
from pcaps.wire import MINUTE, SECOND, START, VIDEO_CLOCK, Connection, Wire, time_sync

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pcaps.savefile import Frame

CAMERAS: Final = 140
ATTEMPTS_AN_HOUR: Final = 11_000
"""Of CAMERAS together."""
COMMITTED_HOURS: Final = 0.25
UNKNOWN: Final = "115.231.97.60"
"""Zhejiang, AS58461."""
REFUSED_EVERY: Final = 4
"""The firewall answers every fourth camera; for the others it is silent."""
PICTURE_EVERY: Final = 3 * MINUTE
TIME_EVERY: Final = 15 * MINUTE

HEAD: Final = """\
# Made by `python -m pcaps.make airport_storm`.
story = "140 Hikvision cameras of an airport try 11,000 times an hour to reach one unknown address in China; \
the firewall stops them all, and tells every fourth camera so."

expect = [
{expect}
]

never = [
  {{ kind = "vendor_cloud" }},
  {{ kind = "p2p_cloud" }},
  {{ kind = "name_lookup" }},
  {{ property = "literal_address" }},
]

device = [
{device}
]

[sensor]
name = "airport"

[site]
home = ["IT"]
resolvers = ["10.20.0.2"]
time_servers = ["10.20.0.2"]

[[group]]
name = "terminal"
"""


def camera_name(index: int) -> str:
    """``cam-001`` is index 0."""
    return f"cam-{index + 1:03}"


def camera(index: int) -> Host:
    """Addresses go on from 10.20.0.11 in 10.20.0.0/16."""
    number = index + 11
    return Host.at(f"10.20.{number // 250}.{number % 250}", f"{HIKVISION}:01:{number >> 8:02x}:{number & 0xFF:02x}")


def refused(index: int) -> bool:
    """Whether the firewall tells this camera that it may not."""
    return index % REFUSED_EVERY == 0


def schedule(hours: float, cameras: int) -> Iterator[tuple[int, int]]:
    """(time, camera index) of each attempt: evenly spread with jitter, the cameras by turns in mixed order."""
    rng = Random("airport_storm schedule")
    order = list(range(cameras))
    rng.shuffle(order)
    rate = ATTEMPTS_AN_HOUR * cameras / CAMERAS
    spacing = int(3600 * SECOND / rate)
    for number in range(round(rate * hours)):
        yield START + number * spacing + rng.randrange(spacing), order[number % cameras]


def _ordinary(wire: Wire, hosts: list[Host], server: Host, recorder: Host, hours: float) -> Iterator[int]:
    """Time and a few pictures, one instant at each step; yields the time before it acts."""
    rng = Random("airport_storm pictures")
    step = PICTURE_EVERY // len(hosts)
    end = START + int(hours * 3600) * SECOND
    for tick in count():
        at = START + tick * step
        if at >= end:
            return
        yield at
        index, turn = tick % len(hosts), tick // len(hosts)
        host = hosts[index]
        ticks = turn * PICTURE_EVERY * VIDEO_CLOCK // SECOND
        unit = messages.rtp(1000 + turn, ticks, index, rng.randbytes(120), last=True)
        wire.udp(at, host, 56000, recorder, 20000 + 2 * index, unit)
        if turn * PICTURE_EVERY % TIME_EVERY == 0:
            time_sync(wire, at + step // 2, host, server)


def stream(hours: float, cameras: int) -> Iterator[Frame]:
    """All frames in time order; at no time more than a few seconds of them are held."""
    rng = Random("airport_storm")
    wire = Wire()
    firewall = Host.at("10.20.0.1", ROUTER_MAC)
    server = Host.at("10.20.0.2", SERVER_MAC)
    recorder = Host.at("10.20.0.10", "c0:56:e3:20:00:0a")
    remote = firewall.beyond(UNKNOWN)
    hosts = [camera(index) for index in range(cameras)]
    ordinary = _ordinary(wire, hosts, server, recorder, hours)
    upcoming = next(ordinary, None)
    drained = START
    for at, index in schedule(hours, cameras):
        while upcoming is not None and upcoming <= at:
            upcoming = next(ordinary, None)
        attempt = Connection(wire, hosts[index], remote, 443, at=at, rng=rng)
        if refused(index):
            attempt.prohibited(firewall)
        else:
            attempt.unanswered()
        if at - drained > 10 * SECOND:
            drained = at
            yield from wire.drain(at if upcoming is None else min(at, upcoming))
    for _ in ordinary:
        pass
    yield from wire.frames()


def storm(hours: float, cameras: int, path: Path) -> tuple[int, ...]:
    """Write ``hours`` of it to ``path`` and say how often each camera tried; 24 hours of 140 are 264,000 attempts."""
    savefile.write(path, stream(hours, cameras))
    return attempts(hours, cameras)


def attempts(hours: float, cameras: int) -> tuple[int, ...]:
    """How often each camera tries."""
    counts = [0] * cameras
    for _, index in schedule(hours, cameras):
        counts[index] += 1
    return tuple(counts)


def frames() -> Iterator[Frame]:
    """The committed capture."""
    return stream(COMMITTED_HOURS, CAMERAS)


def describe() -> str:
    """The committed description."""
    expect = []
    device = []
    for index, tried in enumerate(attempts(COMMITTED_HOURS, CAMERAS)):
        name = camera_name(index)
        end = 'outcome = "refused", refused_by = "10.20.0.1"' if refused(index) else 'outcome = "attempted"'
        expect.append(
            f'  {{ device = "{name}", kind = "unexpected_contact", operator = "58461", attempts = {tried}, '
            f'remotes = ["{UNKNOWN}"], properties = ["foreign"], location = "CN", {end} }},'
        )
        host = camera(index)
        device.append(
            f'  {{ name = "{name}", ip = "{text(host.ip)}", mac = "{host.mac.hex(":")}", '
            f'group = "terminal", class = "camera" }},'
        )
    return HEAD.format(expect="\n".join(expect), device="\n".join(device))
