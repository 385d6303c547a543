"""How much of a capture is believed, and how much of it is held at once."""

from __future__ import annotations

from typing import Final

MAX_CAPTURED: Final = 262_144
"""Longest packet that is believed without being declared, bytes: MAXIMUM_SNAPLEN of libpcap (pcap-int.h)."""
MAX_RECORD: Final = 16 * 1024 * 1024
"""Longest packet and longest pcapng block, bytes: INITIAL_MAX_BLOCK_SIZE of libpcap (sf-pcapng.c)."""
MAX_FACES: Final = 65_536
"""Interfaces in one pcapng section: what the 16 bits of the obsolete Packet Block can name."""

TIME_LIMIT: Final = (1 << 62) - 1
"""Largest time either side of 1970, nanoseconds: the year 2116, beyond every 32-bit time.
The difference of any two fits 64 bits, so compiled and uncompiled code agree."""
UNSTAMPED: Final = -(1 << 62)
"""TS of a packet whose record has no time, until collectors.clock gives it one."""
CLOCK_STEP_NS: Final = 3_600_000_000_000
"""One hour: more than clocks drift apart, less than would expire a day's state for nothing."""

MAX_OPEN: Final = 64
"""Captures of one merge that are open at a time, and that have a full buffer: 64 MiB of buffers at most, 8 more where
one is read ahead, and far fewer files than the 1,024 that a process may open by default (RLIMIT_NOFILE)."""
MAX_WINDOW: Final = 128 * 1024 * 1024
"""Largest zstd window, bytes: what the zstd tool accepts by default (ZSTD_WINDOWLOG_LIMIT_DEFAULT, zstd.h)."""
