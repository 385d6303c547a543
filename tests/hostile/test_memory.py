"""Names, server names, MACs and addresses without end: what is remembered of them is bounded, and what goes is counted.

Threat model C5, test T11. CAMWARDEN_KEYS says how many of each (``make soak``: a million; of MACs a tenth).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import pytest

from monitor.app import build_engine, knowledge
from monitor.config import convert
from tests.engine.played import SITE
from tests.hostile import floods
from tests.hostile.measure import MIB, apart, resident

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from collectors.blocks import Block

KEYS: Final = int(os.environ.get("CAMWARDEN_KEYS", "20480"))
GROWTH: Final = 32 * MIB
STEP_NS: Final = 100_000
"""Ten thousand packets a second."""
KINDS: Final[dict[str, Callable[..., Iterator[Block]]]] = {
    "names": floods.names, "hellos": floods.hellos, "stations": floods.stations, "destinations": floods.destinations,
}  # fmt: skip


def grown(kind: str, count: int) -> dict[str, Any]:
    """Bytes by which an engine that has everything loaded grows, and what was turned away."""
    config = convert(SITE, "memory")
    with knowledge(config) as known:
        known.operators.prepare()
        faults: list[str] = []
        engine = build_engine(config, known, on_fault=lambda defect: faults.append(repr(defect)))
        base = most = resident()
        for block in KINDS[kind](count, step=STEP_NS):
            engine.feed(block)
            most = max(most, resident())
        return {
            "grew": most - base,
            "faults": faults,
            "turned away": {limit.name.value: limit.turned_away for limit in engine.limits()},
            "packets": engine.scanner.packets,
        }


LARGE: Final = {"hellos": 56 * MIB}
"""Sixteen thousand connections of one source that are open, each with a hello heard and its answer awaited."""


@pytest.mark.parametrize("kind", KINDS)
def test_growth_is_bounded(kind: str) -> None:
    """32 MiB at most, of open connections 56, beyond an engine that has just been built."""
    count = KEYS // 10 if kind == "stations" and KEYS > 100_000 else KEYS
    result = apart(grown, kind, count)
    assert result["faults"] == []
    assert result["packets"] >= count
    turned_away = result["turned away"]
    assert sum(turned_away.values()) > 0, turned_away
    assert result["grew"] <= LARGE.get(kind, GROWTH), f"{result['grew'] / MIB:.0f} MiB"
