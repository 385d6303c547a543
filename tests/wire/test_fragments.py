"""IP fragments put together: any order, no overlap, in bounded memory and time."""

from __future__ import annotations

import sys
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.address import pack
from monitor.wire.fragments import MAX_BYTES, MAX_PARTS, TIMEOUT_NS, Datagram, Fragments
from pcaps import packets
from pcaps.packets import Host
from tests.wire.tap import SECOND, START

HERE, THERE = Host.at("10.20.0.12", "44:19:b6:20:00:0c"), Host.at("52.30.100.10", "00:00:0c:07:ac:01")
HERE6, THERE6 = Host.at("2001:db8::c", "44:19:b6:20:00:0c"), Host.at("2a00:1450::10", "00:00:0c:07:ac:01")


def add(
    fragments: Fragments, offset: int, data: bytes, *, more: bool, ts: int = START, ident: int = 7, **changed: Any
) -> Datagram | None:
    """One fragment of a datagram from HERE to THERE, over IPv4 unless told otherwise."""
    header = changed.pop("header", packets.udp(HERE, THERE, 1, 2, b"")[:20])
    values = {"source": pack("10.20.0.12"), "destination": pack("52.30.100.10"), "proto": 17} | changed
    return fragments.add(
        ts, values["source"], values["destination"], values["proto"], ident, offset, header, data, len(data) + 34, more=more
    )  # fmt: skip


def of(content: bytes, size: int) -> list[tuple[int, bytes, bool]]:
    """(offset, bytes, whether more follow) of a content in parts."""
    return [(at, content[at : at + size], at + size < len(content)) for at in range(0, len(content), size)]


@given(
    length=st.integers(9, 400), size=st.sampled_from([8, 16, 64]), seed=st.integers(0, 2**32), again=st.integers(0, 3)
)
def test_parts_in_any_order_make_the_datagram(length: int, size: int, seed: int, again: int) -> None:
    """Repeated parts change nothing but the count of what passed."""
    random = Random(seed)
    content = random.randbytes(length)
    parts = of(content, size)
    parts += [parts[random.randrange(len(parts))] for _ in range(again)]
    random.shuffle(parts)
    fragments = Fragments()
    whole, octets, count = None, 0, 0
    for offset, data, more in parts:
        made = add(fragments, offset, data, more=more)
        octets, count = octets + len(data) + 34, count + 1
        if made is not None:
            whole = made
            break
    assert whole is not None
    assert whole.memory[20:] == content
    assert (whole.octets, whole.packets, whole.wire) == (octets, count, 20 + length)
    assert (len(fragments), fragments.held, fragments.dropped) == (0, 0, 0)


def test_the_header_is_that_of_a_whole_packet() -> None:
    """Total length of the whole, no fragment bits, options kept; over IPv6 extension headers are left out."""
    fragments = Fragments()
    header = bytes([0x46]) + packets.udp(HERE, THERE, 1, 2, b"")[1:6] + b"\x20\x00" + bytes(16)
    add(fragments, 0, b"a" * 8, more=True, header=header)
    whole = add(fragments, 8, b"b" * 3, more=False)
    assert whole is not None
    assert whole.memory[:8] == bytes([0x46]) + header[1:2] + b"\x00\x23" + header[4:6] + b"\x00\x00"
    assert whole.memory[24:] == b"a" * 8 + b"b" * 3
    six = packets.ip(HERE6, THERE6, 0, bytes(16))
    ends = {"source": pack("2001:db8::c"), "destination": pack("2a00:1450::10")}
    add(fragments, 0, b"a" * 8, more=True, header=six, **ends)
    whole = add(fragments, 8, b"b" * 3, more=False, **ends)
    assert whole is not None
    assert whole.memory[4:7] == b"\x00\x0b\x11"
    assert (len(whole.memory), whole.wire) == (51, 51)


def test_over_ipv6_the_first_part_says_the_protocol() -> None:
    """What the others say does not matter (RFC 8200, 4.5); over IPv4 it tells datagrams apart."""
    six = {
        "source": pack("2001:db8::c"),
        "destination": pack("2a00:1450::10"),
        "header": packets.ip(HERE6, THERE6, 44, b""),
    }
    fragments = Fragments()
    assert add(fragments, 8, b"b" * 8, more=False, proto=6, **six) is None
    whole = add(fragments, 0, b"a" * 8, more=True, proto=17, **six)
    assert whole is not None
    assert whole.memory[6] == 17
    assert add(fragments, 8, b"b" * 8, more=False, proto=6) is None
    assert add(fragments, 0, b"a" * 8, more=True, proto=17) is None


@pytest.mark.parametrize("apart", [{"ident": 8}, {"source": pack("10.20.0.13")}, {"destination": pack("52.30.100.11")}])
def test_parts_of_different_datagrams_are_kept_apart(apart: dict[str, Any]) -> None:
    """By addresses and identification."""
    fragments = Fragments()
    assert add(fragments, 0, b"a" * 8, more=True) is None
    assert add(fragments, 8, b"b" * 8, more=False, **apart) is None
    assert len(fragments) == 2


@pytest.mark.parametrize(
    "parts",
    [
        [(0, b"a" * 16, True), (8, b"b" * 16, False)],
        [(8, b"b" * 16, False), (0, b"a" * 16, True)],
        [(0, b"a" * 16, True), (0, b"b" * 16, True)],
        [(0, b"a" * 16, True), (0, b"a" * 24, True)],
        [(16, b"b" * 8, False), (24, b"c" * 8, True)],
        [(24, b"c" * 8, True), (8, b"b" * 8, False)],
        [(16, b"b" * 8, False), (8, b"b" * 8, False)],
        [(65528, b"c" * 16, True)],
    ],
    ids=["tail", "head", "same place", "longer", "behind the end", "behind a later end", "two ends", "beyond 64 KiB"],
)
def test_parts_that_contradict_each_other_drop_the_datagram(parts: list[tuple[int, bytes, bool]]) -> None:
    """Overlapping parts, parts behind the end and a second end leave nothing, and are counted (RFC 5722)."""
    fragments = Fragments()
    for offset, data, more in parts:
        assert add(fragments, offset, data, more=more) is None
    assert (len(fragments), fragments.held, fragments.dropped) == (0, 0, 1)


def test_a_hole_is_not_filled_by_what_lies_behind_the_end() -> None:
    """As many bytes as the whole has are not the whole."""
    fragments = Fragments()
    add(fragments, 0, b"a" * 8, more=True)
    add(fragments, 96, b"x" * 8, more=True)
    assert add(fragments, 16, b"c" * 8, more=False) is None
    assert fragments.dropped == 1


def test_a_datagram_has_a_bounded_number_of_parts() -> None:
    """The next one drops it."""
    fragments = Fragments()
    for number in range(MAX_PARTS + 1):
        add(fragments, 8 * number, b"x" * 8, more=True)
    assert (len(fragments), fragments.dropped) == (0, 1)


def test_what_waits_too_long_is_given_up_and_its_first_part_handed_on() -> None:
    """Ports are evidence: up to the first hole, with the bytes of all parts and the time of the first, as a cut datagram."""
    fragments = Fragments()
    add(fragments, 0, b"a" * 8, more=True)
    add(fragments, 8, b"b" * 8, more=True, ts=START + SECOND)
    add(fragments, 24, b"d" * 8, more=False, ts=START + 2 * SECOND)
    add(fragments, 8, b"b" * 8, more=True, ident=8, ts=START + 3 * SECOND)
    assert fragments.next_ns() == START + TIMEOUT_NS + 1
    assert fragments.expire(START + TIMEOUT_NS) == []
    (cut,) = fragments.expire(START + TIMEOUT_NS + 1)
    assert cut.memory[20:] == b"a" * 8 + b"b" * 8
    assert (cut.wire, cut.octets, cut.packets, cut.first_ns) == (52, 24 + 3 * 34, 3, START)
    assert fragments.expire(START + 10 * TIMEOUT_NS) == []
    assert (len(fragments), fragments.held, fragments.dropped, fragments.next_ns()) == (0, 0, 2, None)


def test_a_first_part_alone_is_known_to_be_cut() -> None:
    """More was to come, however much."""
    fragments = Fragments()
    add(fragments, 0, b"a" * 24, more=True)
    (cut,) = fragments.expire(START + 2 * TIMEOUT_NS)
    assert cut.wire > len(cut.memory) == 44


def resident(fragments: Fragments) -> int:
    """What the open datagrams take, by what Python says of each object."""
    size = sys.getsizeof(fragments._open)
    for key, entry in fragments._open.items():
        size += sys.getsizeof(key) + sys.getsizeof(entry) + sys.getsizeof(entry.header) + sys.getsizeof(entry.parts)
        size += sum(sys.getsizeof(part) + sys.getsizeof(part[1]) + 32 for part in entry.parts)
    return size


@pytest.mark.parametrize("size", [0, 1, 8, 1480, 9000])
@pytest.mark.parametrize("parts", [1, 8])
def test_memory_is_bounded_however_small_the_parts_are(size: int, parts: int) -> None:
    """Parts of no bytes too; the datagram that waits for longest goes first, and each is counted."""
    bound = MAX_BYTES // 16
    fragments = Fragments(max_bytes=bound)
    header = packets.ip(HERE6, THERE6, 0, bytes(1400))
    ends = {"source": pack("2001:db8::c"), "destination": pack("2a00:1450::10"), "header": header}
    count = 3 * bound // (size + 100) // parts
    for number in range(count):
        for part in range(parts):
            add(fragments, (size + 8) * part, bytes(size), more=True, ident=number, **ends)
    assert fragments.held <= bound
    assert resident(fragments) <= 1.5 * bound
    assert len(fragments) + fragments.dropped == count


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 70000), st.integers(0, 3000), st.booleans(), st.integers(0, 10)),
        max_size=60,
    )
)
def test_whatever_comes_the_books_balance(parts: list[tuple[int, int, int, bool, int]]) -> None:
    """What is held is what waits; every datagram ends whole or counted."""
    fragments = Fragments(max_bytes=20_000)
    now = START
    for ident, offset, length, more, seconds in parts:
        now += seconds * SECOND
        fragments.expire(now)
        whole = add(fragments, offset, bytes(length), more=more, ts=now, ident=ident)
        if whole is not None:
            assert len(whole.memory) == whole.wire
        assert fragments.held == sum(entry.held for entry in fragments._open.values()) <= 20_000
    fragments.expire(now + 10 * TIMEOUT_NS)
    assert (len(fragments), fragments.held) == (0, 0)
