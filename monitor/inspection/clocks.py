"""Clocks: TCP segments carry one, and it begins anew when their sender starts.

Strategy: the timestamps option counts at a steady rate between 1 Hz and 1 kHz (RFC 7323, 5.4), from zero or from a
random offset that is drawn at start. Newer systems add another offset for each pair of addresses, so a clock belongs to
a device and one remote end; some draw one for each connection, whose values follow no rate and prove nothing.
Only a clock that has kept its rate is believed when it breaks it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from monitor.model.address import Address

MAX_CLOCKS: Final = 4_096
"""Eight remote ends of 500 devices; the one unheard of for longest goes."""
SECOND_NS: Final = 1_000_000_000
SLOWEST_HZ: Final = 0.9
FASTEST_HZ: Final = 1_100.0
"""RFC 7323, 5.4, with room for crystals and for packets that waited."""
LEAST_NS: Final = 2 * SECOND_NS
"""Readings closer together say nothing of a rate that may be 1 Hz."""
SLACK_S: Final = 2.0
"""How far a reading may be off: a tick of the slowest clock, and a packet that waited."""
AGREED: Final = 2
"""Readings in keeping with the rate before the clock is believed. By chance one is one in a million (4 s of ticks in
2^32); two, since several hosts may stand behind one address."""
WRAP: Final = 1 << 32


class Clock(Struct):
    """One clock: where it stood first and last, in ticks."""

    first: int
    first_ns: int
    last: int
    last_ns: int
    hertz: float = 0.0
    """Its rate over all readings; 0: not known yet."""
    agreed: int = 0


class Clocks:
    """What devices' clocks stood at. Time comes in as an argument, nanoseconds."""

    def __init__(self, capacity: int = MAX_CLOCKS) -> None:
        self.capacity = capacity
        self._clocks: OrderedDict[tuple[str, Address], Clock] = OrderedDict()
        self.forgotten = 0
        """Clocks that made room for others."""

    def __len__(self) -> int:
        return len(self._clocks)

    def read(self, device: str, remote: Address, ticks: int, ts_ns: int) -> int | None:
        """Take a reading, 32 bits; if the clock began anew, when it was last seen to go on as before."""
        key = (device, remote)
        clock = self._clocks.get(key)
        if clock is None:
            self._clocks[key] = Clock(ticks, ts_ns, ticks, ts_ns)
            if len(self._clocks) > self.capacity:
                self._clocks.popitem(last=False)
                self.forgotten += 1
            return None
        self._clocks.move_to_end(key)
        if ts_ns - clock.last_ns < LEAST_NS or _goes_on(clock, ticks, ts_ns):
            return None
        self._clocks[key] = Clock(ticks, ts_ns, ticks, ts_ns)
        return clock.last_ns if clock.agreed >= AGREED and not _is_stale(clock, ts_ns) else None


def _is_stale(clock: Clock, ts_ns: int) -> bool:
    """Whether the clock may have gone round unseen."""
    return clock.hertz * (ts_ns - clock.last_ns) / SECOND_NS >= WRAP // 2


def _goes_on(clock: Clock, ticks: int, ts_ns: int) -> bool:
    """Whether the reading is what the clock would show; if so it is taken."""
    seconds = (ts_ns - clock.last_ns) / SECOND_NS
    step = (ticks - clock.last) % WRAP
    if not clock.hertz:
        rate = step / seconds
        if not SLOWEST_HZ <= rate <= FASTEST_HZ:
            return False
        clock.hertz = rate
    else:
        if _is_stale(clock, ts_ns):
            return False
        expected = clock.hertz * seconds
        known = (clock.last_ns - clock.first_ns) / SECOND_NS
        if abs(step - expected) > clock.hertz * SLACK_S * (1 + seconds / known):
            return False
        clock.agreed += 1
        clock.hertz += (step - expected) / (known + seconds)
    clock.last, clock.last_ns = ticks, ts_ns
    return True
