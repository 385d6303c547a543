"""Sensor blind: the mirror is dead, loses packets, or shows one direction only.

Silence of a monitor must not read as innocence of what it watches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from collectors.live import BLIND
from monitor.model.incidents import Kind, Notice, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.model.sight import Look

DEAD_NS: Final = 30_000_000_000
"""A network with one camera on it is never quiet for so long: hosts repeat ARP within a minute, video flows, and
switches send LLDP or spanning tree frames every 2 to 30 s (IEEE 802.1AB, 9.2.5.7; 802.1D, 8.6.4). Half of the minute
within which it must be told."""
HEAVY_PPM: Final = 10_000
"""One packet in a hundred: from there on the loss falsifies what is counted (threat model, T24: "at least 1 %")."""
ENOUGH: Final = 1000
"""Packets before a share of them means anything."""
ENOUGH_OCTETS: Final = 1_000_000
"""The same of octets of TCP: as many as ENOUGH full packets have, and less."""
MISSED: Final = 2
"""Planted attempts: one may be lost on its way."""
CONVERSATIONS: Final = 10
"""Conversations before their direction means anything."""
ONE_SIDED: Final = 0.9
"""Share seen one way only; what is routed past the tap is one-sided by itself, but not nearly all."""


def detect(look: Look) -> Iterator[Notice]:
    """All that keeps this interface from seeing."""
    name = look.interface
    if look.state in BLIND:
        why = f" ({look.reason})" if look.reason else ""
        yield _notice(
            f"{name} link",
            Severity.HIGH,
            f"Sensor sees nothing on {name}: the interface is {look.state}{why}",
            "an interface from which no packet can come",
        )
    elif look.quiet_ns >= DEAD_NS:
        yield _notice(
            f"{name} dead",
            Severity.HIGH,
            f"Sensor sees nothing on {name}: no packet for {look.quiet_ns // 1_000_000_000} s; is it mirrored?",
            f"no packet for {DEAD_NS // 1_000_000_000} s",
        )
    if look.arrived >= ENOUGH and look.lost * 1_000_000 >= HEAVY_PPM * look.arrived:
        yield _notice(
            f"{name} loss",
            Severity.MEDIUM,
            f"Sensor loses packets on {name}: {look.lost:,} of {look.arrived:,} in the last minute",
            f"{HEAVY_PPM // 10_000} % of the packets of a minute lost",
        )
    sent = look.followed + look.missed
    if sent >= ENOUGH_OCTETS and look.missed * 1_000_000 >= HEAVY_PPM * sent:
        yield _notice(
            "mirror loss",
            Severity.MEDIUM,
            f"Sensor is not shown all: {look.missed / sent:.1%} of what TCP carried in a minute was acknowledged "
            "by its receivers and never passed here; does the mirror carry more than its port can?",
            f"{HEAVY_PPM // 10_000} % of the octets of TCP of a minute acknowledged and not seen",
        )
    seen = look.one_way + look.two_way
    if seen >= CONVERSATIONS and look.one_way >= ONE_SIDED * seen:
        yield _notice(
            "one-sided",
            Severity.MEDIUM,
            f"Sensor sees one direction only: of {look.one_way:,} of {seen:,} conversations the answers are missing; "
            "mirror both directions (rx and tx)",
            f"{ONE_SIDED:.0%} of the conversations of a minute seen one way",
        )


def overdue(late_ns: int, every_ns: int) -> Notice | None:
    """Whether the planted attempt, due each ``every_ns``, has not been seen for ``late_ns``."""
    if not every_ns or late_ns <= MISSED * every_ns + DEAD_NS:
        return None
    return _notice(
        "canary",
        Severity.HIGH,
        f"Sensor missed its canary: the attempt planted each {every_ns // 1_000_000_000} s was last seen "
        f"{late_ns // 1_000_000_000} s ago",
        f"{MISSED} planted attempts missed",
    )


def _notice(about: str, severity: Severity, message: str, rule: str) -> Notice:
    return Notice(Kind.SENSOR_BLIND, severity, about, message, rule)
