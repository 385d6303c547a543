"""Captures that come into a folder one after the other."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from collectors.damage import CaptureError
from collectors.folder import Folder, by_number
from collectors.live import LinkState
from tests.collectors.namespaces import Namespace, frames
from tests.collectors.written import NOON, SECOND, Packet, packets, pcap, pcap_header, pcapng

if TYPE_CHECKING:
    from pathlib import Path


def numbers(folder: Folder, count: int, *, within_s: float = 3) -> list[int]:
    """What distinguishes packets of ``packets``, until there are so many, or none for a while."""
    found: list[int] = []
    end = time.monotonic() + within_s
    while len(found) < count and time.monotonic() < end:
        block = folder.wait(0.05)
        if block is not None:
            found += [int.from_bytes(data[:4], "big") for _, data, _, _ in frames(block)]
    return found


def part(start: int, stop: int) -> list[Packet]:
    return packets(stop)[start:]


def written(path: Path, these: list[Packet], at_s: int) -> None:
    """A whole file, last written to at some second."""
    path.write_bytes(pcap(these))
    os.utime(path, (at_s, at_s))


def test_a_growing_file_and_the_next(tmp_path: Path) -> None:
    """Half a record is no damage while more may come; the next file is gone on to by itself."""
    content = pcap(part(0, 5))
    with (tmp_path / "a1").open("wb", buffering=0) as out, Folder(str(tmp_path)) as folder:
        assert folder.wait(0) is None
        assert [event.state for event in folder.events()] == [LinkState.DOWN]
        out.write(content[:-30])
        assert numbers(folder, 4) == [0, 1, 2, 3]
        assert folder.wait(0.1) is None
        out.write(content[-30:])
        assert numbers(folder, 1) == [4]
        (tmp_path / "a2").write_bytes(pcapng(part(5, 8)))
        assert numbers(folder, 3) == [5, 6, 7]
        assert [event.state for event in folder.events()] == [LinkState.UP]
        (ledger,) = folder.ledgers()
        assert (ledger.arrived, ledger.dropped, ledger.seen, ledger.waiting) == (8, 0, 8, 0)


def test_half_a_record_is_damage_once_a_later_file_is_there(tmp_path: Path) -> None:
    """It is told, and the later file is read."""
    (tmp_path / "a1").write_bytes(pcap(part(0, 3))[:-1])
    with Folder(str(tmp_path)) as folder:
        assert numbers(folder, 2) == [0, 1]
        assert folder.wait(0.1) is None
        (tmp_path / "a2").write_bytes(pcap(part(3, 5)))
        assert numbers(folder, 3) == [2, 3, 4]
        assert ["cut short" in event.reason for event in folder.events() if event.state is LinkState.BLOCKED] == [True]


@pytest.mark.parametrize(("from_start", "expected"), [(True, list(range(12))), (False, [10, 11])])
def test_files_that_are_there_already(tmp_path: Path, *, from_start: bool, expected: list[int]) -> None:
    """All, or the latest only; at equal times in the order of the numbers in their names."""
    for number in range(6):
        written(tmp_path / f"cap{number + 5}", part(2 * number, 2 * number + 2), 1000)
    with Folder(str(tmp_path), from_start=from_start) as folder:
        assert numbers(folder, len(expected)) == expected
        assert folder.wait(0.1) is None


def test_the_order_is_that_of_writing(tmp_path: Path) -> None:
    """A ring of names that come again: the one written last is the last."""
    for position, name in enumerate(["cap3", "cap0", "cap1", "cap2"]):
        written(tmp_path / name, part(position, position + 1), 1000 + position)
    with Folder(str(tmp_path), from_start=True) as folder:
        assert numbers(folder, 4) == [0, 1, 2, 3]
        written(tmp_path / "cap3", part(4, 6), 2000)
        assert numbers(folder, 2) == [4, 5], "the name comes again"


def test_a_file_that_is_written_anew_while_it_is_read(tmp_path: Path) -> None:
    """Is read from its start again."""
    (tmp_path / "cap").write_bytes(pcap(part(0, 5)))
    with Folder(str(tmp_path)) as folder:
        assert numbers(folder, 5) == [0, 1, 2, 3, 4]
        (tmp_path / "cap").write_bytes(pcap(part(5, 7)))
        assert numbers(folder, 2) == [5, 6]
        assert folder.wait(0.3) is None


def test_files_vanish(tmp_path: Path) -> None:
    """One that is being read is read to its end; one that was never opened is told, and no more."""
    for number in range(3):
        written(tmp_path / f"cap{number}", part(number, number + 1), 1000 + number)
    with Folder(str(tmp_path), from_start=True) as folder:
        assert numbers(folder, 1) == [0]
        for path in tmp_path.iterdir():
            path.unlink()
        (tmp_path / "cap3").write_bytes(pcap(part(3, 5)))
        assert numbers(folder, 2) == [3, 4]


def test_the_folder_vanishes_and_comes_back(tmp_path: Path) -> None:
    place = tmp_path / "captures"
    place.mkdir()
    with Folder(str(place)) as folder:
        folder.events()
        place.rmdir()
        assert numbers(folder, 1, within_s=0.5) == []
        place.mkdir()
        (place / "cap").write_bytes(pcap(part(0, 2)))
        assert numbers(folder, 2) == [0, 1]
        assert [event.state for event in folder.events()] == [LinkState.GONE, LinkState.UP]


def test_what_was_read_is_not_read_again_compressed(tmp_path: Path) -> None:
    """As tcpdump -z has it; a compressed file that was never read is read."""
    first = tmp_path / "cap1"
    first.write_bytes(pcap(part(0, 2)))
    with Folder(str(tmp_path)) as folder:
        assert numbers(folder, 2) == [0, 1]
        (tmp_path / "cap1.gz").write_bytes(gzip.compress(first.read_bytes()))
        first.unlink()
        (tmp_path / "cap2.gz").write_bytes(gzip.compress(pcap(part(2, 4))))
        assert numbers(folder, 3, within_s=1) == [2, 3]


def test_what_is_no_capture_is_told_and_passed_over(tmp_path: Path) -> None:
    """Unless the pattern leaves it out."""
    (tmp_path / "notes.txt").write_text("It is not a capture, but longer than the header of one.")
    os.utime(tmp_path / "notes.txt", (1, 1))
    (tmp_path / "cap").write_bytes(pcap(part(0, 1)) + pcap_header()[:0] + pcap(part(1, 2))[24:])
    for pattern, told in (("*", 1), ("cap*", 0)):
        with Folder(str(tmp_path), pattern=pattern, from_start=True) as folder:
            assert numbers(folder, 2) == [0, 1]
            assert sum(event.state is LinkState.BLOCKED for event in folder.events()) == told


def test_no_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="not a folder of captures") as refused:
        Folder(str(tmp_path / "none"))
    assert "\n" not in str(refused.value)


def test_a_step_of_the_clock_between_files_is_told(tmp_path: Path) -> None:
    """The times of one file are judged by those of the file before."""
    written(tmp_path / "cap1", packets(2), 1000)
    written(tmp_path / "cap2", packets(2, start=NOON + 86400 * SECOND), 1001)
    steps = []
    with Folder(str(tmp_path), from_start=True) as folder:
        seen = 0
        while seen < 3:
            block = folder.wait(1)
            assert block is not None
            seen += block.count
            steps += block.clock_steps
    assert steps == [(NOON + SECOND, NOON + 86400 * SECOND)]


def test_by_number() -> None:
    """Names with anything in them can be ordered."""
    names = ["cap10", "cap9", "9cap", "cap", "10cap", "²", "cap9b", ""]
    assert sorted(names, key=by_number) == ["", "9cap", "10cap", "cap", "cap9", "cap9b", "cap10", "²"]


@pytest.mark.parametrize("tool", ["dumpcap", "tcpdump"])
def test_a_real_ring_of_files(tmp_path: Path, tool: str) -> None:
    """Every frame once, over many files, some of which are removed or written anew behind us."""
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    place = tmp_path / "captures"
    place.mkdir(mode=0o777)
    options = {
        "dumpcap": ["-q", "-b", "filesize:500", "-b", "files:4", "-w", str(place / "cap.pcapng")],
        "tcpdump": ["-U", "-Z", "root", "-C", "1", "-W", "4", "-w", str(place / "cap")],
    }[tool]
    count, size = {"dumpcap": (4500, 1000), "tcpdump": (6000, 1000)}[tool]
    sent = tmp_path / "sent.pcap"
    sent.write_bytes(
        pcap(
            Packet(NOON, bytes([255] * 6) + bytes(6) + b"\x88\xb5" + n.to_bytes(8, "big") + bytes(size), 22 + size)
            for n in range(count)
        )
    )
    space = Namespace()
    try:
        space.pair("send", "hear")
        writer = subprocess.Popen(
            ["ip", "netns", "exec", space.name, tool, "-i", "hear", *options], stderr=subprocess.DEVNULL
        )
        try:
            with Folder(str(place)) as folder:
                while not list(place.iterdir()) or next(place.iterdir()).stat().st_size == 0:
                    assert folder.wait(0.05) is None
                replay = space.replaying(sent, "send", "--pps=3000")
                found = []
                end = time.monotonic() + 15
                while len(found) < count and time.monotonic() < end:
                    block = folder.wait(0.05)
                    if block is not None:
                        found += [int.from_bytes(data[14:22], "big") for _, data, _, _ in frames(block)]
                replay.communicate()
                assert found == list(range(count))
        finally:
            writer.terminate()
            writer.wait()
    finally:
        space.close()
