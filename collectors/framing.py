# cython: annotation_typing=False
# ruff: noqa: ERA001
"""Framing: where each packet of a capture lies in a buffer, and when it passed.

Strategy: a framing stands at ``position`` in a buffer that somebody else fills. ``frame`` walks the records
that are whole, writes one row of collectors.blocks a packet, and stops for one of three reasons: the index is
full, the buffer holds no whole record (``wanted`` says how many bytes the next one takes), or the bytes cannot
be a capture (``fault``). It copies nothing and keeps no reference to the buffer.

Times are clamped to +-TIME_LIMIT so that no sum or difference of two leaves 64 bits: compiled or not, the rows
are the same. Interfaces are told apart by link type only, since a file's name for them is of no closed set.

pcap: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html and libpcap's sf-pcap.c;
pcapng: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html
"""

from __future__ import annotations

from array import array
from typing import Final

import cython  # type: ignore[import-untyped,unused-ignore]

from collectors.blocks import CAPTURED, COLUMNS, INTERFACE, OFFSET, TS, WIRE
from collectors.limits import MAX_CAPTURED, MAX_FACES, MAX_RECORD, TIME_LIMIT, UNSTAMPED

LIMIT = TIME_LIMIT
"""The same, for the unsigned arithmetic of PcapngFraming.time."""
SUPPORTED: Final = frozenset({0, 1, 9, 12, 14, 101, 105, 108, 113, 127, 228, 229, 276})
"""Link types that are understood further in: NULL, Ethernet, PPP, raw IP, 802.11, LOOP, Linux cooked, radiotap, and
raw IPv4 and IPv6."""

FAULTS: Final = (
    "",
    "cut short in the middle of a record",
    "packet of {} bytes, more than the capture allows",
    "block of {} bytes: shorter than its kind allows, longer than 16 MiB, or no multiple of 4",
    "block whose second length, {}, is not its first",
    "packet of {} bytes, more than its block holds",
    "packet of interface {}, which is not described",
    "byte-order magic {:#010x}",
    "pcapng version {}",
    "options that run past their block",
    "more than {} interfaces",
)
"""What can be wrong with a record; a position in here is a framing's ``fault``."""
CUT = 1
TOO_LONG = 2
BAD_BLOCK = 3
BAD_TRAILER = 4
OVERFULL = 5
NO_INTERFACE = 6
BAD_ORDER = 7
BAD_VERSION = 8
BAD_OPTIONS = 9
TOO_MANY = 10

# pcap: how the two lengths of a record stand. Before 2.3, and in DG/UX's 543.0, the other way round; in 2.3 either
# (libpcap, sf-pcap.c).
LENGTHS_AS_WRITTEN = 0
LENGTHS_SWAPPED = 1
LENGTHS_UNSURE = 2

# pcapng: block types, draft section 11.1.
SECTION = 0x0A0D0D0A
INTERFACE_DESCRIPTION = 1
PACKET = 2
SIMPLE_PACKET = 3
ENHANCED_PACKET = 6
BYTE_ORDER = 0x1A2B3C4D
# pcapng: options of an Interface Description Block, draft table 3.
IF_TSRESOL: Final = 9
IF_TSOFFSET: Final = 14

# Columns of one interface in PcapngFraming.faces.
FACE = 0
"""Position of its link type in ``link_types``, or -1: not supported."""
LINK = 1
LONGEST = 2
"""Longest captured packet that is believed, bytes."""
SNAP = 3
"""Snap length that bounds a Simple Packet Block; 0: none."""
BINARY = 4
"""Times count 2**-BINARY seconds, or -1: they count nanoseconds * MULTIPLIER // DIVISOR."""
MULTIPLIER = 5
DIVISOR = 6
EPOCH = 7
"""Nanoseconds to add."""
FACE_COLUMNS = 8


def clamped(time: int) -> int:
    """Keep a time within TIME_LIMIT."""
    return max(-TIME_LIMIT, min(time, TIME_LIMIT))


def shortest(kind: int) -> int:
    """Smallest length of a pcapng block of this kind, bytes."""
    if kind in (ENHANCED_PACKET, PACKET):
        return 32
    if kind == SECTION:
        return 28
    if kind == INTERFACE_DESCRIPTION:
        return 20
    return 16 if kind == SIMPLE_PACKET else 12


class Framing:
    """What the two formats share: a place in a buffer, and an index to fill."""

    def __init__(self) -> None:
        """Stand at the start of a buffer."""
        self.position = 0
        """Where the next record begins in the buffer."""
        self.wanted = 0
        """Bytes that it takes, if the buffer holds less."""
        self.fault = self.detail = 0
        self.unsupported_at = self.unsupported = -1
        """Where the first packet of a link type out of SUPPORTED lay, if ``frame`` passed one; and the link type."""
        self.link_types: tuple[int, ...] = ()
        """What the INTERFACE column is a position in."""
        self.memory = bytearray()
        self.index = array("q")
        self.end = self.row = 0
        self.big = self.last = False

    def frame(self, memory: bytearray, end: int, index: array[int], row: int, *, last: bool) -> int:
        """Fill ``index`` from ``row`` on with the packets before ``end``; return the row after the last one.

        ``last`` says that nothing follows ``end``: a packet that is cut there still gets its row.
        """
        self.memory = memory
        self.end = end
        self.index = index
        self.row = row
        self.last = last
        self.wanted = self.fault = 0
        self.unsupported_at = -1
        self.walk()
        if last and self.wanted and self.position < end:
            self.fault = CUT
        return self.row

    def walk(self) -> None:
        """Step from record to record up to a reason to stop."""
        raise NotImplementedError

    def u16(self, at: int) -> int:
        """Read 16 bits."""
        if self.big:
            return self.memory[at] << 8 | self.memory[at + 1]
        return self.memory[at] | self.memory[at + 1] << 8

    def u32(self, at: int) -> int:
        """Read 32 bits."""
        a, b, c, d = self.memory[at], self.memory[at + 1], self.memory[at + 2], self.memory[at + 3]
        if self.big:
            return a << 24 | b << 16 | c << 8 | d
        return d << 24 | c << 16 | b << 8 | a

    def add(self, time: int, start: int, captured: int, wire: int, interface: int) -> None:
        """Write a row. Of a packet that ends after the buffer, only what is there counts as captured."""
        cell = self.row * COLUMNS
        self.index[cell + TS] = time
        self.index[cell + OFFSET] = start
        self.index[cell + CAPTURED] = min(captured, self.end - start)
        self.index[cell + WIRE] = max(wire, captured)
        self.index[cell + INTERFACE] = interface
        self.row += 1

    def fail(self, fault: int, detail: int) -> None:
        """Stop at a fault."""
        self.fault = fault
        self.detail = detail


class PcapFraming(Framing):
    """Walks the records of a pcap file."""

    def __init__(
        self, *, big: bool, fraction: int, header: int, version: tuple[int, int], snap: int, link: int
    ) -> None:
        """``fraction``: nanoseconds in a record's second time field; ``header``: bytes before a packet."""
        super().__init__()
        self.link_types = (link,)
        self.big = big
        self.fraction = fraction
        self.header = header
        self.longest = max(MAX_CAPTURED, min(snap, MAX_RECORD))
        self.lengths = LENGTHS_AS_WRITTEN
        if version < (2, 3) or version == (543, 0):
            self.lengths = LENGTHS_SWAPPED
        elif version == (2, 3):
            self.lengths = LENGTHS_UNSURE

    def walk(self) -> None:
        """Step from record to record."""
        with cython.nogil:
            self.records()

    def records(self) -> None:
        """Step from record to record up to a reason to stop."""
        rows = len(self.index) // COLUMNS
        while self.row < rows:
            at = self.position
            start = at + self.header
            if start > self.end:
                self.wanted = self.header
                break
            captured, wire = self.u32(at + 8), self.u32(at + 12)
            if self.lengths == LENGTHS_SWAPPED or (self.lengths == LENGTHS_UNSURE and captured > wire):
                captured, wire = wire, captured
            if captured > self.longest:
                self.fail(TOO_LONG, captured)
                break
            if captured > self.end - start:
                if not self.last:
                    self.wanted = self.header + captured
                    break
                self.fault = CUT
            time = self.u32(at) * 1_000_000_000 + self.u32(at + 4) * self.fraction
            self.add(clamped(time), start, captured, wire, 0)
            if self.fault:
                break
            self.position = start + captured


class PcapngFraming(Framing):
    """Walks the blocks of a pcapng file."""

    def __init__(self) -> None:
        """Stand before a section header."""
        super().__init__()
        self.faces = array("q", bytes(8 * FACE_COLUMNS))
        self.face_count = 0

    def walk(self) -> None:
        """Step from block to block."""
        while not self.fault:
            with cython.nogil:
                described = self.blocks()
            if not described:
                break
            if self.u32(self.position) == SECTION:
                self.section()
            else:
                self.describe()
            if not self.fault:
                self.position += self.u32(self.position + 4)

    def blocks(self) -> bool:
        """Step from block to block; True before a section header or an interface description, False at a stop."""
        rows = len(self.index) // COLUMNS
        while self.row < rows:
            at = self.position
            length = self.length(at)
            if length == 0:
                return False
            kind = self.u32(at)
            if kind in (SECTION, INTERFACE_DESCRIPTION) and not self.fault:
                return True
            # What comes before the packet is the shortest block but for its second length.
            if kind in (ENHANCED_PACKET, PACKET, SIMPLE_PACKET) and self.end - at >= shortest(kind) - 4:
                self.packet(at, kind, length)
            if self.fault:
                return False
            self.position = at + length
        return False

    def length(self, at: int) -> int:
        """Length of the block at ``at``, or 0 to stop here; of one that the capture's end cuts, with fault CUT."""
        if self.end - at < 12:
            self.wanted = 12
            return 0
        kind = self.u32(at)
        if kind == SECTION and not self.turn(at):
            return 0
        length = self.u32(at + 4)
        if length % 4 != 0 or length > MAX_RECORD or length < shortest(kind):
            self.fail(BAD_BLOCK, length)
            return 0
        if length > self.end - at:
            if not self.last:
                self.wanted = length
                return 0
            self.fault = CUT
        elif self.u32(at + length - 4) != length:
            self.fail(BAD_TRAILER, self.u32(at + length - 4))
            return 0
        return length

    def packet(self, at: int, kind: int, length: int) -> None:
        """Write the row of the packet block at ``at``."""
        face = 0
        if kind == ENHANCED_PACKET:
            face = self.u32(at + 8)
        elif kind == PACKET:
            face = self.u16(at + 8)
        if face >= self.face_count:
            self.fail(NO_INTERFACE, face)
        else:
            self.packet_of(face * FACE_COLUMNS, at, kind, length)

    def packet_of(self, base: int, at: int, kind: int, length: int) -> None:
        """Write the row of the packet block at ``at``, of the interface at ``base`` in ``faces``."""
        if kind == SIMPLE_PACKET:
            start, room, wire = at + 12, length - 16, self.u32(at + 8)
            captured = min(wire, room)
            if self.faces[base + SNAP] > 0:
                captured = min(captured, self.faces[base + SNAP])
        else:
            start, room, captured, wire = at + 28, length - 32, self.u32(at + 20), self.u32(at + 24)
        if captured > room:
            self.fail(OVERFULL, captured)
        elif captured > self.faces[base + LONGEST]:
            self.fail(TOO_LONG, captured)
        elif self.faces[base + FACE] < 0:
            if self.unsupported_at < 0:
                self.unsupported_at = at
                self.unsupported = self.faces[base + LINK]
        else:
            time = UNSTAMPED
            if kind != SIMPLE_PACKET:
                time = self.time(self.u32(at + 12), self.u32(at + 16), base)
            self.add(time, start, captured, wire, self.faces[base + FACE])

    def time(self, high: int, low: int, base: int) -> int:
        """Nanoseconds since 1970 of a 64-bit count in the units of an interface."""
        units = high << 32 | low
        shift = self.faces[base + BINARY]
        if shift < 0:
            multiplier, divisor = self.faces[base + MULTIPLIER], self.faces[base + DIVISOR]
            whole = units // divisor
            time = TIME_LIMIT if whole > LIMIT // multiplier else whole * multiplier
        else:
            if shift > 63:  # finer than 64 bits of seconds can tell
                units >>= min(shift - 63, 63)
                shift = 63
            whole = units >> shift
            if whole > LIMIT // 1_000_000_000:
                time = TIME_LIMIT
            else:
                # The fraction times 10**9 takes up to 93 bits: its low bits are multiplied on their own.
                one, spare = 1, max(shift - 32, 0)
                part = units & ((one << shift) - 1)
                carried = (part & ((one << spare) - 1)) * 1_000_000_000 >> spare
                nanoseconds = ((part >> spare) * 1_000_000_000 + carried) >> (shift - spare)
                time = whole * 1_000_000_000 + nanoseconds
        return clamped(clamped(time) + self.faces[base + EPOCH])

    def turn(self, at: int) -> bool:
        """Take the byte order of the section header at ``at``; False if it has none."""
        self.big = False
        magic = self.u32(at + 8)
        if magic == BYTE_ORDER:
            return True
        self.big = True
        if self.u32(at + 8) == BYTE_ORDER:
            return True
        self.fail(BAD_ORDER, magic)
        return False

    def section(self) -> None:
        """Begin the section whose header is at ``position``."""
        self.face_count = 0
        version = self.u16(self.position + 12)
        if version != 1:
            self.fail(BAD_VERSION, version)

    def describe(self) -> None:
        """Add the interface that is described at ``position``."""
        if self.face_count == MAX_FACES:
            self.fail(TOO_MANY, MAX_FACES)
            return
        at = self.position
        link, snap = self.u16(at + 8), self.u32(at + 12)
        resolution, seconds = 6, 0
        option, stop = at + 16, at + self.u32(at + 4) - 4
        while stop - option >= 4:
            code, length = self.u16(option), self.u16(option + 2)
            if code == 0:
                break
            if length > stop - option - 4:
                self.fail(BAD_OPTIONS, 0)
                return
            value = bytes(self.memory[option + 4 : option + 4 + length])
            if code == IF_TSRESOL and length == 1:
                resolution = value[0]
            elif code == IF_TSOFFSET and length == 8:
                seconds = int.from_bytes(value, "big" if self.big else "little", signed=True)
            option += 4 + (length + 3) // 4 * 4
        if link in SUPPORTED and link not in self.link_types:
            self.link_types = (*self.link_types, link)
        base = self.face_count * FACE_COLUMNS
        if base + FACE_COLUMNS > len(self.faces):
            self.faces = array("q", bytes(self.faces) * 2)
        binary, digits = bool(resolution & 0x80), resolution & 0x7F
        # Decimal units finer than 10**-27 s are read as 10**-27 s: no 64-bit count of either reaches 20 ns.
        decimal = 0 if binary else min(digits, 27)
        self.faces[base + FACE] = self.link_types.index(link) if link in SUPPORTED else -1
        self.faces[base + LINK] = link
        self.faces[base + LONGEST] = max(MAX_CAPTURED, min(snap, MAX_RECORD))
        self.faces[base + SNAP] = snap
        self.faces[base + BINARY] = digits if binary else -1
        self.faces[base + MULTIPLIER] = 10 ** max(9 - decimal, 0)
        self.faces[base + DIVISOR] = 10 ** max(decimal - 9, 0)
        # Clamped as a Python integer: 64 bits do not hold every product.
        self.faces[base + EPOCH] = max(-TIME_LIMIT, min(seconds * 1_000_000_000, TIME_LIMIT))
        self.face_count += 1
