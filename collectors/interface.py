"""Interface: what a network interface says of itself, by ioctl (netdevice(7)).

Nothing here needs a capability, and, unlike /sys, a socket asks in the network namespace that it was opened in.
"""

from __future__ import annotations

import fcntl
import socket
import struct
from typing import Final

# linux/sockios.h, linux/if.h
SIOCGIFFLAGS: Final = 0x8913
SIOCGIFMTU: Final = 0x8921
SIOCGIFHWADDR: Final = 0x8927
IFF_UP: Final = 1 << 0
IFF_RUNNING: Final = 1 << 6
"""It has a carrier, or knows of none."""
REQUEST: Final = struct.Struct("16s24s")
"""struct ifreq where a pointer has 64 bits: the name, and what is asked or answered."""
NAME_BYTES: Final = 15
"""IFNAMSIZ less the closing zero."""


def names() -> list[str]:
    """Those that there are."""
    return [name for _, name in socket.if_nameindex()]


def state(name: str) -> tuple[bool, bool]:
    """(set up, has a carrier). OSError if there is no such interface, as for all that follow."""
    (flags,) = struct.unpack_from("H", _ask(name, SIOCGIFFLAGS))
    return bool(flags & IFF_UP), bool(flags & IFF_RUNNING)


def mtu(name: str) -> int:
    """Bytes of the largest IP packet that it takes."""
    return int(struct.unpack_from("i", _ask(name, SIOCGIFMTU))[0])


def mac(name: str) -> bytes:
    """Its address, six bytes; zeros where it has none."""
    return _ask(name, SIOCGIFHWADDR)[2:8]


def _ask(name: str, request: int) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        answer = fcntl.ioctl(asking, request, REQUEST.pack(name.encode()[:NAME_BYTES], b""))
    return bytes(REQUEST.unpack(answer)[1])
