"""As much video as tcpreplay can send: nothing is dropped, and where the reader is stopped each lost frame is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.bench import make_captures
from tests.live.topspeed import daemon_runs

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred thousand packets of five hundred cameras, 127 MB."""
    path = tmp_path_factory.mktemp("bench") / "camera-vlan.pcap"
    make_captures.write(path, make_captures.camera_vlan(100_000))
    return path


@pytest.mark.slow
def test_nothing_is_dropped_at_top_speed(tmp_path: Path, capture: Path) -> None:
    """A million packets, three times."""
    results = daemon_runs(tmp_path, capture, 10, 3)
    assert [(each["sent"], each["dropped"], each["difference"]) for each in results] == [(1_000_000, 0, 0)] * 3


@pytest.mark.slow
def test_every_frame_is_accounted_for_where_the_reader_was_stopped(tmp_path: Path, capture: Path) -> None:
    """Sent is seen and dropped, to the frame, in ten runs of a million, and the loss is told."""
    results = daemon_runs(tmp_path, capture, 10, 10, stopped=True)
    assert [each["difference"] for each in results] == [0] * 10
    assert all(each["dropped"] > 0 for each in results)
    assert all(each["told"] for each in results)


def test_the_account_is_exact_where_the_reader_was_stopped(tmp_path: Path, capture: Path) -> None:
    """The same once, with two hundred thousand."""
    (result,) = daemon_runs(tmp_path, capture, 2, 1, stopped=True)
    assert result["sent"] == result["seen"] + result["dropped"]
    assert result["dropped"] > 0
