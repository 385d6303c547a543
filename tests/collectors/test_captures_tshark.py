"""Real captures that others made, against tshark."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from collectors.captures import Captures
from tests.collectors.written import drained

CAPTURES = Path(os.environ.get("CAMWARDEN_CAPTURES", Path(__file__).parents[3] / "shared" / "captures"))

ODD = [
    "2ic80_dahua_rtsp/rtsp.pcapng",
    "suricata_verify/tests/bug-1450-05/tls_DER-incomplete-content.pcap",
    "tcpdump/hdlc_slarp.pcapng",
    "tcpdump/of13_ericsson.pcapng",
    "tcpdump/brcm-tag-prepend.pcap",
    "arkime/mongo.pcap",
    "ndpi/pcap/srvloc.pcap",
    "ndpi/pcap/ossfuzz_seed_fake_traces_1.pcapng",
]
"""Damaged, of unsupported link types, with steps, suspects, and a time stamped out of order."""

pytestmark = [
    pytest.mark.skipif(not (CAPTURES / "INDEX.tsv").is_file(), reason=f"no captures in {CAPTURES}"),
    pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed"),
]


def sample() -> list[str]:
    """Choose the odd ones, and small ones of every file type and link type."""
    index = CAPTURES / "INDEX.tsv"
    if not index.is_file():
        return []
    chosen: dict[tuple[str, str], list[str]] = {}
    with index.open(newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["packets"].isdigit() and 3 < int(row["packets"]) < 2000:
                chosen.setdefault((row["file_type"], row["link_type"]), []).append(row["file"])
    picked = [file for files in chosen.values() for file in files[:: max(1, len(files) // 3)][:3]]
    return sorted({*ODD, *picked[: 36 - len(ODD)]})


def by_tshark(path: Path) -> list[tuple[int, int, int]]:
    """Time in nanoseconds, length on the wire, captured length."""
    command = ["tshark", "-n", "-r", str(path), "-T", "fields"]
    for field in ("frame.time_epoch", "frame.len", "frame.cap_len"):
        command += ["-e", field]
    for protocol in ("eth", "ip", "ipv6", "sll", "null", "raw"):
        command += ["--disable-protocol", protocol]
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    rows = []
    for line in output.splitlines():
        time, wire, captured = line.split("\t")
        seconds, fraction = time.split(".")
        rows.append((int(seconds) * 1_000_000_000 + int(fraction.ljust(9, "0")[:9]), int(wire), int(captured)))
    return rows


@pytest.mark.parametrize("file", sample())
def test_equal_to_tshark(file: str) -> None:
    """Time, length and captured length of each packet are tshark's; only suspects have another time."""
    captures = Captures([CAPTURES / file])
    suspects = 0
    rows: list[tuple[int, int, int]] = []
    for block in captures.blocks():
        suspects += block.clock_suspects
        cells = block.index[: block.count * 5]
        rows += zip(cells[0::5], cells[3::5], cells[2::5], strict=True)
    theirs = by_tshark(CAPTURES / file)
    if any("not supported" in damage.reason for damage in captures.damage):
        assert rows == []
        return
    assert [row[1:] for row in rows] == [row[1:] for row in theirs]
    assert sum(mine != other for mine, other in zip(rows, theirs, strict=True)) == suspects


def test_all_captures_by_name_and_merged() -> None:
    """Merging every capture there is loses no packet and adds no damage."""
    paths = sorted(path for path in CAPTURES.rglob("*") if path.suffix in {".pcap", ".pcapng", ".cap"})
    captures = Captures(paths)
    packets = sum(block.count for block in captures.blocks())
    alone = [Captures([path]) for path in paths]
    assert packets == captures.packets == sum(len(drained(capture)) for capture in alone)
    assert sorted(map(str, captures.damage)) == sorted(str(damage) for capture in alone for damage in capture.damage)
