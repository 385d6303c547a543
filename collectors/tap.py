"""Tap: the packets of one or several interfaces as they pass, in time order, with an exact account.

Strategy: each interface has one socket and one ring, and the rings lie side by side in one range of addresses: so a
Block can point at frames of all of them, and no frame is copied. ``wait`` hands the blocks of the last Block back to
the kernel, walks what was handed over since (collectors.ring), merges it (collectors.merge), and judges its times
(collectors.witness).
"""

from __future__ import annotations

import contextlib
import select
import time
from typing import TYPE_CHECKING, Final, Self

from collectors.links import Links
from collectors.live import LinkState
from collectors.merge import Merge
from collectors.packet import RingSize, TapError, reserve
from collectors.port import Port
from collectors.witness import WITNESSES, Witness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collectors.blocks import Block
    from collectors.live import Ledger, LinkEvent

__all__ = ["Tap", "TapError"]

RING_BYTES: Final = 128 * 1024 * 1024
"""A second of a full gigabit link; 512 blocks, which outlast five seconds of sparse traffic."""
BLOCK_BYTES: Final = 256 * 1024
"""Frames that the kernel merged (GRO) are up to 64 KiB long (GRO_MAX_SIZE)."""
RETIRE_MS: Final = 10
"""Measured on Linux 6.18 with 1,000 frames a second, frame to Block and CPU: 5 ms: p99 6 ms, 2.2 %; 10 ms: 10 ms,
1.2 %; 20 ms: 21 ms, 1.3 %. Older kernels look at a block only that often, so there it takes up to twice as long."""
LATENESS_NS: Final = 40_000_000
"""A frame lies in the ring for RETIRE_MS, twice that on older kernels, and the thread must get its turn."""
HOLD_BACK_NS: Final = 100_000_000
BLOCK_PACKETS: Final = 4096
"""As collectors.captures."""
WAITING_ROWS: Final = 65_536
"""Rows of one interface that wait for the others: more than come in HOLD_BACK_NS at 600,000 a second."""
PAUSE_NS: Final = 2_000_000
"""After a Block the next is not looked for sooner: more frames come at once. A wake costs some 50 us, and at 300,000
frames a second there would be 5,000 a second."""
LOOK_NS: Final = 1_000_000_000
"""How often interfaces and counters are looked at unasked: news is told by the route socket, and 32-bit counters last
for hours."""
NEWS_NS: Final = 50_000_000
"""How often at most, however much news there is."""


class Tap:
    """A Source of packets. The interfaces are those of the network namespace that it is opened in."""

    def __init__(
        self,
        interfaces: Sequence[str],
        *,
        ring_bytes: int = RING_BYTES,
        block_bytes: int = BLOCK_BYTES,
        retire_ms: int = RETIRE_MS,
        promiscuous: bool = True,
        hold_back_ns: int = HOLD_BACK_NS,
        hardware_timestamps: bool = False,
    ) -> None:
        """``ring_bytes`` are those of each interface.

        Raises TapError, one line, if an interface cannot be read.
        """
        if not interfaces:
            raise ValueError("a tap has an interface")
        for label in interfaces:
            if list(interfaces).count(label) > 1:
                raise TapError(label, "named twice")
        if ring_bytes < block_bytes:
            raise TapError(", ".join(interfaces), f"a ring of {ring_bytes:,} bytes holds no block of {block_bytes:,}")
        size = RingSize(block_bytes, ring_bytes // block_bytes, retire_ms)
        self._ports: list[Port] = []
        self._memory = reserve(", ".join(interfaces), size.total * len(interfaces))
        self._hold_back_ns = hold_back_ns
        self._opened = contextlib.ExitStack()
        with contextlib.ExitStack() as stack:
            try:
                self._links = stack.enter_context(contextlib.closing(Links()))
            except OSError as error:
                raise TapError(", ".join(interfaces), f"no route socket (AF_NETLINK): {error.strerror}") from error
            self._epoll = stack.enter_context(select.epoll())
            self._epoll.register(self._links.fileno(), select.EPOLLIN | select.EPOLLET)
            for number, label in enumerate(interfaces):
                port = Port(label, number, self._links, size, promiscuous=promiscuous, hardware=hardware_timestamps)
                stack.callback(port.close)
                self._ports.append(port)
            capacity = WAITING_ROWS if len(interfaces) > 1 else 2 * BLOCK_PACKETS
            rings = [port.open(self._memory, capacity=capacity, back_ns=hold_back_ns) for port in self._ports]
            for port in self._ports:
                self._epoll.register(port.socket.fileno(), select.EPOLLIN | select.EPOLLET)
            self._opened = stack.pop_all()
        self._rings = rings
        self._merge = Merge(rings, BLOCK_PACKETS, hold_back_ns=hold_back_ns, spare=WITNESSES)
        self._witness = Witness(self._memory, self._merge.index, tuple(port.interface for port in self._ports))
        self._looked_ns = self._walked_ns = self._paused_ns = time.monotonic_ns()
        self._looking_ns = self._looked_ns + LOOK_NS
        self._hush()

    @property
    def lateness_ns(self) -> int:
        """How much later a packet may be given out than one that passed at the same time, nanoseconds."""
        return LATENESS_NS + (self._hold_back_ns if len(self._ports) > 1 else 0)

    def wait(self, timeout_s: float) -> Block | None:
        """The next packets in time order, or None if none came within ``timeout_s``; valid until the next call."""
        now = time.monotonic_ns()
        deadline = now + int(timeout_s * 1_000_000_000)
        if not self._witness.rest:
            for ring in self._rings:
                ring.release()
        while True:
            if now >= self._looking_ns:
                self._look(now)
            block = self._next(now)
            if block is not None:
                self._paused_ns = now + PAUSE_NS
                return block
            if now >= deadline:
                return None
            self._sleep(min(deadline, self._looking_ns))
            now = time.monotonic_ns()

    def events(self) -> Sequence[LinkEvent]:
        """Take what became of the interfaces since the last call."""
        told = [event for port in self._ports for event in port.state.take()]
        return sorted(told, key=lambda event: event.ts_ns)

    def ledgers(self) -> Sequence[Ledger]:
        """The account of each interface as it is now."""
        return [port.ledger(self._witness.unseen(port.number)) for port in self._ports]

    @property
    def broken(self) -> int:
        """Blocks of a ring that contradicted themselves; a kernel writes none."""
        return sum(ring.broken for ring in self._rings)

    def close(self) -> None:
        """Give everything back. A Block given before reads as zeros."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _next(self, now: int) -> Block | None:
        """Give what is merged and judged, after merging and judging more if there is none."""
        if not self._witness.rest:
            waiting = self._walk(now)
            rows = self._merge.fill(flush=now - self._walked_ns >= self._hold_back_ns) if waiting else 0
            if rows == 0:
                return None
            self._witness.begin(rows, time.time_ns())
        return self._witness.take()

    def _walk(self, now: int) -> int:
        """Walk every ring; the rows that wait."""
        before = sum(ring.walked for ring in self._rings)
        waiting = sum(ring.walk(self._merge.era) for ring in self._rings)
        if sum(ring.walked for ring in self._rings) != before:
            self._walked_ns = now
        return waiting

    def _sleep(self, until: int) -> None:
        """Wait for a block, for news, or for the end of the hold-back."""
        if any(ring.head < ring.rows for ring in self._rings):
            until = min(until, self._walked_ns + self._hold_back_ns)
        now = time.monotonic_ns()
        if now < self._paused_ns < until:
            time.sleep((self._paused_ns - now) / 1_000_000_000)
            now = self._paused_ns
            if self._walk(now):
                return
        left = max(until - now, 0) / 1_000_000_000
        for descriptor, _ in self._epoll.poll(left):
            if descriptor == self._links.fileno() and self._links.changed():
                self._looking_ns = min(self._looking_ns, self._looked_ns + NEWS_NS)

    def _look(self, now: int) -> None:
        """See to the interfaces, the counters and, if nothing comes, the clock."""
        for port in self._ports:
            port.look()
            port.account()
        self._hush()
        if now - self._walked_ns >= LOOK_NS:
            self._witness.idle(time.time_ns())
        self._looked_ns, self._looking_ns = now, now + LOOK_NS

    def _hush(self) -> None:
        """Have nobody wait for an interface that nothing can come from."""
        for port in self._ports:
            self._merge.hush(port.number, silent=port.state.now is not LinkState.UP)
