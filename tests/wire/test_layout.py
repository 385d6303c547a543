"""The numbers of layout.py, as the compiler knows them."""

from __future__ import annotations

import re
from pathlib import Path

from monitor.wire import layout

NUMBER = r"(-?(?:0x[0-9A-Fa-f]+|\d+))"
ROW = re.compile(rf"^    ([A-Z][A-Z0-9_]*) = {NUMBER}$|^    #define CAMWARDEN_([A-Z0-9_]+) {NUMBER}ULL$", re.MULTILINE)
NAMED = re.compile(r"^    const unsigned long long ([A-Z0-9_]+) \"CAMWARDEN_([A-Z0-9_]+)\"$", re.MULTILINE)


def test_the_compiler_has_the_same_numbers() -> None:
    """layout.pxd and layout.py name the same integers, and all of them."""
    declared = (Path(__file__).parents[2] / "monitor" / "wire" / "layout.pxd").read_text()
    rows = ROW.findall(declared)
    for_compiler = {small or word: int(number or wide, 0) for small, number, word, wide in rows}
    assert {word for _, _, word, _ in rows if word} == {
        own for own, defined in NAMED.findall(declared) if own == defined
    }
    for_python = {name: value for name, value in vars(layout).items() if name.isupper() and isinstance(value, int)}
    assert for_compiler == for_python


def test_columns_of_a_row_do_not_overlap() -> None:
    """Two-wide columns leave room for both directions, and a row is as wide as its columns."""
    wide = {"PACKETS", "BYTES", "PAYLOADS", "WANT", "EXPECTED", "HOLE", "BEHIND"}
    names = [
        "CHAIN", "BUCKET", "OLDER", "NEWER", "LIST", "TOUCHED", "SOURCE_OLDER", "SOURCE_NEWER", "SOURCE", "FLAGS",
        "INITIATOR", "START", "LAST", "NUMBER", "PACKETS", "BYTES", "PAYLOADS", "WANT", "ATTEMPTS", "ATTEMPTED",
        "ISN", "ACK_FIRST", "ACK_LAST", "EXPECTED", "HOLE", "BEHIND",
    ]  # fmt: skip
    at = 0
    for name in names:
        assert getattr(layout, name) == at, name
        at += 2 if name in wide else 1
    assert at == layout.WIDTH


def test_events_and_flags_are_single_bits() -> None:
    """No two events share a bit, and no two flags do."""
    events = [
        layout.TICK, layout.EVICT, layout.REUSE, layout.NEW, layout.ATTEMPT, layout.ANSWER, layout.REFUSE,
        layout.TRANSFER, layout.PAYLOAD, layout.NEIGHBOUR, layout.FRAGMENT, layout.ERROR, layout.MALFORMED, layout.SYN,
    ]  # fmt: skip
    flags = [value for name, value in vars(layout).items() if name.startswith("F_")]
    for bits in (events, flags):
        assert sum(bits) == 2 ** len(bits) - 1
        assert all(bit.bit_count() == 1 for bit in bits)
