"""Claims: who says to be at whose address, until it is told, and what was told lately.

Strategy: a claim is noted each time that it is seen and told once. It is told again only after it was not seen for
``QUIET_NS``. What only traffic shows waits for ``SETTLE_NS``: the MAC may turn out to be a router's.
"""

from __future__ import annotations

from collections import OrderedDict
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Final

from monitor.model.address import mac_text, text
from monitor.model.identity import NOTES, Claimant, Evidence, IdentityChange, IdentityKind
from monitor.model.limits import Limit, Room

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.model.address import Address, Mac
    from monitor.model.contacts import Device

QUIET_NS: Final = 3_600_000_000_000
"""A claim that was not seen for an hour is news again; caches ask anew within minutes (RFC 4861, 10: 30 s)."""
SETTLE_NS: Final = 10_000_000_000
"""A MAC that forwards for others has shown itself by this time: ``CARRIES`` flows of a site take seconds."""
CONCLUDE_NS: Final = 600_000_000_000
"""A claim on the address of a host that is silent is told after so long, if neither was heard again."""
MAX_CLAIMS: Final = 1024
"""Claims remembered; of those that give way, what was not told yet is told."""
MAX_DUE: Final = 2 * MAX_CLAIMS
"""Times that are kept, before those are sought out that say nothing any more: of each claim one does."""
MAX_CHANGES: Final = 1024
"""Changes that wait for the next tick: a site of a thousand cameras that are all claimed at once."""
AGAIN: Final = 3
"""Returns of a MAC to an address that it had left: there and back twice. A host that changes its address, to a fallback
(RFC 3927, or a fixed one of its maker's) and back, is there and back once."""
_NEVER: Final = 2**62

Key = tuple[bytes, bytes, bytes]


class Claim:
    """One claim. It is mutable until it is told."""

    __slots__ = (
        "against", "by", "device", "due_ns", "first_ns", "held", "kind", "last_ns", "others", "returns",
        "told",
    )  # fmt: skip

    def __init__(self, kind: IdentityKind, device: Device, held: Claimant, ts_ns: int) -> None:
        self.kind = kind
        self.device = device
        """Whose record it is about."""
        self.held = held
        """Who had it, as last seen."""
        self.against = held
        """Who claims it, as last seen."""
        self.others = False
        """What the claim is about concerns a watched device beside ``device``, or a router."""
        self.first_ns = ts_ns
        """Since when it stands, the holder being silent."""
        self.last_ns = ts_ns
        self.returns = 0
        """How often a MAC that may be cloned came back to an address which it had left, unasked."""
        self.due_ns = _NEVER
        self.told: tuple[IdentityKind, ...] = ()

    @property
    def certain(self) -> bool:
        """Whether no host that changes its own address shows this too."""
        return self.kind is not IdentityKind.MAC_CLONED or self.returns >= AGAIN


class Claims:
    """All claims, bounded, and the changes to be told."""

    def __init__(self, routes: Callable[[Mac], bool]) -> None:
        """``routes``: whether a MAC is known as a router's."""
        self._routes = routes
        self._open: OrderedDict[Key, Claim] = OrderedDict()
        self._changes: list[IdentityChange] = []
        self._due: list[tuple[int, int, Claim]] = []
        """A heap of (due_ns, order, claim); an entry whose claim is due at another time by now says nothing."""
        self._pushed = 0
        self.crowded_out = 0
        """Claims that were forgotten for want of room."""
        self.untold = 0
        """Changes that could not wait for want of room."""

    def limits(self) -> list[Limit]:
        return [
            Limit(Room.CLAIMS, MAX_CLAIMS, len(self._open), self.crowded_out),
            Limit(Room.CHANGES, MAX_CHANGES, len(self._changes), self.untold),
        ]

    def note(self, kind: IdentityKind, device: Device, held: Claimant, against: Claimant, *, others: bool) -> Claim:
        """The claim that ``against`` makes on what ``held`` has. It was seen just now."""
        ts_ns = against.last_ns
        pair = sorted((held.address, against.address)) if kind is IdentityKind.MAC_CLONED else [held.address, b""]
        key = (pair[0], pair[1] or against.address, against.mac)
        claim = self._open.get(key)
        if claim is None or claim.kind is not kind or ts_ns - claim.last_ns >= QUIET_NS:
            if claim is not None and claim.due_ns <= ts_ns:
                self._conclude(claim)
            claim = self._open[key] = Claim(kind, device, held, ts_ns)
            if len(self._open) > MAX_CLAIMS:
                _, crowded = self._open.popitem(last=False)
                self.crowded_out += 1
                if crowded.due_ns < _NEVER:
                    self._conclude(crowded)
        if held.last_ns > claim.first_ns:
            claim.first_ns = ts_ns
        claim.device, claim.held, claim.against, claim.last_ns = device, held, against, ts_ns
        claim.others |= others
        self._open.move_to_end(key)
        return claim

    def expect(self, claim: Claim, due_ns: int) -> None:
        """Tell the claim at this time, or before."""
        if claim.kind in claim.told or due_ns >= claim.due_ns:
            return
        claim.due_ns = due_ns
        self._pushed += 1
        heappush(self._due, (due_ns, self._pushed, claim))
        if len(self._due) > MAX_DUE:
            self._due = [each for each in self._due if each[2].due_ns == each[0]]
            heapify(self._due)

    def prove(self, claim: Claim, ts_ns: int) -> None:
        """Both were seen: tell the claim, once it is sure that no router made it."""
        self.expect(claim, ts_ns + SETTLE_NS if claim.against.by is Evidence.TRAFFIC else ts_ns)

    def sharpen(self, claim: Claim) -> None:
        """The claim is certain now: what was told of it while it was not is told anew, once."""
        if claim.returns == AGAIN:
            claim.told = tuple(kind for kind in claim.told if kind is not claim.kind)

    def settle(self, claim: Claim, kind: IdentityKind, device: Device) -> None:
        """The claim turned out to be this, about this device: tell it."""
        claim.due_ns = _NEVER
        if kind in claim.told:
            return
        claim.told += (kind,)
        mac = kind in (IdentityKind.ADDRESS_CLAIMED, IdentityKind.REPLACED) or claim.held.mac != claim.against.mac
        before, after = claim.held, claim.against
        words = (mac_text(before.mac), mac_text(after.mac)) if mac else (text(before.address), text(after.address))
        alarm = kind not in NOTES and (device.watched or claim.others)
        self._add(IdentityChange(device, kind, *words, (before, after), claim.last_ns, alarm, claim.certain))

    def said(self, device: Device, kind: IdentityKind, before: str, after: str, ts_ns: int) -> None:
        """The device says another thing of itself than before."""
        self._add(IdentityChange(device, kind, before, after, (), ts_ns, kind not in NOTES and device.watched))

    def changes(self, now_ns: int) -> list[IdentityChange]:
        """Take what is to be told by this time."""
        while self._due and self._due[0][0] <= now_ns:
            due_ns, _, claim = heappop(self._due)
            if claim.due_ns == due_ns:
                self._conclude(claim)
        taken, self._changes = self._changes, []
        return taken

    def _conclude(self, claim: Claim) -> None:
        """Tell it, unless only forwarded packets showed it."""
        claim.due_ns = _NEVER
        if claim.against.by is not Evidence.TRAFFIC or not self._routes(claim.against.mac):
            self.settle(claim, claim.kind, claim.device)

    def _add(self, change: IdentityChange) -> None:
        if len(self._changes) >= MAX_CHANGES:
            self.untold += 1
            return
        self._changes.append(change)


def claimant(mac: Mac, address: Address, last_ns: int, by: str) -> Claimant:
    """Who was seen with what; a time of 0 is that of what only the inventory says."""
    return Claimant(mac, address, last_ns, Evidence(by) if last_ns else Evidence.INVENTORY)
