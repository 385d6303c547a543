"""Port: one interface of a tap: its socket, its ring, its account, and what becomes of it.

The socket is opened once and kept. When the interface goes down, the kernel unhooks the socket and hooks it in again
when it is up; when the interface is removed, the socket is bound anew to the one that comes back. Neither needs a
capability. The ring and its counters live through both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from collectors.blocks import Interface
from collectors.live import Ledger, LinkState
from collectors.packet import LINK_TYPES, PacketSocket, RingSize, TapError
from collectors.ring import Ring
from collectors.state import State

if TYPE_CHECKING:
    import mmap

    from collectors.links import Link, Links


class Port:
    """One interface. ``label`` is its name as configured; the kernel may know it by another later on."""

    def __init__(
        self, label: str, number: int, links: Links, size: RingSize, *, promiscuous: bool, hardware: bool
    ) -> None:
        """``number``: its position among the tap's interfaces. Raises TapError."""
        link = links.by_name(label)
        if link is None:
            raise TapError(label, "no such interface")
        link_type = LINK_TYPES.get(link.hardware)
        if link_type is None:
            raise TapError(label, f"frames of its kind (ARPHRD {link.hardware}) are not supported")
        self.interface = Interface(label, link_type)
        self.number = number
        self.state = State(label)
        self.socket = PacketSocket(label, size, hardware=hardware)
        self._links = links
        self._size = size
        self._promiscuous = promiscuous
        self._name = link.name
        self._index = link.index
        self._missed_last = link.missed
        self._missed = 0
        self._accepted = self._dropped = self._freezes = 0
        self._memory: mmap.mmap | None = None
        self._offset = number * size.total

    def open(self, memory: mmap.mmap, *, capacity: int, back_ns: int) -> Ring:
        """Map the ring into ``memory`` and begin. Raises TapError."""
        self.socket.map(memory, self._offset)
        self._memory = memory
        self.ring = Ring(
            memory,
            self._offset,
            self._size.block_bytes,
            self._size.blocks,
            interface=self.number,
            ethernet=self.interface.link_type == 1,
            capacity=capacity,
            back_ns=back_ns,
        )
        link = self._links.by_index(self._index)
        if link is None:
            raise TapError(self.interface.name, "no such interface")
        try:
            reason = self._attach(link)
        except OSError as error:
            raise TapError(self.interface.name, error.strerror or str(error)) from error
        self._turn(link, reason)
        return self.ring

    def _attach(self, link: Link) -> str:
        """Receive from an interface; what is less than it should be. Raises OSError."""
        reason = ""
        if self._promiscuous:
            try:
                self.socket.promiscuous(link.index)
            except OSError as error:
                reason = f"only frames addressed to it: {error.strerror}"
        self.socket.bind(link.index)
        return reason

    def look(self) -> None:
        """Notice what became of the interface, and bind anew if it is back."""
        self.socket.fault()  # ENETDOWN is told by the link too; left alone, it would wake every wait
        link = self._links.by_index(self._index) if self.socket.bound else None
        if link is None:
            self.state.change(LinkState.GONE, "")
            self._seek()
            return
        self._count_missed(link)
        if link.name != self._name:
            self._name = link.name
            self.state.tell(LinkState.RENAMED, f"is {link.name} now")
        self._turn(link, "")

    def _seek(self) -> None:
        """Look for the interface under the name it was given, then under that it had last."""
        label = self.interface.name
        link = self._links.by_name(label) or self._links.by_name(self._name)
        if link is None:
            return
        if LINK_TYPES.get(link.hardware) != self.interface.link_type:
            self.state.change(LinkState.BLOCKED, f"back with frames of another kind (ARPHRD {link.hardware})")
            return
        try:
            reason = self._attach(link)
        except OSError as error:
            self.state.change(LinkState.BLOCKED, f"cannot be bound: {error.strerror}")
            return
        self._index, self._missed_last = link.index, 0
        if link.name not in (label, self._name):
            reason = reason or f"is {link.name} now"
        self._name = link.name
        self._count_missed(link)
        self._turn(link, reason)

    def _turn(self, link: Link, reason: str) -> None:
        if not link.up:
            self.state.change(LinkState.DOWN, "set down")
        elif not link.carrier:
            self.state.change(LinkState.DOWN, "no carrier")
        else:
            self.state.change(LinkState.UP, reason)

    def _count_missed(self, link: Link) -> None:
        """Add what its own counters grew by; they begin anew when a driver is loaded anew."""
        grown = link.missed - self._missed_last
        self._missed += grown if grown >= 0 else link.missed
        self._missed_last = link.missed

    def account(self) -> None:
        """Read the socket's counters, often enough that 32 bits hold them."""
        accepted, dropped, freezes = self.socket.statistics()
        self._accepted += accepted
        self._dropped += dropped
        self._freezes += freezes

    def ledger(self, unseen: int) -> Ledger:
        """The account as it is now. ``unseen``: rows that left the ring and were not given out yet.

        What waits is counted in the ring itself, once before the socket's counters are read and once after. The number
        at that moment lies between the two: the kernel counts in both places under one lock. With no packet in these
        microseconds they are one number; with some, the socket's counter says which, as long as it lies between.
        """
        least = self.ring.placed()
        self.account()
        placed = min(max(self._accepted, least), self.ring.placed())
        seen = self.ring.given - unseen
        return Ledger(
            self.interface.name,
            arrived=self._accepted + self._dropped,
            dropped=self._dropped,
            seen=seen,
            waiting=placed - seen,
            freezes=self._freezes,
            octets=self.ring.octets,
            missed=self._missed,
            pressed=self.ring.pressed(),
        )

    def close(self) -> None:
        """Give the ring back."""
        if self._memory is not None:
            self.socket.unmap(self._memory, self._offset)
        self.socket.close()
