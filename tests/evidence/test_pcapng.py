"""Files of packets: what is written is read back, and by Wireshark's tools too."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.evidence.pcapng import NotOurs, read, write
from monitor.model.exhibits import Packet
from pcaps.packets import Host
from pcaps.wire import START, Wire

if TYPE_CHECKING:
    from pathlib import Path

ETHERNET, RAW = 1, 101
PACKETS = st.builds(
    lambda ts, data, more, link, note: Packet(ts, data, len(data) + more, link, note),
    st.integers(0, 2**63 - 1),
    st.binary(max_size=80),
    st.integers(0, 1500),
    st.sampled_from([ETHERNET, RAW]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
)


@settings(deadline=None)  # the disk may be slow
@given(st.lists(PACKETS, max_size=6), st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_what_is_written_is_read_back(packets: list[Packet], comment: str) -> None:
    """Times to the nanosecond, octets, lengths, link types and comments."""
    assert read(write(packets, comment)) == packets


@settings(deadline=None)  # the disk may be slow
@given(st.binary(max_size=200), st.integers(0, 300))
def test_what_is_no_such_file_is_refused(data: bytes, cut: int) -> None:
    """Nothing but NotOurs, also for a file that was cut or written over."""
    whole = write([Packet(1, b"abc", 3, ETHERNET, "x")], "y")
    for each in (data, whole[:cut] + data, whole[: -1 - cut % len(whole)]):
        try:
            read(each)
        except NotOurs:
            continue


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_wireshark_reads_it(tmp_path: Path) -> None:
    """capinfos and tshark: the packets, their times in nanoseconds, and the comments."""
    wire = Wire()
    one, other = Host.at("10.0.0.1", "02:00:00:00:00:01"), Host.at("10.0.0.2", "02:00:00:00:00:02")
    wire.udp(START + 7, one, 4000, other, 4001, b"hello")
    (frame,) = wire.frames()
    packets = [
        Packet(frame.ts_ns, frame.data, len(frame.data), ETHERNET, "attempt"),
        Packet(frame.ts_ns + 1, frame.data[14:], 900, RAW, "answer; 5 octets of payload left out"),
    ]
    path = tmp_path / "made.pcapng"
    path.write_bytes(write(packets, "camwarden incident 00"))
    fields = ["-T", "fields", "-E", "separator=|", "-e", "frame.time_epoch", "-e", "frame.comment", "-e", "ip.dst"]
    lines = run("tshark", "-n", "-r", str(path), *fields).splitlines()
    assert lines == [
        f"{START // 10**9}.{START % 10**9 + 7:09d}|attempt|10.0.0.2",
        f"{START // 10**9}.{START % 10**9 + 8:09d}|answer; 5 octets of payload left out|10.0.0.2",
    ]
    told = run("capinfos", "-t", "-c", "-k", "-E", str(path))
    assert "pcapng" in told
    assert "camwarden incident 00" in told
    assert "Number of packets:   2" in told


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
