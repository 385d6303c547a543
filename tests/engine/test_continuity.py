"""A run that is stopped, or killed, and goes on in another process tells what one run tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from collectors.captures import Captures
from monitor.config import convert
from monitor.continuity import PREFIX, Keeper
from monitor.store import Store
from pcaps import scenarios
from pcaps.savefile import Frame
from pcaps.scenarios import NAMES
from tests.engine.played import Played, blocks, engine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from monitor.app import Knowledge
    from monitor.model.incidents import Transition

SENSOR: Final = "here"
PERIOD_NS: Final = 5_000_000_000
"""How often the daemon saves without a transition."""


def frames_of(name: str) -> list[Frame]:
    """The packets of a scenario."""
    frames = []
    for block in Captures([scenarios.load(name).capture]).blocks():
        view = memoryview(block.memory)
        for at in range(0, 5 * block.count, 5):
            ts_ns, offset, captured, _, _ = block.index[at : at + 5]
            frames.append(Frame(ts_ns, bytes(view[offset : offset + captured])))
    return frames


def outline(told: Sequence[Transition]) -> dict[str, tuple[object, ...]]:
    """What each incident came to, whatever was said on the way."""
    return {
        each.incident: (
            each.kind, each.activity, each.outcome, each.attempts, each.bytes_out, each.bytes_in, each.severity,
            sorted(each.properties), each.refused_by, each.verdict, each.first_ns, each.last_ns, each.message, each.rule,
            each.merged_into, sorted(map(str, each.evidences)), each.device,
        )
        for each in told
    }  # fmt: skip


class Process:
    """One process of the daemon: an engine, and a journal in which its rows are."""

    def __init__(self, known: Knowledge, name: str, state: Path) -> None:
        self.played: Played = engine(known, convert(dict(scenarios.load(name).configuration), name))
        self.store = Store.open(state, sensor=SENSOR, sinks=[])
        self.keeper = Keeper(self.played.engine)
        self.report = self.keeper.restore(self.store.states(PREFIX))
        self._saved_ns = 0

    def feed(self, frames: Sequence[Frame]) -> list[Transition]:
        """A block, committed with all that it changed."""
        told = []
        for block in blocks(frames, size=len(frames) or 1):
            told += self.played.engine.feed(block)
        self.commit(told, self.keeper.changed(told))
        if frames and frames[-1].ts_ns - self._saved_ns >= PERIOD_NS:
            self._saved_ns = frames[-1].ts_ns
            self.commit([], self.keeper.periodic())
        return told

    def commit(self, told, rows):
        made = self.store.append(told, lambda each, *_: each.uid.encode(), rows)
        assert len(made) == len(told)

    def stop(self) -> None:
        """A clean stop."""
        self.commit([], self.keeper.rest())
        self.store.close()

    def finish(self) -> list[Transition]:
        told = self.played.engine.finish()
        self.commit(told, self.keeper.changed(told))
        self.store.close()
        return told


def whole(known: Knowledge, name: str) -> list[Transition]:
    played = engine(known, convert(dict(scenarios.load(name).configuration), name))
    return played.feed(blocks(frames_of(name))).finish().told


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("parts", [2, 3, 7])
def test_stopped(name: str, parts: int, known: Knowledge, tmp_path: Path) -> None:
    """Stopped at several points"""
    frames = frames_of(name)
    told = []
    size = -(-len(frames) // parts)
    for part in range(parts):
        process = Process(known, name, tmp_path)
        told += process.feed(frames[part * size : (part + 1) * size])
        if part < parts - 1:
            process.stop()
        else:
            told += process.finish()
    assert outline(told) == outline(whole(known, name))
    numbers = {}
    for each in told:
        assert each.number == numbers.get(each.incident, 0) + 1
        numbers[each.incident] = each.number
