"""Coverage: how well a device was watched, and what is lost to the sensor's own failings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.detectors.device_silent import PRESENCE
from monitor.detectors.sensor_blind import HEAVY_PPM
from monitor.report.facts import Certainty, Coverage, Losses, Span
from monitor.report.words import SECOND_NS, share

if TYPE_CHECKING:
    from collections.abc import Collection

    from monitor.continuity.records import DeviceRecord, EngineRecord

LISTENED: Final = 10
"""A sensor that was away for more than one part in so many has not watched well: as for presence (device_silent)."""
_EVICTED: Final = 7
_PASSED: Final = 8
_FOLLOWED: Final = 9
_MISSED: Final = 10
"""Where Scanner.counters has them."""
_DUPLICATES: Final = 2


def losses_of(run: EngineRecord, *, live: bool) -> Losses:
    """What the record of a run says that was missed."""
    arrived, lost, gaps_ns, clock_steps = run.sight

    def scanned(index: int) -> int:
        return run.scanner[index] if index < len(run.scanner) else 0

    return Losses(
        live=live and arrived > 0,
        arrived=arrived,
        lost=lost,
        gaps_ns=gaps_ns,
        duplicates=scanned(_DUPLICATES),
        flow_evictions=scanned(_EVICTED),
        passed_over=scanned(_PASSED),
        clock_steps=clock_steps,
        contacts_forgotten=run.rooms.get("contacts", 0),
        devices_forgotten=run.rooms.get("devices", 0),
        devices_unwatched=run.rooms.get("unwatched", 0),
        followed=scanned(_FOLLOWED),
        missed=scanned(_MISSED),
    )


def coverage_of(
    device: DeviceRecord,
    since_ns: int,
    until_ns: int,
    losses: Losses | None,
    damaged: int,
    disputed: Collection[str] = (),
) -> Coverage:
    """How well this device was watched between these times; ``disputed`` are names that an incident leaves open.

    Of seconds in which it was seen, those beyond the time count as seen first; of gaps, those within count as all.
    """
    seen_s, both_s, seen_ns = device.seen
    first_ns, last_ns = device.first_ns, max(device.last_ns, seen_ns)
    if not first_ns or not last_ns:
        return _unknown("the device was never seen")
    begin_ns, end_ns = max(first_ns, since_ns), min(last_ns, until_ns)
    if begin_ns > end_ns:
        return _unknown("the device was not seen in this time")
    span = Span(begin_ns, max(end_ns, begin_ns + SECOND_NS))  # what was seen at all was seen in some second
    beyond_s = -(-(begin_ns - first_ns + last_ns - end_ns) // SECOND_NS)
    length_s = -(-span.length_ns // SECOND_NS)
    seen_s, both_s = (max(0, min(each - beyond_s, length_s)) for each in (seen_s, both_s))
    listened_ns = max(0, span.length_ns - losses.gaps_ns) if losses is not None and losses.live else None
    unknown, weak = _doubts(span, listened_ns, seen_s, both_s, losses, damaged)
    if device.dropped or (device.dropped is None and losses is not None and losses.contacts_forgotten):
        unknown.insert(0, "records of its contacts were dropped for want of room")
    if device.name in disputed:
        unknown.append("an incident may be its own or that of another device of this name")
    certainty = Certainty.UNKNOWN if unknown else Certainty.WEAK if weak else Certainty.GOOD
    ppm = losses.ppm if losses is not None and losses.live else None
    return Coverage(span, listened_ns, seen_s, both_s, ppm, certainty, (*unknown, *weak))


def _unknown(reason: str) -> Coverage:
    return Coverage(None, None, 0, 0, None, Certainty.UNKNOWN, (reason,))


def _doubts(
    span: Span, listened_ns: int | None, seen_s: int, both_s: int, losses: Losses | None, damaged: int
) -> tuple[list[str], list[str]]:
    """Why what was not seen says nothing, and why it says little."""
    unknown, weak = [], []
    if losses is None:
        unknown.append("the journal does not say what the sensor missed")
    if damaged:
        unknown.append("a part of the journal cannot be read")
    if listened_ns == 0:
        unknown.append("the sensor may have been away all that time")
    elif listened_ns is not None and (span.length_ns - listened_ns) * LISTENED > span.length_ns:
        weak.append(f"the sensor is only known to have listened for {share(listened_ns, span.length_ns)} of the time")
    if not both_s:
        unknown.append("its traffic is not known to have been seen in both directions")
    elif seen_s * SECOND_NS * PRESENCE < span.length_ns:
        weak.append(f"the device is only known to have been seen in {share(seen_s * SECOND_NS, span.length_ns)} of it")
    if losses is not None and losses.ppm >= HEAVY_PPM:
        weak.append(f"{losses.ppm / 10_000:.1f} % of all packets were lost")
    if losses is not None and losses.tcp_ppm >= HEAVY_PPM:
        weak.append(f"{losses.tcp_ppm / 10_000:.1f} % of what TCP carried never passed the sensor")
    return unknown, weak
