"""The outbox against a model that is a few sets: any order of calls, crashes and reopenings."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from monitor.store import Store

spec = importlib.util.spec_from_file_location("transitions", Path(__file__).with_name("conftest.py"))
assert spec is not None
assert spec.loader is not None
transitions = importlib.util.module_from_spec(spec)
spec.loader.exec_module(transitions)

SINKS = ("mqtt", "webhook")
sinks = st.sampled_from(SINKS)


class Outboxes(RuleBasedStateMachine):
    """A store on disk, what its sinks published, and what must be true of both."""

    @initialize()
    def begin(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.journal: list[int] = []
        self.owed = {sink: set[int]() for sink in SINKS}
        self.parked = {sink: set[int]() for sink in SINKS}
        self.published = {sink: list[int]() for sink in SINKS}
        self.flight = {sink: list[int]() for sink in SINKS}
        self.state: bytes | None = None
        self.open()

    def open(self) -> None:
        self.store = Store.open(self.directory, sensor="hall-1", sinks=SINKS, reserved=0)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.directory)

    @rule(numbers=st.lists(st.integers(0, 60), max_size=5), state=st.none() | st.binary(max_size=3))
    def append(self, numbers: list[int], state: bytes | None) -> None:
        batch = [transitions.make_transition(number) for number in numbers]
        bodies = {change.uid: b"%d" % number for change, number in zip(batch, numbers, strict=True)}
        made = self.store.append(batch, lambda change, _epoch, _seq: bodies[change.uid], {"s": state})
        new = [number for number in dict.fromkeys(numbers) if number not in self.journal]
        assert [int(message.body) for message in made] == new
        for sink in SINKS:
            self.owed[sink] |= set(range(len(self.journal) + 1, len(self.journal) + len(new) + 1))
        self.journal += new
        self.state = state

    @rule(sink=sinks, limit=st.integers(1, 4))
    def publish(self, sink: str, limit: int) -> None:
        after = max(self.flight[sink], default=0)
        for message in self.store.pending(sink, limit, after):
            assert message.seq > after
            after = message.seq
            self.flight[sink].append(message.seq)
            self.published[sink].append(message.seq)

    @precondition(lambda self: any(self.flight.values()))
    @rule(sink=sinks, share=st.floats(0, 1))
    def acknowledge(self, sink: str, share: float) -> None:
        accepted = self.flight[sink][: round(share * len(self.flight[sink]))]
        self.store.done(sink, accepted)
        self.flight[sink] = self.flight[sink][len(accepted) :]
        self.owed[sink] -= set(accepted)

    @precondition(lambda self: any(self.flight.values()))
    @rule(sink=sinks)
    def refuse_and_park(self, sink: str) -> None:
        if self.flight[sink]:
            seq = self.flight[sink].pop(0)
            assert self.store.refused(sink, seq) >= 1
            self.store.park(sink, seq, "no")
            self.owed[sink].discard(seq)
            self.parked[sink].add(seq)

    @rule(sink=sinks)
    def unpark(self, sink: str) -> None:
        assert self.store.unpark(sink) == len(self.parked[sink])
        self.owed[sink] |= self.parked[sink]
        self.parked[sink] = set()

    @rule(sink=sinks)
    def reconnect(self, sink: str) -> None:
        """What was in flight is unknown: it is owed still. What was delivered last is to be repeated."""
        self.flight[sink] = []
        delivered = set(range(1, len(self.journal) + 1)) - self.owed[sink] - self.parked[sink]
        assert [m.seq for m in self.store.recent(sink, 3)] == sorted(delivered)[-3:]

    @rule(sink=sinks)
    def deliver_what_was_parked(self, sink: str) -> None:
        self.store.done(sink, sorted(self.parked[sink]))
        self.parked[sink] = set()

    @rule()
    def crash_and_reopen(self) -> None:
        """The connection is dropped without being closed: the log stays, as after a kill."""
        files = {path.name: path.read_bytes() for path in self.directory.iterdir()}
        self.store.close()
        for path in self.directory.iterdir():
            path.unlink()
        for name, content in files.items():
            if not name.endswith("-shm"):
                (self.directory / name).write_bytes(content)
        self.flight = {sink: [] for sink in SINKS}
        self.open()
        assert self.store.quarantine is None

    @invariant()
    def holds(self) -> None:
        if not hasattr(self, "store"):
            return
        assert [int(message.body) for message in self.store.since(1, 1000)] == self.journal
        assert self.store.state("s") == self.state
        for sink in SINKS:
            assert {message.seq for message in self.store.pending(sink, 1000)} == self.owed[sink]
            assert {seq for seq, _ in self.store.parked(sink)} == self.parked[sink]
            assert self.store.depth(sink) == len(self.owed[sink])
            assert self.store.put_aside(sink) == len(self.parked[sink])
            oldest = f"SELECT wall_ns FROM journal WHERE seq = {min(self.owed[sink], default=0)}"
            assert self.store.oldest_ns(sink) == next((ns for (ns,) in self.store._query(oldest)), None)
            assert set(self.published[sink]) <= set(range(1, len(self.journal) + 1))


Outboxes.TestCase.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
TestOutboxes = Outboxes.TestCase
