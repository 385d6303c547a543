"""How the tap keeps up with tcpreplay at top speed over a veth pair, beside dumpcap on the same stream.

``python -m tests.collectors.speed CAPTURE [--loop N] [--rounds N]`` as root; CAPTURE is for example what
``python -m tests.bench.make_captures camera-vlan`` writes. Times are CPU seconds of the reader alone, user and system;
what the kernel does to deliver a frame over veth is paid by the sender, whoever reads.
"""

from __future__ import annotations

import argparse
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

from collectors.tap import Tap
from tests.collectors.namespaces import Namespace, sent


class Run(NamedTuple):
    """What one reader made of one stream."""

    reader: str
    sent: int
    rate: float
    seen: int
    dropped: int
    cpu_s: float

    def __str__(self) -> str:
        return (
            f"{self.reader:8} sent {self.sent:,} at {self.rate:,.0f}/s: seen {self.seen:,}, dropped {self.dropped:,}, "
            f"unaccounted {self.sent - self.seen - self.dropped}, {self.cpu_s:.2f} s CPU "
            f"({self.cpu_s / self.sent * 1e9:.0f} ns a packet)"
        )


def flood(space: Namespace, capture: Path, loop: int) -> tuple[int, float]:
    """Send; frames and seconds."""
    report = space.run("tcpreplay", "--topspeed", "--preload-pcap", f"--loop={loop}", "--intf1", "send", str(capture))
    seconds = re.search(r"sent in ([\d.]+) seconds", report)
    assert seconds is not None
    return sent(report), float(seconds[1])


def with_tap(space: Namespace, capture: Path, loop: int) -> Run:
    """Read with the tap, in a thread of this process."""
    with space.inside():
        tap = Tap(["hear"])
    stop = threading.Event()
    spent = [0.0]

    def read() -> None:
        before = time.thread_time()
        while not stop.is_set() or tap.ledgers()[0].waiting:
            tap.wait(0.1)
        spent[0] = time.thread_time() - before

    reader = threading.Thread(target=read)
    reader.start()
    count, seconds = flood(space, capture, loop)
    stop.set()
    reader.join()
    with tap:
        (ledger,) = tap.ledgers()
    return Run("tap", count, count / seconds, ledger.seen, ledger.dropped, spent[0])


def with_dumpcap(space: Namespace, capture: Path, loop: int) -> Run:
    """Read with dumpcap, which writes to /dev/null, with as large a ring."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = ["ip", "netns", "exec", space.name, "dumpcap", "-q", "-B", "128", "-i", "hear", "-w", "/dev/null"]
    reader = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    replay = resource.getrusage(resource.RUSAGE_CHILDREN)
    count, seconds = flood(space, capture, loop)
    replayed = resource.getrusage(resource.RUSAGE_CHILDREN)
    time.sleep(1)
    reader.send_signal(signal.SIGINT)
    _, report = reader.communicate()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) - (
        replayed.ru_utime + replayed.ru_stime - replay.ru_utime - replay.ru_stime
    )
    figures = re.search(r"received/dropped on interface '?hear'?: (\d+)/(\d+)", report)
    assert figures is not None, report
    return Run("dumpcap", count, count / seconds, int(figures[1]), int(figures[2]), cpu)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("capture", type=Path)
    parser.add_argument("--loop", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    space = Namespace()
    try:
        space.pair("send", "hear")
        for _ in range(options.rounds):
            for read in (with_tap, with_dumpcap):
                sys.stdout.write(f"{read(space, options.capture, options.loop)}\n")
    finally:
        space.close()


if __name__ == "__main__":
    main()
