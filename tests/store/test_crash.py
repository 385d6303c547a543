"""kill -9 at any moment: what was returned is there afterwards, once."""

from __future__ import annotations

import os
import random
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

from monitor.store import Store

KILLS = 30
WRITER = Path(__file__).with_name("crash_writer.py")
RECORD = struct.Struct("<QQ")


def test_nothing_committed_is_lost_and_nothing_is_doubled(tmp_path: Path) -> None:
    """The writer tells a pipe of each batch once ``append`` has returned; the pipe outlives it and is the oracle.

    Every number that came through the pipe is in the journal under the seq that it was given, at most one batch
    beyond them is, the outbox owes exactly the journal, and the snapshot is that of the last batch.
    """
    chance = random.Random(7)
    importable = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    told: dict[int, int] = {}
    for _ in range(KILLS):
        with subprocess.Popen([sys.executable, WRITER, tmp_path], stdout=subprocess.PIPE, env=importable) as writer:
            assert writer.stdout is not None
            first = writer.stdout.read(RECORD.size)
            time.sleep(chance.uniform(0, 0.05))
            os.kill(writer.pid, signal.SIGKILL)
            pipe = first + writer.stdout.read()
        whole = len(pipe) - len(pipe) % RECORD.size
        told.update(RECORD.iter_unpack(pipe[:whole]))
        began = time.monotonic()
        with Store.open(tmp_path, sensor="hall-1", sinks=["mqtt"]) as store:
            assert time.monotonic() - began < 2
            assert store.quarantine is None
            kept = store.since(1, 1_000_000)
            numbers = [int(message.body) for message in kept]
            assert [message.seq for message in kept] == list(range(1, len(kept) + 1))
            assert len(set(numbers)) == len(numbers)
            assert told.items() <= {number: message.seq for number, message in zip(numbers, kept, strict=True)}.items()
            assert [m.seq for m in store.pending("mqtt", 1_000_000)] == [m.seq for m in kept]
            assert store.state("last") == str(max(numbers)).encode()
    assert len(told) > KILLS
