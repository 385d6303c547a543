"""Captures that come through a pipe."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zstandard

from collectors.damage import CaptureError
from collectors.live import LinkState
from collectors.pipe import Pipe
from tests.builds import REPOSITORY
from tests.collectors.namespaces import Namespace, frames
from tests.collectors.written import NOON, Packet, packets, pcap, pcap_header, pcapng

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


@pytest.fixture
def pipe(fifo: Path) -> Iterator[Pipe]:
    with Pipe(str(fifo)) as made:
        yield made


def taken(pipe: Pipe, count: int, *, within_s: float = 3) -> list[bytes]:
    found: list[bytes] = []
    end = time.monotonic() + within_s
    while len(found) < count and time.monotonic() < end:
        block = pipe.wait(0.05)
        if block is not None:
            found += [data for _, data, _, _ in frames(block)]
    return found


def states(pipe: Pipe) -> list[LinkState]:
    return [event.state for event in pipe.events()]


def test_packets_come_as_they_are_written(fifo: Path, pipe: Pipe) -> None:
    """All but one that is not whole yet, and without waiting for the buffer to fill."""
    these = packets(4)
    content = pcap(these)
    assert pipe.wait(0) is None
    assert states(pipe) == [LinkState.DOWN]
    with fifo.open("wb", buffering=0) as out:
        out.write(content[:10])
        assert pipe.wait(0.01) is None
        out.write(content[10:-7])
        assert taken(pipe, 3) == [packet.frame for packet in these[:3]]
        assert states(pipe) == [LinkState.UP]
        (ledger,) = pipe.ledgers()
        assert (ledger.arrived, ledger.seen, ledger.exact) == (3, 3, True)
        out.write(content[-7:])
        assert taken(pipe, 1) == [these[3].frame]


@pytest.mark.parametrize("packed", [gzip.compress, zstandard.compress])
def test_a_compressed_stream_in_single_bytes(fifo: Path, pipe: Pipe, packed: object) -> None:
    """Wherever it stops, nothing is lost."""
    these = packets(20)
    content = packed(pcapng(these))  # type: ignore[operator]
    found = []
    with fifo.open("wb", buffering=0) as out:
        for at in range(len(content)):
            out.write(content[at : at + 1])
            found += taken(pipe, 100, within_s=0)
            block = pipe.wait(0)
            if block is not None:
                found += [data for _, data, _, _ in frames(block)]
    found += taken(pipe, 20 - len(found))
    assert found == [packet.frame for packet in these]


def test_a_fifo_has_one_writer_after_another(fifo: Path, pipe: Pipe) -> None:
    """Each begins with a header of its own; that one is gone is told, and that one is there."""
    for _ in range(3):
        with fifo.open("wb") as out:
            out.write(pcap(packets(3)))
        assert len(taken(pipe, 3)) == 3
        assert pipe.wait(0.05) is None
    assert states(pipe) == [LinkState.DOWN, *[LinkState.UP, LinkState.GONE] * 3]
    assert pipe.ledgers()[0].seen == 9


def test_a_writer_of_nonsense_is_let_go(fifo: Path, pipe: Pipe) -> None:
    """It gets SIGPIPE, the reason is told, and the next writer is read."""
    pipe.events()
    with fifo.open("wb", buffering=0) as out:
        out.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert pipe.wait(0.2) is None
        with pytest.raises(BrokenPipeError):
            out.write(b"more")
        assert pipe.wait(0.2) is None
    (event,) = [each for each in pipe.events() if each.state is LinkState.BLOCKED]
    assert "neither pcap nor pcapng" in event.reason

    def write() -> None:
        fifo.write_bytes(pcap(packets(2)))

    writer = threading.Thread(target=write)  # opening a FIFO waits for whoever reads it
    writer.start()
    assert len(taken(pipe, 2)) == 2
    writer.join()


def test_a_writer_that_dies_within_a_record(fifo: Path, pipe: Pipe) -> None:
    """The bytes that came count as a packet, as in a file, and the reason says it."""
    with fifo.open("wb") as out:
        out.write(pcap(packets(3))[:-1])
    found = taken(pipe, 3)
    assert [len(data) for data in found] == [60, 60, 59]
    assert pipe.wait(0) is None
    (event,) = [each for each in pipe.events() if each.state is LinkState.GONE]
    assert "cut short" in event.reason


@pytest.mark.parametrize("timeout", [0.0, 0.1])
def test_it_never_waits_longer_than_asked(fifo: Path, pipe: Pipe, timeout: float) -> None:
    """Neither without a writer, nor with one that says nothing, nor within a record, nor when all are gone."""

    def waited() -> float:
        before = time.monotonic()
        assert pipe.wait(timeout) is None
        return time.monotonic() - before

    assert timeout <= waited() < timeout + 0.05
    with fifo.open("wb", buffering=0) as out:
        assert timeout <= waited() < timeout + 0.05
        out.write(pcap_header() + b"half")
        assert timeout <= waited() < timeout + 0.05


def test_standard_input_ends_once() -> None:
    """With an event; afterwards there is nothing, at the pace that was asked for."""
    script = (
        "import time\n"
        "from collectors.pipe import Pipe\n"
        "pipe, seen = Pipe('-', label='stdin'), 0\n"
        "while not any(event.state == 'gone' for event in pipe.events()):\n"
        "    block = pipe.wait(1)\n"
        "    seen += block.count if block else 0\n"
        "before = time.monotonic()\n"
        "assert pipe.wait(0.2) is None and time.monotonic() - before >= 0.2\n"
        "assert pipe.ledgers()[0].seen == seen\n"
        "print(seen)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], input=pcap(packets(5000)), capture_output=True, check=True, cwd=REPOSITORY
    )
    assert done.stdout == b"5000\n"


def test_what_cannot_be_opened_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="No such file") as refused:
        Pipe(str(tmp_path / "none"))
    assert "\n" not in str(refused.value)


def test_tcpdump_writes_and_the_pipe_reads(fifo: Path, pipe: Pipe, tmp_path: Path) -> None:
    """A real capture as it is made: every frame, soon after it passed."""
    if shutil.which("tcpdump") is None:
        pytest.skip("tcpdump is not installed")
    capture = tmp_path / "sent.pcap"
    capture.write_bytes(pcap([Packet(NOON, bytes([255] * 6) + bytes(54), 60)] * 50))
    space = Namespace()
    try:
        space.pair("send", "hear")
        command = ["ip", "netns", "exec", space.name, "tcpdump", "-U", "-i", "hear", "-w", str(fifo)]
        writer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            while not [event for event in pipe.events() if event.state is LinkState.UP]:
                assert pipe.wait(0.05) is None
            space.replay(capture, "send")
            assert len(taken(pipe, 50, within_s=5)) == 50
        finally:
            writer.terminate()
            writer.wait()
    finally:
        space.close()
