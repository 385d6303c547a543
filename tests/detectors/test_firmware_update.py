"""What is said of a change of firmware."""

from __future__ import annotations

import pytest

from monitor.detectors.firmware_update import detect
from monitor.ledger.updates import Sign, Update
from monitor.model.contacts import Device
from monitor.model.incidents import Evidence, Kind, Severity
from monitor.model.verdicts import Confidence

GATE = Device("gate", "gate", 0)
EVIDENCE = Evidence("10.20.0.11", 80, "10.20.0.63", None, 40000, 6, None, None, None, None)


def update(*signs: Sign, certain: bool = False, before: str | None = None, after: str | None = None) -> Update:
    made = Update(1_000, 1_000, 0, certain=certain, before=before, after=after, evidences=[EVIDENCE])
    for sign in signs:
        made.add(sign, f"{sign} was seen", 1_000)
    return made


@pytest.mark.parametrize(
    ("made", "in_window", "severity", "confidence", "properties"),
    [
        (update(Sign.PART), None, Severity.LOW, Confidence.LOW, ("possible",)),
        (update(Sign.PART), True, Severity.INFORMATIONAL, Confidence.LOW, ("possible",)),
        (update(Sign.PART), False, Severity.MEDIUM, Confidence.LOW, ("possible", "outside_window")),
        (update(Sign.CALL), None, Severity.MEDIUM, Confidence.MEDIUM, ("probable",)),
        (update(Sign.CALL), True, Severity.LOW, Confidence.MEDIUM, ("probable",)),
        (update(Sign.CALL), False, Severity.HIGH, Confidence.MEDIUM, ("probable", "outside_window")),
        (update(Sign.VERSION, certain=True), None, Severity.MEDIUM, Confidence.HIGH, ("certain",)),
        (update(Sign.VERSION, certain=True), False, Severity.HIGH, Confidence.HIGH, ("certain", "outside_window")),
    ],
)
def test_how_grave_and_how_sure(
    made: Update, in_window: bool | None, severity: Severity, confidence: Confidence, properties: tuple[str, ...]
) -> None:
    """Less grave in a maintenance window, more outside of one, and a hint a step below."""
    found = detect(GATE, made, in_window=in_window)
    assert (found.kind, found.severity, found.confidence, found.properties) == (
        Kind.FIRMWARE_UPDATE,
        severity,
        confidence,
        properties,
    )


@pytest.mark.parametrize(
    ("made", "in_window", "message"),
    [
        (
            update(Sign.CALL, Sign.RESTART, before="1.0"),
            None,
            (
                "Firmware of gate is being changed (probable) from 1.0; seen: call: call was seen; "
                "restart: restart was seen"
            ),
        ),
        (
            update(Sign.VERSION, certain=True, before="1.0", after="1.1"),
            False,
            (
                "Firmware of gate was changed outside its maintenance window (certain) from 1.0 to 1.1; "
                "seen: version: version was seen"
            ),
        ),
        (
            update(Sign.IMAGE, after="1.1"),
            True,
            "Firmware of gate is being changed in its maintenance window (probable) to 1.1; seen: image: image was seen",
        ),
    ],
)
def test_in_words(made: Update, in_window: bool | None, message: str) -> None:
    """It was changed once the device says so; until then somebody is at it."""
    assert detect(GATE, made, in_window=in_window).message == message


def test_one_incident_for_each_update_and_each_sign_is_news() -> None:
    """Versions and evidence go with it."""
    made = update(Sign.CALL, before="1.0")
    first = detect(GATE, made, in_window=None)
    made.add(Sign.IMAGE, "image was seen", 2_000)
    second = detect(GATE, made, in_window=None)
    assert first.about == second.about != detect(GATE, Update(3_000, 3_000, 0), in_window=None).about
    assert (first.news, second.news) == (("call was seen",), ("call was seen", "image was seen"))
    assert second.evidences == (EVIDENCE,)
    assert second.firmware is not None
    assert (second.firmware.before, second.firmware.after) == ("1.0", None)
