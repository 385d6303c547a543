"""A flood of made-up connections blinds nobody: bounded memory, exact counts, every planted call found.

Threat model C3, test T9. CAMWARDEN_FLOOD says how many packets (``make soak``: ten million).
"""

from __future__ import annotations

import os
import time
from collections import Counter
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from monitor.app import build_engine, knowledge
from monitor.config import convert
from monitor.enrich import devices
from monitor.enrich.geo import is_global
from monitor.model.address import pack, text
from monitor.model.facts import FlowEnd
from monitor.model.incidents import Activity
from monitor.model.verdicts import OperatorKind
from pcaps.packets import Host
from tests.engine.played import SITE
from tests.hostile import floods
from tests.hostile.measure import MIB, apart, resident

if TYPE_CHECKING:
    from monitor.app import Knowledge
    from monitor.model.facts import Observation
    from monitor.model.incidents import Transition

FLOOD: Final = int(os.environ.get("CAMWARDEN_FLOOD", "73728"))
"""The flow table is full after 65,536."""
GROWTH: Final = 64 * MIB
STEP_NS: Final = 20_000 if FLOOD > 300_000 else 100_000
"""Fifty thousand packets a second; in the short run ten thousand, so that retransmissions fall into the flood."""
SECOND: Final = 1_000_000_000
SOON_NS: Final = 10 * SECOND
"""From a planted call to its alert, in packet time."""
PLANTED: Final = 20
RETRIES_NS: Final = (0, SECOND, 3 * SECOND)
"""When Linux sends an unanswered SYN (RFC 6298)."""


class Flood(NamedTuple):
    """Where it pretends to come from."""

    local: int
    """Bytes of the source address that are a camera network's."""
    prefix: bytes
    """Of the source MACs."""


ANYWHERE: Final = Flood(0, b"\x02\x00\x00")
STRANGERS: Final = Flood(1, b"\x02\x00\x00")
"""Hosts of the site that nobody watches."""
CAMERAS: Final = Flood(1, b"\x44\x19\xb6")
"""With a camera maker's MACs: each new host is taken for a camera, and its calls are judged."""


def called(known: Knowledge) -> list[str]:
    """PLANTED addresses of as many operators that are nobody's cloud."""
    found: dict[str, str] = {}
    rng = Random(3)
    while len(found) < PLANTED:
        address = pack(f"{rng.randrange(1, 224)}.{rng.randrange(256)}.{rng.randrange(256)}.7")
        if is_global(address):
            verdict = known.operators.resolve(address, (), None, name_is_proof=False)
            if verdict.kind is OperatorKind.NETWORK and verdict.location not in (None, "GB"):
                found.setdefault(verdict.operator_key, text(address))
    return list(found.values())


def plan(count: int) -> dict[int, int]:
    """Number of the call at the time of every planted SYN, spread over the flood, retransmissions too."""
    length = count * STEP_NS
    return {
        floods.START + number * length // PLANTED + after + number: number
        for number in range(PLANTED)
        for after in RETRIES_NS
    }


@cache
def outcome(kind: Flood) -> dict[str, Any]:
    """One flood for both tests."""
    result: dict[str, Any] = apart(flood, FLOOD, kind)
    return result


def flood(count: int, kind: Flood) -> dict[str, Any]:
    """What came of ``count`` packets with PLANTED calls of the camera "gate" among them."""
    config = convert(SITE, "flood")
    ends: Counter[str] = Counter()
    faults: list[str] = []

    def observer(observation: Observation, _: object) -> None:
        if isinstance(observation.fact, FlowEnd):
            ends[observation.fact.reason] += 1

    with knowledge(config) as known:
        known.operators.prepare()
        engine = build_engine(config, known, observer=observer, on_fault=lambda defect: faults.append(repr(defect)))
        addresses, due, mine = called(known), plan(count), []
        others: Counter[str] = Counter()

        def tell(told: list[Transition]) -> None:
            mine.extend(each for each in told if each.device.name == "gate")
            others.update(each.activity.name for each in told if each.device.name != "gate")

        base = most = resident()
        began = time.perf_counter()
        for block in floods.random_tuples(count, Random(9), local=kind.local, prefix=kind.prefix, step=STEP_NS):
            tell(engine.feed(block))
            now = engine.scanner.ts
            for at in sorted(at for at in due if at <= now):
                number = due.pop(at)
                there = Host.at(addresses[number], floods.ROUTER)
                tell(engine.feed(floods.one(now, floods.syn(floods.GATE, there, 40000 + number, 8000, 77 + number))))
            most = max(most, resident())
        took = time.perf_counter() - began
        tell(engine.tick(engine.scanner.ts + SECOND))
        left = engine.scanner.table.used
        limits = {limit.name.value: limit for limit in engine.limits()}
        tell(engine.finish())
    opened: dict[str, int] = {}
    for each in mine:
        if each.activity is Activity.NEW:
            opened.setdefault(each.evidences[0].remote_ip or "", each.time_ns)
    last = {each.incident: each for each in mine}
    started = {addresses[number]: at for at, number in sorted(plan(count).items(), reverse=True)}
    table = engine.scanner.table
    return {
        "grew": most - base,
        "rate": engine.scanner.packets / took,
        "faults": faults,
        "found": sum(address in opened for address in addresses),
        "late": max((opened[address] - started[address] for address in addresses if address in opened), default=0),
        "attempts": sum(each.attempts for each in last.values() if each.merged_into is None),
        "created": table.created,
        "left": left,
        "evicted": (table.evicted, ends["evicted"]),
        "ended": dict(ends),
        "visible": max((each.visibility.evictions for each in mine), default=0),
        "others": dict(others),
        "beyond": [each for each in limits.values() if each.size > each.capacity],
        "turned away": {name: limit.turned_away for name, limit in limits.items() if limit.turned_away},
    }


KINDS: Final = [
    pytest.param(ANYWHERE, id="from anywhere"),
    pytest.param(STRANGERS, id="from the site", marks=pytest.mark.slow),
    pytest.param(CAMERAS, id="from camera makers' MACs"),
]
OPENED: Final = devices.MAX_DEVICES // devices.SHARE
"""Incidents that made-up cameras open in an hour."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_flood_hides_nothing(kind: Flood) -> None:
    """Every planted call is found and told in time, attempts are exact, and each flow that began is accounted for."""
    result = outcome(kind)
    assert result["faults"] == []
    assert result["created"] == sum(result["ended"].values())
    assert result["evicted"][0] == result["evicted"][1] == result["turned away"]["flows"] > 0
    assert result["created"] == result["left"] + sum(result["ended"].values()) - result["ended"]["end"]
    assert result["found"] == PLANTED
    assert result["attempts"] == PLANTED
    assert result["late"] <= SOON_NS
    assert result["visible"] > 0
    assert result["beyond"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_flood_takes_little_memory(kind: Flood) -> None:
    """The process grows by 64 MiB at most, however long the flood."""
    assert outcome(kind)["grew"] <= GROWTH, f"{outcome(kind)['grew'] / MIB:.0f} MiB"


def test_made_up_cameras_are_not_an_incident_each() -> None:
    """As many as may be recognised are told of; the others are counted."""
    result = outcome(CAMERAS)
    assert 0 < result["others"]["NEW"] <= OPENED
    assert result["turned away"]["recognised_devices"] > 0
