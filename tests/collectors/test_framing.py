"""pcap and pcapng, feature by feature."""

from __future__ import annotations

import struct
from array import array
from fractions import Fraction
from importlib.machinery import EXTENSION_SUFFIXES
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors import framing
from collectors.blocks import COLUMNS
from collectors.limits import MAX_FACES, MAX_RECORD, TIME_LIMIT
from tests.builds import as_python
from tests.collectors.written import (
    KUZNETZOV,
    MICROSECONDS,
    NANOSECONDS,
    NOON,
    SECOND,
    Packet,
    block,
    enhanced,
    interface,
    obsolete,
    option,
    packets,
    pcap,
    pcap_header,
    pcapng,
    read,
    section,
    simple,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

    from collectors.captures import Captures

    Take = Callable[[bytes], tuple[list[Packet], Captures]]

MICRO = NOON // 1000


@pytest.fixture
def taken(tmp_path: Path) -> Take:
    """Write a capture and read it."""

    def take(content: bytes) -> tuple[list[Packet], Captures]:
        path = tmp_path / "capture"
        path.write_bytes(content)
        return read(path)

    return take


def reasons(captures: Captures) -> list[tuple[int, str]]:
    return [(damage.offset, damage.reason) for damage in captures.damage]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("magic", [MICROSECONDS, NANOSECONDS, KUZNETZOV])
def test_pcap_variants(taken: Take, order: str, magic: int) -> None:
    """Both byte orders, both units and Kuznetzov's longer records give the same packets."""
    these = packets(5, step=1_234_567_000)
    found, captures = taken(pcap(these, order, magic))
    assert found == these
    assert captures.damage == []


def test_pcap_nanoseconds(taken: Take) -> None:
    """A nanosecond file keeps the last digit."""
    these = packets(3, start=NOON + 123_456_789)
    assert taken(pcap(these, magic=NANOSECONDS))[0] == these


def test_pcap_frame_check_sequence_bits(taken: Take) -> None:
    """The bits above the link type, which give the length of the FCS, do not hide it."""
    these = packets(2)
    assert taken(pcap(these, link=1 | 0x2400_0000))[0] == these


@pytest.mark.parametrize(("major", "minor"), [(2, 2), (543, 0), (2, 3)])
def test_pcap_swapped_lengths(taken: Take, major: int, minor: int) -> None:
    """Old files give the length on the wire before the captured length (libpcap, sf-pcap.c)."""
    header = struct.pack("<IHHiIII", MICROSECONDS, major, minor, 0, 0, 65535, 1)
    record = struct.pack("<IIII", NOON // SECOND, 0, 1000, 40) + bytes(40)
    assert taken(header + record * 2)[0] == [Packet(NOON, bytes(40), 1000)] * 2


def test_pcap_lengths_of_version_2_3_as_written(taken: Take) -> None:
    """In version 2.3 the lengths are swapped only where they must be."""
    header = struct.pack("<IHHiIII", MICROSECONDS, 2, 3, 0, 0, 65535, 1)
    record = struct.pack("<IIII", NOON // SECOND, 0, 40, 1000) + bytes(40)
    assert taken(header + record * 2)[0] == [Packet(NOON, bytes(40), 1000)] * 2


def test_wire_is_at_least_captured(taken: Take) -> None:
    """A record that claims to have captured more than passed is taken at what it holds."""
    found, _ = taken(pcap([Packet(NOON, bytes(60), 10)] * 2))
    assert [packet.wire for packet in found] == [60, 60]


def test_pcap_version(taken: Take) -> None:
    """A pcap of an unknown major version is refused in one line."""
    found, captures = taken(struct.pack("<IHHiIII", MICROSECONDS, 3, 0, 0, 0, 65535, 1))
    assert (found, reasons(captures)) == ([], [(4, "pcap version 3.0")])


def test_pcap_unsupported_link_type(taken: Take) -> None:
    """A pcap of USB packets is refused, naming the link type."""
    found, captures = taken(pcap(packets(3), link=189))
    assert found == []
    assert reasons(captures) == [(20, "link type 189 is not supported")]


@pytest.mark.parametrize(
    ("captured", "snap", "believed"), [(262144, 96, True), (262145, 96, False), (300_000, 300_000, True)]
)
def test_longest_packet(taken: Take, captured: int, snap: int, believed: bool) -> None:
    """A packet may have 262144 bytes, or what the capture declares if that is more."""
    long = Packet(NOON, bytes(captured), captured)
    found, captures = taken(pcap([*packets(1), long, long], snap=snap))
    assert len(found) == (3 if believed else 1)
    expected = [] if believed else [(24 + 16 + 60, "packet of 262145 bytes, more than the capture allows")]
    assert reasons(captures) == expected


def test_longest_declared_packet(taken: Take) -> None:
    """No declaration makes a packet of more than 16 MiB believable."""
    record = struct.pack("<IIII", NOON // SECOND, 0, MAX_RECORD + 1, MAX_RECORD + 1)
    _, captures = taken(pcap_header(snap=0xFFFFFFFF) + record)
    assert reasons(captures) == [(24, f"packet of {MAX_RECORD + 1} bytes, more than the capture allows")]


def test_pcap_cut_in_a_packet(taken: Take) -> None:
    """Of a record that the end of the file cuts, the packet's part that is there is used."""
    these = packets(3)
    found, captures = taken(pcap(these)[:-20])
    assert found == [*these[:2], Packet(these[2].time, these[2].frame[:-20], 60)]
    assert reasons(captures) == [(24 + 2 * 76, "cut short in the middle of a record")]


def test_pcap_cut_in_a_record_header(taken: Take) -> None:
    """A record whose header is not whole gives no packet."""
    these = packets(3)
    found, captures = taken(pcap(these)[:-61])
    assert found == these[:2]
    assert reasons(captures) == [(24 + 2 * 76, "cut short in the middle of a record")]


def test_no_packets(taken: Take) -> None:
    """A capture without packets is whole."""
    for content in (pcap([]), pcapng([]), section()):
        found, captures = taken(content)
        assert (found, captures.damage) == ([], [])


def test_pcapng_sections(taken: Take) -> None:
    """Each section has its own byte order and its own interfaces."""
    these = packets(6)
    small, large = these[:3], these[3:]
    nano = option(9, b"\x09", ">")
    second = (
        section(">")
        + interface(113, nano, ">")
        + b"".join(enhanced(packet.time, packet.frame, order=">") for packet in large)
    )
    found, captures = taken(pcapng(small) + second)
    assert found == small + [packet._replace(link=113) for packet in large]
    assert captures.damage == []


def test_pcapng_interfaces_of_one_link_type_are_one(tmp_path: Path) -> None:
    """Interfaces are told apart by link type only: a file's names for them are no closed set."""
    path = tmp_path / "capture"
    faces = interface(1) + interface(113) + interface(1)
    path.write_bytes(section() + faces + b"".join(enhanced(MICRO, b"x", face=face) for face in (0, 1, 2)))
    found, captures = read(path)
    assert [packet.link for packet in found] == [1, 113, 1]
    (given,) = type(captures)([path]).blocks()
    assert [(face.name, face.link_type) for face in given.interfaces] == [("capture", 1), ("capture", 113)]


def test_pcapng_unsupported_interface(taken: Take) -> None:
    """Packets of an unsupported link type are left out and told once; the others are given."""
    head = section() + interface(1) + interface(189) + interface(147)
    middle = enhanced(MICRO, b"one")
    rest = enhanced(MICRO, b"no", face=1) * 2 + enhanced(MICRO, b"no", face=2) + enhanced(MICRO, b"two")
    found, captures = taken(head + middle + rest)
    assert [packet.frame for packet in found] == [b"one", b"two"]
    assert reasons(captures) == [(len(head + middle), "link type 189 is not supported; its packets are left out")]


def test_pcapng_unused_unsupported_interface(taken: Take) -> None:
    """An interface of an unsupported link type that has no packets is no damage."""
    found, captures = taken(section() + interface(105) + interface(1) + enhanced(MICRO, b"one", face=1) * 2)
    assert (len(found), captures.damage) == (2, [])


def test_pcapng_skips_what_it_does_not_know(taken: Take) -> None:
    """Statistics, names, secrets and custom blocks are stepped over."""
    unknown = (
        block(5, bytes(12)) + block(4, bytes(4)) + block(10, b"secret") + block(0xBAD, b"") + block(0x80000001, b"x")
    )
    found, captures = taken(
        section() + unknown + interface() + unknown + enhanced(MICRO, b"a") + unknown + enhanced(MICRO, b"b")
    )
    assert ([packet.frame for packet in found], captures.damage) == ([b"a", b"b"], [])


def test_pcapng_obsolete_packet_block(taken: Take) -> None:
    """The Packet Block of older files counts."""
    found, _ = taken(section() + interface() + interface(113) + obsolete(MICRO, b"abc", face=1) * 2)
    assert found == [Packet(NOON, b"abc", 3, 113)] * 2


def test_pcapng_simple_packet_block(taken: Take) -> None:
    """A Simple Packet Block is of the first interface, cut at its snap length, and at the time of the packet before."""
    head = section() + interface(snap=8) + enhanced(MICRO, b"first")
    found, captures = taken(head + simple(b"12345678", wire=100) + simple(b"abc"))
    assert captures.damage == []
    assert found[1:] == [Packet(NOON, b"12345678", 100), Packet(NOON, b"abc", 3)]


def test_pcapng_options_and_padding_after_a_packet(taken: Take) -> None:
    """What follows the packet in its block is not taken for it."""
    comment = option(1, b"a comment") + option(0, b"")
    body = struct.pack("<IIIII", 0, MICRO >> 32, MICRO & 0xFFFFFFFF, 5, 5) + b"hello" + bytes(3) + comment
    found, _ = taken(section() + interface() + block(6, body) * 2)
    assert found == [Packet(NOON, b"hello", 5)] * 2


@given(
    resolution=st.integers(0, 255),
    units=st.integers(0, 2**64 - 1) | st.integers(0, 2**34),
    offset=st.integers(-(2**63), 2**63 - 1) | st.integers(-(2**31), 2**31),
    order=st.sampled_from("<>"),
)
def test_pcapng_times_are_exact(resolution: int, units: int, offset: int, order: str) -> None:
    """Any if_tsresol and if_tsoffset gives the nanosecond that exact arithmetic gives, clamped to TIME_LIMIT."""
    options = option(9, bytes([resolution]), order)
    options += option(14, struct.pack(f"{order}q", offset), order) + option(0, b"", order)
    content = section(order) + interface(1, options, order) + enhanced(units, b"x", order=order)
    digits = resolution & 0x7F
    unit = Fraction(1, 2**digits) if resolution & 0x80 else Fraction(1, 10**digits)
    exact = min(int(units * unit * SECOND), TIME_LIMIT)
    shift = max(-TIME_LIMIT, min(offset * SECOND, TIME_LIMIT))
    expected = max(-TIME_LIMIT, min(exact + shift, TIME_LIMIT))
    tolerance = int(digits > 63) if resolution & 0x80 else 20 * (digits > 27)
    time = framed(framing, content, len(content))[0][0]
    assert abs(time - expected) <= tolerance


HEAD = section() + interface()
GOOD = enhanced(MICRO, b"good")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (struct.pack("<II", 6, 0) + bytes(100), "block of 0 bytes"),
        (struct.pack("<II", 6, 33) + bytes(100), "block of 33 bytes"),
        (struct.pack("<II", 6, 28) + bytes(100), "block of 28 bytes"),
        (struct.pack("<II", 0xBAD, 8) + bytes(100), "block of 8 bytes"),
        (struct.pack("<II", 0xBAD, MAX_RECORD + 4) + bytes(100), f"block of {MAX_RECORD + 4} bytes"),
        (struct.pack("<II", 0xBAD, 0xFFFFFFFC) + bytes(100), "block of 4294967292 bytes"),
        (GOOD[:-4] + bytes(4), "block whose second length, 0, is not its first"),
        (enhanced(MICRO, b"x", face=1), "packet of interface 1, which is not described"),
        (enhanced(MICRO, b"x", face=0xFFFFFFFF), "packet of interface 4294967295, which is not described"),
        (block(6, struct.pack("<IIIII", 0, 0, 0, 5, 5) + b"abcd"), "packet of 5 bytes, more than its block holds"),
        (block(6, struct.pack("<IIIII", 0, 0, 0, 262145, 9) + bytes(262145)), "packet of 262145 bytes, more than"),
        (block(0x0A0D0D0A, bytes(16)), "byte-order magic 0x00000000"),
        (section(version=2), "pcapng version 2"),
        (interface(1, struct.pack("<HH", 2, 100)), "options that run past their block"),
    ],
)
def test_pcapng_damage(taken: Take, bad: bytes, reason: str) -> None:
    """A block that cannot be ends the capture, with its place; the packets before it are given."""
    found, captures = taken(HEAD + GOOD + bad + GOOD)
    assert [packet.frame for packet in found] == [b"good"]
    ((offset, said),) = reasons(captures)
    assert offset == len(HEAD + GOOD)
    assert said.startswith(reason)


def test_pcapng_cut(taken: Take) -> None:
    """Cut at any byte, every whole packet is given; a cut one if all of its header is there."""
    content = HEAD + GOOD + enhanced(MICRO, b"0123456789")
    start = len(HEAD + GOOD)
    for end in range(start, len(content)):
        found, captures = taken(content[:end])
        rest = end - start - 28
        cut = [b"0123456789"[:rest]] if rest >= 0 else []
        assert [packet.frame for packet in found] == [b"good", *cut]
        assert reasons(captures) == ([] if end == start else [(start, "cut short in the middle of a record")])


def test_pcapng_interfaces_are_bounded(taken: Take) -> None:
    """One section describes at most as many interfaces as the obsolete Packet Block can name."""
    content = section() + interface() * MAX_FACES + enhanced(MICRO, b"x", face=MAX_FACES - 1)
    found, captures = taken(content + interface())
    assert len(found) == 1
    assert reasons(captures) == [(len(content), f"more than {MAX_FACES} interfaces")]


def framed(module: ModuleType, content: bytes, end: int, rows: int = 8, *, last: bool = False) -> list[Any]:
    """Rows and state of a framing after one call."""
    if content[:4] == b"\x0a\x0d\x0d\x0a":
        walk = module.PcapngFraming()
    else:
        big = content[:2] == b"\xa1\xb2"
        version, snap = struct.unpack_from(">HH8xI" if big else "<HH8xI", content, 4)[:2], 65535
        walk = module.PcapFraming(big=big, fraction=1000, header=16, version=version, snap=snap, link=1)
        walk.position = 24
    index = array("q", bytes(rows * COLUMNS * 8))
    count = walk.frame(bytearray(content), end, index, 0, last=last)
    state = [walk.position, walk.wanted, walk.fault, walk.unsupported_at, walk.unsupported, walk.link_types]
    if walk.fault:
        state.append(walk.detail)
    return [*[list(index[row * COLUMNS : (row + 1) * COLUMNS]) for row in range(count)], state]


SEEDS = [
    pcap(packets(6)),
    pcap(packets(6), ">"),
    pcapng(packets(4)) + pcapng(packets(3), ">"),
    section()
    + interface(1, option(9, b"\xa1") + option(14, bytes(7) + b"\x7f"))
    + interface(105)
    + interface(113, snap=3)
    + enhanced(1 << 60, b"abcd")
    + obsolete(MICRO, b"efgh", face=2)
    + simple(b"ijkl")
    + enhanced(MICRO, b"no", face=1),
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Draw a capture with some of its bytes changed, cut or repeated."""
    content = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(4, len(content) - 1))
        if draw(st.booleans()):
            content[at] = draw(st.integers(0, 255))
        else:
            value = draw(st.sampled_from([0, 1, 4, 12, 28, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, MAX_RECORD, 262144]))
            content[at : at + 4] = struct.pack(draw(st.sampled_from("<>")) + "I", value)
    return bytes(content)


@pytest.mark.skipif(
    not framing.__file__.endswith(tuple(EXTENSION_SUFFIXES)), reason="collectors.framing is not compiled"
)
@settings(max_examples=300, deadline=None)
@given(content=mutated(), rows=st.integers(1, 8), last=st.booleans(), cut=st.integers(0, 100))
def test_compiled_and_uncompiled_agree(content: bytes, rows: int, cut: int, last: bool) -> None:
    """Rows, stop and fault of any bytes are the same whether framing.py is compiled or not."""
    end = max(24, len(content) - cut)
    assert framed(framing, content, end, rows, last=last) == framed(SOURCE, content, end, rows, last=last)


(SOURCE,) = as_python("collectors.framing")
