"""An image of 256 MiB is pushed to a camera while 500 others send video: hash, memory and speed."""

from __future__ import annotations

import resource
import subprocess
import sys
from hashlib import sha256
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Final

import msgspec
import pytest

from pcaps.packets import Host
from pcaps.savefile import HEADER, RECORD
from pcaps.wire import START, Connection, Wire
from tests.bench.make_captures import VIDEO_SLOT, camera_vlan, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LENGTH: Final = 256 * 1024 * 1024
PIECE: Final = 1400
VIDEO: Final = 2
"""Packets of the cameras' network for each packet of the image."""
MORE_MIB: Final = 48
"""What following the image may cost beside the same video without it."""
CAMERA: Final = "10.20.1.77"
COUNTING: Final = (
    "import resource, sys; from monitor.cli import main; sys.argv = ['camwarden', *sys.argv[1:]]\n"
    "try: main()\n"
    "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)\n"
)


def image() -> Iterator[bytes]:
    """The file, in pieces that fit a segment."""
    noise = b"\xe9\x9a\xf7\xb6" + Random("image").randbytes(1 << 20)
    for at in range(0, LENGTH, PIECE):
        start = at % (1 << 20) if at else 0
        yield (noise[start : start + PIECE] + noise)[: min(PIECE, LENGTH - at)]


def push() -> Iterator[bytes]:
    """Frames of one connection from a computer to the camera."""
    wire = Wire()
    computer, camera = Host.at("10.20.0.50", "00:14:22:5a:10:50"), Host.at(CAMERA, "44:19:b6:10:00:4c")
    connection = Connection(wire, computer, camera, 80, at=START, rng=Random(1), rtt=0)
    connection.open()
    head = f"PUT /ISAPI/System/updateFirmware HTTP/1.1\r\nHost: {CAMERA}\r\nContent-Length: {LENGTH}\r\n\r\n"
    connection.say(head.encode())
    for piece in image():
        connection.say(piece)
        yield from (frame.data for frame in wire.drain(connection.now + 1))
    connection.hear(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    connection.close()
    yield from (frame.data for frame in wire.frames())


def capture(path: Path, pushed: Iterator[bytes], frames: int) -> None:
    """Video, and after each few packets of it one of the push."""

    def pieces() -> Iterator[bytes | bytearray | memoryview]:
        yield HEADER
        number, parts = 0, camera_vlan(frames * VIDEO)
        next(parts)
        for frame in pushed:
            micros = (START + number * VIDEO_SLOT) // 1000
            yield RECORD.pack(micros // 1_000_000, micros % 1_000_000, len(frame), len(frame))
            yield frame
            wanted = VIDEO
            while wanted:
                head = next(parts, None)
                if head is None:
                    break
                number += 1
                micros = (START + number * VIDEO_SLOT) // 1000
                length = RECORD.unpack(head)[2]
                yield RECORD.pack(micros // 1_000_000, micros % 1_000_000, length, length)
                got = 0
                while got < length:
                    part = next(parts)
                    got += len(part)
                    yield part
                wanted -= 1

    write(path, pieces())


def observed(path: Path) -> tuple[list[dict[str, object]], float, int]:
    """Transfers, seconds of CPU, and the most memory in MiB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run(
        [sys.executable, "-c", COUNTING, "observe", "--kind", "firmware.transfer", str(path)],
        capture_output=True, text=True, check=True, timeout=900,
    )  # fmt: skip
    spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    rows = [msgspec.json.decode(line) for line in done.stdout.splitlines()]
    return rows, spent, int(done.stderr.split()[-1]) // 1024


@pytest.mark.slow
def test_a_large_image_among_video(tmp_path: Path, record_property: pytest.RecordProperty) -> None:
    """All of it is hashed; memory is that of the same video without the image; the CPU for it is told."""
    path = tmp_path / "pushed.pcap"
    digest = sha256()
    for piece in image():
        digest.update(piece)
    frames = 2 * (LENGTH // PIECE + 8)
    capture(path, push(), frames)
    (row,), spent, memory = observed(path)
    assert (row["bytes"], row["complete"], row["sha256"]) == (LENGTH, True, digest.hexdigest())
    assert (row["direction"], row["via"], row["magic"]) == ("to_device", "isapi", "hikvision-dav")
    packets, size = frames * (VIDEO + 1), path.stat().st_size
    # The same packets, of a connection that nobody reads: the first bytes say no protocol.
    silent = (frame.replace(b"PUT /ISAPI/System", b"XYZ.\0\1\2\3.........") for frame in push())
    capture(path, silent, frames)
    rows, without, base = observed(path)
    assert rows == []
    path.unlink()
    for name, value in {"packets": packets, "bytes": size, "cpu_s": spent, "cpu_without_s": without, "mib": memory, "mib_without": base}.items():  # fmt: skip
        record_property(name, value)
    print(f"{packets} packets, {size} bytes: {spent:.1f} s CPU, {memory} MiB; without {without:.1f} s, {base} MiB")
    assert memory - base <= MORE_MIB


def test_the_capture_is_well_made(tmp_path: Path) -> None:
    """The first packets of it can be read, and hold both."""
    path = tmp_path / "begun.pcap"
    capture(path, islice(push(), 20), 20)
    assert path.stat().st_size > 20 * (VIDEO + 1) * 100
