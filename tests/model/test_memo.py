"""Memo remembers, stays bounded and keeps no failure."""

from __future__ import annotations

import pytest

from monitor.model.memo import Memo
from monitor.model.parts import is_graphic, part


def test_asked_once() -> None:
    asked: list[str] = []

    def make(key: str) -> str:
        asked.append(key)
        return key.upper()

    memo = Memo(make, 8)
    assert [memo.of("a"), memo.of("b"), memo.of("a")] == ["A", "B", "A"]
    assert asked == ["a", "b"]


def test_bounded() -> None:
    memo = Memo(str, 3)
    for number in range(10):
        assert memo.of(number) == str(number)
        assert len(memo) <= 3
    assert memo.of(0) == "0"


def test_what_is_false_is_remembered_too() -> None:
    asked: list[int] = []

    def make(key: int) -> bool:
        asked.append(key)
        return False

    memo = Memo(make, 2)
    assert memo.of(1) is False
    assert memo.of(1) is False
    assert asked == [1]


def test_a_failure_is_not_remembered() -> None:
    memo = Memo(int, 2)
    for _ in range(2):
        with pytest.raises(ValueError, match="invalid literal"):
            memo.of("x")
    assert len(memo) == 0


@pytest.mark.parametrize(("start", "end"), [(0, 0), (0, 3), (1, 2), (2, 9), (3, 3), (5, 9), (2, 1)])
def test_part_is_a_slice(start: int, end: int) -> None:
    assert part(b"abc", start, end) == b"abc"[start:end]


def test_graphic() -> None:
    assert [each for each in map(chr, range(256)) if is_graphic(each)] == [chr(octet) for octet in range(0x20, 0x7F)]
    assert is_graphic("")
    assert not is_graphic("€")
