"""Interface: whether a tap can be opened on it, and whether frames come as they were on the wire."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from collectors import interface
from collectors.offloads import MERGING
from collectors.offloads import offloads as features
from monitor.doctor.finding import Finding, amber, green, red
from monitor.privileges import CAP_NET_RAW, now

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def interfaces(names: Sequence[str]) -> Iterator[Finding]:
    """What there is to say before the first packet."""
    yield privilege(needed=True)
    for name in names:
        yield link(name)
        yield offloads(name)


def privilege(*, needed: bool) -> Finding:
    """Whether a tap may be opened from here; ``needed`` at once, not only by the daemon."""
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    except PermissionError:
        if needed:
            return red("privilege", "no CAP_NET_RAW: no tap can be opened; run this with sudo")
        return green("privilege", "no CAP_NET_RAW here; the daemon gets it from its unit")
    except OSError as error:
        return red("privilege", f"no packet sockets here ({error.strerror}): this kernel cannot capture")
    more = [] if now().may(CAP_NET_RAW) else [" although this thread has no CAP_NET_RAW"]
    return green("privilege", "a tap can be opened" + "".join(more))


def link(name: str) -> Finding:
    """Whether the interface is there and up."""
    try:
        up, carrier = interface.state(name)
    except OSError as error:
        there = ", ".join(interface.names())
        return red("link", f"{name}: {error.strerror}; there are {there}")
    if not up:
        return red("link", f"{name} is down: `ip link set {name} up`")
    if not carrier:
        return red("link", f"{name} has no carrier: see the cable, and the switch's port")
    return green("link", f"{name} is up")


def offloads(name: str) -> Finding:
    """Whether card and kernel leave frames as they were."""
    try:
        on = sorted(features(name) & MERGING)
    except OSError as error:
        return amber("offloads", f"{name}: cannot be asked ({error.strerror}); see `ethtool -k {name}`")
    if not on:
        return green("offloads", f"{name} merges no frames")
    off = " ".join(f"{each} off" for each in on)
    return amber(
        "offloads", f"{name} merges frames ({', '.join(on)}), so that counts are small; ethtool -K {name} {off}"
    )
