"""Months begin with a day: fifty cameras, configuration files that come and go, and nothing grows (T25)."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import Any, Final

import pytest

from tests.app.living import MOSQUITTO, ROOT

GROWTH: Final = 1.10
"""Of memory from the first hour to the last."""
SLOPE_MIB: Final = 1.0
"""Growth an hour, at most."""


def day(hours: float, reloads: int) -> dict[str, Any]:
    """The program's last line; it is a process of its own, since its memory is measured."""
    if MOSQUITTO is None or shutil.which("mosquitto_sub") is None:
        pytest.skip("mosquitto and mosquitto-clients are not installed")
    command = [sys.executable, "-m", "tests.live.day", "--hours", str(hours), "--reloads", str(reloads)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert result["bad"] == []
    assert result["lost"] == []
    assert (result["taken_over"], result["refused"]) == (reloads - reloads // 5, reloads // 5)
    return result


def test_a_quarter_of_an_hour_with_reloads_loses_nothing() -> None:
    """Every planted call is told, across reloads of which each fifth is refused."""
    assert day(0.25, 20)["opened"] == 3


@pytest.mark.slow
def test_a_day_of_fifty_cameras() -> None:
    """Memory hardly grows after the first hour; descriptors, threads and tasks are as many as they were."""
    result = day(24, 1000)
    first, last = result["hourly"][0], result["hourly"][-1]
    assert len(result["hourly"]) == 24
    for memory in ("own_mib", "rss_mib"):
        assert last[memory] <= GROWTH * first[memory]
        assert (last[memory] - first[memory]) / 23 <= SLOPE_MIB
    for fixed in ("fds", "threads", "tasks"):
        assert all(hour[fixed] == first[fixed] for hour in result["hourly"])
    assert result["opened"] >= 200
