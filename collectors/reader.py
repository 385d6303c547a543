"""Reader: one capture as runs of packets whose times are believed.

Strategy: bytes are read into one buffer, framed in place, and judged by the clock. Rows of the index are, from
left to right, given (before ``_head``), judged (before ``_ready``), and framed (before ``_rows``). When all that
can be judged is given, the few rows that still wait for a later packet move to the front of the index, and
their bytes to the front of the buffer; what the framing has not reached follows them. So a buffer need only
hold one record more than those.

Of a file that is read alone, stands as it is, and goes on, the next bytes are read meanwhile (collectors.ahead), into a
second buffer with a margin before them for what is left of the first.

Nothing depends on where reads or buffers end: the packets, the steps and the damage are the same for any.
"""

from __future__ import annotations

import struct
from array import array
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from collectors.blocks import CAPTURED, COLUMNS, OFFSET, TS, Block, Interface
from collectors.clock import Clock, run
from collectors.compressed import Dry, Stream
from collectors.damage import CaptureError, Damage
from collectors.framing import FAULTS, SUPPORTED, PcapFraming, PcapngFraming

if TYPE_CHECKING:
    from typing import TypeAlias

    Framing: TypeAlias = PcapFraming | PcapngFraming

WAITING: Final = 2
"""Most packets that can wait for a later one to confirm their time (collectors.clock)."""

MARGIN: Final = 64 * 1024
"""Room before bytes that are read ahead, for what is left of those before them: more than a frame mostly has."""
AHEAD: Final = 8
"""Such a read's size in buffers. Another core's bytes come from a further cache, so there is nothing to keep small."""

PCAP_HEADER: Final = 24
PCAP_MAGICS: Final = {
    0xA1B2C3D4: (1_000, 16),
    0xA1B23C4D: (1, 16),
    0xA1B2CD34: (1_000, 24),
}
"""Magic number: nanoseconds in a record's second time field, bytes of a record's header.
The third is Alexey Kuznetzov's, whose records also carry interface, protocol and packet type (sf-pcap.c)."""
PCAPNG_MAGIC: Final = b"\x0a\x0d\x0d\x0a"


@lru_cache(maxsize=64)
def interfaces(label: str, link_types: tuple[int, ...]) -> tuple[Interface, ...]:
    """Name what a file's packets were seen on; equal files share one tuple."""
    return tuple(Interface(label, link_type) for link_type in link_types)


class Reader:
    """One capture, read as far as it can be. ``ready`` before ``time`` and ``take``."""

    def __init__(
        self,
        path: str,
        *,
        block_packets: int,
        buffer_bytes: int,
        label: str = "capture",
        live: bool = False,
        clock: Clock | None = None,
    ) -> None:
        """Nothing is opened or read yet.

        ``live``: what is not there now may come later; ``clock``: that of the captures that this one goes on from.
        """
        self.stream = Stream(path, live=live)
        self.damage: list[Damage] = []
        """What is wrong with it: at most one link type that is left out, and one reason to stop."""
        self._label = label
        self._clock = clock or Clock()
        self._framing: Framing | None = None
        self._memory = bytearray()
        self._spare = bytearray()
        """Where the next bytes are read to while ``_memory`` is looked at."""
        self._end = 0
        self._ended = False
        self._index = array("q")
        self._head = self._ready = self._rows = 0
        self._complete = self._broken = self._unsupported = False
        self.resize(block_packets, buffer_bytes)

    def resize(self, block_packets: int, buffer_bytes: int, *, ahead: bool = False) -> None:
        """Set the most packets of a block, the least size of the next buffer, and whether bytes are read ahead."""
        self._goes_ahead = ahead
        self._block_packets = block_packets
        self._buffer_bytes = max(buffer_bytes, PCAP_HEADER)

    def ready(self) -> bool:
        """Read until a packet can be given; False if there is none left, or, of a live capture, none now."""
        while self._head == self._ready:
            self._ready = self._clock.judge(self._index, self._head, self._rows, last=self._complete)
            if self._head == self._ready:
                if self._complete:
                    return False
                try:
                    self._frame()
                except Dry:
                    return False
        return True

    @property
    def ended(self) -> bool:
        """Whether nothing comes any more."""
        return self._complete and self._head == self._rows

    @property
    def waiting(self) -> int:
        """Packets that were found and not given yet."""
        return self._rows - self._head

    def finish(self) -> None:
        """Nothing is added to a live capture any more: what is there is all."""
        self.stream.live = False

    @property
    def time(self) -> int:
        """TS of the next packet."""
        return self._index[self._head * COLUMNS + TS]

    def take(self, before: int) -> Block:
        """Give the next packet and those after it, up to the first at ``before`` or later."""
        head, stop = self._head, min(self._ready, self._head + self._block_packets)
        stop = max(head + 1, run(self._index, head, stop, before))
        index = self._index[head * COLUMNS : stop * COLUMNS] if head else self._index
        self._head = stop
        steps, suspects = self._clock.taken()
        types = self._framing.link_types if self._framing else ()
        return Block(self._memory, index, stop - head, interfaces(self._label, types), steps, suspects)

    def close(self) -> None:
        """Close the file and give up the buffers."""
        self.stream.close()
        self._memory, self._spare, self._index = bytearray(), bytearray(), array("q")
        self._head = self._ready = self._rows = 0
        self._complete = True

    def _frame(self) -> None:
        """Frame what the buffer holds, or, if that is no packet, read once."""
        self._carry()
        waiting = self._rows
        try:
            if self._framing is None:
                self._framing = self._begin()
            framing = self._framing
            self._rows = framing.frame(self._memory, self._end, self._index, waiting, last=self._ended)
            self._note(framing)
            self._complete = bool(framing.fault) or (self._ended and framing.wanted > 0)
            if self._rows == waiting and not self._complete:
                self._read(framing.wanted)
        except CaptureError as error:
            self.damage.append(error.damage)
            self._ended = self._broken = True
            self._complete = self._framing is None

    def _begin(self) -> Framing:
        """Read the file header."""
        while self._end < PCAP_HEADER and not self._ended:
            self._read(PCAP_HEADER)
            if self._memory.startswith(PCAPNG_MAGIC):
                return PcapngFraming()
        path, header = self.stream.path, bytes(self._memory[: self._end])
        if not header:
            raise CaptureError(path, 0, "empty")
        big = header[:2] == b"\xa1\xb2"
        known = PCAP_MAGICS.get(int.from_bytes(header[:4], "big" if big else "little"))
        if known is None:
            raise CaptureError(path, 0, f"neither pcap nor pcapng: begins with {header[:4].hex(' ')}")
        if len(header) < PCAP_HEADER:
            raise CaptureError(path, 0, "pcap header cut short")
        major, minor, snap, link = struct.unpack_from(">HH8xII" if big else "<HH8xII", header, 4)
        if major not in (2, 543):  # 543.0 is DG/UX's tcpdump
            raise CaptureError(path, 4, f"pcap version {major}.{minor}")
        if link & 0xFFFF not in SUPPORTED:  # above are the length of the FCS and reserved bits
            raise CaptureError(path, 20, f"link type {link & 0xFFFF} is not supported")
        fraction, length = known
        framing = PcapFraming(
            big=big, fraction=fraction, header=length, version=(major, minor), snap=snap, link=link & 0xFFFF
        )
        framing.position = PCAP_HEADER
        return framing

    def _note(self, framing: Framing) -> None:
        """Record what the framing could not use."""
        base = self.stream.offset - self._end
        if framing.unsupported_at >= 0 and not self._unsupported:
            self._unsupported = True
            reason = f"link type {framing.unsupported} is not supported; its packets are left out"
            self.damage.append(Damage(self.stream.path, base + framing.unsupported_at, reason))
        if framing.fault and not self._broken:
            reason = FAULTS[framing.fault].format(framing.detail)
            self.damage.append(Damage(self.stream.path, base + framing.position, reason))

    def _carry(self) -> None:
        """Move the rows that wait to the front of the index, into a new one if it must grow."""
        head, waiting = self._head * COLUMNS, (self._rows - self._head) * COLUMNS
        rows = self._index[head : head + waiting]
        cells = max(self._block_packets, WAITING + 1) * COLUMNS
        if len(self._index) < cells:
            self._index = array("q", bytes(cells * 8))
        if waiting:  # an array with exports refuses even to replace nothing by nothing
            self._index[:waiting] = rows
        self._head = self._ready = 0
        self._rows = waiting // COLUMNS

    def _read(self, wanted: int) -> None:
        """Make room for ``wanted`` bytes from the framing's position on, and read what is there."""
        fetched = self.stream.fetching
        taken = self.stream.fetched() if fetched else 0
        position = self._framing.position if self._framing else 0
        held = sum(self._index[row * COLUMNS + CAPTURED] for row in range(self._rows))
        kept = held + self._end - position
        if fetched and kept <= MARGIN:
            self._memory, self._spare = self._move(self._spare, MARGIN - kept), self._memory
        elif fetched:
            news = self._spare[MARGIN : MARGIN + taken]
            self._memory = self._move(bytearray(kept + taken), 0)
            self._memory[kept:] = news
        else:
            size = max(self._buffer_bytes, held + wanted)
            # Replaced, not resized: whoever has the last Block may still look at it.
            self._memory = self._move(self._memory if size == len(self._memory) else bytearray(size), 0)
            taken = self.stream.readinto(memoryview(self._memory)[self._end :])
        full = taken == (AHEAD * self._buffer_bytes if fetched else len(self._memory) - self._end)
        self._end += taken
        self._ended = taken == 0
        if full and self._goes_ahead:
            self._fetch()

    def _move(self, memory: bytearray, start: int) -> bytearray:
        """Move what is still wanted to ``memory``, from ``start`` on."""
        position = self._framing.position if self._framing else 0
        old, new, end = memoryview(self._memory), memoryview(memory), start
        for row in range(self._rows):
            offset, captured = self._index[row * COLUMNS + OFFSET], self._index[row * COLUMNS + CAPTURED]
            new[end : end + captured] = old[offset : offset + captured]
            self._index[row * COLUMNS + OFFSET] = end
            end += captured
        rest = self._end - position
        new[end : end + rest] = old[position : self._end]
        if self._framing:
            self._framing.position = end
        self._end = end + rest
        return memory

    def _fetch(self) -> None:
        """Have the next bytes read while these are looked at."""
        size = MARGIN + AHEAD * self._buffer_bytes
        if len(self._spare) != size:
            self._spare = bytearray(size)
        self.stream.fetch(memoryview(self._spare)[MARGIN:])
