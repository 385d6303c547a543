# cython: annotation_typing=False
# ruff: noqa: ERA001
"""Ring: the frames of one interface, found where the kernel put them.

Strategy: memory is shared with the kernel, which fills one block after the other, in a circle, and hands each over by
its status. ``walk`` steps through blocks that were handed over and appends a row a frame to ``index``; the bytes
stay where they are. ``give`` moves rows out, in order. ``release`` hands back the blocks whose rows are all given.

A frame's VLAN tag is not in it: the kernel, or the card, has taken it out. It is put back in place, into the room
that PACKET_RESERVE left before the frame, as libpcap does.

Exact counting: a block's number of packets stays readable in every state, grows under the lock that also guards
the socket's statistics, and is set to 0 here when the block is handed back. So the sum over all blocks, plus what
was handed back, is every packet that the kernel ever placed (``placed``).

Nothing in the memory is trusted: a block that contradicts itself is given as far as it can be, and counted.

Layout: struct tpacket_block_desc and struct tpacket3_hdr of linux/if_packet.h.
"""

from __future__ import annotations

from array import array

import cython  # type: ignore[import-untyped,unused-ignore]

from collectors.blocks import CAPTURED, COLUMNS, INTERFACE, OFFSET, TS, WIRE

# 32-bit words of struct tpacket_block_desc, which is at the start of a block.
BLOCK_STATUS = 2
BLOCK_PACKETS = 3
BLOCK_FIRST = 4
"""Offset of the first frame's header, bytes."""
BLOCK_HEADER = 48
"""Bytes of it."""

# 32-bit words of struct tpacket3_hdr, which is before each frame; then 16-bit words of it.
NEXT = 0
SECONDS = 1
NANOSECONDS = 2
SNAPLEN = 3
LENGTH = 4
STATUS = 5
TCI = 8
MAC = 12
TPID = 18
FRAME_HEADER = 68
"""Bytes of it, and of the struct sockaddr_ll after it."""

TP_STATUS_USER = 1
TP_STATUS_VLAN_VALID = 1 << 4
TP_STATUS_VLAN_TPID_VALID = 1 << 6

VLAN_TAG = 4
ADDRESSES = 12
"""Bytes before an Ethernet frame's tag: two MAC addresses."""
ETHERTYPE_VLAN = 0x8100
"""Where a driver does not say: IEEE 802.1Q."""
ALIGNED = 8
"""Blocks and headers begin at multiples of this (V3_ALIGNMENT of af_packet.c)."""

if not cython.compiled:  # ring.pxd has it for the compiler

    def fence():
        """Have what was read or written before be so for the kernel too."""


class Ring:
    """The ring of one interface: a part of ``memory``, from ``base`` on."""

    def __init__(self, memory, base, block_bytes, blocks, *, interface, ethernet, capacity, back_ns):
        """``capacity``: rows that can wait; ``back_ns``: a frame so much earlier than the one before begins an era."""
        self.memory = memory
        self.words = memoryview(memory).cast("B").cast("I")
        self.halves = memoryview(memory).cast("B").cast("H")
        if block_bytes < BLOCK_HEADER or block_bytes % ALIGNED or base < 0 or base % ALIGNED or blocks < 1:
            raise ValueError("blocks of a ring are aligned")
        if base + block_bytes * blocks > len(memoryview(memory)):
            raise ValueError("a ring lies in its memory")
        self.base = base
        self.block_bytes = block_bytes
        self.blocks = blocks
        self.interface = interface
        self.ethernet = ethernet
        self.back_ns = back_ns
        self.capacity = capacity
        self.index = array("q", bytes(8 * COLUMNS * capacity))
        self.head = self.rows = 0
        self.ends = array("q", bytes(8 * blocks))
        self.block = self.oldest = self.held = 0
        self.next = self.left = 0
        self.walked = self.given = self.released = self.broken = self.octets = 0
        self.era = self.last_ns = 0

    def walk(self, era):
        """Append rows for what was handed over; the number that wait. ``era``: that of what was given elsewhere."""
        if self.head == self.rows:
            self.head = self.rows = 0
        elif self.head > self.capacity // 2:
            self.compact()
        if self.head == self.rows and era > self.era and self.held < self.blocks and self.handed(self.block):
            self.era = era
            self.last_ns = 0
        with cython.nogil:
            self.step()
        return self.rows - self.head

    def compact(self):
        """Move the rows that wait to the front."""
        moved, cell = 0, self.head * COLUMNS
        while cell < self.rows * COLUMNS:
            self.index[moved] = self.index[cell]
            moved += 1
            cell += 1
        self.rows -= self.head
        self.head = 0

    def step(self):
        """Walk to the end of what was handed over, of the room for rows, or of an era."""
        while self.rows < self.capacity:
            if self.left == 0 and not self.enter():
                break
            if not self.frame():
                break
            if self.left == 0:
                self.leave()
        return 0

    def handed(self, block):
        """Whether a block is ours."""
        return self.words[(self.base + block * self.block_bytes) // 4 + BLOCK_STATUS] & TP_STATUS_USER != 0

    def crowded(self):
        """Whether half of the ring is ours: there is no time to wait for others."""
        return self.handed((self.oldest + self.blocks // 2) % self.blocks)

    def pressed(self):
        """Whether an eighth of the ring is ours: of 128 MiB, a hundred thousand small frames, or 12,000 of video."""
        return self.handed((self.oldest + self.blocks // 8) % self.blocks)

    def enter(self):
        """Begin the next block; False if it is not handed over, or all are held."""
        while self.held < self.blocks and self.handed(self.block):
            fence()
            start = self.base + self.block * self.block_bytes
            self.left = self.words[start // 4 + BLOCK_PACKETS]
            self.next = start + self.words[start // 4 + BLOCK_FIRST]
            if self.left > 0:
                return True
            self.leave()
        return False

    def leave(self):
        """Be done with a block but for its bytes."""
        self.left = 0
        self.ends[self.block] = self.walked
        self.block = (self.block + 1) % self.blocks
        self.held += 1
        return 0

    def frame(self):
        """Append the row of one frame; False if it must wait for an era to end."""
        start = self.base + self.block * self.block_bytes
        end, at = start + self.block_bytes, self.next
        if at % ALIGNED != 0 or at < start + BLOCK_HEADER or at > end - FRAME_HEADER:
            return self.spoil()
        word = at // 4
        captured, mac = self.words[word + SNAPLEN], self.halves[word * 2 + MAC]
        if mac < FRAME_HEADER or captured > end - at - mac:
            return self.spoil()
        time = self.words[word + SECONDS]
        time = time * 1_000_000_000 + self.words[word + NANOSECONDS]
        if time < self.last_ns - self.back_ns:
            if self.rows > self.head:
                return False
            self.era += 1
            self.last_ns = time
        elif time > self.last_ns:
            self.last_ns = time
        self.add(time, at + mac, captured, word)
        self.left -= 1
        self.next = at + self.words[word + NEXT]
        if self.left > 0 and self.next < at + FRAME_HEADER:
            return self.spoil()
        return True

    def add(self, time, offset, captured, word):
        """Write the row of a frame, its tag put back."""
        wire, status = max(self.words[word + LENGTH], captured), self.words[word + STATUS]
        if status & TP_STATUS_VLAN_VALID and self.ethernet and captured >= ADDRESSES:
            room = offset - word * 4 - FRAME_HEADER
            if room >= VLAN_TAG:
                tpid = ETHERTYPE_VLAN
                if status & TP_STATUS_VLAN_TPID_VALID:
                    tpid = self.halves[word * 2 + TPID]
                self.tag(offset, tpid, self.words[word + TCI])
                offset -= VLAN_TAG
                captured += VLAN_TAG
                wire += VLAN_TAG
        cell = self.rows * COLUMNS
        self.index[cell + TS] = time
        self.index[cell + OFFSET] = offset
        self.index[cell + CAPTURED] = captured
        self.index[cell + WIRE] = wire
        self.index[cell + INTERFACE] = self.interface
        self.rows += 1
        self.walked += 1
        return 0

    def tag(self, offset, tpid, tci):
        """Make room for a tag after the addresses, and write it."""
        at = 0
        while at < ADDRESSES:
            self.memory[offset - VLAN_TAG + at] = self.memory[offset + at]
            at += 1
        at = offset - VLAN_TAG + ADDRESSES
        self.memory[at] = tpid >> 8 & 0xFF
        self.memory[at + 1] = tpid & 0xFF
        self.memory[at + 2] = tci >> 8 & 0xFF
        self.memory[at + 3] = tci & 0xFF
        return 0

    def spoil(self):
        """Leave out the rest of a block that contradicts itself."""
        self.broken += 1
        self.left = 0
        return True

    def time(self):
        """TS of the first row that waits."""
        return self.index[self.head * COLUMNS + TS]

    def give(self, index, row, rows, until):
        """Move rows to ``index``, from ``row`` on and before ``rows``, up to the first that is later than ``until``."""
        while row < rows and self.head < self.rows:
            source, cell = self.head * COLUMNS, row * COLUMNS
            if self.index[source + TS] > until:
                break
            index[cell + TS] = self.index[source + TS]
            index[cell + OFFSET] = self.index[source + OFFSET]
            index[cell + CAPTURED] = self.index[source + CAPTURED]
            index[cell + WIRE] = self.index[source + WIRE]
            index[cell + INTERFACE] = self.index[source + INTERFACE]
            self.head += 1
            self.given += 1
            self.octets += index[cell + WIRE]
            row += 1
        return row

    def release(self):
        """Hand the blocks back whose rows are all given; nobody looks at their bytes any more."""
        while self.held > 0 and self.ends[self.oldest] <= self.given:
            word = (self.base + self.oldest * self.block_bytes) // 4
            self.released += self.words[word + BLOCK_PACKETS]
            self.words[word + BLOCK_PACKETS] = 0
            fence()
            self.words[word + BLOCK_STATUS] = 0
            self.oldest = (self.oldest + 1) % self.blocks
            self.held -= 1

    def placed(self):
        """Packets that the kernel ever placed in the ring."""
        fence()
        placed, block = self.released, 0
        while block < self.blocks:
            placed += self.words[(self.base + block * self.block_bytes) // 4 + BLOCK_PACKETS]
            block += 1
        return placed
