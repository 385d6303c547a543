"""Row: one function of one device, in three columns, and the state that they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct, structs

from monitor.model.capabilities import Aspect, Claim, State

if TYPE_CHECKING:
    from monitor.model.capabilities import Declaration


CONFIRM_NS: Final = 60_000_000_000
"""How exactly it is known when something was last seen to be done: what goes on is not written down at each packet."""


class Row(Struct):
    """What is known of one function of one device; None is unknown, which is never no."""

    supported: Claim | None = None
    enabled: Claim | None = None
    exercised: Claim | None = None
    """Its value is always yes: that something was not seen is no claim."""
    refused_ns: int = 0
    """When the device last refused a connection that the function would have answered; 0: never."""

    settled_ns: int = 0
    """Until when another sight of the same is no news; 0: it may be."""

    def state(self) -> State:
        """What the columns come to (architecture, the capability ledger)."""
        supported, enabled = _value(self.supported), _value(self.enabled)
        if self.is_active():
            if supported is False or enabled is False:
                return State.CONTRADICTED
            return State.IN_USE if supported or enabled else State.HIDDEN
        if enabled:
            return State.READY
        if supported or (enabled is False and supported is None):  # what has a switch is there
            return State.DORMANT
        return State.ABSENT if supported is False else State.UNKNOWN

    def is_active(self) -> bool:
        """Whether it was seen since the device last began to say that it is off or not there."""
        if self.exercised is None:
            return False
        denied = [each.first_ns for each in (self.supported, self.enabled) if each is not None and not each.value]
        return not denied or self.exercised.last_ns > max(denied)

    def declared(self, declaration: Declaration, source: str, ts_ns: int, firmware: str | None) -> bool | None:
        """The device says this; what the column said before."""
        self.settled_ns = 0
        old = self.supported if declaration.aspect is Aspect.SUPPORTED else self.enabled
        new = _claimed(old, source, ts_ns, firmware, value=declaration.value)
        if declaration.aspect is Aspect.SUPPORTED:
            self.supported = new
        else:
            self.enabled = new
        return _value(old)

    def seen(self, source: str, ts_ns: int, firmware: str | None) -> None:
        """The device did it; for a while, another sight of it says nothing more."""
        self.settled_ns = ts_ns + CONFIRM_NS
        self.exercised = _claimed(self.exercised, source, ts_ns, firmware, value=True)


def _claimed(old: Claim | None, source: str, ts_ns: int, firmware: str | None, *, value: bool) -> Claim:
    if old is not None and old.value == value:
        return structs.replace(old, last_ns=max(old.last_ns, ts_ns))
    return Claim(value, source, ts_ns, ts_ns, firmware)


def _value(claim: Claim | None) -> bool | None:
    return None if claim is None else claim.value
