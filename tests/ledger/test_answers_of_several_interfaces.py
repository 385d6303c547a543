"""A function that a device describes in several answers, which need not agree."""

from __future__ import annotations

from typing import Final

from monitor.ledger.ledger import Ledger
from monitor.model.capabilities import Aspect, Change, Declaration, State

HOUR: Final = 3_600_000_000_000
ISAPI: Final = "isapi System/TwoWayAudio/channels"
ONVIF: Final = "onvif GetProfiles"


def says(ledger: Ledger, question: str | None, ts_ns: int, *, value: bool, asked_before: bool) -> Change | None:
    """The device says whether its microphone is on."""
    declaration = Declaration("audio.input", Aspect.ENABLED, value, "enabled")
    page = ledger.page("gate")
    return ledger.declare(page, declaration, f"{question}", ts_ns, asked_before=asked_before, question=question)


def test_answers_that_never_agree_are_no_news() -> None:
    """One interface says on and another off, poll after poll: nothing turned, and a yes outweighs a no."""
    ledger = Ledger()
    changes = [
        says(ledger, question, poll * HOUR, value=question == ISAPI, asked_before=poll > 1)
        for poll in range(1, 20)
        for question in (ONVIF, ISAPI)
    ]
    assert changes == [None] * len(changes)
    row = ledger.page("gate").rows["audio.input"]
    assert row.state() is State.READY
    assert row.enabled is not None
    assert row.enabled.first_ns == HOUR


def test_one_of_them_turns() -> None:
    """The same question is answered with yes where it was no: told once, whatever others say."""
    ledger = Ledger()
    says(ledger, ISAPI, HOUR, value=True, asked_before=False)
    says(ledger, ONVIF, HOUR, value=False, asked_before=False)
    turned = says(ledger, ONVIF, 2 * HOUR, value=True, asked_before=True)
    assert turned is not None
    assert (turned.before, turned.after) == (False, True)
    assert says(ledger, ONVIF, 3 * HOUR, value=True, asked_before=True) is None


def test_all_of_them_say_no() -> None:
    """Where nobody says yes any more the column is no."""
    ledger = Ledger()
    says(ledger, ISAPI, HOUR, value=True, asked_before=False)
    says(ledger, ONVIF, HOUR, value=True, asked_before=False)
    says(ledger, ISAPI, 2 * HOUR, value=False, asked_before=True)
    assert ledger.page("gate").rows["audio.input"].state() is State.READY
    says(ledger, ONVIF, 3 * HOUR, value=False, asked_before=True)
    assert ledger.page("gate").rows["audio.input"].state() is State.DORMANT


def test_a_session_offers_what_is_said_to_be_off() -> None:
    """What no question was asked for is compared with the column; the next answer that says off counts again."""
    ledger = Ledger()
    says(ledger, ISAPI, HOUR, value=False, asked_before=False)
    offered = says(ledger, None, 2 * HOUR, value=True, asked_before=True)
    assert offered is not None
    assert offered.before is False
    assert says(ledger, ISAPI, 3 * HOUR, value=False, asked_before=True) is None
    assert ledger.page("gate").rows["audio.input"].state() is State.DORMANT


def test_what_was_not_active_before_its_denial_is_none_now() -> None:
    """A function that was seen before the device said that it is off was not woken by that."""
    ledger = Ledger()
    says(ledger, ISAPI, 2 * HOUR, value=False, asked_before=False)
    assert ledger.exercise(ledger.page("gate"), "audio.input", "RTP audio", HOUR) is None
    assert ledger.exercise(ledger.page("gate"), "audio.input", "RTP audio", 3 * HOUR) is not None
