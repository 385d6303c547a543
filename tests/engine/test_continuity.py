"""A run that is stopped, or killed, and goes on in another process tells what one run tells."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any, Final

import pytest

from collectors.blocks import CAPTURED, COLUMNS, OFFSET, TS
from collectors.captures import Captures
from monitor.config import convert
from monitor.continuity import PREFIX, Keeper
from monitor.model.incidents import Activity
from monitor.store import Store
from pcaps import scenarios
from pcaps.savefile import Frame
from pcaps.scenarios import NAMES
from tests.engine.played import Played, blocks, engine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from monitor.app import Knowledge
    from monitor.continuity import Rows
    from monitor.model.incidents import Transition

PERIOD_NS: Final = 5_000_000_000
"""How often the daemon saves without a transition."""
RESTART_NS: Final = 5_000_000
"""No process starts in less: both copies that a mirror makes of a packet pass in that time."""


def frames_of(name: str) -> list[Frame]:
    """The packets of a scenario."""
    frames = []
    for block in Captures([scenarios.load(name).capture]).blocks():
        view = memoryview(block.memory)
        for at in range(0, COLUMNS * block.count, COLUMNS):
            start, length = block.index[at + OFFSET], block.index[at + CAPTURED]
            frames.append(Frame(block.index[at + TS], bytes(view[start : start + length])))
    return frames


def cut(frames: Sequence[Frame], points: Sequence[int]) -> list[Sequence[Frame]]:
    """The packets in runs that end at these points, or at the first thereafter at which a process could start."""
    runs, begin = [], 0
    for point in sorted(points):
        end = max(point, begin + 1)
        while end < len(frames) and frames[end].ts_ns - frames[end - 1].ts_ns < RESTART_NS:
            end += 1
        if end < len(frames):
            runs.append(frames[begin:end])
            begin = end
    return [*runs, frames[begin:]]


class Process:
    """One process of the daemon: an engine, and the journal with its rows."""

    def __init__(self, known: Knowledge, name: str, state: Path, **changed: Any) -> None:
        configuration = dict(scenarios.load(name).configuration) | changed
        self.played: Played = engine(known, convert(configuration, name))
        self.store = Store.open(state, sensor="here", sinks=[])
        self.keeper = Keeper(self.played.engine)
        self.report = self.keeper.restore(self.store.states(PREFIX))
        self._saved_ns = self.report.saved_ns

    def feed(self, frames: Sequence[Frame]) -> list[Transition]:
        """A block, committed with all that it changed."""
        told: list[Transition] = []
        for block in blocks(frames, size=max(1, len(frames))):
            told += self.played.engine.feed(block)
        self.commit(told, self.keeper.changed(told))
        if self.played.engine.now_ns - self._saved_ns >= PERIOD_NS:
            self._saved_ns = self.played.engine.now_ns
            self.commit([], self.keeper.periodic())
        return told

    def commit(self, told: Sequence[Transition], rows: Rows) -> None:
        """All or nothing. What is told now was never told before."""
        assert len(self.store.append(told, lambda each, *_: each.uid.encode(), rows)) == len(told)

    def stop(self) -> None:
        """A clean stop."""
        self.commit([], self.keeper.rest())
        self.store.close()

    def kill(self) -> None:
        """What was not committed is lost."""
        self.store.close()

    def finish(self) -> list[Transition]:
        """The packets are over."""
        told = self.played.finish().told
        self.commit(told, self.keeper.changed(told))
        self.store.close()
        return told


def whole(known: Knowledge, name: str, frames: Sequence[Frame]) -> list[Transition]:
    """What one run tells."""
    played = engine(known, convert(dict(scenarios.load(name).configuration), name))
    return played.feed(blocks(frames)).finish().told


def outline(told: Sequence[Transition]) -> dict[str, Any]:
    """What each incident came to, whenever that was told."""
    return {
        each.incident: (
            each.kind, each.activity, each.outcome, each.attempts, each.bytes_out, each.bytes_in, each.severity,
            sorted(each.properties), each.refused_by, each.verdict, each.first_ns, each.last_ns, each.message,
            each.rule, each.merged_into, set(each.evidences), each.device, each.visibility,
        )
        for each in told
    }  # fmt: skip


def check_order(told: Sequence[Transition]) -> None:
    """Numbers of an incident have no gap, it ends once, and no count of it ever runs backwards."""
    last: dict[str, Transition] = {}
    for each in told:
        before = last.get(each.incident)
        assert each.number == (before.number + 1 if before is not None else 1)
        if before is not None:
            assert before.activity is not Activity.END
            counts = (each.attempts, each.bytes_out, each.bytes_in)
            assert all(
                now >= then
                for now, then in zip(counts, (before.attempts, before.bytes_out, before.bytes_in), strict=True)
            )
        last[each.incident] = each


@pytest.mark.parametrize("name", NAMES)
def test_a_clean_stop_loses_nothing(name: str, known: Knowledge, tmp_path: Path) -> None:
    """Stopped and started again at seven points, it comes to the same incidents with the same counts."""
    frames = frames_of(name)
    runs = cut(frames, Random(name).sample(range(1, len(frames)), 7))
    assert len(runs) > 3
    told: list[Transition] = []
    for number, run in enumerate(runs, start=1):
        process = Process(known, name, tmp_path)
        told += process.feed(run)
        if number < len(runs):
            process.stop()
    packets = process.played.engine.scanner.packets
    told += process.finish()
    assert packets == len(frames)
    assert outline(told) == outline(whole(known, name, frames))
    check_order(told)


@pytest.mark.parametrize("name", NAMES)
def test_a_kill_loses_no_incident(name: str, known: Knowledge, tmp_path: Path) -> None:
    """Killed between any two blocks, with only committed rows kept, it comes to the incidents of one run.

    Nothing is told twice, no count runs backwards, and none is higher than in one run.
    """
    chance = Random(name)
    frames = frames_of(name)
    runs = cut(frames, range(1, len(frames), 4) if len(frames) < 1000 else range(1, len(frames), 100))
    kills = set(chance.sample(range(1, len(runs)), min(7, len(runs) - 1)))
    told: list[Transition] = []
    process = Process(known, name, tmp_path)
    for number, run in enumerate(runs):
        if number in kills:
            process.kill()
            process = Process(known, name, tmp_path)
        told += process.feed(run)
    told += process.finish()
    check_order(told)
    expected = {each.incident: each for each in whole(known, name, frames)}
    found = {each.incident: each for each in told}
    assert found.keys() == expected.keys()
    for uid, each in found.items():
        assert (each.kind, each.outcome, each.device) == (
            expected[uid].kind,
            expected[uid].outcome,
            expected[uid].device,
        )
        assert each.attempts <= expected[uid].attempts
        assert each.bytes_out <= expected[uid].bytes_out
