"""Look: what one interface showed in the last minute."""

from __future__ import annotations

from msgspec import Struct

from collectors.live import LinkState  # noqa: TC001  msgspec reads types at run time


class Look(Struct, frozen=True):
    """What a detector of blindness judges."""

    interface: str
    state: LinkState
    reason: str
    """Why it is in that state, for people."""
    quiet_ns: int
    """Time since the last packet."""
    arrived: int
    """Packets that came in the last minute, lost ones included."""
    lost: int
    one_way: int
    """Seconds of TCP conversations of which only one direction was seen, over all interfaces."""
    two_way: int
    followed: int = 0
    """Octets of TCP that passed in the last minute and whose going on was watched, over all interfaces."""
    missed: int = 0
    """Octets beside those that their receivers acknowledged, and that never passed here."""
