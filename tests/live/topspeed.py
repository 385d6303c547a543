"""As much as tcpreplay can send, into the daemon and into others: ``python -m tests.live.topspeed CAPTURE``.

Says one line of JSON a run: frames a second, drops, and seconds of processor time of whoever listened. ``--stopped``
stops the daemon for two seconds in the middle, with a ring of four blocks: what is lost then is known to the frame.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.app.living import Site
from tests.app.test_run import toml
from tests.collectors.namespaces import sent
from tests.live.flood import TABLES
from tests.live.watched import TICKS, Account, Watched

if TYPE_CHECKING:
    import subprocess

STOPPED_S: Final = 2.0
SMALL_MIB: Final = 1
"""Four blocks of 256 KiB (collectors.tap)."""
OTHERS: Final = {
    "dumpcap": ("dumpcap", "-q", "-i", "hear", "-B", "128", "-w", "/dev/null", "-P"),
    "ndpiReader": ("ndpiReader", "-i", "hear"),
}


def daemon_runs(
    directory: Path, capture: Path, loops: int, runs: int, *, stopped: bool = False
) -> list[dict[str, Any]]:
    """What came of each run of the capture, sent ``loops`` times."""
    results = []
    with closing(Site(directory)) as site:
        ring = SMALL_MIB if stopped else 128
        daemon = Watched(site, f'[capture]\ninterfaces = ["hear"]\nring_mib = {ring}\n' + toml(TABLES))
        before = Account(0, 0)
        for _ in range(runs):
            cpu = daemon.cpu_s
            sending = site.space.replaying(capture, "send", "--topspeed", "--preload-pcap", f"--loop={loops}")
            if stopped:
                _stop_for_a_while(site, daemon, before)
            report = sending.communicate()[0]
            count = sent(report)
            account = daemon.settled(before.arrived + count)
            results.append(
                {
                    "who": "camwarden",
                    **_rate(report),
                    "sent": count,
                    "seen": account.seen - before.seen,
                    "dropped": account.dropped - before.dropped,
                    "difference": account.arrived - before.arrived - count,
                    "cpu_s": round(daemon.cpu_s - cpu, 2),
                    "told": daemon.health()["blind"],
                }
            )
            before = account
        daemon.stop()
    return results


def other_run(directory: Path, capture: Path, loops: int, who: str) -> dict[str, Any]:
    """The same for another program, which is stopped as a terminal does."""
    with closing(Site(directory)) as site:
        program = site.start(*OTHERS[who])
        process, log = program.process, program.log
        time.sleep(2)
        before = _cpu(process)
        report = site.space.replaying(capture, "send", "--topspeed", "--preload-pcap", f"--loop={loops}").communicate()[
            0
        ]
        time.sleep(1)
        used = _cpu(process) - before
        process.send_signal(signal.SIGINT)
        process.wait(60)
        said = [
            line.strip() for line in log.read_text(errors="replace").splitlines() if re.search("drop|IP packets", line)
        ]
    return {"who": who, **_rate(report), "sent": sent(report), "cpu_s": round(used, 2), "said": said}


def _stop_for_a_while(site: Site, daemon: Watched, before: Account) -> None:
    """Once frames come, nobody reads them for STOPPED_S."""
    start = _frames(site)
    while _frames(site) < start + 10_000:
        time.sleep(0.01)
    daemon.process.send_signal(signal.SIGSTOP)
    time.sleep(STOPPED_S)
    daemon.process.send_signal(signal.SIGCONT)


def _frames(site: Site) -> int:
    return int(site.space.run("cat", "/sys/class/net/hear/statistics/rx_packets"))


def _cpu(process: subprocess.Popen[bytes]) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _rate(report: str) -> dict[str, float]:
    rated = re.search(r"([\d.]+) Mbps, ([\d.]+) pps", report)
    assert rated is not None, report
    return {"mbps": float(rated[1]), "pps": float(rated[2])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("capture", type=Path)
    parser.add_argument("--loops", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--stopped", action="store_true")
    parser.add_argument("--others", action="store_true")
    given = parser.parse_args()

    def say(result: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps({**result, "load": os.getloadavg()[0]}) + "\n")
        sys.stdout.flush()

    with tempfile.TemporaryDirectory() as directory:
        for result in daemon_runs(Path(directory), given.capture, given.loops, given.runs, stopped=given.stopped):
            say(result)
    for who in OTHERS if given.others else ():
        if shutil.which(who) is None:
            continue
        for _ in range(given.runs):
            with tempfile.TemporaryDirectory() as directory:
                say(other_run(Path(directory), given.capture, given.loops, who))


if __name__ == "__main__":
    main()
