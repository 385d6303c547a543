"""What a device can do after an update that it could not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor.detectors.capability_gained import DAY_NS, LISTED, detect, unexplained
from monitor.ledger.updates import Update
from monitor.model.capabilities import Change, State
from monitor.model.contacts import Device
from monitor.model.incidents import Kind, Severity
from monitor.model.verdicts import Confidence

if TYPE_CHECKING:
    from monitor.app import Knowledge

GATE = Device("gate", "gate", 0)


def gained(*what: str, watched_ns: int = DAY_NS) -> Update:
    made = Update(1_000, 1_000, watched_ns, before="1.0", after="1.1")
    for each in what:
        made.gain(each, f"words of {each}")
    return made


def test_an_update_that_brought_nothing_is_not_told(known: Knowledge) -> None:
    """It has an incident of its own."""
    assert detect(GATE, gained(), known.catalogue.vocabulary) is None


def test_the_most_sensitive_comes_first(known: Knowledge) -> None:
    """A destination counts like a sensitive function, a statement that nobody knows like a notable one."""
    made = gained("motion.detect", "statement isapi x", "person.count", "destination hikvision", "face.recognise")
    found = detect(GATE, made, known.catalogue.vocabulary)
    assert found is not None
    assert found.news == (
        "destination hikvision",
        "face.recognise",
        "person.count",
        "statement isapi x",
        "motion.detect",
    )
    assert found.capabilities == ("face.recognise", "person.count", "motion.detect")
    assert found.message.startswith(
        "Device gate can do more since its update from 1.0 to 1.1: words of destination hikvision; words of face"
    )
    assert (found.kind, found.severity) == (Kind.CAPABILITY_GAINED, Severity.HIGH)


def test_nothing_sensitive_is_less_grave(known: Knowledge) -> None:
    """A statement that nobody knows may be anything."""
    for what in ("motion.detect", "statement isapi x"):
        found = detect(GATE, gained(what), known.catalogue.vocabulary)
        assert found is not None
        assert found.severity is Severity.MEDIUM


def test_a_long_list_is_cut_and_counted(known: Knowledge) -> None:
    """The gravest are named."""
    found = detect(
        GATE, gained("face.recognise", *(f"statement {n:02}" for n in range(20))), known.catalogue.vocabulary
    )
    assert found is not None
    assert found.message.count("words of") == LISTED
    assert "words of face.recognise" in found.message
    assert found.message.endswith(f"; and {21 - LISTED} more")
    assert len(found.news) == 21


@pytest.mark.parametrize(("watched_ns", "confidence"), [(DAY_NS, Confidence.HIGH), (DAY_NS - 1, Confidence.MEDIUM)])
def test_who_was_watched_for_a_day_is_known(known: Knowledge, watched_ns: int, confidence: Confidence) -> None:
    """Otherwise it may have done so before."""
    found = detect(GATE, gained("face.recognise", watched_ns=watched_ns), known.catalogue.vocabulary)
    assert found is not None
    assert found.confidence is confidence


@pytest.mark.parametrize(
    ("capability", "severity"),
    [
        ("face.recognise", Severity.HIGH),
        ("person.count", Severity.MEDIUM),
        ("motion.detect", None),
        ("no.such", None),
    ],
)
def test_what_is_declared_without_an_update(known: Knowledge, capability: str, severity: Severity | None) -> None:
    """Told of what matters."""
    change = Change(capability, "supported", None, after=True, state_before=State.UNKNOWN, source="isapi x: y", ts_ns=1)
    found = unexplained(GATE, change, known.catalogue.vocabulary)
    assert (found.severity if found is not None else None) is severity
    if capability == "face.recognise":
        assert found is not None
        assert found.message == (
            "Device gate says that it recognises faces, which it did not say before, and no update was seen (isapi x: y)"
        )
