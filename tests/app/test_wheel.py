"""The wheel in an environment of its own, without a network: ``make wheel`` builds it and runs this."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.app.living import ROOT

WHEELHOUSE = os.environ.get("CAMWARDEN_WHEELHOUSE")

pytestmark = pytest.mark.skipif(WHEELHOUSE is None, reason="needs a wheelhouse: make wheel")


@cache
def wheelhouse() -> Path:
    assert WHEELHOUSE is not None
    return Path(WHEELHOUSE).resolve()


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with what the wheelhouse has, and nothing of the checkout."""
    directory = tmp_path_factory.mktemp("clean")
    subprocess.run([sys.executable, "-m", "venv", directory / "venv"], check=True, timeout=120)
    pip = [directory / "venv/bin/pip", "install", "--quiet", "--no-index", "--no-cache-dir"]
    done = alone(*pip, "--find-links", wheelhouse(), "camwarden[demo]", cwd=directory)
    assert done.returncode == 0, done.stderr
    return directory


def alone(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run it where there is no network but loopback, and no checkout to import from."""
    clear = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(cwd), "LANG": "C.UTF-8"}
    if os.geteuid() == 0 and shutil.which("unshare"):
        command = ("unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$0" "$@"', *command)
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=clear, timeout=300)


def test_the_sums_are_those_of_the_wheels() -> None:
    """What is carried can be checked with coreutils."""
    done = subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=wheelhouse(), check=False, timeout=60)
    assert done.returncode == 0
    assert len(list(wheelhouse().glob("*.whl"))) == len((wheelhouse() / "SHA256SUMS").read_text().splitlines())


def test_it_says_what_it_is(clean: Path) -> None:
    """The version of pyproject.toml, help of every command, and nothing imported from the checkout."""
    program = clean / "venv/bin/camwarden"
    done = alone(program, "--help", cwd=clean)
    assert (done.returncode, "replay" in done.stdout) == (0, True), done.stderr
    python = clean / "venv/bin/python"
    done = alone(python, "-c", "import monitor, collectors; print(monitor.__version__, monitor.__file__)", cwd=clean)
    version, _, file = done.stdout.strip().partition(" ")
    assert f'version = "{version}"' in (ROOT / "pyproject.toml").read_text()
    assert Path(file).is_relative_to(clean)


def test_it_is_compiled(clean: Path) -> None:
    """A wheel needs no compiler: what passes each packet came as machine code."""
    script = "import monitor.wire.scan as a, monitor.engine as b; print(a.__file__, b.__file__)"
    done = alone(clean / "venv/bin/python", "-c", script, cwd=clean)
    assert done.stdout.count(".so") == 2, done.stdout + done.stderr


def test_the_demo_finds_what_it_should(clean: Path) -> None:
    """Every scene as described, with data, broker and captures from the wheels alone."""
    done = alone(clean / "venv/bin/camwarden", "demo", "--once", "--fast", cwd=clean)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "in order, none missing" in done.stdout
    assert "not as described" not in done.stdout


def test_it_reports_and_replays(clean: Path) -> None:
    """A capture of ours, a journal, and the report from it."""
    capture = ROOT / "pcaps/irish_vendor_cloud.pcap"
    program = clean / "venv/bin/camwarden"
    done = alone(program, "replay", "--home", "GB", "--state", clean / "state", capture, cwd=clean)
    assert (done.returncode, "Hikvision" in done.stdout) == (0, True), done.stderr
    done = alone(program, "report", "--state", clean / "state", "-o", clean / "report.html", cwd=clean)
    assert done.returncode == 0, done.stderr
    assert (clean / "report.html").read_text().startswith("<!DOCTYPE html>")


def test_the_wheel_carries_its_licences() -> None:
    """Those of the data too, and no tests."""
    from zipfile import ZipFile

    (wheel,) = wheelhouse().glob("camwarden-*.whl")
    names = ZipFile(wheel).namelist()
    for end in ("LICENSE", "LICENSE-CC-BY-4.0", "LICENSE-CC-BY-SA-4.0"):
        assert any(name.endswith(end) and ".dist-info/" in name for name in names), end
    assert not [name for name in names if name.startswith(("tests/", "dashboards/")) or name.endswith(".c")]
