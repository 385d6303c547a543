"""gzip and zstd, told by their bytes."""

from __future__ import annotations

import gzip
import random
import tracemalloc
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.compressed import Stream
from collectors.damage import CaptureError
from tests.collectors.written import packets, pcap, read

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = random.Random(1).randbytes(300_000) + bytes(300_000)


def zstd(content: bytes, *, checksum: bool = True, size: bool = True) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=checksum, write_content_size=size).compress(content)


def given_by(path: Path, room: int = 65536, *, park: bool = False) -> tuple[bytes, str]:
    """All bytes of a stream, and why it stopped."""
    stream, found, buffer, reason = Stream(str(path)), bytearray(), memoryview(bytearray(room)), ""
    offset = consumed = -1
    try:
        while taken := stream.readinto(buffer):
            found += buffer[:taken]
            if park:
                stream.park()
        consumed = stream.consumed
    except CaptureError as error:
        offset, reason = error.offset, error.reason
    stream.close()
    assert offset == len(found) if reason else consumed == path.stat().st_size
    return bytes(found), reason


@pytest.mark.parametrize(
    "stored",
    [
        CONTENT,
        gzip.compress(CONTENT, mtime=0),
        gzip.compress(CONTENT[:70_000], mtime=0)
        + gzip.compress(b"", mtime=0)
        + gzip.compress(CONTENT[70_000:], mtime=0)
        + bytes(512),
        zstd(CONTENT),
        zstd(CONTENT[:70_000], checksum=False) + zstd(b"") + zstd(CONTENT[70_000:], size=False),
        b"\x5a\x2a\x4d\x18\x03\x00\x00\x00abc" + zstd(CONTENT) + b"\x50\x2a\x4d\x18\x00\x00\x00\x00",
    ],
    ids=["plain", "gzip", "gzip members", "zstd", "zstd frames", "zstd skippable frames"],
)
@pytest.mark.parametrize(("room", "park"), [(1 << 20, False), (65536, True), (4093, False)])
def test_forms(tmp_path: Path, stored: bytes, room: int, park: bool) -> None:
    """Every form gives the same bytes, into any room, parked between reads or not."""
    path = tmp_path / "capture.dat"
    path.write_bytes(stored)
    assert given_by(path, room, park=park) == (CONTENT, "")


@pytest.mark.parametrize("stored", [gzip.compress(CONTENT, mtime=0), zstd(CONTENT)], ids=["gzip", "zstd"])
@pytest.mark.parametrize("share", [0.0001, 0.3, 0.999, 1])
def test_cut(tmp_path: Path, stored: bytes, share: float) -> None:
    """A compressed file that ends early gives what it holds, and says so."""
    path = tmp_path / "cut"
    path.write_bytes(stored[: max(5, min(int(len(stored) * share), len(stored) - 1))])
    found, reason = given_by(path)
    assert CONTENT.startswith(found)
    assert len(found) >= len(CONTENT) * share - 300_000 - 131_072
    assert reason.endswith("data ends early")


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_wrong_checksum(tmp_path: Path, name: str) -> None:
    """All bytes come before a checksum that is wrong is told."""
    stored = bytearray(gzip.compress(CONTENT, mtime=0) if name == "gzip" else zstd(CONTENT))
    stored[-6 if name == "gzip" else -1] ^= 1
    path = tmp_path / "capture"
    path.write_bytes(stored)
    found, reason = given_by(path)
    assert found == CONTENT
    assert reason.startswith(f"{name} data is damaged")


@pytest.mark.parametrize("stored", [gzip.compress(CONTENT, mtime=0), zstd(CONTENT)], ids=["gzip", "zstd"])
def test_something_else_follows(tmp_path: Path, stored: bytes) -> None:
    """What follows the compressed data is not ignored in silence."""
    path = tmp_path / "capture"
    path.write_bytes(stored + b"#!/bin/sh")
    found, reason = given_by(path)
    assert found == CONTENT
    assert reason != ""


@settings(deadline=None)
@given(
    content=st.binary(max_size=400),
    magic=st.sampled_from([b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18"]),
)
def test_any_bytes_end(tmp_path_factory: pytest.TempPathFactory, content: bytes, magic: bytes) -> None:
    """Whatever follows a magic number ends in bytes or in a CaptureError."""
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(magic + content)
    given_by(path)


@settings(deadline=None)
@given(at=st.integers(4, 5000), value=st.integers(0, 255), name=st.sampled_from(["gzip", "zstd"]))
def test_changed_bytes_end(tmp_path_factory: pytest.TempPathFactory, at: int, value: int, name: str) -> None:
    """A changed byte ends in a prefix or in a CaptureError, never in another exception."""
    plain = pcap(packets(400))
    stored = bytearray(gzip.compress(plain) if name == "gzip" else zstd(plain))
    stored[at % len(stored)] = value
    path = tmp_path_factory.getbasetemp() / "changed"
    path.write_bytes(stored)
    given_by(path)


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_a_bomb_takes_no_memory(tmp_path: Path, name: str) -> None:
    """64 MiB of zeros in one small file are read through a buffer of its own size."""
    path = tmp_path / "bomb"
    zeros, rounds = bytes(1 << 20), 64
    if name == "gzip":
        path.write_bytes(gzip.compress(zeros) * rounds)
    else:
        path.write_bytes(zstd(zeros * rounds))
    stream, room, total = Stream(str(path)), memoryview(bytearray(65536)), 0
    tracemalloc.start()
    while taken := stream.readinto(room):
        total += taken
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    stream.close()
    assert total == rounds << 20
    assert peak < 2 << 20


@pytest.mark.parametrize("name", ["capture.pcap", "capture.gz", "capture.zst", "capture"])
def test_the_name_says_nothing(tmp_path: Path, name: str) -> None:
    """A compressed capture is one under any name, and a plain one too."""
    these = packets(3)
    path = tmp_path / name
    for stored in (pcap(these), gzip.compress(pcap(these)), zstd(pcap(these))):
        path.write_bytes(stored)
        assert read(path)[0] == these


def test_a_replaced_file_is_told(tmp_path: Path) -> None:
    """A parked file that is another when it is opened again is not read on."""
    path, other = tmp_path / "capture", tmp_path / "other"
    path.write_bytes(CONTENT)
    other.write_bytes(CONTENT)
    stream, room = Stream(str(path)), memoryview(bytearray(100))
    stream.readinto(room)
    stream.park()
    other.replace(path)
    with pytest.raises(CaptureError, match="replaced while it was read"):
        stream.readinto(room)
    stream.close()
