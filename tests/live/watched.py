"""A live daemon whose load, memory and account are read while it is flooded."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final, NamedTuple

from tests.app.living import Daemon

PAGE: Final = os.sysconf("SC_PAGE_SIZE")
TICKS: Final = os.sysconf("SC_CLK_TCK")
MIB: Final = 1024 * 1024


class Account(NamedTuple):
    """What the daemon says of its interface by its own metrics."""

    seen: int
    dropped: int

    @property
    def arrived(self) -> int:
        return self.seen + self.dropped


class Watched(Daemon):
    """A daemon, and what proc(5) says of its process."""

    @property
    def resident(self) -> int:
        """Bytes of memory that are its own: of mapped files, such as the address databases, the kernel disposes."""
        _, pages, of_files, *_ = Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return (int(pages) - int(of_files)) * PAGE

    @property
    def cpu_s(self) -> float:
        """Processor time of all its threads, seconds."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    @property
    def account(self) -> Account:
        """Frames that were read, and frames that the kernel dropped."""
        return Account(int(self.metric("packets_total")), int(self.metric("kernel_drops_total")))

    def settled(self, sent: int, *, within_s: float = 60) -> Account:
        """The account once it has come to ``sent``, or when that time is over."""
        end = time.monotonic() + within_s
        while (account := self.account).arrived < sent and time.monotonic() < end:
            time.sleep(0.2)
        return account
