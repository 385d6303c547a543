"""What the three columns of a row come to."""

from __future__ import annotations

import pytest

from monitor.ledger.rows import Row
from monitor.model.capabilities import Aspect, Declaration, State

SECOND = 1_000_000_000


def row(supported: bool | None, enabled: bool | None, *, exercised: bool) -> Row:
    """Declared at 10 s, exercised at 20 s."""
    made = Row()
    for aspect, value in ((Aspect.SUPPORTED, supported), (Aspect.ENABLED, enabled)):
        if value is not None:
            made.declared(Declaration("face.recognise", aspect, value, "path"), "isapi", 10 * SECOND, "1.0")
    if exercised:
        made.seen("event", 20 * SECOND, "1.0")
    return made


@pytest.mark.parametrize(
    ("supported", "enabled", "exercised", "state"),
    [
        (None, None, False, State.UNKNOWN),
        (None, None, True, State.HIDDEN),
        (None, False, False, State.DORMANT),
        (None, False, True, State.CONTRADICTED),
        (None, True, False, State.READY),
        (None, True, True, State.IN_USE),
        (False, None, False, State.ABSENT),
        (False, None, True, State.CONTRADICTED),
        (False, False, False, State.ABSENT),
        (False, False, True, State.CONTRADICTED),
        (False, True, False, State.READY),
        (False, True, True, State.CONTRADICTED),
        (True, None, False, State.DORMANT),
        (True, None, True, State.IN_USE),
        (True, False, False, State.DORMANT),
        (True, False, True, State.CONTRADICTED),
        (True, True, False, State.READY),
        (True, True, True, State.IN_USE),
    ],
)
def test_every_combination_has_its_state(
    supported: bool | None, enabled: bool | None, exercised: bool, state: State
) -> None:
    """Eighteen of them; unknown is never no."""
    assert row(supported, enabled, exercised=exercised).state() is state


def test_what_was_seen_before_it_was_switched_off_contradicts_nothing() -> None:
    """Seen, then off: dormant. Seen again: contradicted."""
    made = row(True, True, exercised=True)
    made.declared(
        Declaration("face.recognise", Aspect.ENABLED, value=False, identifier="path"), "isapi", 30 * SECOND, None
    )
    assert made.state() is State.DORMANT
    made.seen("event", 31 * SECOND, None)
    assert made.state() is State.CONTRADICTED


def test_being_said_off_again_does_not_excuse_what_was_seen_meanwhile() -> None:
    """A denial counts from when it was first heard."""
    made = row(True, False, exercised=True)
    made.declared(
        Declaration("face.recognise", Aspect.ENABLED, value=False, identifier="path"), "isapi", 30 * SECOND, None
    )
    assert made.state() is State.CONTRADICTED


def test_a_claim_keeps_when_and_under_which_firmware_it_began() -> None:
    """Confirmed, it only grows younger; turned, it begins anew, and says what it was."""
    made = row(True, None, exercised=False)
    again = Declaration("face.recognise", Aspect.SUPPORTED, value=True, identifier="other")
    assert made.declared(again, "onvif", 40 * SECOND, "2.0") is True
    claim = made.supported
    assert claim is not None
    assert (claim.source, claim.first_ns, claim.last_ns, claim.firmware) == ("isapi", 10 * SECOND, 40 * SECOND, "1.0")
    gone = Declaration("face.recognise", Aspect.SUPPORTED, value=False, identifier="other")
    assert made.declared(gone, "onvif", 50 * SECOND, "2.0") is True
    claim = made.supported
    assert claim is not None
    assert (claim.value, claim.source, claim.first_ns, claim.firmware) == (False, "onvif", 50 * SECOND, "2.0")
