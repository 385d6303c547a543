"""Benchmark captures are exact, equal every time, and honest in tshark's eyes."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from pcaps.dialogues import Dialogues
from pcaps.savefile import Frame, write

REPOSITORY = Path(__file__).parents[2]
SMALL = 12_000


def make(mix: str, packets: int, path: Path) -> bytes:
    """Run the script as people do."""
    command = [sys.executable, "-m", "tests.bench.make_captures", mix, "--packets", str(packets), "--out", str(path)]
    subprocess.run(command, check=True, cwd=REPOSITORY)
    return path.read_bytes()


def frames(capture: bytes) -> list[tuple[int, bytes]]:
    """(microseconds, frame) of each packet."""
    found = []
    at = 24
    while at < len(capture):
        seconds, micros, size, wire = struct.unpack_from("<IIII", capture, at)
        assert size == wire
        found.append((seconds * 1_000_000 + micros, capture[at + 16 : at + 16 + size]))
        at += 16 + size
    assert at == len(capture)
    return found


def is_video(frame: bytes) -> bool:
    """RTP of the dynamic type 96 to the recorder, all of which is long."""
    return frame[23] == 17 and frame[42] == 0x80 and frame[43] & 0x7F == 96 and len(frame) > 150


def tshark(path: Path, *fields: str, only: str = "frame", options: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Fields of the packets that pass a display filter, checksums checked."""
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    command = ["tshark", "-n", "-r", str(path), "-Y", only, "-T", "fields", "-E", "occurrence=f", *options]
    for layer in ("ip", "tcp", "udp"):
        command += ["-o", f"{layer}.check_checksum:TRUE"]
    for field in fields:
        command += ["-e", field]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [tuple(line.split("\t")) for line in done.stdout.splitlines()]


FAULTS = "_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0"


@pytest.fixture(scope="module", params=["camera-vlan", "control-mix"])
def capture(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, bytes]:
    """A small one of each mix."""
    mix: str = request.param
    path = tmp_path_factory.mktemp("bench") / f"{mix}.pcap"
    return mix, path, make(mix, SMALL, path)


def test_the_number_of_packets_is_exact(capture: tuple[str, Path, bytes]) -> None:
    """As asked for, the file whole, time never going back."""
    found = frames(capture[2])
    assert len(found) == SMALL
    times = [at for at, _ in found]
    assert times == sorted(times)


def test_a_second_run_gives_the_same_bytes(capture: tuple[str, Path, bytes], tmp_path: Path) -> None:
    """And a shorter one the beginning of them."""
    mix, _, whole = capture
    shorter = make(mix, SMALL // 2, tmp_path / "again.pcap")
    assert whole.startswith(shorter)
    assert len(frames(shorter)) == SMALL // 2


def test_tshark_finds_no_fault(capture: tuple[str, Path, bytes]) -> None:
    """Nothing malformed, no wrong checksum."""
    assert tshark(capture[1], "frame.number", only=FAULTS) == []


def test_identifications_go_up_by_one(capture: tuple[str, Path, bytes]) -> None:
    """Each host's IPv4 packets are numbered in the order in which they pass."""
    last: dict[bytes, int] = {}
    for _, frame in frames(capture[2]):
        source, ident = frame[26:30], struct.unpack_from("!H", frame, 18)[0]
        if source in last:
            assert ident == (last[source] + 1) & 0xFFFF
        last[source] = ident


def test_no_connection_has_the_ports_of_another(capture: tuple[str, Path, bytes]) -> None:
    """A SYN with the 5-tuple of an earlier one is its retransmission: same sequence number."""
    starts = defaultdict(set)
    for _, frame in frames(capture[2]):
        if frame[23] == 6 and frame[47] & 0x12 == 0x02:
            starts[frame[26:38]].add(frame[38:42])
    assert len(starts) > 5
    assert all(len(numbers) == 1 for numbers in starts.values())


def test_video_is_what_it_says(tmp_path: Path) -> None:
    """500 cameras, 98.5 % video, 1.28 GB a million packets; RTP numbers go up, time with each picture."""
    capture = make("camera-vlan", 60_000, tmp_path / "video.pcap")
    assert len(capture) / 60_000 == pytest.approx(1280, rel=0.01)
    video = [frame for _, frame in frames(capture) if is_video(frame)]
    assert len(video) == pytest.approx(0.985 * 60_000, abs=60)
    streams = defaultdict(list)
    for frame in video:
        mark, sequence, ticks, source = struct.unpack_from("!BHII", frame, 43)
        streams[frame[26:30], source].append((mark, sequence, ticks))
    assert len({address for address, _ in streams}) == 500
    for packets in streams.values():
        for (mark, sequence, ticks), (_, next_sequence, next_ticks) in pairwise(packets):
            assert next_sequence == (sequence + 1) & 0xFFFF
            assert (next_ticks - ticks) & 0xFFFFFFFF == (6000 if mark & 0x80 else 0)


def test_camera_network_speaks_what_cameras_speak(tmp_path: Path) -> None:
    """Each protocol is there, most operators are called, streams are set up anew."""
    capture = make("camera-vlan", 150_000, tmp_path / "camera-vlan.pcap")
    path = tmp_path / "control.pcap"
    write(path, (Frame(at * 1000, frame) for at, frame in frames(capture) if not is_video(frame)))
    control = tshark(path, "frame.protocols", "dns.qry.name", "tls.handshake.extensions_server_name")
    protocols = Counter(part for row in control for part in set(row[0].split(":")))
    assert {"dns", "tls", "ntp", "rtsp", "http"} <= protocols.keys()
    assert len({row[1] for row in control if row[1]}) > 30
    assert len({row[2] for row in control if row[2]}) > 25
    greetings = tshark(path, "ip.src", only="udp.dstport == 32100 && data.data == f1:00:00:00")
    assert len(greetings) > 5


def test_control_mix_has_its_proportions() -> None:
    """DNS 40, TLS 30, HTTP 15, QUIC 10, other 5 of a hundred flows; 5 to 20 packets each."""
    mix = Dialogues().control_mix()
    assert [100 * mix.order.count(kind) // len(mix.order) for kind in range(5)] == [40, 30, 15, 5, 10]
    for kind, build in enumerate(mix.kinds):
        sizes = [len(build().packets) for _ in range(40)]
        assert min(sizes) >= 5, kind
        assert max(sizes) <= 20, kind


def test_control_mix_in_tshark(tmp_path: Path) -> None:
    """Flows by protocol come near their proportions, and QUIC's names can be read."""
    path = tmp_path / "control-mix.pcap"
    make("control-mix", 30_000, path)
    wanted = ("frame.protocols", "ip.src", "tcp.srcport", "udp.srcport", "tls.handshake.extensions_server_name")
    rows = tshark(path, *wanted)
    flows: dict[str, set[tuple[str, str]]] = defaultdict(set)
    names = set()
    for protocols, source, tcp, udp, name in rows:
        last = {"dns", "tls", "http", "quic"}.intersection(protocols.split(":"))
        for protocol in {"quic"} if "quic" in last else last:
            if source.startswith("10.20.") and source != "10.20.0.2":
                flows[protocol].add((source, tcp or udp))
        if name and "quic" in last:
            names.add(name)
    total = len({(row[1], row[2] or row[3]) for row in rows if row[1].startswith("10.20.") and row[1] != "10.20.0.2"})
    for protocol, share in (("dns", 0.40), ("tls", 0.30), ("http", 0.15), ("quic", 0.10)):
        assert len(flows[protocol]) / total == pytest.approx(share, abs=0.05), protocol
    assert len(names) > 20
