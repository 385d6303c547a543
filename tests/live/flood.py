"""A flood at line rate over a veth pair, and calls hidden in it: ``python -m tests.live.flood --frames 10000000``.

Says in one line of JSON a run: frames sent and the rate, what the daemon saw and the kernel dropped, memory, evictions,
and how long the planted call took to a subscriber. Needs root, tcpreplay, mosquitto and mosquitto-clients.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from tests.app.living import Site
from tests.app.test_run import toml
from tests.collectors.namespaces import sent
from tests.engine.played import SITE
from tests.hostile.floods import GATE
from tests.live import sending
from tests.live.watched import Account, Watched

SOURCES: Final = {
    "anywhere": (0, b"\x02\x00\x00"),
    "strangers": (1, b"\x02\x00\x00"),
    "cameras": (1, b"\x44\x19\xb6"),
}
"""Where it pretends to come from: bytes of the source address that are the site's, and the first of the MACs."""
CAPTURE: Final = 1_000_000
"""Frames of the capture that is sent again and again, each time with other addresses."""
WITHIN_S: Final = 10.0
TABLES: Final = {key: value for key, value in SITE.items() if key != "sensor"}


def flood(
    directory: Path, frames: int, calls: int, source: str = "anywhere", *, ring_mib: int = 128, rate: int = 0
) -> dict[str, Any]:
    """``calls`` floods of ``frames`` each, with one planted call in each; ``rate`` frames a second, 0: all it can."""
    local, prefix = SOURCES[source]
    addresses = sending.operators(calls)
    capture = directory / "flood.pcap"
    loops = -(-frames // CAPTURE)
    sending.random_tuples(capture, frames // loops, local=local, prefix=prefix)
    runs = []
    with closing(Site(directory)) as site:
        capture_table = f'[capture]\ninterfaces = ["hear"]\nring_mib = {ring_mib}\n'
        daemon = Watched(site, capture_table + toml(TABLES))
        time.sleep(1)
        base = daemon.resident
        before = Account(0, 0)
        for number, address in enumerate(addresses):
            runs.append(_run(daemon, capture, loops, number, address, before, rate))
            before = daemon.account
        result = {
            "source": source,
            "runs": runs,
            "found": sum(run["found_s"] is not None and run["found_s"] <= WITHIN_S for run in runs),
            "base_mib": base / 2**20,
            "grew_mib": max(run["resident"] for run in runs) / 2**20 - base / 2**20,
            "passed_over": int(daemon.metric("passed_over_total")),
            "evictions": int(daemon.metric("flow_evictions_total")),
            "active": int(daemon.metric("flows", 'state="active"')),
            "duplicates": int(daemon.metric("duplicates_total")),
            "seen": before.seen,
            "health": daemon.health(),
        }
        result["log"] = daemon.stop()
    return result


def _run(
    daemon: Watched, capture: Path, loops: int, number: int, address: str, before: Account, rate: int
) -> dict[str, Any]:
    """One flood with one call in its middle."""
    site, cpu = daemon.site, daemon.cpu_s
    call = site.directory / f"call-{number}.pcap"
    planted = sending.one_call(call, GATE, address, port=40_000 + number)
    speed = ("--topspeed",) if not rate else (f"--pps={rate}",)
    began = time.monotonic()
    options = (*speed, "--preload-pcap", f"--loop={loops}", "--unique-ip") if loops > 1 else (*speed, "--preload-pcap")
    flooding = site.space.replaying(capture, "send", *options)
    under_way = frames_heard(site) + 50_000
    while frames_heard(site) < under_way and flooding.poll() is None:
        time.sleep(0.02)
    called = time.time()
    site.space.replay(call, "send", "--timer=nano")
    most = daemon.resident
    while flooding.poll() is None:
        time.sleep(0.1)
        most = max(most, daemon.resident)
    report = flooding.communicate()[0]
    took = time.monotonic() - began
    count = sent(report) + planted
    account = daemon.settled(before.arrived + count)
    busy = time.monotonic() - began
    most = max(most, daemon.resident)
    end = called + WITHIN_S
    while (found := heard(site, address)) is None and time.time() < end:
        time.sleep(0.1)
    return {
        "sent": count,
        "rated": [line.strip() for line in report.splitlines() if "Rated" in line],
        "sent_in_s": round(took, 2),
        "done_in_s": round(busy, 2),
        "seen": account.seen - before.seen,
        "dropped": account.dropped - before.dropped,
        "difference": account.arrived - before.arrived - count,
        "cpu_s": round(daemon.cpu_s - cpu, 2),
        "resident": most,
        "found_s": None if found is None else round(found[0] - called, 3),
        "told_s": None if found is None else round(found[1] - called, 3),
    }


def heard(site: Site, address: str) -> tuple[float, float] | None:
    """When a message about this remote end arrived, and when it says that it was told."""
    for at, body in site.received():
        ends = [each.get("dst_endpoint", {}) for each in body.get("evidences", ())]
        if any(end.get("ip") == address for end in ends):
            return at, body["time"] / 1000
    return None


def frames_heard(site: Site) -> int:
    return int(site.space.run("cat", "/sys/class/net/hear/statistics/rx_packets"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=10_000_000)
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--source", choices=sorted(SOURCES), default="anywhere")
    parser.add_argument("--ring-mib", type=int, default=128)
    parser.add_argument("--rate", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        result = flood(
            Path(directory), given.frames, given.calls, given.source, ring_mib=given.ring_mib, rate=given.rate
        )
    result.pop("log")
    for run in result.pop("runs"):
        sys.stdout.write(json.dumps(run) + "\n")
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
