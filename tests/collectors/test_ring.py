"""The ring over memory that no kernel wrote: order, tags, bounds, and the same rows compiled or not."""

from __future__ import annotations

import struct
from array import array
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors import merge, ring
from collectors.blocks import COLUMNS
from collectors.packet import WORD, placed
from tests.builds import as_python
from tests.collectors.written import NOON, SECOND

if TYPE_CHECKING:
    from types import ModuleType

PLAIN_RING, PLAIN_MERGE = as_python("collectors.ring", "collectors.merge")
BLOCK = 4096
BACK = 100_000_000
USER = 1
VLAN_VALID, TPID_VALID = 1 << 4, 1 << 6
HEADER = 80
"""Bytes before a frame here: its header, its address, and room for a tag."""
ROWS = 64


def frame(
    data: bytes, time: int = NOON, *, status: int = 0, tci: int = 0, tpid: int = 0, wire: int | None = None
) -> bytes:
    """A frame as the kernel writes it, but for the offset of the next."""
    length = len(data) if wire is None else wire
    head = struct.pack(
        "=6IHHIIHH", 0, *divmod(time, SECOND), len(data), length, status, HEADER, HEADER, 0, tci, tpid, 0
    )
    whole = head.ljust(HEADER, b"\0") + data
    return whole + bytes(-len(whole) % 16)


def block(*these: bytes, status: int = USER, packets: int | None = None, first: int = 48) -> bytes:
    """A block as the kernel writes it: the last frame leads nowhere."""
    parts = []
    for number, whole in enumerate(these):
        after = len(whole) if number + 1 < len(these) else 0
        parts.append(struct.pack("=I", after) + whole[4:])
    count = len(these) if packets is None else packets
    body = struct.pack("=IIIIII", 1, 48, status, count, first, 0).ljust(48, b"\0") + b"".join(parts)
    return body.ljust(BLOCK, b"\0")


def ring_of(memory: bytearray, module: ModuleType = ring, **options: Any) -> Any:
    options = {"interface": 0, "ethernet": True, "capacity": ROWS, "back_ns": BACK, **options}
    return module.Ring(memory, options.pop("base", 0), BLOCK, len(memory) // BLOCK, **options)


def given_out(one: Any, memory: bytearray, era: int = 0) -> list[tuple[int, bytes, int]]:
    """Time, bytes and wire length of all that can be walked now."""
    index = array("q", bytes(8 * COLUMNS * ROWS))
    found = []
    while one.walk(era):
        for row in range(one.give(index, 0, ROWS, 2**63 - 1)):
            ts, at, captured, wire, _ = index[row * COLUMNS : (row + 1) * COLUMNS]
            found.append((ts, bytes(memory[at : at + captured]), wire))
    return found


DATA = bytes(range(60))


def test_blocks_in_the_order_of_the_circle() -> None:
    """Each once, up to the first that the kernel has; and on from there when it hands more over."""
    memory = bytearray(block(frame(b"a" * 20), frame(b"b" * 21)) + block(frame(b"c" * 22)) + block(status=0))
    one = ring_of(memory)
    assert [data for _, data, _ in given_out(one, memory)] == [b"a" * 20, b"b" * 21, b"c" * 22]
    assert one.placed() == one.given == 3
    one.release()
    assert [memory[at + 8] for at in (0, BLOCK)] == [0, 0], "handed back"
    assert one.placed() == 3, "what was handed back still counts"
    memory[2 * BLOCK :] = block(frame(b"d" * 20))
    memory[:BLOCK] = block(frame(b"e" * 20), status=0)
    assert [data for _, data, _ in given_out(one, memory)] == [b"d" * 20]
    assert one.placed() == 5, "one of them in a block that the kernel still fills"


def test_a_block_is_kept_until_its_rows_are_given() -> None:
    """Walked is not given."""
    memory = bytearray(block(frame(DATA)) + block(frame(DATA)))
    one = ring_of(memory)
    assert one.walk(0) == 2
    one.give(array("q", bytes(8 * COLUMNS)), 0, 1, 2**63 - 1)
    one.release()
    assert [memory[8], memory[BLOCK + 8]] == [0, USER]
    assert one.walk(0) == 1


def test_more_frames_than_there_is_room_for() -> None:
    """The walk goes on in the middle of a block."""
    memory = bytearray(block(*(frame(bytes([number]) * 4, NOON + number) for number in range(40))))
    one = ring_of(memory, capacity=7)
    assert [data[0] for _, data, _ in given_out(one, memory)] == list(range(40))


@pytest.mark.parametrize(
    ("options", "tag"),
    [
        ({"status": VLAN_VALID, "tci": 0x602A}, "8100602a"),
        ({"status": VLAN_VALID | TPID_VALID, "tci": 0x602A, "tpid": 0x88A8}, "88a8602a"),
        ({"status": VLAN_VALID, "tci": 0}, "81000000"),
        ({"status": 0, "tci": 0x602A}, ""),
    ],
)
def test_the_tag_is_put_back(options: dict[str, int], tag: str) -> None:
    """After the two addresses, if the kernel says that there was one; both lengths grow by it."""
    memory = bytearray(block(frame(DATA, wire=1500, **options)))
    ((_, data, wire),) = given_out(ring_of(memory), memory)
    assert data == DATA[:12] + bytes.fromhex(tag) + DATA[12:]
    assert wire == 1500 + len(tag) // 2


def test_no_tag_without_ethernet() -> None:
    """An IP packet has no place for one."""
    memory = bytearray(block(frame(DATA, status=VLAN_VALID, tci=5)))
    assert given_out(ring_of(memory, ethernet=False), memory) == [(NOON, DATA, 60)]


def test_a_clock_set_back_begins_an_era() -> None:
    """Not before all rows of the era before are given; a little back is no step."""
    times = [NOON, NOON - BACK, NOON - HOUR, NOON - HOUR + 1]
    memory = bytearray(block(*(frame(DATA, time) for time in times)))
    one = ring_of(memory)
    assert one.walk(0) == 2
    assert one.era == 0
    assert [ts for ts, _, _ in given_out(one, memory)] == times
    assert one.era == 1


HOUR = 3600 * SECOND


def lies() -> list[bytes]:
    """Blocks that contradict themselves, each of one good frame and a bad one."""
    good, bad = frame(DATA), frame(DATA)
    worlds = []
    for at, value in ((12, 5000), (12, 2**32 - 1), (24, 0), (24, 67), (24, 65535)):
        size = "=H" if at == 24 else "=I"
        worlds.append(block(good, bad[:at] + struct.pack(size, value) + bad[at + struct.calcsize(size) :]))
    for offset in (0, 8, 67, 4096, 2**32 - 1, 2**32 - 8):
        whole = bytearray(block(good, bad))
        whole[48:52] = struct.pack("=I", offset)
        worlds.append(bytes(whole))
    worlds += [block(good, packets=count) for count in (2, 2**32 - 1)]
    return worlds


@pytest.mark.parametrize("lie", lies())
@pytest.mark.parametrize("module", [ring, PLAIN_RING])
def test_a_block_that_contradicts_itself(lie: bytes, module: ModuleType) -> None:
    """It is given up to there, counted, and the next block is read."""
    memory = bytearray(lie + block(frame(b"next" * 5)))
    one = ring_of(memory, module)
    assert [data for _, data, _ in given_out(one, memory)] == [DATA, b"next" * 5]
    assert one.broken == 1
    assert one.placed() != one.given, "the account says that something is amiss"


@pytest.mark.parametrize("first", [0, 47, 50, 4096, 2**32 - 8])
def test_a_first_frame_out_of_place(first: int) -> None:
    memory = bytearray(block(frame(DATA), first=first))
    one = ring_of(memory)
    assert given_out(one, memory) == []
    assert one.broken == 1


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_bytes_give_the_same_rows_compiled_or_not(data: st.DataObject) -> None:
    """Nothing crashes, no row leaves its block, and both builds agree to the byte."""
    times = data.draw(st.lists(st.integers(NOON - HOUR, NOON + HOUR), min_size=1, max_size=8))
    whole = bytearray()
    for _ in range(3):
        status = data.draw(st.sampled_from([0, VLAN_VALID, VLAN_VALID | TPID_VALID]))
        whole += block(*(frame(DATA, time, status=status, tci=99, tpid=0x88A8) for time in times))
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, len(whole) // 16 - 1)) * 4
        whole[at : at + 4] = struct.pack(
            "=I", data.draw(st.integers(0, 2**32 - 1) | st.sampled_from([0, 1, 48, 80, 144]))
        )
    results = []
    for module in (ring, PLAIN_RING):
        memory = bytearray(whole)
        one = ring_of(memory, module, capacity=16)
        found = []
        for _ in range(40):
            found += given_out(one, memory)
            one.release()
        results.append((found, bytes(memory), one.broken, one.era, one.placed(), one.given))
    assert results[0] == results[1]


def merged(
    rings: list[Any], module: ModuleType = merge, *, flush: bool = False, silent: tuple[int, ...] = ()
) -> list[tuple[int, int]]:
    """Time and interface of each row that may go now."""
    one = module.Merge(rings, ROWS, hold_back_ns=BACK, spare=2)
    for number in silent:
        one.hush(number, silent=True)
    for each in rings:
        each.walk(one.era)
    count = one.fill(flush=flush)
    return [(one.index[row * COLUMNS] - NOON, one.index[row * COLUMNS + 4]) for row in range(count)]


def rings_at(*times: list[int], module: ModuleType = ring) -> list[Any]:
    """A ring for each list of times after noon, one block a ring."""
    return [
        ring_of(
            bytearray(block(*(frame(DATA, NOON + time) for time in these)) + bytes(BLOCK)), module, interface=number
        )
        for number, these in enumerate(times)
    ]


def test_merged_by_time() -> None:
    """At equal times the interface named first comes first."""
    assert merged(rings_at([0, 2, 4], [1, 2, 5])) == [(0, 0), (1, 1), (2, 0), (2, 1), (4, 0)]


def test_rows_wait_for_a_ring_that_may_bring_earlier_ones() -> None:
    """Until one is a hold-back further on, the caller says so, or nothing can come from it."""
    assert merged(rings_at([0, 1], [])) == []
    assert merged(rings_at([0, BACK], [])) == [(0, 0)]
    assert merged(rings_at([0, 1], []), flush=True) == [(0, 0), (1, 0)]
    assert merged(rings_at([0, 1], []), silent=(1,)) == [(0, 0), (1, 0)]


def test_nothing_waits_while_a_ring_is_half_full() -> None:
    """Order is given up before packets are."""
    crowded = bytearray(block(frame(DATA)) + block(frame(DATA, NOON + 1)) + bytes(BLOCK))
    (silent,) = rings_at([])
    assert merged([ring_of(crowded), silent]) == [(0, 0), (1, 0)]


def test_all_of_an_era_goes_before_the_next() -> None:
    """Whatever the times of either."""
    rings = rings_at([10, -HOUR], [11])
    one = merge.Merge(rings, ROWS, hold_back_ns=BACK, spare=2)
    times = []
    for _ in range(3):
        for each in rings:
            each.walk(one.era)
        times += [one.index[row * COLUMNS] - NOON for row in range(one.fill(flush=True))]
    assert times == [10, 11, -HOUR]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(-HOUR, HOUR), max_size=8), min_size=1, max_size=4), st.booleans())
def test_merging_is_the_same_compiled_or_not(times: list[list[int]], flush: bool) -> None:
    compiled = merged(rings_at(*times), flush=flush)
    assert compiled == merged(rings_at(*times, module=PLAIN_RING), PLAIN_MERGE, flush=flush)


def test_counters_of_32_bits() -> None:
    """Dropped packets are in the kernel's sum, which may wrap: the difference is what was placed."""

    assert placed(WORD - 1, 0) == WORD - 1
    assert placed(15, 10) == 5
    assert placed((3_000_000_000 + 2_000_000_000) % WORD, 2_000_000_000) == 3_000_000_000


def test_both_builds_are_there() -> None:
    assert not (ring.__file__ or ".py").endswith(".py")
    assert (PLAIN_RING.__file__ or "").endswith(".py")
