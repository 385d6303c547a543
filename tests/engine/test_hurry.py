"""A flood is noticed before the kernel drops anybody's packets, and so is its end."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from collectors.live import Ledger
from monitor.app import build_engine
from monitor.hurry import Hurry
from pcaps.packets import Host
from tests.engine.played import configured
from tests.hostile import floods

if TYPE_CHECKING:
    from monitor.app import Knowledge
    from monitor.engine import Engine
    from monitor.model.incidents import Transition

SECOND = 1_000_000_000
STEP = 2_000
"""Nanoseconds between packets: half a million a second."""
THERE = Host.at("115.231.97.60", floods.ROUTER)


class Room:
    """The account of a ring that is pressed or not."""

    def __init__(self) -> None:
        self.pressed = False

    def ledgers(self) -> list[Ledger]:
        return [Ledger("hear", 0, 0, 0, 0, pressed=self.pressed)]


def flooded(engine: Engine, seed: int) -> list[Transition]:
    """What the engine told while a block of random connections came."""
    now = engine.scanner.ts or floods.START
    blocks = floods.random_tuples(floods.BLOCK, Random(seed), local=0, prefix=b"\x02\0\0", step=STEP, now=now)
    return [transition for block in blocks for transition in engine.feed(block)]


@pytest.fixture
def engine(known: Knowledge) -> Engine:
    return build_engine(configured(), known)


def test_a_flood_and_a_ring_that_fills_are_a_hurry(engine: Engine, known: Knowledge) -> None:
    """Neither alone is. In a hurry only watched devices' flows begin, and what was passed over is counted."""
    room = Room()
    told: list[Transition] = []
    hurry = Hurry(engine, room.ledgers)
    told += flooded(engine, 1)
    hurry.look(SECOND)
    assert not engine.scanner.precedence.hurried
    room.pressed = True
    told += engine.feed(floods.one(engine.scanner.ts + STEP, floods.syn(floods.RESOLVER, floods.GATE)))
    hurry.look(SECOND)
    assert not engine.scanner.precedence.hurried
    told += flooded(engine, 2)
    hurry.look(SECOND)
    assert engine.scanner.precedence.hurried
    created = engine.scanner.table.created
    told += flooded(engine, 3)
    told += engine.feed(floods.one(engine.scanner.ts, floods.syn(floods.GATE, THERE)))
    told += engine.tick(engine.scanner.ts + SECOND)
    assert engine.scanner.table.created == created + 1
    assert engine.scanner.precedence.passed == floods.BLOCK
    assert [each.device.name for each in told] == ["gate"]
    assert engine.totals().passed_over == floods.BLOCK
    later = build_engine(configured(), known)
    later.scanner.count_on(engine.scanner.counters())
    assert later.totals().passed_over == floods.BLOCK


def test_a_hurry_ends_when_few_come_and_the_ring_is_read(engine: Engine) -> None:
    """It lasts for a second at least."""
    room = Room()
    hurry = Hurry(engine, room.ledgers)
    room.pressed = True
    flooded(engine, 2)
    hurry.look(SECOND)
    room.pressed = False
    hurry.look(SECOND + SECOND // 2)
    assert engine.scanner.precedence.hurried
    flooded(engine, 3)
    hurry.look(2 * SECOND)
    assert engine.scanner.precedence.hurried
    hurry.look(3 * SECOND)
    assert not engine.scanner.precedence.hurried
