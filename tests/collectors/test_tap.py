"""The tap on real interfaces, with real packets."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from collectors.live import LinkState
from collectors.tap import Tap
from tests.collectors.namespaces import Namespace, settled, taken
from tests.collectors.written import NOON, Packet, pcap

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SMALL = 4 * 1024 * 1024


@pytest.fixture
def space() -> Iterator[Namespace]:
    """A namespace where what is sent out of ``send`` comes in at ``hear``."""
    made = Namespace()
    try:
        made.pair("send", "hear")
        yield made
    finally:
        made.close()


@pytest.fixture
def tap(space: Namespace) -> Iterator[Tap]:
    with space.inside():
        made = Tap(["hear"], ring_bytes=SMALL)
    with made:
        yield made


def capture(path: Path, *these: bytes) -> Path:
    path.write_bytes(pcap(Packet(NOON, data, len(data)) for data in these))
    return path


def frame(number: int, *, tag: bytes = b"", size: int = 60) -> bytes:
    """A broadcast frame of a local experimental type (IEEE 802, 9.2.3)."""
    head = b"\xff" * 6 + b"\x02\0\0\0\0\x01" + tag + b"\x88\xb5" + number.to_bytes(8, "big")
    return head + bytes(size - len(head))


def test_what_is_sent_is_seen(space: Namespace, tap: Tap, tmp_path: Path) -> None:
    """Every frame, byte for byte, in order, at about the time it was sent, and the account agrees."""
    these = [frame(number, size=60 + number) for number in range(500)]
    before = time.time_ns()
    assert space.replay(capture(tmp_path / "some.pcap", *these), "send") == 500
    found = taken(tap, 500)
    assert [data for _, data, _, _ in found] == these
    assert [wire for _, _, wire, _ in found] == [len(data) for data in these]
    times = [ts for ts, *_ in found]
    assert times == sorted(times)
    assert before < times[0] <= times[-1] < time.time_ns()
    assert any(ts % 1000 for ts in times), "nanoseconds"
    ledger = settled(tap)
    assert (ledger.arrived, ledger.dropped, ledger.seen, ledger.waiting) == (500, 0, 500, 0)
    assert tap.broken == 0


def test_the_first_block_tells_its_interface(space: Namespace, tap: Tap, tmp_path: Path) -> None:
    """By its configured name, with the link type of Ethernet; and that it is up was told."""
    assert [(event.interface, event.state) for event in tap.events()] == [("hear", LinkState.UP)]
    space.replay(capture(tmp_path / "one.pcap", frame(1)), "send")
    block = tap.wait(2)
    assert block is not None
    assert [(each.name, each.link_type) for each in block.interfaces] == [("hear", 1)]
    assert block.clock_steps == []
