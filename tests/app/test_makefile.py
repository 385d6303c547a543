"""The Makefile's set-up on a bare machine: what is missing is installed, what is there is left alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
needs = pytest.mark.skipif(not shutil.which("make") or not shutil.which("dpkg-query"), reason="needs make and dpkg")


def asked(tmp_path: Path, *packages: str) -> list[str]:
    """What apt-get was called with, a line a call, when a target needs these packages. The installer is a recorder."""
    tools, calls = tmp_path / "tools", tmp_path / "calls"
    tools.mkdir()
    calls.touch()
    for name, script in {"apt-get": f'echo "$@" >> {calls}', "sudo": '"$@"'}.items():
        (tools / name).write_text(f"#!/bin/sh\n{script}\n")
        (tools / name).chmod(0o755)
    target = f"probe: ; $(call packages,{' '.join(packages)})"
    done = subprocess.run(
        ["make", "--silent", "--eval", target, "probe"],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "MAKEFLAGS": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return calls.read_text().splitlines()


@needs
def test_what_is_missing_is_installed(tmp_path: Path) -> None:
    """dpkg-query fails for a package that it never heard of: that is no reason to end."""
    calls = asked(tmp_path, "coreutils", "camwarden-no-such-package", "bash")
    assert calls == ["update -qq", "install -y -qq --no-install-recommends camwarden-no-such-package"]


@needs
def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    """Nothing is asked for, so nothing needs the network."""
    assert asked(tmp_path, "coreutils", "bash") == []
