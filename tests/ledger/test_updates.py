"""Signs of one change of firmware, and how sure they make it."""

from __future__ import annotations

import pytest

from monitor.ledger.ledger import Ledger
from monitor.ledger.updates import JOIN_NS, MAX_EVIDENCES, MAX_GAINS, OPENING, WATCH_NS, Sign, Update
from monitor.model.capabilities import Grade
from monitor.model.incidents import Evidence


def update(*signs: Sign, certain: bool = False) -> Update:
    made = Update(1_000, 1_000, 0, certain=certain)
    for number, sign in enumerate(signs):
        made.add(sign, str(sign), 1_000 + number)
    return made


@pytest.mark.parametrize(
    ("signs", "grade"),
    [
        ((Sign.CALL,), Grade.PROBABLE),
        ((Sign.IMAGE,), Grade.PROBABLE),
        ((Sign.VERSION,), Grade.PROBABLE),
        ((Sign.PART,), Grade.HINT),
        ((Sign.VOLUME,), Grade.HINT),
        ((Sign.VOLUME, Sign.RESTART), Grade.PROBABLE),
        ((Sign.VOLUME, Sign.REBOOT), Grade.HINT),
        ((Sign.PART, Sign.BANNER), Grade.HINT),
    ],
)
def test_grades(signs: tuple[Sign, ...], grade: Grade) -> None:
    """A restart makes a download probable, being asked for one does not; the device's own word makes any certain."""
    assert update(*signs).grade is grade
    assert update(*signs, certain=True).grade is Grade.CERTAIN


def test_a_sign_is_news_once() -> None:
    """The same words again are none; other words of the same kind replace them, in their place."""
    made = update(Sign.CALL, Sign.IMAGE)
    assert not made.add(Sign.CALL, "call", 5_000)
    assert made.add(Sign.CALL, "another call", 6_000)
    assert list(made.signs.items()) == [("call", "another call"), ("image", "image")]
    assert made.last_ns == 6_000


def test_a_restart_and_a_banner_open_nothing() -> None:
    """Devices restart for many reasons."""
    assert {Sign.RESTART, Sign.REBOOT, Sign.BANNER}.isdisjoint(OPENING)


def test_signs_join_for_a_day_since_the_last() -> None:
    """Then what comes is another update."""
    page = Ledger().page("gate")
    assert page.update_at(0) is None
    made = page.begin_update(1_000, 0)
    made.add(Sign.CALL, "call", 5_000)
    assert page.update_at(5_000 + JOIN_NS - 1) is made
    assert page.update_at(5_000 + JOIN_NS) is None


def test_what_comes_before_an_update_is_not_gained_by_it() -> None:
    """And what comes more than a day behind it neither."""
    page = Ledger().page("gate")
    made = page.begin_update(1_000, 0)
    assert page.watched_update(999) is None
    assert page.watched_update(1_000) is made
    assert page.watched_update(1_000 + WATCH_NS - 1) is made
    assert page.watched_update(1_000 + WATCH_NS) is None


def test_gains_and_evidences_are_told_once_and_bounded() -> None:
    """The first of each stays."""
    made = update(Sign.CALL)
    assert [made.gain(f"function-{number}", "") for number in (1, 1, 2)] == [True, False, True]
    assert sum(made.gain(f"more-{number}", "") for number in range(2 * MAX_GAINS)) == MAX_GAINS - 2
    for port in range(2 * MAX_EVIDENCES):
        for _ in range(2):
            made.show(Evidence("10.20.0.11", 80, "10.20.0.63", None, port, 6, None, None, None, None))
    assert [each.remote_port for each in made.evidences] == [*range(MAX_EVIDENCES)]
    assert made.gained_in == []


def test_where_a_gain_was_first_seen_is_kept_beside_what_shows_the_update() -> None:
    """Within the same bound; what is no gain shows nothing."""
    made = update(Sign.CALL)
    for port in range(2 * MAX_EVIDENCES):
        shown = Evidence("10.20.0.11", 40000, "203.0.113.9", None, port, 6, None, None, None, None)
        for what in (f"function-{port}", "function-0"):
            made.gain(what, "", shown)
    assert [each.remote_port for each in made.gained_in] == [*range(MAX_EVIDENCES)]
    assert made.evidences == []
