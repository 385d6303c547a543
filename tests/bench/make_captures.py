"""Write large captures for the benchmark: ``python -m tests.bench.make_captures camera-vlan --packets N --out F``.

``camera-vlan`` is 500 cameras that send video to one recorder (98.5 % of the packets) and the rest of what cameras
say; ``control-mix`` has no video. Strategy: dialogues come ready from pcaps.dialogues and stand in a ring; each
turn emits one packet, so they interleave. Video is a loop of its own, with its headers packed in one go. Nothing
is drawn from the clock: equal arguments, equal bytes. About 80 bytes of state a camera; the file is streamed.
"""

from __future__ import annotations

import argparse
import struct
import sys
from collections import deque
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

from pcaps import packets
from pcaps.dialogues import Caller, Dialogue, Dialogues, Mix, written
from pcaps.packets import EPHEMERAL
from pcaps.savefile import HEADER, RECORD
from pcaps.site import HIKVISION, RECORDER_MAC
from pcaps.wire import START, VIDEO_CLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CAMERAS: Final = 500
FULL: Final = 1464
"""Bytes of a full video frame on the wire; with the plan of pictures below a million packets are 1.28 GB."""
PICTURES: Final = 15
"""A second, and between two intra pictures."""
INTRA_PACKETS: Final = 18
INTER_PACKETS: Final = 3
PICTURE_TICKS: Final = VIDEO_CLOCK // PICTURES
PLAN_LENGTH: Final = INTRA_PACKETS + (PICTURES - 1) * INTER_PACKETS
CONTROL_TURNS: Final = frozenset({66, 133, 199})
"""Of 200 packets these are no video: 1.5 %."""
VIDEO_SLOT: Final = 32_833
"""Nanoseconds between packets: 500 cameras with 60 video packets a second each, and the rest."""
CONTROL_SLOT: Final = 20_000
VIDEO_RING: Final = 18
"""Dialogues at a time: one turn of the ring takes some 40 ms, a round trip to far away."""
CONTROL_RING: Final = 1000
PIECES: Final = 6000
"""Gathered before each write: some 2.5 MB of video."""
RTP_HEAD: Final = struct.Struct("!14sHHHHHH8s4sHHHHIIH")
"""Ethernet, IPv4, UDP, RTP and the first two bytes of its payload."""
PAYLOAD_AT: Final = RTP_HEAD.size
NOISE: Final = 1 << 16
"""Bytes of made-up video from which every payload is a slice."""


@dataclass(slots=True)
class Camera(Caller):
    """One camera's place in everything it does."""

    link: bytes = b""
    ends: bytes = b""
    sum: int = 0
    """Of the parts of its video's IP header that never change."""
    ports: bytes = b""
    sequence: int = 0
    ticks: int = 0
    """RTP time of the first picture of this second."""
    source: int = 0
    place: int = 0
    """Position in the plan of pictures."""


@dataclass(slots=True)
class Turn:
    """A dialogue under way."""

    dialogue: Dialogue
    camera: Camera
    shift: int
    """Added to each ephemeral port."""
    position: int = 0
    wait: int = 0


def cameras() -> list[Camera]:
    """10.20.1.1 and on, each somewhere in its stream."""
    rng = Random("cameras")
    recorder = packets.address("10.20.0.10")
    made = []
    for number in range(CAMERAS):
        ip = bytes((10, 20, 1 + number // 250, 1 + number % 250))
        hardware = packets.mac(f"{HIKVISION}:10:{number >> 8:02x}:{number & 0xFF:02x}")
        fixed = struct.pack("!HHH", 0x4500, 0x4000, 0x4000 | packets.UDP) + ip + recorder
        camera = Camera(hardware, ip, int.from_bytes(ip, "big") % 0xFFFF, rng.getrandbits(16))
        camera.link = packets.mac(RECORDER_MAC) + hardware + b"\x08\x00"
        camera.ends = ip + recorder
        camera.sum = int.from_bytes(fixed, "big") % 0xFFFF
        camera.ports = struct.pack("!HH", EPHEMERAL.stop, EPHEMERAL.stop + 2 * number)
        camera.place = rng.randrange(PLAN_LENGTH)
        renew(camera, rng)
        made.append(camera)
    return made


def renew(camera: Camera, rng: Random) -> None:
    """A new RTP session starts at random numbers (RFC 3550, 5.1)."""
    camera.sequence, camera.ticks, camera.source = rng.getrandbits(16), rng.getrandbits(32), rng.getrandbits(32)


@dataclass(frozen=True, slots=True)
class Slot:
    """One packet in the plan of a second of video."""

    length: int
    """Of the frame."""
    ticks: int
    mark: int
    """Version, payload type 96 and, on the last packet of a picture, the marker."""
    unit: int
    """Indicator and header of the fragmentation unit (RFC 6184, 5.8)."""


def plan() -> list[Slot]:
    """One intra picture and 14 others; every packet of a picture is full but its last."""
    rng = Random("plan")
    slots = []
    for picture in range(PICTURES):
        count = INTER_PACKETS if picture else INTRA_PACKETS
        for number in range(count):
            last = number == count - 1
            length = rng.randrange(200, FULL) if last else FULL
            unit = 0x7C00 | (1 if picture else 5) | 0x80 * (number == 0) | 0x40 * last
            slots.append(Slot(length, picture * PICTURE_TICKS, 0x8060 | 0x80 * last, unit))
    return slots


class Ring:
    """Dialogues under way; each call of ``packet`` is one turn further."""

    def __init__(self, mix: Mix, size: int, callers: list[Camera]) -> None:
        self._rng = Random("ring")
        self._kinds = cycle([mix.kinds[position] for position in mix.order])
        self._callers = callers
        self._idents = [self._rng.getrandbits(16) for _ in range(1 << 12)]
        self._turns = deque(self._begin() for _ in range(size))

    def _begin(self) -> Turn:
        dialogue = next(self._kinds)()
        camera = self._callers[self._rng.randrange(len(self._callers))]
        if camera.next_port + dialogue.ports > EPHEMERAL.stop:
            camera.next_port = EPHEMERAL.start
        shift = camera.next_port - EPHEMERAL.start
        camera.next_port += dialogue.ports
        return Turn(dialogue, camera, shift)

    def packet(self) -> bytearray:
        """The next packet of the next dialogue that has not to wait."""
        turns = self._turns
        while turns[0].wait:
            turns[0].wait -= 1
            turns.rotate(-1)
        turn = turns.popleft()
        packet = turn.dialogue.packets[turn.position]
        if packet.outward:
            ident = turn.camera.ident = (turn.camera.ident + 1) & 0xFFFF
        else:
            ident = self._idents[packet.source] = (self._idents[packet.source] + 1) & 0xFFFF
        frame = written(packet, turn.camera, turn.shift, ident)
        turn.position += 1
        if turn.position == len(turn.dialogue.packets):
            if turn.dialogue.media is not None:
                turn.camera.ports = turn.dialogue.media
                renew(turn.camera, self._rng)
            turn = self._begin()
        else:
            turn.wait = turn.dialogue.packets[turn.position].wait
        turns.append(turn)
        return frame


def control_mix(count: int) -> Iterator[bytes | bytearray | memoryview]:
    """Pieces of a capture of ``count`` packets without video."""
    ring = Ring(Dialogues().control_mix(), CONTROL_RING, cameras())
    yield HEADER
    for number in range(count):
        frame = ring.packet()
        micros = (START + number * CONTROL_SLOT) // 1000
        yield RECORD.pack(micros // 1_000_000, micros % 1_000_000, len(frame), len(frame))
        yield frame


def camera_vlan(count: int) -> Iterator[bytes | bytearray | memoryview]:
    """Pieces of a capture of ``count`` packets, 98.5 % video."""
    everybody = cameras()
    ring = Ring(Dialogues().camera_vlan(), VIDEO_RING, everybody)
    slots = plan()
    noise = memoryview(Random("noise").randbytes(NOISE))
    turns = cycle(everybody)
    yield HEADER
    for number in range(count):
        micros = (START + number * VIDEO_SLOT) // 1000
        if number % 200 in CONTROL_TURNS:
            frame = ring.packet()
            yield RECORD.pack(micros // 1_000_000, micros % 1_000_000, len(frame), len(frame))
            yield frame
            continue
        camera = next(turns)
        slot = slots[camera.place]
        length = slot.length
        camera.ident = ident = (camera.ident + 1) & 0xFFFF
        camera.sequence = sequence = (camera.sequence + 1) & 0xFFFF
        yield RECORD.pack(micros // 1_000_000, micros % 1_000_000, length, length)
        yield RTP_HEAD.pack(
            camera.link,
            0x4500,
            length - 14,
            ident,
            0x4000,
            0x4000 | packets.UDP,
            0xFFFF - ((camera.sum + length - 14 + ident) % 0xFFFF or 0xFFFF),
            camera.ends,
            camera.ports,
            length - 34,
            0,  # no checksum (RFC 768)
            slot.mark,
            sequence,
            (camera.ticks + slot.ticks) & 0xFFFFFFFF,
            camera.source,
            slot.unit,
        )
        start = number * 31 % (NOISE - FULL)
        yield noise[start : start + length - PAYLOAD_AT]
        camera.place += 1
        if camera.place == PLAN_LENGTH:
            camera.place = 0
            camera.ticks = (camera.ticks + PICTURES * PICTURE_TICKS) & 0xFFFFFFFF


MIXES: Final = {"camera-vlan": camera_vlan, "control-mix": control_mix}


def write(path: Path, pieces: Iterator[bytes | bytearray | memoryview]) -> None:
    """Stream to disk, some megabytes at a time."""
    pending: list[bytes | bytearray | memoryview] = []
    with path.open("wb", buffering=0) as file:
        for piece in pieces:
            pending.append(piece)
            if len(pending) >= PIECES:
                file.write(b"".join(pending))
                pending.clear()
        file.write(b"".join(pending))


def main(arguments: Sequence[str] | None = None) -> int:
    """Always 0; argparse leaves with 2 on bad arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mix", choices=sorted(MIXES))
    parser.add_argument("--packets", type=int, required=True, metavar="N", help="exactly so many")
    parser.add_argument("--out", type=Path, required=True, metavar="F")
    options = parser.parse_args(arguments)
    if options.packets < 0:
        parser.error("--packets must not be negative")
    write(options.out, MIXES[options.mix](options.packets))
    return 0


if __name__ == "__main__":
    sys.exit(main())
