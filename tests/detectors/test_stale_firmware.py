"""Firmware that is older than the policy allows, where its age can be defended."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from monitor.detectors.stale_firmware import DAY_NS, detect
from monitor.model.incidents import Kind, Severity

NOW = int(datetime(2026, 7, 1, 12, tzinfo=UTC).timestamp()) * 1_000_000_000


@pytest.mark.parametrize(
    ("released", "watched_days", "max_age", "severity"),
    [
        (date(2025, 7, 1), None, 365, None),
        (date(2025, 6, 30), None, 365, Severity.LOW),
        (date(2024, 7, 1), None, 365, Severity.LOW),
        (date(2024, 6, 30), None, 365, Severity.MEDIUM),
        (date(2025, 6, 30), 1, 365, Severity.LOW),
        # The build decides where there is one, however long it has been running.
        (date(2026, 6, 30), 900, 365, None),
        # Without one, what the sensor has seen itself.
        (None, 365, 365, None),
        (None, 366, 365, Severity.LOW),
        (None, 731, 365, Severity.MEDIUM),
        (None, None, 365, None),
        # A day of the future is none.
        (date(2026, 7, 2), None, 365, None),
        (date(2026, 7, 2), 366, 365, Severity.LOW),
        (date(1999, 1, 1), 9999, None, None),
    ],
)
def test_age(released: date | None, watched_days: int | None, max_age: int | None, severity: Severity | None) -> None:
    """Beyond the age that the policy allows it is told, beyond twice that more gravely; without a date nothing is."""
    since = NOW - watched_days * DAY_NS if watched_days is not None else None
    found = detect("cam-1", "9.8", released, since, NOW, max_age)
    assert (found.severity if found else None) == severity


def test_words() -> None:
    """What it runs, how its age is known, and what the policy allows."""
    built = detect("cam-1", "V5.5.3 build 180710", date(2018, 7, 10), None, NOW, 365)
    seen = detect("cam-1", "9.8", None, NOW - 400 * DAY_NS, NOW, 365)
    assert built is not None
    assert seen is not None
    assert (built.kind, built.rule, built.news) == (
        Kind.STALE_FIRMWARE,
        "firmware_max_age_days = 365",
        ("V5.5.3 build 180710",),
    )
    assert built.message == (
        "Device cam-1 runs an old firmware, V5.5.3 build 180710: it was built on 2018-07-10, 2,913 days ago, and the "
        "policy allows 365"
    )
    assert seen.message == (
        "Device cam-1 runs an old firmware, 9.8: it has been running for 400 days at least, and the policy allows 365"
    )
