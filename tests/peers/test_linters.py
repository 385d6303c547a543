"""What other people's readers say of the files that start programs: the image, the compose file, the scripts."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.app.living import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DEPLOY = ROOT / "deploy"
NEWER = {"name", "create_host_path"}
"""Of compose-spec, and unknown to Debian's docker-compose 1.29."""


def test_hadolint_has_nothing_to_say(installed: Callable[[str], Path]) -> None:
    hadolint = installed("hadolint/bin/hadolint")
    done = subprocess.run([hadolint, DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


def test_docker_compose_reads_it(tmp_path: Path) -> None:
    """All services, with the options that they share; without the two words that came after it."""
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("peers are not installed: make peers")
    stack = yaml.safe_load((DEPLOY / "compose/compose.yaml").read_text())
    del stack["name"]
    for service in stack["services"].values():
        for mount in service["volumes"]:
            mount.pop("bind", None)
    (tmp_path / "compose.yaml").write_text(yaml.safe_dump(stack))
    done = subprocess.run(
        [program, "-f", tmp_path / "compose.yaml", "config"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    read = yaml.safe_load(done.stdout)
    assert read["services"].keys() == stack["services"].keys()
    assert all(each["cap_drop"] == ["ALL"] for each in read["services"].values())


def test_shellcheck_has_nothing_to_say() -> None:
    program = shutil.which("shellcheck")
    if program is None:
        pytest.skip("peers are not installed: make peers")
    scripts = sorted(DEPLOY.rglob("*.sh"))
    assert len(scripts) >= 2
    done = subprocess.run([program, *scripts], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")
