"""camwarden report, as people run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from monitor.cli import app
from tests.report.full import month

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_written(tmp_path: Path) -> None:
    """The report of a journal, for a time, into the file that is named."""
    month(tmp_path / "state")
    out = tmp_path / "report.html"
    done = CliRunner().invoke(
        app, ["report", "--state", str(tmp_path / "state"), "--since", "2025-11-02", "-o", str(out)]
    )
    assert done.exit_code == 0, done.output
    assert done.output == ""
    assert out.read_text().startswith("<!DOCTYPE html>\n<html lang=")
    assert "2025-11-02 00:00 UTC" in out.read_text()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--state", "{}/none"], "no journal here"),
        ([], "--state DIR or a configuration with sensor.state is needed"),
        (["--state", "{}/state", "--since", "soon"], "--since soon: a time such as 2026-11-01"),
        (["--state", "{}/state", "--since", "2025-11-02", "--until", "2025-11-01"], "--since must be before --until"),
        (["--state", "{}/state", "-o", "{}/no/such/place.html"], "No such file or directory"),
    ],
)
def test_what_is_wrong_is_one_line(arguments: list[str], line: str, tmp_path: Path) -> None:
    """No journal, no time, no room for the file: exit 2, one line, no traceback."""
    month(tmp_path / "state")
    given = [each.format(tmp_path) for each in arguments]
    out = [] if "-o" in given else ["-o", str(tmp_path / "report.html")]
    done = CliRunner().invoke(app, ["report", *given, *out])
    assert done.exit_code == 2
    assert line in done.output
    assert done.output.count("\n") == 1
