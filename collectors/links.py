"""Links: what the kernel says of network interfaces, asked over a route socket.

Nothing here needs a capability, and, unlike /sys, a route socket stays in the network namespace that it was opened in.

Layout: rtnetlink(7), linux/rtnetlink.h, linux/if_link.h.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

RTMGRP_LINK: Final = 1
RTM_NEWLINK: Final = 16
RTM_GETLINK: Final = 18
NLMSG_ERROR: Final = 2
NLM_F_REQUEST: Final = 1
IFLA_IFNAME: Final = 3
IFLA_STATS64: Final = 23
IFLA_ALT_IFNAME: Final = 53
IFNAMSIZ: Final = 16
"""Bytes of an interface's name, a zero at its end included; longer ones are alternative names."""
ALTIFNAMSIZ: Final = 128

IFF_UP: Final = 1
IFF_LOWER_UP: Final = 1 << 16

HEADER: Final = struct.Struct("=IHHII")
"""struct nlmsghdr: length, type, flags, sequence, port."""
LINK: Final = struct.Struct("=BxHiII")
"""struct ifinfomsg: family, hardware type, index, flags, change mask."""
ATTRIBUTE: Final = struct.Struct("=HH")
"""struct rtattr: length, type."""
RX_DROPPED: Final = 6
RX_FIFO_ERRORS: Final = 14
RX_MISSED_ERRORS: Final = 15
"""Positions in struct rtnl_link_stats64, of 64 bits each."""

ANSWER: Final = 64 * 1024
"""More than any answer about one interface: its length and that of its parts are 16 bits in the kernel."""
PATIENCE_S: Final = 1.0
"""The kernel answers before the request returns; more than this is a fault."""


@dataclass(frozen=True, slots=True)
class Link:
    """An interface as it is now."""

    index: int
    name: str
    hardware: int
    """ARPHRD_ number (linux/if_arp.h)."""
    up: bool
    """It is set up."""
    carrier: bool
    """Something is at the other end."""
    missed: int
    """Packets that it lost before any socket: rx_dropped, rx_missed_errors and rx_fifo_errors."""


class Links:
    """A view of the interfaces of one network namespace: that of the thread that opens it."""

    def __init__(self) -> None:
        """Raises OSError where route sockets are refused."""
        self._news = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._ask = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._news.setblocking(False)  # noqa: FBT003  the library's signature
        self._news.bind((0, RTMGRP_LINK))
        self._ask.settimeout(PATIENCE_S)
        self._sequence = 0

    def fileno(self) -> int:
        """What becomes readable when an interface changed."""
        return self._news.fileno()

    def changed(self) -> bool:
        """Whether any interface changed since the last call."""
        changed = False
        while True:
            try:
                self._news.recv(ANSWER)
            except BlockingIOError:
                return changed
            except OSError as error:
                if error.errno != errno.ENOBUFS:  # so much news that some was lost: still news
                    raise
            changed = True

    def by_index(self, index: int) -> Link | None:
        """The interface with this index, if there is one."""
        return self._get(index, b"")

    def by_name(self, name: str) -> Link | None:
        """The interface with this name, or with this alternative name, if there is one."""
        value = os.fsencode(name) + b"\0"
        if len(value) > ALTIFNAMSIZ or len(value) == 1:
            return None
        kind = IFLA_IFNAME if len(value) <= IFNAMSIZ else IFLA_ALT_IFNAME
        padding = bytes(-len(value) % 4)
        return self._get(0, ATTRIBUTE.pack(ATTRIBUTE.size + len(value), kind) + value + padding)

    def close(self) -> None:
        """Close the sockets."""
        self._news.close()
        self._ask.close()

    def _get(self, index: int, attributes: bytes) -> Link | None:
        self._sequence = (self._sequence + 1) & 0xFFFFFFFF
        body = LINK.pack(socket.AF_UNSPEC, 0, index, 0, 0) + attributes
        head = HEADER.pack(HEADER.size + len(body), RTM_GETLINK, NLM_F_REQUEST, self._sequence, 0)
        self._ask.send(head + body)
        while True:
            answer = self._ask.recv(ANSWER)
            length, kind, _, sequence, _ = HEADER.unpack_from(answer)
            if sequence != self._sequence:  # of a request that was given up
                continue
            if kind == NLMSG_ERROR:
                (code,) = struct.unpack_from("=i", answer, HEADER.size)
                if -code == errno.ENODEV:
                    return None
                raise OSError(-code, os.strerror(-code))
            if kind == RTM_NEWLINK:
                return link(answer[HEADER.size : length])


def link(message: bytes) -> Link:
    """Read the part of an RTM_NEWLINK message that is after its header."""
    _, hardware, index, flags, _ = LINK.unpack_from(message)
    name, missed = "", 0
    for kind, value in attributes(message, LINK.size):
        if kind == IFLA_IFNAME:
            name = os.fsdecode(value.rstrip(b"\0"))
        elif kind == IFLA_STATS64:
            counters = struct.unpack_from("=16Q", value)
            missed = counters[RX_DROPPED] + counters[RX_MISSED_ERRORS] + counters[RX_FIFO_ERRORS]
    return Link(index, name, hardware, bool(flags & IFF_UP), bool(flags & IFF_LOWER_UP), missed)


def attributes(message: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Type and value of each attribute from ``at`` on."""
    while len(message) - at >= ATTRIBUTE.size:
        length, kind = ATTRIBUTE.unpack_from(message, at)
        if length < ATTRIBUTE.size:
            return
        yield kind, message[at + ATTRIBUTE.size : at + length]
        at += (length + 3) // 4 * 4
