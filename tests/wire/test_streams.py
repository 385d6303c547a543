"""One direction of a TCP connection put in order: whatever comes in whatever order, in bounded memory."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.wire.streams import HALF, MAX_BYTES, MAX_SEGMENTS, MODULUS, OVERHEAD, Stream, Waiting


def text(pieces: list[bytes | None]) -> str:
    """What was read; a gap as "|"."""
    return "".join("|" if piece is None else piece.decode("latin-1") for piece in pieces)


def opened(sequence: int = 99) -> Stream:
    stream = Stream()
    stream.open(sequence)
    return stream


def test_in_order_goes_straight_through() -> None:
    """Nothing waits."""
    stream = opened()
    assert stream.push(100, b"abc") == [b"abc"]
    assert stream.push(103, b"de") == [b"de"]
    assert not stream.waiting


def test_without_its_request_a_stream_begins_where_it_is_seen() -> None:
    """The first segment is the beginning."""
    stream = Stream()
    assert stream.push(5000, b"abc") == [b"abc"]
    assert stream.push(4990, b"before it ") == []
    assert stream.push(5003, b"d") == [b"d"]


def test_early_segments_wait_for_the_hole_before_them() -> None:
    """They come out together, in order."""
    stream = opened()
    assert stream.push(103, b"de") == []
    assert stream.push(106, b"g") == []
    assert text(stream.push(100, b"abc")) == "abcde"
    assert text(stream.push(105, b"f")) == "fg"


def test_what_was_read_is_not_read_again() -> None:
    """A retransmission says nothing; one that carries more says the rest."""
    stream = opened()
    stream.push(100, b"abcdef")
    assert stream.push(100, b"abcdef") == []
    assert stream.push(103, b"xyz") == []
    assert text(stream.push(104, b"xyzgh")) == "zgh"


def test_of_overlapping_bytes_the_first_that_arrived_count() -> None:
    """Whether they were read already or still wait, and however a later segment lies over them."""
    stream = opened()
    stream.push(104, b"EF")
    stream.push(103, b"defg")
    stream.push(102, b"xxxxxxx")
    assert text(stream.push(100, b"abcde")) == "abxdEFgxx"
    stream = opened()
    stream.push(102, b"CD")
    stream.push(102, b"xxxx")
    assert text(stream.push(100, b"ab")) == "abCDxx"


@pytest.mark.parametrize("start", [0, 1, MODULUS - 1, MODULUS - 5, HALF - 2, HALF])
def test_sequence_numbers_wrap(start: int) -> None:
    """At 2^32, in order and out of order, also where the numbers change sign."""
    stream = opened((start - 1) % MODULUS)
    assert stream.push((start + 6) % MODULUS, b"ghi") == []
    assert stream.push((start + 3) % MODULUS, b"def") == []
    assert text(stream.push(start, b"abc")) == "abcdefghi"
    assert text(stream.push((start + 9) % MODULUS, b"j")) == "j"


def test_bytes_that_were_not_captured_are_a_gap() -> None:
    """A segment cut by the snap length is followed by one; the segments behind it go on."""
    stream = opened()
    assert text(stream.push(100, b"abc", 5)) == "abc|"
    assert text(stream.push(108, b"ij")) == "ij"
    assert text(stream.push(115, b"pq", 3)) == ""
    assert text(stream.push(110, b"klmno")) == "klmnopq|"
    assert text(stream.push(120, b"", 4)) == "|"


def test_a_hole_is_given_up_when_too_much_waits() -> None:
    """64 KiB or 64 segments; what waits comes out behind a gap, and the stream goes on."""
    stream = opened()
    said: list[bytes | None] = []
    for number in range(MAX_SEGMENTS + 1):
        said += stream.push(200 + 2 * number, b"x")
    assert said[:2] == [None, b"x"]
    stream = opened()
    said = []
    for number in range(MAX_BYTES // 1000 + 1):
        said += stream.push(200 + 1000 * number, b"y" * 1000)
    assert said[0] is None
    assert not stream.waiting
    assert sum(len(piece) for piece in said if piece) == (MAX_BYTES // 1000 + 1) * 1000


def test_a_new_request_begins_anew() -> None:
    """What waited for the old connection is gone."""
    stream = opened()
    stream.push(150, b"old")
    stream.open(7000)
    assert not stream.waiting
    assert stream.waiting_bytes == 0
    assert stream.push(7001, b"new") == [b"new"]


@given(
    start=st.integers(0, MODULUS - 1),
    content=st.binary(min_size=1, max_size=300),
    seed=st.integers(0, 2**32),
    extra=st.integers(0, 10),
)
def test_any_order_with_any_overlap_gives_the_bytes(start: int, content: bytes, seed: int, extra: int) -> None:
    """Pieces of one content, shuffled, repeated and overlapping at will, come out as the content, once."""
    random = Random(seed)
    cuts = sorted({0, len(content), *(random.randrange(len(content)) for _ in range(random.randrange(20)))})
    pieces = list(pairwise(cuts))
    for _ in range(extra):
        begin = random.randrange(len(content))
        pieces.append((begin, random.randrange(begin + 1, len(content) + 1)))
    random.shuffle(pieces)
    stream = opened((start - 1) % MODULUS)
    said: list[bytes | None] = []
    for begin, end in pieces:
        said += stream.push((start + begin) % MODULUS, content[begin:end])
    assert None not in said
    assert b"".join(piece for piece in said if piece) == content
    assert not stream.waiting


@given(st.lists(st.tuples(st.integers(0, 200_000), st.integers(0, 70_000), st.integers(0, 70_000)), max_size=100))
def test_memory_is_bounded_whatever_comes(segments: list[tuple[int, int, int]]) -> None:
    """Never more than 64 KiB or 64 segments wait, nothing that waits overlaps, and the count of bytes is right."""
    stream = opened()
    for ahead, length, missing in segments:
        if length + missing:
            stream.push((100 + ahead) % MODULUS, bytes(length), missing)
        assert stream.waiting_bytes == sum(len(data) for data, _ in stream.waiting.values()) <= MAX_BYTES
        assert len(stream.waiting) <= MAX_SEGMENTS
        spans = sorted(
            ((at - stream.expected) % MODULUS, len(data) + gap) for at, (data, gap) in stream.waiting.items()
        )
        assert all(a + length <= b for (a, length), (b, _) in pairwise(spans))
        assert all(at > 0 for at, _ in spans)


def test_all_streams_share_one_budget() -> None:
    """Who asks for more than there is gives its hole up, which is counted; what is read or closed is given back."""
    budget = Waiting(2 * (100 + OVERHEAD))
    first, second = Stream(budget), Stream(budget)
    first.open(0)
    second.open(0)
    assert [first.push(200, b"a" * 100), first.push(400, b"b" * 100)] == [[], []]
    assert second.push(50, b"c" * 100) == [None, b"c" * 100]
    assert (budget.given_up, budget.held) == (1, budget.capacity)
    first.close()
    assert budget.held == 0
