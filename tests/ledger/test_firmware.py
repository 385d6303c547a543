"""What a device runs, by everyone who says so."""

from __future__ import annotations

import pytest

from monitor.ledger.firmware import MAX_HISTORY, MAX_SOURCES, Firmware, Turn, is_same, version_in
from monitor.model.capabilities import Grade

CERTAIN, PROBABLE, HINT = Grade.CERTAIN, Grade.PROBABLE, Grade.HINT


def told(*said: tuple[str, Grade, str]) -> tuple[Firmware, list[Turn | None]]:
    """One second apart."""
    firmware = Firmware()
    return firmware, [firmware.learn(*each, 1_000_000_000 * second) for second, each in enumerate(said, start=1)]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("V5.7.3 build 220315", "5.7.3", True),
        ("V5.7.3", "V5.7.3build220315", True),
        ("2.820.0000000.48.R, build: 2023-05-22", "2.820.0000000.48.R", True),
        ("V5.7.3", "V5.7.15", False),
        ("5.7.3 build 220315", "5.7.3 build 230101", False),
        ("1.1", "1.10", False),
        ("v", "5.7.3", False),
        ("5.7.3", "", False),
    ],
)
def test_spellings(one: str, other: str, same: bool) -> None:
    """One begins with the other, piece by piece, either way round; what says nothing is like nothing."""
    assert is_same(one, other) is same
    assert is_same(other, one) is same


def test_the_first_version_is_news_without_a_before() -> None:
    """So that it opens no update."""
    firmware, turns = told(("1.0", CERTAIN, "isapi"))
    assert turns[0] == Turn(None, "1.0", CERTAIN, "isapi", 1_000_000_000)
    assert firmware.current is not None
    assert firmware.current.text == "1.0"


def test_another_spelling_is_no_change_and_the_longer_one_is_kept() -> None:
    """SADP says more than ONVIF does."""
    firmware, turns = told(("5.7.3", CERTAIN, "onvif"), ("V5.7.3build 220315", CERTAIN, "sadp"))
    assert turns[1] is None
    assert [each.text for each in firmware.history] == ["V5.7.3build 220315"]


def test_a_source_that_lags_behind_does_not_turn_the_device_back() -> None:
    """One that is asked for the first time after the update, or repeats itself, says what it said."""
    firmware, turns = told(
        ("1.0", CERTAIN, "isapi"),
        ("1.0", CERTAIN, "sadp"),
        ("2.0", CERTAIN, "isapi"),
        ("1.0", CERTAIN, "sadp"),
        ("1.0", CERTAIN, "onvif"),
        ("2.0", CERTAIN, "sadp"),
    )
    assert turns[2] == Turn("1.0", "2.0", CERTAIN, "isapi", 3_000_000_000)
    assert turns[3:] == [None, None, None]
    assert [each.text for each in firmware.history] == ["1.0", "2.0"]


def test_a_downgrade_is_a_change_like_any() -> None:
    """The same source says an older version."""
    firmware, turns = told(("2.0", CERTAIN, "isapi"), ("1.0", CERTAIN, "isapi"))
    assert turns[1] == Turn("2.0", "1.0", CERTAIN, "isapi", 2_000_000_000)
    assert [each.text for each in firmware.history] == ["2.0", "1.0"]


def test_what_is_less_sure_does_not_overrule_the_device() -> None:
    """A banner that changed may be a part's: it is told, and the device's word stands."""
    firmware, turns = told(("2.0", CERTAIN, "isapi"), ("1.1", HINT, "http"), ("1.2", HINT, "http"))
    assert turns[1] is None
    assert turns[2] == Turn("1.1", "1.2", HINT, "http", 3_000_000_000)
    assert [each.text for each in firmware.history] == ["2.0"]


def test_the_device_s_word_overrules_a_file_s_name() -> None:
    """No turn, for the name was a guess, but what is known is the device's."""
    firmware, turns = told(("1.7.5", PROBABLE, "image"), ("1.1.0", CERTAIN, "isapi"))
    assert turns[1] is None
    assert firmware.current is not None
    assert (firmware.current.text, firmware.current.grade) == ("1.1.0", CERTAIN)


def test_sources_and_history_are_bounded() -> None:
    """Whoever makes up names of protocols, or a version a second, fills no memory."""
    firmware, _ = told(*((f"{number}.0", CERTAIN, "isapi") for number in range(3 * MAX_HISTORY)))
    assert len(firmware.history) == MAX_HISTORY
    assert firmware.history[-1].text == f"{3 * MAX_HISTORY - 1}.0"
    firmware, _ = told(*(("1.0", CERTAIN, f"source-{number}") for number in range(2 * MAX_SOURCES)))
    assert len(firmware.by_source) == MAX_SOURCES
    assert firmware.learn("2.0", CERTAIN, "one-more", 9) is None


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("D-Link-DCH-S150-1.7.5-AX", "1.7.5"),
        ("IPC_E7_EN_STD_5.7.15 build 230313.zip", "5.7.15 build 230313"),
        ("digicap.dav", None),
        ("updateFirmware", None),
        ("", None),
        ("x" * 10_000, None),
    ],
)
def test_versions_in_file_names(name: str, version: str | None) -> None:
    """Numbers with points between them, and a build behind."""
    assert version_in(name) == version
