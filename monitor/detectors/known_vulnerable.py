"""Known vulnerable: a device runs a firmware with a hole that is known to be used, or that anybody can use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.model.incidents import Kind, Notice, Severity
from monitor.model.verdicts import Confidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.model.vulnerabilities import Match


def detect(
    device: str, vendor: str | None, model: str | None, firmware: str | None, matches: Sequence[Match]
) -> Notice | None:
    """What to say of these holes of a device; ``vendor`` and ``device`` are names, ``matches`` the surest first."""
    if not matches:
        return None
    certain = [match for match in matches if match.certain]
    told = certain or list(matches)
    first = told[0]
    exploited = any(match.kev is not None for match in told)
    what = " ".join(part for part in (vendor, model, firmware) if part) or "an unknown firmware"
    verb = "has" if certain else "may have"
    listed = f"; CISA has listed it as exploited since {first.kev}" if first.kev is not None else ""
    more = len(matches) - 1
    others = f"; and {more} more: {', '.join(match.key for match in matches if match is not first)}" if more else ""
    return Notice(
        kind=Kind.KNOWN_VULNERABLE,
        severity=Severity.CRITICAL if certain and exploited else Severity.HIGH,
        about="",
        message=(
            f"Device {device} runs {what}, which {verb} {first.key} ({first.name}); "
            f"{first.why} ({first.source}){listed}{others}"
        ),
        rule="catalogue: " + ", ".join(match.key for match in matches),
        confidence=Confidence.HIGH if certain else Confidence.LOW,
        properties=("known_exploited",) if exploited else (),
        news=tuple(f"{match.key}{'' if match.certain else ' possible'}" for match in matches),
    )
