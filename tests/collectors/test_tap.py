"""The tap on real interfaces, with real packets."""

from __future__ import annotations

import fcntl
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from collectors.live import LinkState
from collectors.tap import Tap, TapError
from tests.collectors.namespaces import LIBC, Namespace, counted, frames, sent, settled, taken, told
from tests.collectors.written import NOON, SECOND, Packet, pcap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from collectors.live import LinkEvent

NEITHER = bytes(40)
"""Neither IPv4 nor IPv6."""
SMALL = 4 * 1024 * 1024


@pytest.fixture
def space() -> Iterator[Namespace]:
    """A namespace where what is sent out of ``send`` comes in at ``hear``."""
    made = Namespace()
    try:
        made.pair("send", "hear")
        yield made
    finally:
        made.close()


@pytest.fixture
def tap(space: Namespace) -> Iterator[Tap]:
    with space.inside():
        made = Tap(["hear"], ring_bytes=SMALL)
    with made:
        yield made


def capture(path: Path, *these: bytes) -> Path:
    path.write_bytes(pcap(Packet(NOON, data, len(data)) for data in these))
    return path


def frame(number: int, *, tag: bytes = b"", size: int = 60) -> bytes:
    """A broadcast frame of a local experimental type (IEEE 802, 9.2.3)."""
    head = b"\xff" * 6 + b"\x02\0\0\0\0\x01" + tag + b"\x88\xb5" + number.to_bytes(8, "big")
    return head + bytes(size - len(head))


def test_what_is_sent_is_seen(space: Namespace, tap: Tap, tmp_path: Path) -> None:
    """Every frame, byte for byte, in order, at about the time it was sent, and the account agrees."""
    these = [frame(number, size=60 + number) for number in range(500)]
    before = time.time_ns()
    assert space.replay(capture(tmp_path / "some.pcap", *these), "send") == 500
    found = taken(tap, 500)
    assert [data for _, data, _, _ in found] == these
    assert [wire for _, _, wire, _ in found] == [len(data) for data in these]
    times = [ts for ts, *_ in found]
    assert times == sorted(times)
    assert before < times[0] <= times[-1] < time.time_ns()
    assert any(ts % 1000 for ts in times), "nanoseconds"
    ledger = settled(tap)
    assert (ledger.arrived, ledger.dropped, ledger.seen, ledger.waiting) == (500, 0, 500, 0)
    assert tap.broken == 0


def test_the_first_block_tells_its_interface(space: Namespace, tap: Tap, tmp_path: Path) -> None:
    """By its configured name, with the link type of Ethernet; and that it is up was told."""
    assert [(event.interface, event.state) for event in tap.events()] == [("hear", LinkState.UP)]
    space.replay(capture(tmp_path / "one.pcap", frame(1)), "send")
    block = tap.wait(2)
    assert block is not None
    assert [(each.name, each.link_type) for each in block.interfaces] == [("hear", 1)]
    assert block.clock_steps == []


@pytest.mark.parametrize(
    ("tag", "rest"),
    [
        (b"\x81\x00\x60\x2a", b""),
        (b"\x88\xa8\x00\x64", b"\x81\x00\x00\x2a"),
    ],
)
def test_a_vlan_tag_is_where_it_was(space: Namespace, tap: Tap, tmp_path: Path, tag: bytes, rest: bytes) -> None:
    """Though the kernel takes the outer one out of the frame: type, priority and number are put back."""
    tagged = frame(7, tag=tag + rest, size=80)
    assert space.replay(capture(tmp_path / "tagged.pcap", frame(1), tagged, frame(2)), "send") == 3
    found = taken(tap, 3)
    assert [(data, wire) for _, data, wire, _ in found] == [(frame(1), 60), (tagged, 80), (frame(2), 60)]


def test_what_the_interface_sends_itself_is_not_heard(space: Namespace, tap: Tap, tmp_path: Path) -> None:
    """A tap is for what comes in; nor does it count."""
    space.replay(capture(tmp_path / "out.pcap", frame(1)), "hear")
    space.replay(capture(tmp_path / "in.pcap", frame(2)), "send")
    assert [data for _, data, _, _ in taken(tap, 2, within_s=0.5)] == [frame(2)]
    assert settled(tap).arrived == 1


def test_frames_for_others_are_heard(space: Namespace, tap: Tap, tmp_path: Path) -> None:
    """The interface is promiscuous while the tap is open, and not afterwards."""
    other = b"\x02\0\0\0\0\x63" + frame(3)[6:]
    space.replay(capture(tmp_path / "other.pcap", other), "send")
    assert [data for _, data, _, _ in taken(tap, 1)] == [other]
    assert "promiscuity 1" in space.run("ip", "-d", "link", "show", "hear")
    tap.close()
    assert "promiscuity 0" in space.run("ip", "-d", "link", "show", "hear")


def test_the_loopback_is_heard_once(space: Namespace) -> None:
    """Each packet goes out and comes in; only that is a frame, with an Ethernet header."""
    space.ip("link", "set", "lo", "up")
    with space.inside(), Tap(["lo"], ring_bytes=SMALL) as tap, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(b"hello", ("127.0.0.1", 9))
        found = taken(tap, 3, within_s=0.5)
    assert [data[12:14] for _, data, _, _ in found] == [b"\x08\x00", b"\x08\x00"], "the datagram and its refusal"
    assert b"hello" in found[0][1]


@contextmanager
def tun(space: Namespace, hardware: int = 65534) -> Iterator[tuple[str, Callable[[bytes], object]]]:
    """A tun interface, and what makes a packet come in there."""
    with Path("/dev/net/tun").open("r+b", buffering=0) as device:
        fcntl.ioctl(device, 0x400454CA, struct.pack("16sH14x", b"tun0", 0x1001))  # TUNSETIFF: IFF_TUN | IFF_NO_PI
        fcntl.ioctl(device, 0x400454CD, hardware)  # TUNSETLINK

        def write(packet: bytes) -> None:
            with suppress(OSError):  # EINVAL: it was dropped
                device.write(packet)

        space.ip("link", "set", "tun0", "up")
        yield "tun0", write


def test_a_tunnel_without_a_link_header(space: Namespace) -> None:
    """Packets of a tun interface begin with their IP header."""
    packet = bytes.fromhex("4500001c00000000401100007f0000017f000001") + struct.pack(">HHHH", 9, 9, 8, 0)
    with space.inside(), tun(space) as (device, write), Tap([device], ring_bytes=SMALL) as tap:
        write(packet)
        block = tap.wait(2)
        assert block is not None
        assert block.interfaces[0].link_type == 101
        assert [data for _, data, _, _ in frames(block)] == [packet]


def test_a_frame_of_64_kilobytes(space: Namespace) -> None:
    """The longest that the kernel joins fits in a block and is not cut, nor are many of them lost."""
    space.ip("link", "set", "lo", "up")
    with space.inside(), Tap(["lo"]) as tap, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        for number in range(50):
            out.sendto(bytes([number]) * 65_000, ("127.0.0.1", 9))
        found = [(data, wire) for _, data, wire, _ in taken(tap, 100, within_s=0.5) if wire > 1000]
        assert [(len(data), wire, data[-1]) for data, wire in found] == [(65_042, 65_042, n) for n in range(50)]
        assert settled(tap).dropped == 0


def test_times_of_the_card_where_there_are_none(space: Namespace, tmp_path: Path) -> None:
    """The system clock's are taken."""
    with space.inside(), Tap(["hear"], ring_bytes=SMALL, hardware_timestamps=True) as tap:
        before = time.time_ns()
        space.replay(capture(tmp_path / "one.pcap", frame(1)), "send")
        ((ts, *_),) = taken(tap, 1)
    assert before < ts < time.time_ns()


def test_the_account_is_exact_at_every_reading(space: Namespace, tap: Tap, tmp_path: Path) -> None:
    """Though packets pour in meanwhile."""
    flood = capture(tmp_path / "flood.pcap", *(frame(number) for number in range(1000)))
    sender = space.replaying(flood, "send", "--topspeed", "--loop=100", "--preload-pcap")
    readings, seen = [settled(tap)], 0
    while sender.poll() is None:
        block = tap.wait(0.001)
        seen += block.count if block is not None else 0
        readings.append(settled(tap))
        assert readings[-1].seen == seen
        assert readings[-2].arrived <= readings[-1].arrived
    assert sent(sender.communicate()[0]) == 100_000
    assert any(each.waiting for each in readings)
    seen += counted(tap)
    assert (settled(tap).arrived, settled(tap).dropped + seen) == (100_000, 100_000)


def test_two_interfaces_are_merged_in_time_order(space: Namespace, tmp_path: Path) -> None:
    """Frames sent alternately come out alternately, from Blocks that hold both."""
    space.pair("send2", "hear2")
    with space.inside():
        tap = Tap(["hear", "hear2"], ring_bytes=SMALL)
        senders = [socket.socket(socket.AF_PACKET, socket.SOCK_RAW) for _ in range(2)]
    with tap:
        for sender, name in zip(senders, ("send", "send2"), strict=True):
            with space.inside():
                sender.bind((name, 0))
        for number in range(1000):
            senders[number % 2].send(frame(number))
        found = taken(tap, 1000)
        assert [data for _, data, _, _ in found] == [frame(number) for number in range(1000)]
        assert [face for *_, face in found] == [0, 1] * 500
        assert [(each.seen, each.waiting, each.exact) for each in tap.ledgers()] == [(500, 0, True)] * 2
        for sender in senders:
            sender.close()


def test_a_silent_interface_delays_the_others_by_the_hold_back(space: Namespace, tmp_path: Path) -> None:
    """And by no more; one that is down, not at all."""
    space.pair("send2", "hear2")
    with space.inside(), Tap(["hear", "hear2"], ring_bytes=SMALL) as tap:
        one = capture(tmp_path / "one.pcap", frame(1))

        def delay() -> int:
            space.replay(one, "send")
            ((ts, *_),) = taken(tap, 1)
            return time.time_ns() - ts

        held_back = delay()
        space.ip("link", "set", "hear2", "down")
        told(tap, lambda events: any(event.state is LinkState.DOWN for event in events))
        at_once = delay()
        assert 0.1 * SECOND <= held_back < 0.2 * SECOND
        assert at_once < 0.1 * SECOND


def test_down_and_up(space: Namespace, tap: Tap, tmp_path: Path) -> None:
    """The gap is told, the socket and its ring go on, and the account stays exact."""
    one = capture(tmp_path / "one.pcap", frame(1))
    tap.events()
    space.replay(one, "send")
    space.ip("link", "set", "hear", "down")
    down = told(tap, lambda events: bool(events))
    assert [(event.state, event.reason) for event in down] == [(LinkState.DOWN, "set down")]
    space.ip("link", "set", "hear", "up")
    assert [event.state for event in told(tap, lambda events: bool(events))] == [LinkState.UP]
    space.replay(one, "send")
    assert len(taken(tap, 1)) == 1
    assert settled(tap).seen == 2


def test_a_cable_that_is_out(space: Namespace, tap: Tap) -> None:
    """No carrier is told as down, with that reason."""
    tap.events()
    space.ip("link", "set", "send", "down")
    (out,) = told(tap, lambda events: bool(events))
    assert (out.state, out.reason) == (LinkState.DOWN, "no carrier")
    space.ip("link", "set", "send", "up")
    (back,) = told(tap, lambda events: bool(events))
    assert back.state is LinkState.UP
    assert back.ts_ns > out.ts_ns


def test_renamed(space: Namespace, tap: Tap, tmp_path: Path) -> None:
    """It goes on under its configured name, and the new one is told."""
    tap.events()
    space.ip("link", "set", "hear", "down")
    space.ip("link", "set", "hear", "name", "mirror")
    space.ip("link", "set", "mirror", "up")
    events = told(tap, lambda events: LinkState.RENAMED in [each.state for each in events] and tap.wait(0.2) is None)
    events += tap.events()
    assert [event.reason for event in events if event.state is LinkState.RENAMED] == ["is mirror now"]
    assert events[-1].state is not LinkState.DOWN
    assert {event.interface for event in events} == {"hear"}
    space.replay(capture(tmp_path / "one.pcap", frame(1)), "send")
    assert len(taken(tap, 1)) == 1


@pytest.mark.parametrize("name", ["hear", "mirror"])
def test_gone_and_back_without_any_capability(space: Namespace, tap: Tap, tmp_path: Path, name: str) -> None:
    """Another interface of its configured or its last name is bound to, promiscuous again, on the same socket."""
    tap.events()
    one = capture(tmp_path / "one.pcap", b"\x02\0\0\0\0\x63" + frame(1)[6:])
    space.replay(one, "send")
    if name != "hear":
        space.ip("link", "set", "hear", "down")
        space.ip("link", "set", "hear", "name", name)
        told(tap, lambda events: LinkState.RENAMED in [each.state for each in events])
    space.ip("link", "del", "send")
    assert LinkState.GONE in [
        each.state for each in told(tap, lambda events: LinkState.GONE in [e.state for e in events])
    ]

    def incapable() -> list[LinkEvent]:
        without_capabilities()
        with pytest.raises(PermissionError):
            socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        space_ready.wait()
        return told(tap, lambda events: LinkState.UP in [each.state for each in events])

    space_ready = threading.Event()
    with ThreadPoolExecutor(1) as threads:  # capabilities are a thread's own
        found = threads.submit(incapable)
        space.pair("send", name)
        space_ready.set()
        events = found.result()
    assert (events[-1].state, events[-1].reason) == (LinkState.UP, "")
    assert "promiscuity 1" in space.run("ip", "-d", "link", "show", name)
    space.replay(one, "send")
    assert len(taken(tap, 1)) == 1
    ledger = settled(tap)
    assert (ledger.seen, ledger.arrived) == (2, 2)


def without_capabilities(*, but: int = 0) -> None:
    """Take every capability from this thread, but for some (capset(2), version 3)."""
    header, kept = struct.pack("=II", 0x20080522, 0), struct.pack("=6I", but, but, 0, 0, 0, 0)
    assert LIBC.capset(header, kept) == 0


def test_one_capability_is_enough(space: Namespace, tmp_path: Path) -> None:
    """CAP_NET_RAW, until the tap is open; none to read, or to account for it."""

    def humble() -> int:
        space.enter()
        without_capabilities(but=1 << 13)
        with Tap(["hear"], ring_bytes=SMALL) as tap:
            without_capabilities()
            ready.set()
            return len(taken(tap, 1)) + settled(tap).seen

    ready = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        found = threads.submit(humble)
        ready.wait(5)
        space.replay(capture(tmp_path / "one.pcap", frame(1)), "send")
        assert found.result() == 2


def test_back_as_another_kind(space: Namespace, tap: Tap) -> None:
    """An interface whose frames are not what they were is not read, and that is said."""
    space.ip("link", "del", "hear")
    told(tap, lambda events: LinkState.GONE in [each.state for each in events])
    space.ip("tuntap", "add", "hear", "mode", "tun")
    (blocked,) = told(tap, lambda events: bool(events))
    assert blocked.state is LinkState.BLOCKED
    assert "another kind" in blocked.reason


def test_what_the_interface_lost_itself(space: Namespace) -> None:
    """Is counted from when the tap was opened, and over the interface's return with counters at 0."""
    with space.inside(), tun(space) as (device, write):
        write(NEITHER)
        with Tap([device], ring_bytes=SMALL) as tap:
            write(NEITHER)
            write(NEITHER)
            counted(tap, quiet_s=1.2)
            assert settled(tap).missed == 2
            assert settled(tap).arrived == 0


def test_the_system_clock_bears_witness_in_a_silence(
    space: Namespace, tap: Tap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its step is told with the next packet; one that is stamped otherwise gets the clock's time, and is counted."""
    off = 5 * 3600 * SECOND
    one = capture(tmp_path / "one.pcap", frame(1))
    space.replay(one, "send")
    assert len(taken(tap, 1)) == 1
    clock = SimpleNamespace(time_ns=lambda: time.time_ns() + off, monotonic_ns=time.monotonic_ns, sleep=time.sleep)
    monkeypatch.setattr("collectors.tap.time", clock)
    assert tap.wait(2.2) is None
    space.replay(one, "send")
    block = tap.wait(2)
    assert block is not None
    ((before, after),) = block.clock_steps
    assert off <= after - before < off + 5 * SECOND
    assert block.clock_suspects == 1
    assert abs(block.index[0] - time.time_ns() - off) < 3 * SECOND


def test_refusals(space: Namespace) -> None:
    """What cannot be tapped is one line that says why."""
    with space.inside():
        with pytest.raises(TapError, match=r"^nowhere: no such interface$"):
            Tap(["nowhere"])
        with pytest.raises(TapError, match=r"^hear: named twice$"):
            Tap(["hear", "hear"])
        with (
            tun(space, hardware=824) as (device, _),
            pytest.raises(TapError, match=r"^tun0: frames of its kind \(ARPHRD 824\) are not supported$"),
        ):
            Tap([device])
        with pytest.raises(TapError, match=r"^hear: no memory for a ring of 1,048,576 MiB: choose a smaller one$"):
            Tap(["hear"], ring_bytes=1 << 40)


def test_a_refusal_names_the_capability(space: Namespace) -> None:
    """And what to do about it."""

    def incapable() -> str:
        space.enter()
        without_capabilities()
        with pytest.raises(TapError) as refused:
            Tap(["hear"])
        return str(refused.value)

    with ThreadPoolExecutor(1) as threads:
        line = threads.submit(incapable).result()
    assert "CAP_NET_RAW" in line
    assert "setpriv" in line
    assert "\n" not in line


def test_nothing_is_left_open(space: Namespace) -> None:
    """Neither a descriptor nor a mapping; a Block that somebody kept reads as zeros."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        with space.inside(), Tap(["hear"], ring_bytes=SMALL) as tap, pytest.raises(TapError):
            Tap(["hear", "nowhere"], ring_bytes=SMALL)
        assert bytes(memoryview(tap._memory)[:64]) == bytes(64)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert "AF_PACKET" not in space.run("ss", "-0", "-n")


@pytest.mark.parametrize("count", [100_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_every_frame_is_accounted_for_under_forced_loss(space: Namespace, tmp_path: Path, count: int) -> None:
    """With a ring of four blocks and a reader that stops for two seconds: sent = seen + dropped, each time."""
    flood = capture(tmp_path / "flood.pcap", *(frame(number, size=60 + number % 1400) for number in range(1000)))
    for _ in range(3 if count < 1_000_000 else 10):
        with space.inside():
            tap = Tap(["hear"], ring_bytes=4 * 256 * 1024)
        with tap:
            sender = space.replaying(flood, "send", "--topspeed", f"--loop={count // 1000}", "--preload-pcap")
            seen = len(taken(tap, 1))
            time.sleep(2)
            halfway = settled(tap)
            assert halfway.dropped > 0
            seen += counted(tap)
            assert sent(sender.communicate()[0]) == count
            seen += counted(tap)
            ledger = settled(tap)
            assert (ledger.arrived, ledger.seen + ledger.dropped, ledger.waiting) == (count, count, 0)
            assert ledger.seen == seen
            assert ledger.freezes >= 1
