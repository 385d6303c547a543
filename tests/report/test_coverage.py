"""Coverage: a negative is worth what the device was watched, and never more."""

from __future__ import annotations

import pytest

from monitor.report.claims import Answer, negative, watched
from monitor.report.coverage import coverage_of, losses_of
from monitor.report.facts import Certainty
from tests.report.journals import BEGIN, DAY, HOUR, SECOND, device, run

END = BEGIN + 30 * DAY


def test_a_restart_counts_as_not_watched() -> None:
    """Of 720 hours, 43 minutes in which the sensor was away are 0.1 %."""
    coverage = coverage_of(device(), 0, END, losses_of(run(gaps_ns=43 * 60 * SECOND), live=True), 0)
    assert watched(coverage) == "Watched 99.9 % of 720 h"
    assert coverage.certainty is Certainty.GOOD


def test_the_sentence_says_what_was_lost() -> None:
    """A claim has how long it was watched, how long nobody looked, and how many packets were lost."""
    coverage = coverage_of(device(), 0, END, losses_of(run(gaps_ns=HOUR, lost=12), live=True), 0)
    answer, words = negative(coverage, "attempted nothing outside the site")
    assert answer is Answer.NO
    assert words == (
        "Watched 99.8 % of 720 h, attempted nothing outside the site. "
        "Meanwhile the sensor was away or blind for at most 60 min, and 12 of a million packets were lost."
    )


def test_a_second_less_than_all_is_not_all() -> None:
    """No share is rounded up."""
    coverage = coverage_of(device(), 0, END, losses_of(run(gaps_ns=1), live=True), 0)
    assert watched(coverage) == "Watched 99.9 % of 720 h"


@pytest.mark.parametrize(
    ("changes", "losses", "damaged", "reason"),
    [
        ({"first_ns": 0, "last_ns": 0, "seen": (0, 0, 0)}, run(), 0, "the device was never seen"),
        ({"seen": (2_592_000, 0, END)}, run(), 0, "its traffic is not known to have been seen in both directions"),
        ({}, None, 0, "the journal does not say what the sensor missed"),
        ({"dropped": None}, run(contacts=1), 0, "records of its contacts were dropped for want of room"),
        ({"dropped": 1}, run(contacts=1), 0, "records of its contacts were dropped for want of room"),
        ({}, run(gaps_ns=31 * DAY), 0, "the sensor may have been away all that time"),
        ({}, run(), 1, "a part of the journal cannot be read"),
    ],
)
def test_without_coverage_nothing_is_denied(changes: dict, losses: object, damaged: int, reason: str) -> None:
    """Each of these alone makes a negative unknown, and is named."""
    known = losses_of(losses, live=True) if losses is not None else None
    coverage = coverage_of(device(**changes), 0, END, known, damaged)
    answer, words = negative(coverage, "attempted nothing")
    assert answer is Answer.UNKNOWN
    assert words == f"Not known: {reason}."


@pytest.mark.parametrize(
    ("changes", "losses", "reason"),
    [
        ({"seen": (86_400, 86_400, END)}, run(), "only known to have been seen in 3.3 % of it"),
        ({}, run(lost=20_000), "2.0 % of all packets were lost"),
        ({}, run(gaps_ns=15 * DAY), "only known to have listened for 50.0 %"),
    ],
)
def test_a_poor_watch_says_little(changes: dict, losses: object, reason: str) -> None:
    """A device seen rarely, heavy loss and a sensor that was away are said beside the claim."""
    coverage = coverage_of(device(**changes), 0, END, losses_of(losses, live=True), 0)
    assert coverage.certainty is Certainty.WEAK
    assert reason in negative(coverage, "attempted nothing")[1]


def test_of_a_part_only_the_least_is_claimed() -> None:
    """A life's seen seconds are taken off for all the time outside the part; a life's gaps all stand in it."""
    losses = losses_of(run(gaps_ns=6 * HOUR), live=True)
    coverage = coverage_of(device(), BEGIN + 10 * DAY, BEGIN + 11 * DAY, losses, 0)
    assert coverage.span is not None
    assert coverage.span.length_ns == DAY
    assert coverage.seen_s == 86_400 - 600
    assert coverage.both_s == 86_400 - 700
    assert watched(coverage) == "Watched 75.0 % of 24 h"


def test_after_it_was_last_seen_nothing_is_claimed() -> None:
    """A camera that went away on the tenth day is watched for ten days, whatever the sensor did later."""
    gone = device(last_ns=BEGIN + 10 * DAY, seen=(10 * 86_400, 10 * 86_400, BEGIN + 10 * DAY))
    losses = losses_of(run(), live=True)
    assert watched(coverage_of(gone, 0, END, losses, 0)) == "Watched 100 % of 240 h"
    assert coverage_of(gone, BEGIN + 11 * DAY, END, losses, 0).reasons == ("the device was not seen in this time",)


def test_of_files_only_what_was_seen_is_known() -> None:
    """A replay has no account of what was lost: it claims seconds seen, and says that the rest is not known."""
    coverage = coverage_of(device(), 0, END, losses_of(run(arrived=0), live=True), 0)
    assert negative(coverage, "nothing")[1] == (
        "Seen in 99.9 % of the seconds of 720 h, nothing. What was lost meanwhile is not known."
    )
    assert coverage_of(device(), 0, END, losses_of(run(), live=False), 0).listened_ns is None


def test_room_that_others_needed_says_nothing_of_a_device() -> None:
    """Contacts of other hosts were forgotten, none of this one's: its negative stands."""
    assert coverage_of(device(), 0, END, losses_of(run(contacts=9), live=True), 0).certainty is Certainty.GOOD
