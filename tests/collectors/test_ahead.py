"""Reading ahead: the same bytes as without, whatever happens to the file, the reader or the room meanwhile."""

from __future__ import annotations

import gc
import os
import signal
import struct
import threading
from typing import TYPE_CHECKING, Any

import pytest

from collectors import ahead, reader
from collectors.captures import Captures
from tests.builds import as_python

if TYPE_CHECKING:
    from pathlib import Path

BUILDS = [ahead, *as_python("collectors.ahead")]
CONTENT = bytes(range(256)) * 64


@pytest.fixture(params=BUILDS, ids=["compiled", "uncompiled"])
def under_test(request: pytest.FixtureRequest) -> Any:
    return request.param.Ahead()


@pytest.fixture
def file(tmp_path: Path) -> Any:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    number = os.open(path, os.O_RDONLY)
    yield number
    os.close(number)


def test_it_is_compiled() -> None:
    assert not (ahead.__file__ or ".py").endswith(".py")


def test_what_is_there_is_read(under_test: Any, file: int) -> None:
    """From where it was asked for, as much as there is room for, and the end told as such."""
    room = memoryview(bytearray(1000))
    for offset in (0, 300, len(CONTENT) - 10, len(CONTENT)):
        assert under_test.begin(file, room, offset)
        assert under_test.busy
        taken = under_test.finish()
        assert not under_test.busy
        assert room[:taken] == CONTENT[offset : offset + 1000]


def test_one_read_at_a_time(under_test: Any, file: int) -> None:
    room = memoryview(bytearray(10))
    with pytest.raises(RuntimeError, match="nothing is read"):
        under_test.finish()
    assert under_test.begin(file, room, 0)
    with pytest.raises(RuntimeError, match="one read at a time"):
        under_test.begin(file, room, 0)
    assert under_test.finish() == 10


def test_a_read_that_fails(under_test: Any, tmp_path: Path) -> None:
    """A folder has no bytes. The next read may be begun."""
    folder, room = os.open(tmp_path, os.O_RDONLY), memoryview(bytearray(10))
    try:
        assert under_test.begin(folder, room, 0)
        with pytest.raises(IsADirectoryError):
            under_test.finish()
        assert not under_test.busy
    finally:
        os.close(folder)


def test_the_room_is_held_until_it_is_over(file: int) -> None:
    """The C library writes into it, whoever forgets it meanwhile."""
    memory, reading = bytearray(1000), ahead.Ahead()
    room = memoryview(memory)
    assert reading.begin(file, room, 0)
    room.release()
    gc.collect()
    with pytest.raises(BufferError):
        memory.append(0)
    reading.cancel()
    memory.append(0)
    reading.cancel()


def test_nobody_waits_for_it(file: int) -> None:
    """Readers that are dropped while a read is under way leave nothing behind that writes."""
    for _ in range(200):
        reading = ahead.Ahead()
        assert reading.begin(file, memoryview(bytearray(4096)), 0)
        del reading


def test_a_signal_is_heard(file: int) -> None:
    """Ctrl-C while a read is waited for; the read is over all the same before its room is let go."""
    room, reading, main = memoryview(bytearray(len(CONTENT))), ahead.Ahead(), threading.get_ident()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            for _ in range(2_000_000):
                assert reading.begin(file, room, 0)
                signal.pthread_kill(main, signal.SIGINT)
                reading.finish()
    finally:
        signal.signal(signal.SIGINT, before)
    reading.cancel()
    assert reading.begin(file, room, 0)
    assert reading.finish() == len(CONTENT)


def packets(sizes: list[int], begin: int = 1_700_000_000) -> bytes:
    """A pcap file with packets of these sizes, one a second."""
    records = [struct.pack("<IIII", begin + at, 0, size, size) + os.urandom(size) for at, size in enumerate(sizes)]
    return struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 1) + b"".join(records)


def given(path: Path, buffer_bytes: int) -> tuple[list[bytes], list[str]]:
    captures, found = Captures([path], buffer_bytes=buffer_bytes), []
    for block in captures.blocks():
        for at in range(block.count):
            _, offset, captured, *_ = block.index[5 * at : 5 * at + 5]
            found.append(bytes(memoryview(block.memory)[offset : offset + captured]))
    return found, [str(each) for each in captures.damage]


@pytest.mark.parametrize(
    "sizes",
    [[1000] * 3000, [60, 1500, 9000] * 300, [200_000, 60] * 20, [reader.MARGIN - 15, reader.MARGIN, 60] * 20],
    ids=["video", "jumbo", "longer than the margin", "as long as the margin"],
)
@pytest.mark.parametrize("cut", [0, 7], ids=["whole", "cut"])
def test_the_same_packets(tmp_path: Path, sizes: list[int], cut: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without, for buffers that hold many records and for such that hold none."""
    path, content = tmp_path / "capture.pcap", packets(sizes)
    path.write_bytes(content[: len(content) - cut])
    fetched = []
    really = reader.Stream.fetched
    monkeypatch.setattr(reader.Stream, "fetched", lambda self: fetched.append(1) or really(self))
    with_it = [given(path, size) for size in (100, 5_000, 70_000, 1 << 20)]
    assert fetched
    monkeypatch.setattr(reader.Stream, "fetch", lambda self, room: False)
    without = given(path, 1 << 20)
    assert len(without[0]) == len(sizes)
    assert with_it == [without] * 4


def test_a_file_that_is_cut_while_it_is_read(tmp_path: Path) -> None:
    """What is gone is told as missing; what was read before is given."""
    path = tmp_path / "capture.pcap"
    path.write_bytes(packets([1000] * 5000))
    captures = Captures([path], buffer_bytes=4096)
    blocks = captures.blocks()
    count = sum(next(blocks).count for _ in range(20))
    os.truncate(path, 200_000)
    after = sum(block.count for block in blocks)
    assert count * 1000 > 500_000  # more than is left was read before
    assert after < 2 * 8 * 4096 // 1000  # what was under way
    assert [each.reason for each in captures.damage] == ["cut short in the middle of a record"]


@pytest.mark.parametrize(("apart", "most"), [(10_000, 3), (0, 1)], ids=["one after another", "side by side"])
def test_one_capture_at_a_time_is_read_ahead(
    tmp_path: Path, apart: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many that overlap each would take eight times its buffer, twice."""
    paths = []
    for number in range(3):
        paths.append(tmp_path / f"{number}.pcap")
        paths[-1].write_bytes(packets([1000] * 500, begin=1_700_000_000 + number * apart))
    fetched: set[str] = set()
    really = reader.Stream.fetch
    monkeypatch.setattr(reader.Stream, "fetch", lambda self, room: fetched.add(self.path) or really(self, room))
    captures = Captures(paths, buffer_bytes=4096)
    assert sum(block.count for block in captures.blocks()) == 1500
    assert (len(fetched), captures.damage) == (most, [])
