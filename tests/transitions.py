"""A step of an incident about which nothing matters; tests replace what does."""

from __future__ import annotations

from monitor.model.contacts import Outcome
from monitor.model.incidents import Activity, DeviceView, Kind, Severity, Transition, Visibility
from monitor.model.verdicts import Confidence

GATE = DeviceView("gate", "gate", "gate", "camera", None, None, None, None, None, None, None)
BLANK = Transition(
    uid="0" * 32,
    incident="a" * 32,
    number=1,
    activity=Activity.NEW,
    time_ns=0,
    kind=Kind.UNEXPECTED_CONTACT,
    properties=(),
    severity=Severity.LOW,
    message="",
    rule="",
    device=GATE,
    confidence=Confidence.LOW,
    outcome=Outcome.ATTEMPTED,
    attempts=1,
    bytes_out=60,
    foreign=True,
    first_ns=0,
    last_ns=0,
    visibility=Visibility(),
)
