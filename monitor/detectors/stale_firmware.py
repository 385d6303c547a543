"""Stale firmware: a device has run the same firmware for longer than the policy allows.

It needs a date that can be defended: the day of the build, which the version says, or else the time that the sensor
itself has known this very version to run. Nobody is asked whether there is a newer one: isolated sites know it too.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final

from monitor.model.incidents import Kind, Notice, Severity

DAY_NS: Final = 86_400 * 1_000_000_000
SECOND_NS: Final = 1_000_000_000
LONG: Final = 2
"""Times the age that the policy allows: from there on an update was not late, there is nobody who sees to it."""


def detect(
    device: str,
    firmware: str,
    released: date | None,
    since_ns: int | None,
    now_ns: int,
    max_age_days: int | None,
) -> Notice | None:
    """Whether the firmware is older than ``max_age_days``; None: the policy sets no age.

    ``released``: when it was built, as its version says; a day of the future is no such day. ``since_ns``: since when
    the sensor has known this very version to run.
    """
    if max_age_days is None:
        return None
    today = datetime.fromtimestamp(now_ns // SECOND_NS, UTC).date()
    if released is not None and released <= today:
        days = (today - released).days
        how = f"it was built on {released}, {days:,} days ago"
    elif since_ns is not None:
        days = (now_ns - since_ns) // DAY_NS
        how = f"it has been running for {days:,} days at least"
    else:
        return None
    if days <= max_age_days:
        return None
    return Notice(
        kind=Kind.STALE_FIRMWARE,
        severity=Severity.MEDIUM if days > LONG * max_age_days else Severity.LOW,
        about="",
        message=f"Device {device} runs an old firmware, {firmware}: {how}, and the policy allows {max_age_days:,}",
        rule=f"firmware_max_age_days = {max_age_days}",
        news=(firmware,),
    )
