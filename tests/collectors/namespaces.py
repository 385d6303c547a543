"""Network namespaces with veth pairs, for tests that need real interfaces and packets on them."""

from __future__ import annotations

import ctypes
import itertools
import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from collectors.blocks import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from collectors.blocks import Block
    from collectors.live import Ledger, LinkEvent
    from collectors.tap import Tap

CLONE_NEWNET = 0x40000000
"""linux/sched.h"""
LIBC = ctypes.CDLL(None, use_errno=True)
NUMBERS = itertools.count()


class Namespace:
    """A network namespace of its own; gone after ``close``."""

    def __init__(self) -> None:
        for tool in ("ip", "tcpreplay"):
            if shutil.which(tool) is None:
                pytest.skip(f"{tool} is not installed")
        self.name = f"camwarden-{os.getpid()}-{next(NUMBERS)}"
        made = subprocess.run(["ip", "netns", "add", self.name], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            pytest.skip(f"no network namespaces here: {made.stderr.strip()}")
        self.run("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1")  # no packets but the test's

    def ip(self, *arguments: str) -> None:
        """Do something with ip(8)."""
        subprocess.run(["ip", "-n", self.name, *arguments], check=True, capture_output=True)

    def run(self, *command: str) -> str:
        """Run a command inside."""
        done = subprocess.run(["ip", "netns", "exec", self.name, *command], check=True, capture_output=True, text=True)
        return done.stdout

    def pair(self, near: str, far: str) -> None:
        """A veth pair, both ends up."""
        self.ip("link", "add", near, "type", "veth", "peer", "name", far)
        self.ip("link", "set", near, "up")
        self.ip("link", "set", far, "up")

    def enter(self) -> None:
        """Have this thread be inside for good."""
        with Path("/run/netns", self.name).open() as there:
            assert LIBC.setns(there.fileno(), CLONE_NEWNET) == 0

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Have this thread be inside: sockets that it opens stay there."""
        with Path("/proc/thread-self/ns/net").open() as home:
            self.enter()
            try:
                yield
            finally:
                assert LIBC.setns(home.fileno(), CLONE_NEWNET) == 0

    def replay(self, capture: Path, interface: str, *options: str) -> int:
        """Send a capture out of an interface; the number of frames sent."""
        options = options or ("--topspeed",)
        return sent(self.run("tcpreplay", *options, "--intf1", interface, str(capture)))

    def replaying(self, capture: Path, interface: str, *options: str) -> subprocess.Popen[str]:
        """Begin to; ``sent(process.communicate()[0])`` says how many."""
        command = ["ip", "netns", "exec", self.name, "tcpreplay", *options, "--intf1", interface, str(capture)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def close(self) -> None:
        subprocess.run(["ip", "netns", "del", self.name], check=False, capture_output=True)


def sent(report: str) -> int:
    """Frames that tcpreplay says it sent."""
    lines = [line for line in report.splitlines() if "Successful packets" in line]
    return int(lines[-1].split(":")[1])


def frames(block: Block) -> list[tuple[int, bytes, int, int]]:
    """Time, bytes, length on the wire and interface of each packet."""
    memory = memoryview(block.memory)
    rows = (block.index[row * COLUMNS : (row + 1) * COLUMNS] for row in range(block.count))
    return [(ts, bytes(memory[at : at + captured]), wire, face) for ts, at, captured, wire, face in rows]


def taken(tap: Tap, count: int, *, within_s: float = 5) -> list[tuple[int, bytes, int, int]]:
    """Packets, until there are so many."""
    found: list[tuple[int, bytes, int, int]] = []
    end = time.monotonic() + within_s
    while len(found) < count and time.monotonic() < end:
        block = tap.wait(0.1)
        if block is not None:
            found += frames(block)
    return found


def counted(tap: Tap, *, quiet_s: float = 0.3) -> int:
    """The number of packets, until none came for a while."""
    count, last = 0, time.monotonic()
    while time.monotonic() - last < quiet_s:
        block = tap.wait(0.05)
        if block is not None:
            count += block.count
            last = time.monotonic()
    return count


def told(tap: Tap, enough: Callable[[list[LinkEvent]], bool], *, within_s: float = 5) -> list[LinkEvent]:
    """Link events, until they are enough."""
    events: list[LinkEvent] = []
    end = time.monotonic() + within_s
    while not enough(events) and time.monotonic() < end:
        tap.wait(0.05)
        events += tap.events()
    return events


def settled(tap: Tap) -> Ledger:
    """The account of a tap of one interface; it must be exact."""
    (ledger,) = tap.ledgers()
    assert ledger.exact, ledger
    return ledger
