"""Packet: a socket of AF_PACKET that writes one interface's frames into a ring, TPACKET_V3 (packet(7)).

The order of its set-up is what makes its counters exact: with protocol 0 it receives nothing, so when it is bound,
ring and options are in place, and no frame came before them (libpcap has such a window: its issue 843).
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import socket
import struct
import sys
from dataclasses import dataclass
from typing import Final

__all__ = ["LINK_TYPES", "PacketSocket", "RingSize", "TapError", "reserve"]

SOL_PACKET: Final = 263
PACKET_ADD_MEMBERSHIP: Final = 1
PACKET_RX_RING: Final = 5
PACKET_STATISTICS: Final = 6
PACKET_VERSION: Final = 10
PACKET_RESERVE: Final = 12
PACKET_TIMESTAMP: Final = 17
PACKET_IGNORE_OUTGOING: Final = 23
PACKET_MR_PROMISC: Final = 1
TPACKET_V3: Final = 2
SOF_TIMESTAMPING_RAW_HARDWARE: Final = 1 << 6
ETH_P_ALL: Final = 3
MAP_FIXED: Final = 0x10
"""linux/if_packet.h, linux/net_tstamp.h, linux/if_ether.h, asm-generic/mman-common.h"""

VLAN_TAG: Final = 4
"""Bytes of room before each frame, for collectors.ring to put its tag back."""
NOMINAL_FRAME: Final = 2048
"""TPACKET_V3 packs frames of any length; the kernel only wants that a block is a multiple of this."""
WORD: Final = 1 << 32

LINK_TYPES: Final = {1: 1, 512: 101, 519: 101, 768: 101, 769: 101, 772: 1, 776: 101, 801: 105, 803: 127, 65534: 101}
"""ARPHRD_ number to LINKTYPE_ value, as libpcap's pcap-linux.c has it: Ethernet; PPP, raw IP, IP tunnels and tun, which
have no link header here; loopback, whose frames are Ethernet's; 802.11 and radiotap."""

LIBC: Final = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = (
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_long,
)


class TapError(Exception):
    """An interface cannot be read; the message is one line."""

    def __init__(self, interface: str, reason: str) -> None:
        super().__init__(f"{interface}: {reason}")
        self.interface = interface
        self.reason = reason


@dataclass(frozen=True, slots=True)
class RingSize:
    """Room for frames that nobody has looked at yet."""

    block_bytes: int
    """The longest frame fits in one: a power of two, at least a page."""
    blocks: int
    retire_ms: int
    """A block that holds a frame is handed over after so long, full or not."""

    @property
    def total(self) -> int:
        """Bytes of all blocks."""
        return self.block_bytes * self.blocks


def reserve(label: str, total: int) -> mmap.mmap:
    """Set aside a range of addresses for rings to be mapped into; freed when nobody refers to it.

    Raises TapError if it is more than there is memory: the kernel would rather end processes than refuse a ring.
    """
    try:
        return mmap.mmap(-1, total, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError as error:
        raise TapError(label, too_large(total)) from error


def too_large(total: int) -> str:
    """Why there is no ring of this size."""
    return f"no memory for a ring of {total / (1 << 20):,.0f} MiB: choose a smaller one"


def placed(packets: int, drops: int) -> int:
    """Packets in the ring, of the kernel's tp_packets and tp_drops.

    It adds the second to the first, in 32 bits: that sum may wrap, the difference is right.
    """
    return (packets - drops) % WORD


class PacketSocket:
    """One interface's socket and its ring. Everything but opening it works without a capability."""

    def __init__(self, label: str, size: RingSize, *, hardware: bool) -> None:
        """Receive nothing yet. ``hardware``: take the card's times, where something enabled them.

        Raises TapError.
        """
        self.label = label
        self._size = size
        try:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
        except PermissionError:
            raise TapError(
                label,
                f"not allowed to read packets: CAP_NET_RAW is needed, for example by: sudo setpriv "
                f"--reuid=USER --init-groups --inh-caps=+net_raw --ambient-caps=+net_raw {sys.argv[0]} ...",
            ) from None
        except OSError as error:
            raise TapError(label, f"no packet socket: {error.strerror}") from error
        try:
            self._prepare(hardware=hardware)
        except OSError as error:
            self._socket.close()
            if error.errno == errno.ENOMEM:
                raise TapError(label, too_large(size.total)) from error
            raise TapError(label, f"the kernel refuses the ring: {error.strerror}") from error

    def _prepare(self, *, hardware: bool) -> None:
        put = self._socket.setsockopt
        put(SOL_PACKET, PACKET_VERSION, TPACKET_V3)
        put(SOL_PACKET, PACKET_RESERVE, VLAN_TAG)
        if hardware:
            put(SOL_PACKET, PACKET_TIMESTAMP, SOF_TIMESTAMPING_RAW_HARDWARE)
        size = self._size
        frames = size.total // NOMINAL_FRAME
        put(
            SOL_PACKET,
            PACKET_RX_RING,
            struct.pack("=7I", size.block_bytes, size.blocks, NOMINAL_FRAME, frames, size.retire_ms, 0, 0),
        )
        put(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)

    def fileno(self) -> int:
        """What becomes readable when a block is handed over."""
        return self._socket.fileno()

    def map(self, memory: mmap.mmap, offset: int) -> None:
        """Have the ring appear in ``memory``. Raises TapError."""
        self._put(memory, offset, mmap.MAP_SHARED, self.fileno())

    def unmap(self, memory: mmap.mmap, offset: int) -> None:
        """Have zeros appear in its place: whoever still looks there reads those."""
        self._put(memory, offset, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1)

    def _put(self, memory: mmap.mmap, offset: int, flags: int, descriptor: int) -> None:
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory, offset))
        access = mmap.PROT_READ | mmap.PROT_WRITE
        if LIBC.mmap(address, self._size.total, access, flags | MAP_FIXED, descriptor, 0) != address:
            raise TapError(self.label, f"the ring cannot be mapped: {os.strerror(ctypes.get_errno())}")

    def promiscuous(self, index: int) -> None:
        """Have the interface take frames for others too, until it goes or the socket does. Raises OSError."""
        self._socket.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, struct.pack("=iHH8x", index, PACKET_MR_PROMISC, 0))

    def bind(self, index: int) -> None:
        """Begin to receive from the interface with this index, in place of any other. Raises OSError."""
        address = struct.pack("=HHiHBB8x", socket.AF_PACKET, socket.htons(ETH_P_ALL), index, 0, 0, 0)
        if LIBC.bind(self.fileno(), address, len(address)) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))

    @property
    def bound(self) -> bool:
        """Whether the interface that it was bound to is still there."""
        name = self._socket.getsockname()[0]
        return bool(name)

    def fault(self) -> int:
        """Take the error that the kernel left, an errno: ENETDOWN when the interface went down; else 0."""
        return self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def statistics(self) -> tuple[int, int, int]:
        """Packets placed in the ring, packets dropped, times that it was full; each since the last call."""
        packets, drops, freezes = struct.unpack("=3I", self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 12))
        return placed(packets, drops), drops, freezes

    def close(self) -> None:
        """Close it; the kernel lets go once the ring is unmapped too."""
        self._socket.close()
