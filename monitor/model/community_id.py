"""Community ID 1.0: one short identifier for both directions of a flow.

https://github.com/corelight/community-id-spec
"""

from __future__ import annotations

import hashlib
from binascii import b2a_base64
from typing import TYPE_CHECKING, Final

from monitor.model.address import MAPPED

if TYPE_CHECKING:
    from monitor.model.address import Address

_SHA1: Final = hashlib.sha1(usedforsecurity=False)
"""Copying an empty digest is quicker than asking the library for one."""
_PORTED: Final = frozenset({6, 17, 132})
"""TCP, UDP and SCTP; any other protocol is hashed without ports."""

# Message types that answer each other stand in for ports, so that both directions get one identifier.
_ICMP: Final = {
    1: {8: 0, 0: 8, 13: 14, 14: 13, 15: 16, 16: 15, 17: 18, 18: 17, 10: 9, 9: 10},
    58: {128: 129, 129: 128, 133: 134, 134: 133, 135: 136, 136: 135, 130: 131, 131: 130,
         144: 145, 145: 144, 139: 140, 140: 139},
}  # fmt: skip


def community_id(
    src: Address,
    dst: Address,
    sport: int,
    dport: int,
    proto: int,
    seed: int = 0,
    base64: bool = True,  # noqa: FBT001, FBT002  a compiled function takes no keywords
) -> str:
    """The identifier, "1:" and the SHA-1 of the ordered flow tuple.

    For ICMP and ICMPv6 the ports are the message's type and code. ``seed`` is 16 bits; without
    ``base64`` the digest is spelled in hexadecimal.
    """
    if src.startswith(MAPPED) and dst.startswith(MAPPED):
        source, target = src[12:], dst[12:]
    else:
        source, target = src[:], dst[:]
    if proto in _PORTED:
        if source > target or (source == target and sport > dport):
            source, target, sport, dport = target, source, dport, sport
        ports = proto << 40 | sport << 16 | dport
        tail = ports.to_bytes(6, "big")
    elif proto in _ICMP:
        answer = _ICMP[proto].get(sport)
        if answer is not None:
            dport = answer
            if source > target or (source == target and sport > dport):
                source, target, sport, dport = target, source, dport, sport
        ports = proto << 40 | sport << 16 | dport
        tail = ports.to_bytes(6, "big")
    else:
        if source > target:
            source, target = target, source
        tail = bytes((proto, 0))
    digest = _SHA1.copy()
    digest.update(seed.to_bytes(2, "big") + source + target + tail)
    if base64:
        return "1:" + b2a_base64(digest.digest(), newline=False).decode("ascii")
    return "1:" + digest.hexdigest()
