"""What the clock in TCP segments says of restarts (RFC 7323)."""

from __future__ import annotations

from random import Random

import pytest

from monitor.inspection.clocks import AGREED, SECOND_NS, WRAP, Clocks
from monitor.model.address import pack

RECORDER = pack("10.20.0.5")


class Tap:
    """One device's clock as it is read every so often."""

    def __init__(self, hertz: float, start: int, capacity: int = 8) -> None:
        self.clocks = Clocks(capacity)
        self.hertz = hertz
        self.offset = start
        self.now = 1_000.0
        self.booted = self.now

    def read(self, after: float, late: float = 0.0) -> int | None:
        """A segment sent ``after`` seconds, seen ``late`` seconds later."""
        self.now += after
        ticks = (self.offset + int((self.now - self.booted) * self.hertz)) % WRAP
        return self.clocks.read("gate", RECORDER, ticks, int((self.now + late) * SECOND_NS))

    def restart(self, offset: int) -> None:
        self.offset, self.booted = offset, self.now


@pytest.mark.parametrize("hertz", [1.0, 2.0, 10.0, 100.0, 250.0, 1000.0])
@pytest.mark.parametrize("start", [0, 1 << 31, WRAP - 3000], ids=["zero", "half", "about to wrap"])
@pytest.mark.parametrize("after", [0, 300, 3_000_000_000], ids=["zero", "a little", "random"])
def test_a_clock_that_begins_anew_is_noticed(hertz: float, start: int, after: int) -> None:
    tap = Tap(hertz, start)
    for wait in (0, 10, 30, 60, 3600, 2.5, 86_400):
        assert tap.read(wait) is None
    before = int(tap.now * SECOND_NS)
    tap.restart(after)
    assert tap.read(40) == before
    assert tap.read(10) is None


def test_packets_that_come_late_break_no_clock() -> None:
    random, tap = Random(7), Tap(1000.0, 5)
    assert {tap.read(random.uniform(2, 600), random.uniform(0, 0.9)) for _ in range(500)} == {None}


@pytest.mark.parametrize("seed", range(5))
def test_offsets_drawn_for_each_connection_prove_nothing(seed: int) -> None:
    random, clocks = Random(seed), Clocks()
    read = [clocks.read("gate", RECORDER, random.randrange(WRAP), at * 20 * SECOND_NS) for at in range(2000)]
    assert read == [None] * 2000


def test_a_clock_is_not_believed_before_it_has_kept_its_rate() -> None:
    tap = Tap(100.0, 0)
    for _ in range(AGREED + 1):
        assert tap.read(10) is None
    tap.restart(0)
    assert tap.read(10) is None


def test_one_that_may_have_gone_round_unseen_is_taken_anew() -> None:
    tap = Tap(1000.0, 0)
    for wait in (0, 10, 10, 10, 10):
        assert tap.read(wait) is None
    assert tap.read(30 * 86_400) is None  # 2.6 of 4.3 thousand million ticks
    assert tap.read(10) is None


def test_the_clock_unheard_of_for_longest_makes_room() -> None:
    clocks = Clocks(2)
    for remote in ("10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.3"):
        clocks.read("gate", pack(remote), 1, SECOND_NS)
    assert (len(clocks), clocks.forgotten) == (2, 1)
    assert clocks._clocks.keys() == {("gate", pack("10.0.0.1")), ("gate", pack("10.0.0.3"))}
