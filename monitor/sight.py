"""Sight: what the sensor could see. What came and what was lost by interface, gaps, and one-sidedness.

Strategy: each number is kept as a total that only grows, and the last minute as the totals of some seconds ago, so
that a loss is told within a minute of its beginning and a message can say what was missed while it was open. A
capture that is read from a file has no ledger, and nothing here speaks of it but one-sidedness.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from collectors.live import BLIND, LinkState
from monitor.detectors.sensor_blind import DEAD_NS, HEAVY_PPM
from monitor.model.sight import Look

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from collectors.live import Ledger, LinkEvent

WINDOW_NS: Final = 60_000_000_000
"""What is wrong with a mirror is told within a minute (threat model, T24)."""
STEP_NS: Final = 5_000_000_000
"""How finely the window moves on."""
AFTERMATH_NS: Final = 10_000_000_000
"""How long after it could see again the sensor learns from acknowledgements what passed meanwhile: video is
acknowledged many times a second, and what is not is sent again within some seconds (RFC 6298)."""


class _Side:
    """What is known of one interface."""

    def __init__(self, ledger: Ledger, now_ns: int) -> None:
        self.ledger = ledger
        self.steps: deque[tuple[int, Ledger]] = deque([(now_ns, ledger)])
        """Of the last WINDOW_NS, one for each STEP_NS."""
        self.moved_ns = now_ns
        """When a packet last came."""
        self.state = LinkState.UP
        self.reason = ""

    def take(self, ledger: Ledger, now_ns: int) -> bool:
        """The account as it is now; whether much was lost or nothing could be seen since the last one."""
        came, lost = ledger.came - self.ledger.came, ledger.lost - self.ledger.lost
        troubled = lost * 1_000_000 >= HEAVY_PPM * came > 0
        if ledger.arrived != self.ledger.arrived:
            troubled |= now_ns - self.moved_ns >= DEAD_NS
            self.moved_ns = now_ns
        self.ledger = ledger
        if now_ns - self.steps[-1][0] >= STEP_NS:
            self.steps.append((now_ns, ledger))
        while len(self.steps) > 1 and now_ns - self.steps[1][0] >= WINDOW_NS:
            self.steps.popleft()
        return troubled


class Sight:
    """Belongs to the engine. Time comes with each call, on one clock that never goes back."""

    def __init__(self) -> None:
        self._sides: dict[str, _Side] = {}
        self._turns: deque[tuple[int, int, int, int, int]] = deque()
        """(time, conversations seen one way, both ways, octets followed, unexplained) in all, of the last WINDOW_NS.

        The first is what earlier runs had come to: a look is at this one only.
        """
        self._now_ns = 0
        self._before = (0, 0)
        """Packets that came and that were lost in earlier runs."""
        self.gaps_ns = 0
        """Time in which at least one interface could show nothing."""
        self.clock_steps = 0
        self.one_way = 0
        self.two_way = 0
        """Seconds of TCP conversations that were seen one way or both ways."""
        self.followed = 0
        self.missed = 0
        """Octets of TCP that passed here, and that were acknowledged and did not."""
        self._unexplained = 0
        """Those missed but not while nothing could be seen or much was lost here, which is told by itself."""
        self._missed = 0
        """All of them at the last reading."""
        self._troubled_ns = -AFTERMATH_NS
        self.troubles: tuple[str, ...] = ()
        """What its detector last said."""
        self.canary_every_ns = 0
        """How often a planted attempt is to be seen; 0: there is none."""
        self.canary_ns = 0
        """When one was last seen, or when they were first waited for."""
        self.inexact = 0
        """Readings of a ledger that did not add up: a defect of ours or of the kernel's."""

    @property
    def live(self) -> bool:
        """Whether packets come from somewhere that has a ledger."""
        return bool(self._sides)

    @property
    def arrived(self) -> int:
        """Packets that came to any interface, lost ones included."""
        here = sum([side.ledger.came for side in self._sides.values()]) if self._sides else 0
        return self._before[0] + here

    @property
    def lost(self) -> int:
        """Of these, packets that were lost on this machine."""
        here = sum([side.ledger.lost for side in self._sides.values()]) if self._sides else 0
        return self._before[1] + here

    def ledgers(self) -> Iterator[Ledger]:
        """The account of each interface as last taken."""
        for side in self._sides.values():
            yield side.ledger

    def take(self, ledgers: Iterable[Ledger], events: Iterable[LinkEvent], now_ns: int) -> None:
        """Take the accounts and what became of interfaces, once a second."""
        troubled = any(side.state in BLIND for side in self._sides.values())
        if troubled and self._now_ns:
            self.gaps_ns += max(0, now_ns - self._now_ns)
        self._now_ns = max(now_ns, self._now_ns)
        for ledger in ledgers:
            self.inexact += not ledger.exact
            side = self._sides.get(ledger.interface)
            if side is None:
                self._sides[ledger.interface] = _Side(ledger, now_ns)
            else:
                troubled |= side.take(ledger, now_ns)
        for event in events:
            side = self._sides.get(event.interface)
            if side is not None:
                side.state, side.reason = event.state, event.reason
        if troubled or any(side.state in BLIND for side in self._sides.values()):
            self._troubled_ns = now_ns
        if now_ns - self._troubled_ns >= AFTERMATH_NS:
            self._unexplained += self.missed - self._missed
        self._missed = self.missed
        if not self._turns or now_ns - self._turns[-1][0] >= STEP_NS:
            self._turns.append((now_ns, self.one_way, self.two_way, self.followed, self._unexplained))
        while len(self._turns) > 1 and now_ns - self._turns[1][0] >= WINDOW_NS:
            self._turns.popleft()

    def resume(self, arrived: int, lost: int, gaps_ns: int, clock_steps: int) -> None:
        """What an earlier run had come to."""
        self._before = (arrived, lost)
        self.gaps_ns, self.clock_steps = gaps_ns, clock_steps

    def gap(self, duration_ns: int) -> None:
        """Nothing was seen for so long: the sensor was not running."""
        self.gaps_ns += max(0, duration_ns)

    def looks(self, now_ns: int) -> list[Look]:
        """What each interface showed in the last minute."""
        _, one_way, two_way, followed, missed = self._turns[0] if self._turns else (0, 0, 0, 0, 0)
        return [
            Look(
                interface=name,
                state=side.state,
                reason=side.reason,
                quiet_ns=now_ns - side.moved_ns,
                arrived=side.ledger.came - side.steps[0][1].came,
                lost=side.ledger.lost - side.steps[0][1].lost,
                one_way=self.one_way - one_way,
                two_way=self.two_way - two_way,
                followed=self.followed - followed,
                missed=self._unexplained - missed,
            )
            for name, side in self._sides.items()
        ]
