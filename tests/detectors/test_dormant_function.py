"""What was asleep in a device and woke without an update."""

from __future__ import annotations

import pytest

from monitor.detectors.dormant_function import HABITS_NS, detect
from monitor.model.capabilities import Capability, Change, Sensitivity, State
from monitor.model.contacts import Device
from monitor.model.incidents import Evidence, Kind, Severity

FIRST_NS = 1_000
GATE = Device("gate", "gate", FIRST_NS)
LISTENS = Capability("audio.input", "listens: it has a microphone", Sensitivity.SENSITIVE)
COUNTS = Capability("person.count", "counts people", Sensitivity.NOTABLE)
VIDEO = Capability("video.stream", "sends video", Sensitivity.ORDINARY)
EVIDENCE = Evidence("10.20.0.11", 23, "10.20.0.88", None, 40000, 6, None, None, None, None)


def change(
    column: str,
    *,
    before: bool | None = False,
    after: bool = True,
    was: State = State.DORMANT,
    ts_ns: int = FIRST_NS + HABITS_NS,
) -> Change:
    return Change("audio.input", column, before, after=after, state_before=was, source="RTP audio", ts_ns=ts_ns)


@pytest.mark.parametrize(
    ("capability", "severity"),
    [(LISTENS, Severity.CRITICAL), (COUNTS, Severity.MEDIUM), (VIDEO, None), (None, None)],
)
def test_switched_on(capability: Capability | None, severity: Severity | None) -> None:
    """By how much it matters; an ordinary function, or one that nobody knows, is an entry in the ledger."""
    found = detect(GATE, change("enabled"), capability, refused=False)
    assert (found.severity if found is not None else None) is severity
    assert found is None or found.kind is Kind.DORMANT_FUNCTION


@pytest.mark.parametrize(
    ("what", "refused", "capability", "told"),
    [
        (change("exercised"), False, LISTENS, True),
        (change("exercised", ts_ns=FIRST_NS + HABITS_NS - 1), False, LISTENS, False),
        (change("exercised", was=State.READY), False, LISTENS, False),
        (change("exercised", was=State.UNKNOWN), False, LISTENS, False),
        (change("exercised", was=State.UNKNOWN, ts_ns=FIRST_NS), True, LISTENS, True),
        (change("exercised"), False, COUNTS, False),
        (change("exercised"), True, COUNTS, False),
        (change("enabled", after=False), False, LISTENS, False),
        (change("supported"), False, LISTENS, False),
    ],
)
def test_what_wakes(what: Change, refused: bool, capability: Capability, told: bool) -> None:
    """A sensitive function that slept for a day, or was refused before. What was ready is merely used."""
    assert (detect(GATE, what, capability, refused=refused) is not None) is told


@pytest.mark.parametrize(
    ("what", "refused", "message"),
    [
        (
            change("enabled"),
            False,
            "Device gate says that it listens now: that was off before, and no update was seen (RTP audio)",
        ),
        (
            change("enabled", before=None),
            False,
            "Device gate says that it listens now: it did not offer that before, and no update was seen (RTP audio)",
        ),
        (
            change("exercised"),
            True,
            "Device gate listens now: it refused that before, and no update was seen (RTP audio)",
        ),
        (
            change("exercised"),
            False,
            (
                "Device gate listens now: it could, and had not in all the time it was watched, and no update was seen "
                "(RTP audio)"
            ),
        ),
    ],
)
def test_in_words(what: Change, refused: bool, message: str) -> None:
    """What it does, and why that is news."""
    found = detect(GATE, what, LISTENS, refused=refused, evidence=EVIDENCE)
    assert found is not None
    assert found.message == message
    assert (found.about, found.capabilities, found.evidences) == ("audio.input", ("audio.input",), (EVIDENCE,))


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (change("exercised", was=State.UNKNOWN), True),
        (change("exercised", was=State.UNKNOWN, ts_ns=FIRST_NS + HABITS_NS - 1), False),
        (change("exercised", was=State.READY), False),
    ],
)
def test_what_a_device_does_of_its_own_accord(what: Change, *, told: bool) -> None:
    """Nobody has to ask it: not seen for a day is not done for a day, whether declared or not."""
    found = detect(GATE, what, LISTENS, refused=False, unasked=True)
    assert (found is not None) is told
    if found is not None:
        assert found.message == (
            "Device gate listens now: it had not in all the time it was watched, and no update was seen (RTP audio)"
        )
