"""Firmware versions: read as their makers write them, ordered only where an order is defined."""

from __future__ import annotations

from datetime import date
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.versions import SPELLINGS, Version, compare, parse

DAYS = st.dates(date(2010, 1, 1), date(2029, 12, 31))
FEW = st.lists(st.integers(0, 2), min_size=2, max_size=3).filter(any)
PARTS = st.lists(st.integers(0, 99), min_size=2, max_size=4).filter(any)


def dotted(numbers: list[int]) -> str:
    return ".".join(map(str, numbers))


SPELLED = {
    "hikvision": lambda numbers, day: f"V{dotted(numbers)} build {day:%y%m%d}",
    "dahua": lambda numbers, day: f"{dotted(numbers)}.R,build:{day:%Y-%m-%d}",
    "reolink": lambda numbers, day: f"v{dotted(numbers)}_{day:%y%m%d}07",
    "hanwha": lambda numbers, day: f"{dotted(numbers)}_{day:%Y%m%d}_R12",
    "tp-link": lambda numbers, day: f"{dotted(numbers)} Build {day:%y%m%d} Rel.4{day:%d}n",
    "axis": lambda numbers, _: dotted(numbers),
}
"""A text as each maker writes it."""


def read(vendor: str | None, text: str) -> Version:
    version = parse(vendor, text)
    assert version is not None, text
    return version


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, str]:
    vendor = draw(st.sampled_from(sorted(SPELLED)))
    return vendor, SPELLED[vendor](draw(PARTS), draw(DAYS))


@pytest.mark.parametrize(
    ("vendor", "text", "numbers", "released"),
    [
        ("hikvision", "V5.5.3 build 180710", (5, 5, 3), date(2018, 7, 10)),
        ("hikvision", "V5.3.0build 150513", (5, 3), date(2015, 5, 13)),
        ("hikvision", "V5.5.82", (5, 5, 82), None),
        ("hikvision", "V5.5.82 build 189940", (5, 5, 82), None),
        ("ezviz", "V5.3.0build 150513", (5, 3), date(2015, 5, 13)),
        ("dahua", "2.800.0000016.0.R,build:2020-06-05", (2, 800, 16), date(2020, 6, 5)),
        ("dahua", "2.800.0000000.8.R, Build Date 2020-06-05", (2, 800, 0, 8), date(2020, 6, 5)),
        ("dahua", "2.800.0000000.8.R, Build Date: 2020-06-05", (2, 800, 0, 8), date(2020, 6, 5)),
        ("dahua", "V2.620.0000002.0.R.170830", (2, 620, 2), date(2017, 8, 30)),
        ("dahua", "V2.400.0000000.16.R.20170831", (2, 400, 0, 16), date(2017, 8, 31)),
        ("dahua", "2.800.0000016.0.R", (2, 800, 16), None),
        ("amcrest", "2.420.AC00.16.R, Build Date 2017-09-09", (), date(2017, 9, 9)),
        ("reolink", "v3.0.0.136_20121102", (3, 0, 0, 136), date(2020, 12, 11)),
        ("hanwha", "1.41.02_20210506", (1, 41, 2), date(2021, 5, 6)),
        ("hanwha", "1.41.02_20210506_R366", (1, 41, 2), date(2021, 5, 6)),
        ("uniview", "GIPC-B6215.1.68.NB.240617", (), date(2024, 6, 17)),
        ("tp-link", "1.1.18 Build 220518 Rel.61472n(4555)", (1, 1, 18), date(2022, 5, 18)),
        ("axis", "9.80.1", (9, 80, 1), None),
        ("nuuo", " 03.11.0000.0016\n", (3, 11, 0, 16), None),
        (None, "V5.5.3 build 180710", (), date(2018, 7, 10)),
        (None, "2.800.0000016.0.R,build:2020-06-05", (), date(2020, 6, 5)),
    ],
)
def test_known_spellings(vendor: str | None, text: str, numbers: tuple[int, ...], released: date | None) -> None:
    """Numbers and the day of the build, as far as the text has them; a day that no calendar has is none."""
    version = read(vendor, text)
    assert (version.numbers, version.released) == (numbers, released)


@pytest.mark.parametrize(
    ("vendor", "text"),
    [
        ("xiongmai", "V5.00.R02.00030747.10010.349f17.0000000"),
        ("uniview", "IPC_D1211-B0002P62D1907"),
        ("amcrest", "2.420.AC00.16.R"),
        ("axis", "banana"),
        ("axis", "9"),
        ("axis", "9.80.1-beta"),
        ("axis", "9.8\u0660.1"),
        ("hikvision", "2.800.0000016.0.R,build:2020-06-05"),
        ("dahua", "V5.5.3 build 180710"),
        (None, "9.80.1"),
        (None, "v3.0.0.136_20121102"),
        ("axis", ""),
        ("axis", "1." * 200 + "1"),
        ("hikvision", "V5.5.3 build 180710" + " " * 200 + "x"),
    ],
)
def test_everything_else_is_unknown(vendor: str | None, text: str) -> None:
    """What is in no spelling that is known of its maker says nothing, however much it looks like a version."""
    assert parse(vendor, text) is None


@given(st.sampled_from([None, "axis", *SPELLINGS]), st.text(max_size=200))
def test_any_text_is_read_or_refused(vendor: str | None, text: str) -> None:
    """Whatever a device says, nothing is raised, and what is read says something."""
    version = parse(vendor, text)
    assert version is None or version.numbers or version.released


@pytest.mark.parametrize(
    ("vendor", "ascending"),
    [
        (
            "hikvision",
            [
                "V5.2.0 build 140721",
                "V5.4.0 build 160401",
                "V5.4.0 build 160530",
                "V5.4.41 build 170101",
                "V5.10.0 build 160101",
            ],
        ),
        ("dahua", ["2.800.0000000.8.R,build:2020-06-05", "2.800.0000000.29.R.210630", "2.820.0000000.1.R"]),
        ("reolink", ["v2.0.0.448_18042802", "v3.0.0.136_20121102", "v3.0.0.494_21012114", "v3.1.0.1_21012114"]),
        ("axis", ["5.51.7.3", "9.9", "9.80", "9.80.1", "10.12.182"]),
    ],
)
def test_order_within_a_maker(vendor: str, ascending: list[str]) -> None:
    """Numbers decide as numbers, not as text; then the build."""
    for older, newer in pairwise([read(vendor, text) for text in ascending]):
        assert (compare(older, newer), compare(newer, older)) == (-1, 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("hikvision", "V5.4.0"), ("hikvision", "V5.4.0 build 160401")),
        (("dahua", "2.800.0000000.8.R"), ("dahua", "2.800.0000000.9.T")),
        (("axis", "9.80.1"), ("bosch", "9.80.1")),
        (("reolink", "v3.0.0.136_20121102"), ("reolink", "v3.0.0.136_20121103")),
        (("hanwha", "1.41.02_20210506_R366"), ("hanwha", "1.41.02_20210506_R367")),
        (("ezviz", "V5.3.0 build 150513"), ("hikvision", "V5.4.0 build 160513")),
        ((None, "V5.3.0 build 150513"), (None, "V5.4.0 build 160513")),
        (("uniview", "GIPC-B6215.1.68.NB.240617"), ("uniview", "GIPC-B6215.1.69.NB.240618")),
        (("amcrest", "2.420.AC00.16.R.170101"), ("amcrest", "2.420.AC00.17.R.180101")),
    ],
)
def test_what_has_no_order(one: tuple[str | None, str], other: tuple[str | None, str]) -> None:
    """Across makers, spellings, kinds of build, and where a part is missing that decides, nothing is guessed."""
    assert compare(read(*one), read(*other)) is None
    assert compare(read(*other), read(*one)) is None


def test_zeros_at_the_end_say_nothing() -> None:
    """9.80 and 9.80.0 are one version."""
    assert compare(read("axis", "9.80"), read("axis", "9.80.0")) == 0


@given(texts(), texts())
def test_order_has_a_direction(one: tuple[str, str], other: tuple[str, str]) -> None:
    """What is older one way is newer the other way; makers never mix; a version is itself."""
    first, second = read(*one), read(*other)
    there, back = compare(first, second), compare(second, first)
    assert (there is None) == (back is None)
    assert there is None or there == -(back or 0)
    assert compare(first, first) == 0
    if one[0] != other[0]:
        assert there is None


@given(st.sampled_from(sorted(SPELLED)), st.lists(st.tuples(FEW, DAYS), min_size=3, max_size=3))
def test_order_goes_on(vendor: str, made: list[tuple[list[int], date]]) -> None:
    """Older than what is not newer than a third is older than the third; of one maker's spelling all are ordered."""
    versions = [read(vendor, SPELLED[vendor](numbers, day)) for numbers, day in made]
    for first, second, third in permutations(versions):
        low, high = compare(first, second), compare(second, third)
        assert low is not None
        assert high is not None
        if low <= 0 and high <= 0:
            assert compare(first, third) == min(low, high)


@given(st.sampled_from(sorted(SPELLED.keys() - {"axis"})), PARTS, DAYS)
def test_the_day_of_the_build_is_read_back(vendor: str, numbers: list[int], day: date) -> None:
    """Whatever the version, the day that a maker writes into it is the day that is read."""
    assert read(vendor, SPELLED[vendor](numbers, day)).released == day
