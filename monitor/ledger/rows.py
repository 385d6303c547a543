"""Row: one function of one device, in three columns, and the state that they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct, structs

from monitor.model.capabilities import Aspect, Claim, State

if TYPE_CHECKING:
    from monitor.model.capabilities import Declaration


CONFIRM_NS: Final = 60_000_000_000
"""How exactly it is known when something was last seen to be done: what goes on is not written down at each packet."""
MAX_SAID: Final = 32
"""Questions whose answers on one function are told apart: a maker's interface has some two, and there are seven."""


class Row(Struct):
    """What is known of one function of one device; None is unknown, which is never no."""

    supported: Claim | None = None
    enabled: Claim | None = None
    exercised: Claim | None = None
    """Its value is always yes: that something was not seen is no claim."""
    refused_ns: int = 0
    """When the device last refused a connection that the function would have answered; 0: never."""
    said: dict[str, bool] = {}
    """By column and question, what was last answered: several questions are about several channels."""

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

    def claim(self, aspect: Aspect) -> Claim | None:
        """The column of this aspect."""
        return self.supported if aspect is Aspect.SUPPORTED else self.enabled

    def declared(
        self, declaration: Declaration, source: str, ts_ns: int, firmware: str | None, *, question: str | None = None
    ) -> bool | None:
        """The device says this; what it said before: to the same question, or in the column if it was not asked.

        A yes outweighs a no that is the answer to another question.
        """
        self.settled_ns = 0
        old = self.claim(declaration.aspect)
        before, value = _value(old), declaration.value
        if question is not None:
            place = f"{declaration.aspect} {question}"
            before = self.said.get(place)
            value |= any(said for other, said in self.said.items() if other != place and _is_of(other, declaration))
            if before is not None or len(self.said) < MAX_SAID:
                self.said[place] = declaration.value
        new = _claimed(old, source, ts_ns, firmware, value=value)
        if declaration.aspect is Aspect.SUPPORTED:
            self.supported = new
        else:
            self.enabled = new
        return before

    def seen(self, source: str, ts_ns: int, firmware: str | None) -> None:
        """The device did it; for a while, another sight of it says nothing more."""
        self.settled_ns = ts_ns + CONFIRM_NS
        self.exercised = _claimed(self.exercised, source, ts_ns, firmware, value=True)


def _claimed(old: Claim | None, source: str, ts_ns: int, firmware: str | None, *, value: bool) -> Claim:
    if old is not None and old.value == value:
        return structs.replace(old, last_ns=max(old.last_ns, ts_ns))
    return Claim(value, source, ts_ns, ts_ns, firmware)


def _is_of(place: str, declaration: Declaration) -> bool:
    return place.startswith(f"{declaration.aspect} ")


def _value(claim: Claim | None) -> bool | None:
    return None if claim is None else claim.value
