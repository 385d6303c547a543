"""Many captures as one, good and bad."""

from __future__ import annotations

import gc
import gzip
import os
import random
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.captures import CaptureError, Captures, Damage
from collectors.limits import MAX_OPEN
from tests.collectors.written import (
    HOUR,
    NANOSECONDS,
    NOON,
    SECOND,
    Packet,
    drained,
    enhanced,
    interface,
    option,
    packets,
    pcap,
    pcap_header,
    pcapng,
    read,
    section,
    simple,
)

if TYPE_CHECKING:
    from collectors.blocks import Block

YEAR_2106 = 4_294_967_295 * SECOND
SIZES = [
    {"block_packets": 1, "buffer_bytes": 64},
    {"block_packets": 7, "buffer_bytes": 1000},
    {"block_packets": 1024, "buffer_bytes": 1 << 16},
    {},
]


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def written(folder: Path, contents: list[bytes]) -> list[Path]:
    paths = [folder / f"{number:04}.pcap" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


# One capture.


def test_counts(tmp_path: Path) -> None:
    """Packets and bytes add up at the end, for a progress bar."""
    paths = written(tmp_path, [pcap(packets(3)), gzip.compress(pcap(packets(4))), b"nonsense"])
    captures = Captures(paths)
    assert (captures.packets, captures.bytes_read) == (0, 0)
    assert len(drained(captures)) == captures.packets == 7
    assert captures.bytes_read == captures.bytes_total == sum(path.stat().st_size for path in paths)


def test_blocks_are_bounded_and_carry_their_own_steps(tmp_path: Path) -> None:
    """No block has more packets than asked; a step stands in the block that begins with it, a suspect too."""
    these = (
        packets(30)
        + packets(30, start=NOON + 5 * HOUR)
        + [Packet(YEAR_2106, b"lone", 4)]
        + packets(9, start=NOON + 5 * HOUR)
    )
    (path,) = written(tmp_path, [pcap(these)])
    captures = Captures([path], block_packets=16)
    steps, suspects, counts = {}, {}, []
    for block in captures.blocks():
        first = captures.packets - block.count
        counts.append(block.count)
        if block.clock_steps:
            steps[first] = block.clock_steps
        if block.clock_suspects:
            suspects[first] = block.clock_suspects
    assert max(counts) == 16
    assert sum(counts) == captures.packets == 70
    assert steps == {30: [(NOON + 29 * SECOND, NOON + 5 * HOUR)]}
    assert suspects == {60: 1}


TRICKY = {
    "steps": pcap(
        packets(9) + packets(1, start=YEAR_2106) + packets(9, start=NOON + 9 * HOUR) + packets(3) + packets(1, start=0)
    ),
    "first is outvoted": pcap(packets(1, start=YEAR_2106) + packets(20)),
    "long records": pcap(
        [Packet(NOON + size, os.urandom(size), size) for size in (10, 5000, 0, 60000, 1, 262144, 3)], magic=NANOSECONDS
    ),
    "suspects around long blocks": section()
    + interface()
    + b"".join(
        enhanced(units // 1000, os.urandom(900))
        + struct.pack("<II", 99, 60012)
        + bytes(60000)
        + struct.pack("<I", 60012)
        for units in (NOON, YEAR_2106, NOON, NOON + 5 * HOUR, NOON + 5 * HOUR, NOON)
    ),
    "sections": pcapng(packets(20))
    + section(">")
    + interface(113, option(9, b"\x09", ">"), ">")
    + b"".join(enhanced(packet.time, packet.frame, order=">") for packet in packets(20))
    + pcapng(packets(5)),
    "without times": section()
    + interface(snap=9)
    + b"".join(simple(bytes(size)) for size in range(20))
    + pcapng(packets(9)),
    "unsupported": section()
    + interface(105)
    + interface(1)
    + b"".join(enhanced(NOON // 1000, b"a", face=n % 2) for n in range(20)),
    "cut": pcap(packets(20))[:-30],
    "cut pcapng": pcapng(packets(20))[:-30],
    "damaged": pcapng(packets(20)) + b"\x06\0\0\0\x01\0\0\0" + bytes(100),
    "cut gzip": gzip.compress(pcap(packets(300)), mtime=0)[:-300],
    "damaged gzip": gzip.compress(pcap(packets(300)), mtime=0)[:-300] + b"\xff" * 300,
    "cut zstd": zstandard.compress(os.urandom(20) + pcap(packets(300)))[:-300],
}


@pytest.mark.parametrize("name", TRICKY)
def test_nothing_depends_on_sizes(tmp_path: Path, name: str) -> None:
    """Packets, steps, suspects and damage are the same for any block and buffer size, and inside a merge."""
    content = TRICKY[name]
    paths = written(tmp_path, [content, pcap(packets(40, start=NOON + SECOND // 2))])
    for chosen in (paths[:1], paths, [paths[0]] * 3):
        outcomes = []
        for sizes in SIZES:
            captures = Captures(chosen, **sizes)
            steps, suspects, found = [], 0, []
            for block in captures.blocks():
                found += drained_block(block)
                steps += block.clock_steps
                suspects += block.clock_suspects
            outcomes.append((found, steps, suspects, captures.damage, captures.packets, captures.bytes_read))
        assert all(outcome == outcomes[0] for outcome in outcomes)
        assert outcomes[0][4] == len(outcomes[0][0])


def drained_block(block: Block) -> list[tuple[int, bytes, int]]:
    rows = [block.index[cell : cell + 5] for cell in range(0, 5 * block.count, 5)]
    return [(row[0], bytes(memoryview(block.memory)[row[1] : row[1] + row[2]]), row[3]) for row in rows]


@pytest.mark.parametrize(
    ("content", "offset", "reason"),
    [
        (b"", 0, "empty"),
        (b"\xd4", 0, "neither pcap nor pcapng: begins with d4"),
        (b"GIF89a" + bytes(100), 0, "neither pcap nor pcapng: begins with 47 49 46 38"),
        (pcap_header()[:23], 0, "pcap header cut short"),
        (section()[:20], 0, "cut short in the middle of a record"),
        (gzip.compress(b"", mtime=0), 0, "empty"),
        (gzip.compress(b"hello", mtime=0), 0, "neither pcap nor pcapng: begins with 68 65 6c 6c"),
        (gzip.compress(pcap(packets(2)), mtime=0)[:9], 0, "gzip data ends early"),
    ],
)
def test_no_capture(tmp_path: Path, content: bytes, offset: int, reason: str) -> None:
    """What is no capture is told in one line, and the next one is read."""
    bad, good = written(tmp_path, [content, pcap(packets(2))])
    found, captures = read(bad, good)
    assert found == packets(2)
    assert captures.damage == [Damage(str(bad), offset, reason)]
    assert str(captures.damage[0]) == f"{bad}: {reason}"


def test_no_file(tmp_path: Path) -> None:
    """A missing file and a folder are told like damage."""
    found, captures = read(tmp_path / "missing", tmp_path)
    assert found == []
    assert [damage.reason for damage in captures.damage] == ["No such file or directory", "Is a directory"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path: Path) -> None:
    """A file that may not be read is told like damage."""
    (path,) = written(tmp_path, [pcap(packets(2))])
    path.chmod(0)
    _, captures = read(path)
    assert [damage.reason for damage in captures.damage] == ["Permission denied"]


def test_the_error_is_one_line() -> None:
    """CaptureError says what and where, and gives the same as a value."""
    error = CaptureError("-", 24, "cut")
    assert str(error) == "standard input: cut (at byte 24)"
    assert (error.path, error.offset, error.reason) == ("-", 24, "cut")
    assert error.damage == Damage("-", 24, "cut")


# Several captures.

RUNS = st.lists(
    st.lists(st.integers(0, 50).map(lambda tenth: NOON + tenth * SECOND // 10), max_size=12), min_size=1, max_size=5
)


@settings(deadline=None, max_examples=60)
@given(runs=RUNS, sizes=st.sampled_from(SIZES))
def test_merge(tmp_path_factory: pytest.TempPathFactory, runs: list[list[int]], sizes: dict[str, int]) -> None:
    """Packets of sorted captures come sorted by time, then by place on the command line, then by place in the file."""
    contents = [
        [Packet(when, f"{file}:{number}".encode(), 9) for number, when in enumerate(sorted(run))]
        for file, run in enumerate(runs)
    ]
    paths = written(tmp_path_factory.mktemp("merge"), [pcap(content) for content in contents])
    found, captures = read(*paths, **sizes)
    expected = sorted(
        (packet.time, file, number) for file, run in enumerate(contents) for number, packet in enumerate(run)
    )
    assert found == [contents[file][number] for _, file, number in expected]
    assert captures.damage == []


def test_a_capture_out_of_order_keeps_its_order(tmp_path: Path) -> None:
    """A packet that was written late comes late: a merge sorts captures, not packets."""
    first = [Packet(NOON + second * SECOND, b"first", 5) for second in (0, 5, 1, 6)]
    second = [Packet(NOON + second * SECOND, b"second", 6) for second in (2, 4, 7)]
    found, _ = read(*written(tmp_path, [pcap(first), pcap(second)]))
    assert [packet for packet in found if packet.frame == b"first"] == first
    assert [(packet.time - NOON) // SECOND for packet in found] == [0, 2, 4, 5, 1, 6, 7]


def test_rotated_captures_are_opened_one_by_one(tmp_path: Path) -> None:
    """300 files that follow one another are given in whole blocks, with one of them open at a time."""
    rotated = [packets(20, start=NOON + file * 20 * SECOND) for file in range(300)]
    paths = written(tmp_path, [pcap(these) for these in rotated])
    random.Random(3).shuffle(paths)
    captures, before, most, blocks, found = Captures(paths), open_files(), 0, 0, []
    for block in captures.blocks():
        most = max(most, open_files() - before)
        blocks += 1
        found += drained_block(block)
    assert most <= 1
    assert blocks == len(paths)
    assert [packet.time for these in rotated for packet in these] == [row[0] for row in found]


def test_captures_that_overlap_are_bounded(tmp_path: Path) -> None:
    """More files than may be open at once are merged all the same, compressed ones too."""
    count = MAX_OPEN + 20
    contents = [pcap(packets(60, start=NOON + file, size=1400), magic=NANOSECONDS) for file in range(count)]
    contents[::7] = [gzip.compress(content) for content in contents[::7]]
    captures, before, most, times = Captures(written(tmp_path, contents), buffer_bytes=4096), open_files(), 0, []
    for block in captures.blocks():
        most = max(most, open_files() - before)
        times += [row[0] for row in drained_block(block)]
    assert most == MAX_OPEN
    assert times == sorted(times)
    assert len(times) == count * 60
    assert captures.damage == []


def test_closing_early_closes_files(tmp_path: Path) -> None:
    """A consumer that stops leaves no file open."""
    paths = written(tmp_path, [pcap(packets(2000)) for _ in range(5)])
    before = open_files()
    blocks = Captures(paths, block_packets=10).blocks()
    next(blocks)
    assert open_files() > before
    blocks.close()
    assert open_files() == before


# Pipes.

RELAY = """
import sys, time
sys.path.insert(0, sys.argv[1])
from collectors.captures import Captures
captures = Captures(["-"])
for block in captures.blocks():
    sys.stdout.write(f"{block.count}\\n")
    sys.stdout.flush()
sys.stdout.write(f"{captures.packets} {captures.bytes_total} {captures.damage}\\n")
"""


@pytest.mark.parametrize("form", ["pcap", "pcapng", "zstd"])
def test_standard_input_as_it_streams(form: str) -> None:
    """Packets that a pipe has delivered are given within 100 ms, while it stays open."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", RELAY, str(root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as relay:
        assert relay.stdin is not None
        assert relay.stdout is not None
        patience = threading.Timer(20, relay.kill)
        patience.start()
        compressor = zstandard.ZstdCompressor().compressobj()

        def send(content: bytes) -> None:
            if form == "zstd":
                content = compressor.compress(content) + compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
            relay.stdin.write(content)  # type: ignore[union-attr]

        start, write = (24, pcap) if form != "pcapng" else (len(pcapng([])), pcapng)
        send(write(packets(3)))
        assert relay.stdout.readline() == b"3\n"
        waits = []
        for _ in range(3):
            sent = time.monotonic()
            send(write(packets(2))[start:])
            assert relay.stdout.readline() == b"2\n"
            waits.append(time.monotonic() - sent)
        assert min(waits) < 0.1
        relay.stdin.close()
        last = relay.stdout.readline().decode()
        patience.cancel()
    damage = [Damage("-", 708, "zstd data ends early")] if form == "zstd" else []
    assert last == f"9 None {damage}\n"


def test_a_pipe_among_files(tmp_path: Path) -> None:
    """A named pipe is merged with files, though it can be read only once."""
    (path,) = written(tmp_path, [pcap(packets(50, start=NOON + SECOND // 2))])
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(pcap(packets(50)),))
    writer.start()
    found, captures = read(pipe, path)
    writer.join()
    assert captures.bytes_total is None
    assert [packet.time for packet in found] == [NOON + half * SECOND // 2 for half in range(100)]


# Hostile bytes.

SEEDS = [pcap(packets(12)), pcapng(packets(12)), pcapng(packets(4)) + pcapng(packets(4), ">") + TRICKY["without times"]]


@st.composite
def hostile(draw: st.DrawFn) -> bytes:
    """Random bytes, or a capture with bytes changed, cut, repeated."""
    if draw(st.booleans()):
        magic = draw(st.sampled_from([b"", pcap_header(), section(), section() + interface(), b"\x1f\x8b\x08\0"]))
        return magic + draw(st.binary(max_size=300))
    content = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(content) - 1))
        content[at : at + 4] = struct.pack(
            "<I", draw(st.sampled_from([0, 4, 12, 1 << 24, 0xFFFFFFFF, 262144, 6, 3, 2, 1]))
        )
    return bytes(content[: draw(st.integers(0, len(content)))])


@settings(max_examples=150, deadline=None)
@given(content=hostile(), sizes=st.sampled_from(SIZES))
def test_no_bytes_raise_or_hang(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, sizes: dict[str, int]
) -> None:
    """Any bytes end in packets and at most two entries of damage, and never depend on sizes."""
    path = tmp_path_factory.getbasetemp() / "hostile"
    path.write_bytes(content)
    found, captures = read(path, **sizes)
    again, other = read(path)
    assert (found, captures.damage) == (again, other.damage)
    assert len(captures.damage) <= 2
    assert len(found) <= len(content) // 16
    assert all(len(packet.frame) <= packet.wire for packet in found)


def test_a_record_that_claims_much_takes_little(tmp_path: Path) -> None:
    """A block that says 16 MiB in a small file takes one buffer of that size at most."""
    claims = struct.pack("<II", 99, 16 << 20) + bytes(1000)
    (path,) = written(tmp_path, [section() + interface() + claims])
    gc.collect()
    tracemalloc.start()
    read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 18 << 20
