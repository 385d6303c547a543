"""One camera storms, another makes one call: ``python -m tests.live.storm --attempts 100000``.

The first calls many operators abroad as fast as tcpreplay sends, each attempt a connection of its own; the second
calls one, once, in the middle of it. Says one line of JSON. Needs root, tcpreplay, mosquitto and mosquitto-clients.
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

from pcaps.packets import Host
from tests.app.living import Site
from tests.app.test_run import toml
from tests.collectors.namespaces import sent
from tests.engine.played import UNKNOWN_CN
from tests.hostile.floods import GATE
from tests.live import sending
from tests.live.flood import TABLES, frames_heard, heard
from tests.live.watched import Watched

HALL: Final = Host.at("10.20.0.12", "44:19:b6:20:00:0c")
OPERATORS: Final = 20
SAVED_S: Final = 6.0
"""Counters are shown once they are saved, each five seconds (monitor.run)."""


def storm(directory: Path, attempts: int, operators: int = OPERATORS, *, loops: int = 1) -> dict[str, Any]:
    """What came of it. Each row of the journal is a message; they are counted after a clean stop."""
    addresses = sending.operators(operators)
    many, one = directory / "storm.pcap", directory / "call.pcap"
    sending.many_calls(many, GATE, attempts, addresses)
    planted = sending.one_call(one, HALL, UNKNOWN_CN)
    with closing(Site(directory)) as site:
        daemon = Watched(site, '[capture]\ninterfaces = ["hear"]\nring_mib = 128\n' + toml(TABLES))
        cpu, start = daemon.cpu_s, frames_heard(site)
        flooding = site.space.replaying(many, "send", "--topspeed", "--preload-pcap", f"--loop={loops}")
        while frames_heard(site) < start + attempts // 10 and flooding.poll() is None:
            time.sleep(0.01)
        begun = frames_heard(site)
        called = time.time()
        site.space.replay(one, "send", "--timer=nano")
        report = flooding.communicate()[0]
        count = sent(report) + planted
        account = daemon.settled(count)
        time.sleep(SAVED_S)
        found = heard(site, UNKNOWN_CN)
        passed = int(daemon.metric("passed_over_total"))
        counted = int(daemon.metric("remote_attempts_total", 'device="gate"'))
        used = daemon.cpu_s - cpu
        log = daemon.stop()
        rows = sum(body["device"]["name"] == "gate" for _, body in site.received())
    return {
        "sent": count,
        "sent_before_the_call": begun - start,
        "seen": account.seen,
        "dropped": account.dropped,
        "difference": account.arrived - count,
        "passed_over": passed,
        "attempts_counted": counted,
        "rows": rows,
        "found_s": None if found is None else round(found[0] - called, 3),
        "told_s": None if found is None else round(found[1] - called, 3),
        "cpu_s": round(used, 2),
        "log": log,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=100_000)
    parser.add_argument("--loops", type=int, default=1)
    parser.add_argument("--operators", type=int, default=OPERATORS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        result = storm(Path(directory), given.attempts, given.operators, loops=given.loops)
    result.pop("log")
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
