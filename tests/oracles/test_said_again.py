"""What an incident says when its device comes back after a quiet day: packets made here, by hand."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tests.oracles.running import replayed

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.app import Knowledge

CAMERA, SERVER = bytes((192, 168, 1, 10)), bytes((93, 184, 216, 34))
SYN, RST, ACK, PSH, FIN = 0x02, 0x04, 0x10, 0x08, 0x01
START, DAY = 1_700_000_000, 86_400


def frame(*, out: bool, port: int, flags: int, sequence: int, acknowledgement: int = 0, payload: bytes = b"") -> bytes:
    source, destination = (CAMERA, SERVER) if out else (SERVER, CAMERA)
    sport, dport = (port, 443) if out else (443, port)
    tcp = struct.pack(">HHIIBBHHH", sport, dport, sequence, acknowledgement, 0x50, flags, 1024, 0, 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), sequence & 0xFFFF, 0x4000, 64, 6, 0, source, destination)
    macs = b"\x02\0\0\0\0\x01", b"\x02\0\0\0\0\xfe"
    return (macs[1] + macs[0] if out else macs[0] + macs[1]) + b"\x08\x00" + ip + tcp


def connection(port: int) -> list[bytes]:
    """Begun, answered, used in both directions, ended."""
    return [
        frame(out=True, port=port, flags=SYN, sequence=1),
        frame(out=False, port=port, flags=SYN | ACK, sequence=101, acknowledgement=2),
        frame(out=True, port=port, flags=PSH | ACK, sequence=2, acknowledgement=102, payload=b"hello"),
        frame(out=False, port=port, flags=PSH | ACK, sequence=102, acknowledgement=7, payload=b"world"),
        frame(out=True, port=port, flags=FIN | ACK, sequence=7, acknowledgement=107),
        frame(out=False, port=port, flags=FIN | ACK, sequence=107, acknowledgement=8),
    ]


def write(file: Path, packets: list[tuple[float, bytes]]) -> None:
    records = (
        struct.pack("<IIII", int(time), int(time % 1 * 1_000_000), len(each), len(each)) + each
        for time, each in packets
    )
    file.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + b"".join(records))


def test_a_new_incident_begins_with_what_happens_now(tmp_path: Path, known: Knowledge) -> None:
    """On Monday the camera talks with a server; since Wednesday nothing answers any more. The second incident says
    "transferred" and "648 bytes went out and 0 came in", at the severity of a transfer, though all was in vain."""
    packets = [(START + i / 100, each) for i, each in enumerate(connection(40_000))]
    packets += [
        (START + 2 * DAY + i / 2, frame(out=True, port=41_000 + i, flags=SYN, sequence=1000 * i)) for i in range(12)
    ]
    file = tmp_path / "back.pcap"
    write(file, packets)
    run = replayed(known, file, cameras=["192.168.1.10/32"], home=("GB",))
    first, second = dict.fromkeys(each.incident for each in run.told)
    assert [each.outcome.label for each in run.told if each.incident == first][-1] == "transferred"
    last = [each for each in run.told if each.incident == second][-1]
    assert (last.attempts, last.bytes_in) == (12, 0)
    assert last.outcome.label == "attempted"
