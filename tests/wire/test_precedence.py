"""While more flows begin than can be looked at, those of watched addresses go first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pcaps import packets
from pcaps.packets import Host
from tests.hostile.floods import syn
from tests.wire.tap import MS, SECOND, START, Tap

if TYPE_CHECKING:
    from types import SimpleNamespace

ROUTER = Host.at("10.20.0.1", "00:00:0c:07:ac:01")
GATE = Host.at("10.20.0.11", "44:19:b6:20:00:0b")
HALL = Host.at("10.20.0.12", "44:19:b6:20:00:0c")
STRANGER = Host.at("10.99.0.1", "02:00:00:00:00:01")
REMOTE = ROUTER.beyond("52.30.100.10")
MAPPED = bytes(10) + b"\xff\xff"
BUDGET = 200
"""New flows of one address a second; a second's worth may come at once."""


@pytest.fixture(params=["compiled", "uncompiled"])
def tap(request: pytest.FixtureRequest) -> Tap:
    made: SimpleNamespace = request.getfixturevalue(request.param)
    return Tap(made, capacity=4096)


def begun(tap: Tap, at: int, source: Host, destination: Host = REMOTE, sport: int = 40000) -> bool:
    """Whether a SYN begins a flow."""
    return "new" in tap.one(at, syn(source, destination, sport))


def test_without_hurry_every_flow_begins(tap: Tap) -> None:
    """Nothing is passed over."""
    assert begun(tap, START, STRANGER)
    assert tap.scanner.precedence.passed == 0


def test_strangers_are_passed_over_and_counted(tap: Tap) -> None:
    """A watched address goes on, at either end of a flow; so does everybody afterwards."""
    tap.scanner.precedence.begin([MAPPED + GATE.ip], [])
    assert not begun(tap, START, STRANGER)
    assert begun(tap, START, GATE)
    assert begun(tap, START, STRANGER, GATE)
    assert tap.scanner.precedence.passed == 1
    assert tap.scanner.packets == 3
    tap.scanner.precedence.end()
    assert begun(tap, START, STRANGER)


def test_a_watched_mac_has_precedence_under_any_address(tap: Tap) -> None:
    """A camera with a new address is not a stranger."""
    tap.scanner.precedence.begin([], [GATE.mac])
    assert begun(tap, START, Host.at("10.20.0.77", "44:19:b6:20:00:0b"))
    assert not begun(tap, START, HALL)


def test_flows_that_are_there_go_on(tap: Tap) -> None:
    """What began before is followed."""
    assert begun(tap, START, STRANGER)
    tap.scanner.precedence.begin([], [])
    answer = packets.tcp(REMOTE, STRANGER, packets.Segment(443, 40000, 9, 2, packets.SYN | packets.ACK))
    assert "answer" in tap.one(START + MS, packets.frame(REMOTE, STRANGER, answer))


def test_who_storms_uses_up_no_others_budget(tap: Tap) -> None:
    """One address gets a second's worth at once, then so many a second; another is not touched by that."""
    tap.scanner.precedence.begin([MAPPED + GATE.ip, MAPPED + HALL.ip], [])
    at_once = sum(begun(tap, START, GATE, sport=1024 + number) for number in range(2 * BUDGET))
    assert at_once in (BUDGET, BUDGET + 1)
    assert begun(tap, START, HALL)
    later = sum(begun(tap, START + SECOND, GATE, sport=30_000 + number) for number in range(2 * BUDGET))
    assert later == BUDGET
    assert tap.scanner.precedence.passed == 4 * BUDGET - at_once - later


def test_no_address_is_taken_for_another(tap: Tap) -> None:
    """A thousand addresses have precedence, and no other has."""
    watched = [Host.at(f"10.21.{number // 250}.{number % 250 + 1}", "02:00:00:00:00:02") for number in range(1000)]
    tap.scanner.precedence.begin([MAPPED + host.ip for host in watched], [])
    assert all(begun(tap, START, host) for host in watched)
    assert not any(begun(tap, START, Host.at(f"10.22.0.{number + 1}", "02:00:00:00:00:03")) for number in range(250))
