"""Offloads: what an interface does to frames before they are seen.

GRO and LRO join segments to frames that were never on the wire: sizes and counts of packets are then of joined frames.
Layout: linux/ethtool.h; the names are those of ``ethtool -k``. Asking needs no capability.
"""

from __future__ import annotations

import array
import errno
import fcntl
import socket
import struct
from typing import Final

SIOCETHTOOL: Final = 0x8946
ETHTOOL_GSTRINGS: Final = 0x1B
ETHTOOL_GSSET_INFO: Final = 0x37
ETHTOOL_GFEATURES: Final = 0x3A
ETH_SS_FEATURES: Final = 4
ETH_GSTRING_LEN: Final = 32
FEATURE_BLOCK: Final = struct.Struct("=4I")
"""struct ethtool_get_features_block: available, requested, active, never changed; a bit a feature."""

MERGING: Final = frozenset({"rx-gro", "rx-gro-hw", "rx-gro-list", "rx-lro", "rx-udp-gro-forwarding"})
"""Features that join frames."""
UNTAGGING: Final = frozenset({"rx-vlan-hw-parse", "rx-vlan-stag-hw-parse"})
"""Features that take the VLAN tag out in the card; the tap puts it back either way."""


def offloads(interface: str) -> frozenset[str]:
    """The features that are on, by their names; none if the interface has no ethtool.

    Raises OSError if there is no such interface.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        count = ask(asking, interface, struct.pack("=IIQI", ETHTOOL_GSSET_INFO, 0, 1 << ETH_SS_FEATURES, 0))
        if count is None:
            return frozenset()
        (features,) = struct.unpack_from("=I", count, 16)
        room = struct.pack("=III", ETHTOOL_GSTRINGS, ETH_SS_FEATURES, features) + bytes(ETH_GSTRING_LEN * features)
        names = ask(asking, interface, room)
        blocks = (features + 31) // 32
        room = struct.pack("=II", ETHTOOL_GFEATURES, blocks) + bytes(FEATURE_BLOCK.size * blocks)
        states = ask(asking, interface, room)
    if names is None or states is None:
        return frozenset()
    found = set()
    for number in range(features):
        _, _, active, _ = FEATURE_BLOCK.unpack_from(states, 8 + number // 32 * FEATURE_BLOCK.size)
        if active >> number % 32 & 1:
            name = names[12 + number * ETH_GSTRING_LEN :][:ETH_GSTRING_LEN]
            found.add(name.split(b"\0")[0].decode("ascii", "replace"))
    return frozenset(found)


def ask(asking: socket.socket, interface: str, command: bytes) -> bytes | None:
    """Give a command to the interface's driver; its answer in the command's place, or None if it knows none."""
    place = array.array("B", command)
    address, _ = place.buffer_info()
    try:
        fcntl.ioctl(asking, SIOCETHTOOL, struct.pack("16sP16x", interface.encode(), address))
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:
            return None
        raise
    return place.tobytes()
