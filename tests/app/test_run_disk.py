"""The disk of the journal is full: said within seconds, nothing is lost, and it goes on by itself."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.app.living import Daemon, Site, wait_until
from tests.app.planted import OPERATORS, attempt, configured

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.app.living import Message

SMALL_MIB = 40
TAKEN_MIB = 32
"""Of these when the daemon starts: a quarter of the rest becomes its reserve (store.reserve, SHARE)."""
CAMERAS = 250


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={SMALL_MIB}m", "camwarden-test", str(folder)]
    made = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"nothing can be mounted here: {made.stderr.strip()}")
    (folder / "ballast").write_bytes(bytes(TAKEN_MIB << 20))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Take every byte that is left."""
    ballast = folder / "ballast"
    with ballast.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
    assert os.statvfs(folder).f_bavail == 0
    return ballast


def configuration(disk: Path) -> str:
    return configured(CAMERAS, sensor={"name": "here", "state": str(disk / "state")})


def every_attempt() -> list[bytes]:
    """Of each camera at each operator: each is an incident, and together they are more than the reserve holds."""
    return [attempt(number, f"{net}.60") for net in OPERATORS for number in range(CAMERAS)]


def test_a_full_disk(site: Site, disk: Path) -> None:
    """It is told; what is new is told too, from the reserve; and what that does not hold once there is room again."""
    daemon = Daemon(site, configuration(disk))
    daemon.state = disk / "state"
    site.send(attempt(0))
    wait_until(lambda: site.about("cam-0"), "the attempt before")
    assert daemon.metric("journal_full") == 0
    ballast = fill(disk)
    site.send(*(attempt(number) for number in range(20)))
    took = wait_until(lambda: daemon.health()["code"] == 503, "degraded")
    assert took < 6
    assert "no space left" in daemon.health()["journal"]
    wait_until(lambda: daemon.metric("journal_full") == 1, "the gauge")
    wait_until(lambda: daemon.says("journal cannot grow, nothing is lost yet"), "a line in the log")
    wait_until(lambda: len(site.received()) == 20, "what is told while the disk is full")

    site.send(*every_attempt())
    wait_until(lambda: "disk is full" in str(daemon.health()["journal"]), "the end of the reserve", 20)
    assert len(openings(site)) < CAMERAS * len(OPERATORS)
    ballast.unlink()
    wait_until(lambda: daemon.health()["code"] == 200, "health once there is room")
    assert daemon.says("journal grows again")
    wait_until(lambda: daemon.metric("journal_full") == 0, "the gauge")
    wait_until(lambda: len(openings(site)) == CAMERAS * len(OPERATORS), "all of it", 20)
    assert daemon.health()["refused"] == 0
    daemon.stop()
    assert [each["metadata"]["uid"] for each in daemon.journal()] == [
        body["metadata"]["uid"] for _, body in site.received()
    ]


@pytest.mark.slow
def test_a_stop_on_a_full_disk(site: Site, disk: Path) -> None:
    """It comes to an end, and says what is lost."""
    daemon = Daemon(site, configuration(disk))
    ballast = fill(disk)
    site.send(*every_attempt())
    wait_until(lambda: "disk is full" in str(daemon.health()["journal"]), "the end of the reserve", 20)
    daemon.stop()
    (last,) = daemon.says("stopped without a last entry in the journal")
    assert last["transitions_lost"] > 0
    ballast.unlink()
    daemon.start()
    assert daemon.health()["code"] == 200
    daemon.stop()


def openings(site: Site) -> list[Message]:
    return [body for _, body in site.received() if body["activity_id"] == 1]
