"""Clock: whether the kernel says that somebody keeps it right (adjtimex(2), which needs no privilege to read)."""

from __future__ import annotations

import ctypes
import os
import struct
from typing import Final

from monitor.doctor.finding import Finding, amber, green

TIMEX_BYTES: Final = 208
"""struct timex where a long has 64 bits (linux/timex.h: x86-64, arm64)."""
MAXERROR_AT: Final = 24
STATUS_AT: Final = 40
STA_UNSYNC: Final = 0x0040
NOTABLE_US: Final = 1_000_000
"""Evidence of two sensors, or of a sensor and a firewall, is put together by the second."""


def discipline() -> Finding:
    """Whether the clock is synchronised, and to what error at most."""
    buffer = ctypes.create_string_buffer(TIMEX_BYTES)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.adjtimex(buffer) < 0:
        reason = os.strerror(ctypes.get_errno())
        return amber("clock", f"the kernel does not say how it is kept ({reason}): ask `timedatectl`")
    (error_us,) = struct.unpack_from("q", buffer.raw, MAXERROR_AT)
    (status,) = struct.unpack_from("i", buffer.raw, STATUS_AT)
    return judged(error_us, unsynchronised=bool(status & STA_UNSYNC))


def judged(error_us: int, *, unsynchronised: bool) -> Finding:
    """What to think of an error of so many microseconds at most."""
    if unsynchronised:
        return amber("clock", "not synchronised: times in evidence can be wrong; install chrony or enable timesyncd")
    if error_us >= NOTABLE_US:
        return amber("clock", f"may be wrong by {error_us / 1e6:.1f} s: see `chronyc tracking` or `timedatectl`")
    return green("clock", f"synchronised, to {error_us / 1000:.0f} ms at most")
