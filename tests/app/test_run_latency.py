"""How long it takes from a frame on the wire to a message at a subscriber, while video passes."""

from __future__ import annotations

import json
import os
import socket
import time
from random import Random
from typing import TYPE_CHECKING

import pytest

from pcaps import messages, packets
from pcaps.packets import Host
from pcaps.savefile import Frame, write
from tests.app.living import Daemon, Site, wait_until
from tests.app.planted import attempt, configured
from tests.collectors.namespaces import sent

if TYPE_CHECKING:
    from pathlib import Path

PICTURES = 200_000
STREAMS = 40
SETTLE_S = 0.1
"""By design: an opening waits so long for a hello (engine, SETTLE_NS)."""


def video(path: Path) -> Path:
    """RTP of many cameras to one recorder, in packets of 1,200 bytes."""
    chance = Random(2)
    recorder = Host.at("10.20.0.10", "c0:56:e3:20:00:0a")
    streams = []
    for number in range(STREAMS):
        source = Host.at(f"10.20.9.{1 + number}", f"44:19:b6:29:00:{number:02x}")
        streams.append((source, source.next_port(), recorder.next_port(), chance.getrandbits(32)))
    body = chance.randbytes(1150)

    def frame(number: int) -> bytes:
        source, sport, dport, ssrc = streams[number % STREAMS]
        unit = messages.rtp(number // STREAMS & 0xFFFF, number // STREAMS * 3000, ssrc, body)
        return packets.frame(source, recorder, packets.udp(source, recorder, sport, dport, unit))

    write(path, (Frame(number * 10_000, frame(number)) for number in range(PICTURES // 10)))
    return path


def planted(site: Site, raw: socket.socket, number: int) -> float:
    """Send one camera's attempt to an address of its own; when, by the wall."""
    frame = attempt(number, f"115.231.97.{1 + number % 250}")
    at = time.time()
    raw.send(frame)
    return at


def delays(site: Site, plants: dict[str, float]) -> list[float]:
    """Seconds from each plant to its message."""
    return sorted(at - plants[body["device"]["name"]] for at, body in site.received() if body["activity_id"] == 1)


def of_100(ordered: list[float], share: int) -> float:
    """The smallest that ``share`` of 100 do not exceed."""
    return ordered[-(-len(ordered) * share // 100) - 1]


def stages(site: Site, daemon: Daemon, plants: dict[str, float]) -> dict[str, list[float]]:
    """Where the time goes: until the engine tells, until that is in the journal, until it is at the subscriber."""
    arrived = {body["metadata"]["uid"]: at for at, body in site.received()}
    found: dict[str, list[float]] = {"engine": [], "journal": [], "broker": []}
    rows = daemon.rows("SELECT time_ns, wall_ns, json FROM journal JOIN body USING(seq) WHERE activity = 1")
    for told_ns, wall_ns, body in rows:
        message = json.loads(body)
        found["engine"].append(told_ns / 1e9 - plants[message["device"]["name"]])
        found["journal"].append((wall_ns - told_ns) / 1e9)
        found["broker"].append(arrived[message["metadata"]["uid"]] - wall_ns / 1e9)
    return {stage: sorted(times) for stage, times in found.items()}


def measure(site: Site, capture: Path, *, rate: int, plants: int, over_s: float) -> list[float]:
    """Plant so many attempts while video passes at ``rate`` packets a second."""
    daemon = Daemon(site, configured(plants, capture={"interfaces": ["hear"]}))
    chance = Random(9)
    options = (f"--pps={rate}", "--loop=0", f"--duration={int(over_s) + 2}", "--preload-pcap")
    playing = site.space.replaying(capture, "send", *options)
    wait_until(lambda: daemon.health()["packets"] > rate, "video", 20)
    at: dict[str, float] = {}
    begun, before = time.monotonic(), daemon.health()["packets"]
    with site.open_socket("send") as raw:
        for number in range(plants):
            at[f"cam-{number}"] = planted(site, raw, number)
            time.sleep(chance.uniform(0.5, 1.5) * over_s / plants)
    passed = (daemon.health()["packets"] - before) / (time.monotonic() - begun)
    wait_until(lambda: len(delays(site, at)) == plants, "every message", 20)
    played = sent(playing.communicate()[0])
    drops = daemon.metric("kernel_drops_total")
    daemon.stop()
    found = delays(site, at)
    print(f"\n{passed:,.0f} packets/s beside, {played:,} in all, {drops:.0f} dropped")
    for stage, times in {"wire to subscriber": found, **stages(site, daemon, at)}.items():
        shares = (of_100(times, share) * 1000 for share in (50, 99, 100))
        print("{}: p50 {:.0f} ms, p99 {:.0f} ms, max {:.0f} ms".format(stage, *shares))
    assert drops == 0
    assert drops == 0
    assert found[0] > SETTLE_S / 2
    return found


def test_a_subscriber_knows_at_once(site: Site, tmp_path: Path) -> None:
    """Within half a second, at a rate that any machine has."""
    found = measure(site, video(tmp_path / "video.pcap"), rate=10_000, plants=20, over_s=2)
    assert found[-1] <= 0.5


@pytest.mark.slow
def test_a_subscriber_knows_within_a_quarter_of_a_second(site: Site, tmp_path: Path) -> None:
    """At 100,000 packets a second, in 99 of 100."""
    found = measure(site, video(tmp_path / "video.pcap"), rate=100_000, plants=100, over_s=20)
    assert of_100(found, 99) <= float(os.environ.get("CAMWARDEN_LATENCY_S", "0.25"))
