"""Pipe: a capture that somebody writes into a pipe, such as ``ssh host tcpdump -U -w - | ...``.

Strategy: the pipe is only read where there is something, so nothing here waits but ``wait``. Standard input ends once.
A FIFO is opened again when its writer is gone, or has written what is no capture: then it gets SIGPIPE, and whatever
starts it anew begins with a new header.
"""

from __future__ import annotations

import os
import select
import stat
import time
from typing import TYPE_CHECKING, Final, Self

from collectors.limits import TIME_LIMIT
from collectors.live import Ledger, LinkState
from collectors.reader import Reader
from collectors.state import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collectors.blocks import Block
    from collectors.live import LinkEvent

BLOCK_PACKETS: Final = 4096
BUFFER_BYTES: Final = 1024 * 1024
"""Both as collectors.captures."""
NEVER: Final = TIME_LIMIT + 1
LATENESS_NS: Final = 2_000_000_000
"""tcpdump hands over what it has once a second (tcpdump.c 4.99: pcap_set_timeout(pc, 1000); ``-U`` does not change
that), and the way to here takes its time too."""
STANDARD_INPUT: Final = "-"
SHUT_S: Final = 1.0
"""How long a FIFO stays shut whose writer wrote nonsense: what it writes meanwhile ends it."""


class Pipe:
    """A Source of packets: standard input ("-") or a FIFO.

    A packet that is more than an hour after the one before waits for the next to confirm its time, as do the first
    packet of all (collectors.clock); they count as waiting.
    """

    def __init__(self, path: str = STANDARD_INPUT, *, label: str | None = None) -> None:
        """``label``: its name in events and Blocks, else ``path``. Raises CaptureError if it cannot be opened."""
        self._path = path
        self._label = path if label is None else label
        self._state = State(self._label)
        self._seen = 0
        self._told = 0
        self._shut = 0.0
        self._reader: Reader | None = self._open()
        self._fifo = path != STANDARD_INPUT and not self._reader.stream.regular
        self._state.change(LinkState.DOWN, "nothing was written yet")

    @property
    def lateness_ns(self) -> int:
        """How much later a packet may be given out than one that passed at the same time, nanoseconds."""
        return LATENESS_NS

    def wait(self, timeout_s: float) -> Block | None:
        """The next packets, or None if none came within ``timeout_s``; valid until the next call."""
        deadline = time.monotonic() + timeout_s
        while True:
            reader = self._reader
            if reader is None:
                if not self._reopen(deadline):
                    return None
                continue
            ready = reader.ready()
            if ready or (reader.stream.offset and not reader.ended):
                self._state.change(LinkState.UP)
            if ready:
                block = reader.take(NEVER)
                self._seen += block.count
                return block
            if reader.ended:
                self._end(reader)
                continue
            self._note(reader)
            now = time.monotonic()
            if now >= deadline:
                return None
            waiting = select.poll()
            waiting.register(reader.stream.open(), select.POLLIN)
            waiting.poll((deadline - now) * 1000)

    def events(self) -> Sequence[LinkEvent]:
        """Take what became of the pipe since the last call."""
        return self._state.take()

    def ledgers(self) -> Sequence[Ledger]:
        """The packets that came out of the pipe; what its writer lost is not known here."""
        waiting = self._reader.waiting if self._reader is not None else 0
        return [Ledger(self._label, self._seen + waiting, dropped=0, seen=self._seen, waiting=waiting)]

    def close(self) -> None:
        """Close the pipe."""
        if self._reader is not None:
            self._reader.close()
        self._reader = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _open(self) -> Reader:
        reader = Reader(
            self._path, block_packets=BLOCK_PACKETS, buffer_bytes=BUFFER_BYTES, label=self._label, live=True
        )
        reader.stream.open()
        reader.stream.live = not reader.stream.regular
        return reader

    def _end(self, reader: Reader) -> None:
        """The writer is gone, or wrote no capture."""
        wrong = "; ".join(str(damage) for damage in reader.damage[self._told :])
        if gone(reader.stream.open()):
            self._state.change(LinkState.GONE, wrong or "the writer is gone")
            self._shut = 0.0
        else:
            self._state.change(LinkState.BLOCKED, wrong)
            self._shut = time.monotonic() + SHUT_S
        reader.close()
        self._reader = None
        self._told = 0

    def _reopen(self, deadline: float) -> bool:
        """Open the FIFO again, if that can be before the deadline; else wait for the deadline."""
        opens = self._fifo and self._shut <= deadline
        time.sleep(max((self._shut if opens else deadline) - time.monotonic(), 0))
        if opens:
            self._reader = self._open()
        return opens

    def _note(self, reader: Reader) -> None:
        """Tell what is left out."""
        for damage in reader.damage[self._told :]:
            self._state.tell(LinkState.BLOCKED, str(damage))
        self._told = len(reader.damage)


def gone(descriptor: int) -> bool:
    """Whether no writer has this pipe open; a file has none."""
    looking = select.poll()
    looking.register(descriptor, select.POLLIN)
    return any(events & select.POLLHUP for _, events in looking.poll(0)) or not stat.S_ISFIFO(
        os.fstat(descriptor).st_mode
    )
