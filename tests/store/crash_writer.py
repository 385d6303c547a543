"""Journals until it is killed, and tells standard output of each batch that was committed (see test_crash)."""

from __future__ import annotations

import importlib.util
import os
import struct
import sys
from pathlib import Path

from monitor.store import Store

spec = importlib.util.spec_from_file_location("transitions", Path(__file__).with_name("conftest.py"))
assert spec is not None
assert spec.loader is not None
transitions = importlib.util.module_from_spec(spec)
spec.loader.exec_module(transitions)

store = Store.open(Path(sys.argv[1]), sensor="hall-1", sinks=["mqtt"])
# Begin a few before the end: what is journalled already must be skipped, as after a replay of the same packets.
number = max(0, store.last_seq - 5)
while True:
    batch = [transitions.make_transition(number + step) for step in range(1 + number % 7)]
    numbers = {transition.uid: number + step for step, transition in enumerate(batch)}
    number += len(batch)
    made = store.append(
        batch, lambda transition, _epoch, _seq: b"%d" % numbers[transition.uid], {"last": b"%d" % (number - 1)}
    )
    os.write(1, b"".join(struct.pack("<QQ", int(message.body), message.seq) for message in made))
