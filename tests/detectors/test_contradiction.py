"""A device says that it does not, and does."""

from __future__ import annotations

import pytest

from monitor.detectors.contradiction import AGAIN_NS, GRACE_NS, detect, is_old
from monitor.ledger.rows import Row
from monitor.model.capabilities import Capability, Claim, Sensitivity
from monitor.model.contacts import Device
from monitor.model.incidents import Kind, Severity

GATE = Device("gate", "gate", 0)
P2P = Capability("cloud.p2p", "can be reached from outside: by peers", Sensitivity.SENSITIVE)
COUNTS = Capability("person.count", "counts people", Sensitivity.NOTABLE)
SAID_NS = 50_000_000_000


def claim(value: bool, ts_ns: int = SAID_NS, last_ns: int = 0) -> Claim:
    return Claim(value, "isapi x", ts_ns, max(ts_ns, last_ns), None)


def seen(ts_ns: int = SAID_NS + GRACE_NS) -> Claim:
    return Claim(True, "PPPP", 0, ts_ns, None)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (Row(enabled=claim(False), exercised=seen()), True),
        (Row(supported=claim(False), exercised=seen()), True),
        (Row(supported=claim(True), enabled=claim(False), exercised=seen()), True),
        (Row(supported=claim(True), enabled=claim(True), exercised=seen()), False),
        (Row(exercised=seen()), False),
        (Row(enabled=claim(False)), False),
        (Row(enabled=claim(False), exercised=seen(SAID_NS - 1)), False),
        (Row(enabled=claim(False), exercised=seen(SAID_NS + GRACE_NS - 1)), False),
    ],
)
def test_only_a_denial_and_a_deed_after_it(row: Row, told: bool) -> None:
    """What was not said at all, or was seen before, or as it was being switched off, is no contradiction."""
    assert (detect(GATE, row, P2P, "cloud.p2p") is not None) is told


def test_a_denial_of_the_firmware_before_is_none_of_this_one_s() -> None:
    """Until it is repeated."""
    row = Row(enabled=claim(False), exercised=seen())
    assert detect(GATE, row, P2P, "cloud.p2p", since_ns=SAID_NS + 1) is None
    row.enabled = claim(False, last_ns=SAID_NS + 1)
    assert detect(GATE, row, P2P, "cloud.p2p", since_ns=SAID_NS + 1) is not None


@pytest.mark.parametrize(
    ("capability", "severity"), [(P2P, Severity.CRITICAL), (None, Severity.CRITICAL), (COUNTS, Severity.HIGH)]
)
def test_how_grave(capability: Capability | None, severity: Severity) -> None:
    """What nobody knows may be anything."""
    found = detect(GATE, Row(enabled=claim(False), exercised=seen()), capability, "cloud.p2p")
    assert found is not None
    assert (found.kind, found.severity, found.capabilities) == (Kind.CONTRADICTION, severity, ("cloud.p2p",))


def test_in_words() -> None:
    """Both sources stand in the sentence."""
    off = detect(GATE, Row(enabled=claim(False), exercised=seen()), P2P, "cloud.p2p")
    absent = detect(GATE, Row(supported=claim(False), exercised=seen()), P2P, "cloud.p2p")
    assert off is not None
    assert absent is not None
    assert off.message == "Device gate can be reached from outside (PPPP), and says that this is off (isapi x)"
    assert absent.message.endswith("and says that this is not there (isapi x)")


@pytest.mark.parametrize(
    ("seen_ns", "ts_ns", "old"),
    [
        (SAID_NS, SAID_NS + 1, True),
        (SAID_NS - 1, SAID_NS + 1, False),
        (SAID_NS, AGAIN_NS - 1, True),
        (SAID_NS, AGAIN_NS, False),
    ],
)
def test_what_goes_on_is_old(seen_ns: int, ts_ns: int, old: bool) -> None:
    """Until it is denied again, or the hour is over."""
    assert is_old(Row(enabled=claim(False)), seen_ns, ts_ns) is old
