"""Floods over a real interface: nothing is lost that is watched, and what is lost is known (threat model C3, C7)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.live.flood import flood
from tests.live.storm import OPERATORS, storm

if TYPE_CHECKING:
    from pathlib import Path

FRAMES: Final = int(os.environ.get("CAMWARDEN_FLOOD", "10000000"))
GROWTH_MIB: Final = {"anywhere": 64, "strangers": 64, "cameras": 80}
"""By source. Made-up cameras are hosts of the site, each with contacts; half of all hosts that are kept open incidents."""
SOON_S: Final = 2.0
ROWS: Final = 100
"""Of one subject in an hour."""


def judge(result: dict[str, Any], calls: int) -> None:
    """All planted calls were found in time, every frame is accounted for, and memory is bounded."""
    assert "Traceback" not in result["log"]
    assert result["found"] == calls, result["runs"]
    assert [run["difference"] for run in result["runs"]] == [0] * calls
    assert result["grew_mib"] <= GROWTH_MIB[result["source"]]
    assert result["health"]["passed_over"] == result["passed_over"]


@pytest.mark.slow
def test_a_flood_hides_no_call(tmp_path: Path) -> None:
    """A hundred thousand made-up connections of made-up cameras at once, with a planted call."""
    judge(flood(tmp_path, 100_000, 1, "cameras"), 1)


@pytest.mark.slow
@pytest.mark.parametrize(("source", "calls"), [("anywhere", 20), ("strangers", 3), ("cameras", 3)])
def test_a_long_flood_hides_no_call(tmp_path: Path, source: str, calls: int) -> None:
    """The same with ten million, again and again; more begins than can be looked at, and that is said."""
    result = flood(tmp_path, FRAMES, calls, source)
    judge(result, calls)
    assert result["passed_over"] > 0
    assert "more than can be looked at: passing strangers over" in result["log"]


def storms(result: dict[str, Any]) -> None:
    """The other camera's call was told at once; what the storm took is bounded and counted."""
    assert "Traceback" not in result["log"]
    assert result["difference"] == result["dropped"] == 0
    assert result["found_s"] is not None
    assert result["found_s"] <= SOON_S
    assert 0 < result["rows"] <= ROWS
    assert result["attempts_counted"] + result["passed_over"] == result["sent"] - PLANTED


PLANTED: Final = 3
"""Frames of the one call: a SYN and its retransmissions."""


@pytest.mark.slow
def test_a_storm_of_one_camera_hides_no_others_call(tmp_path: Path) -> None:
    """A hundred thousand attempts, to many operators."""
    storms(storm(tmp_path, 100_000))


@pytest.mark.slow
def test_a_long_storm_of_one_camera_hides_no_others_call(tmp_path: Path) -> None:
    """A million."""
    storms(storm(tmp_path, 1_000_000, OPERATORS))
