"""What the daemon may do and what it tells its service manager, looked at from outside while it runs."""

from __future__ import annotations

import pwd
import socket
import struct
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.app.living import METRICS_PORT, ROOT, Daemon, Site, wait_until
from tests.app.planted import attempt, configured

if TYPE_CHECKING:
    from collections.abc import Iterator

RAW_ALONE = ("setpriv", "--bounding-set=-all,+net_raw", "--inh-caps=-all,+net_raw", "--ambient-caps=-all,+net_raw")
NOBODY = (*RAW_ALONE, "--reuid=nobody", "--regid=nogroup", "--clear-groups")
NOTHING = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all")
WATCHDOG_S = 2.0
SO_TIMESTAMPNS = 35
"""socket(7); Linux's asm-generic/socket.h."""
STAMP = struct.Struct("@qq")
"""struct timespec: seconds and nanoseconds."""


def threads(pid: int) -> list[dict[str, str]]:
    """/proc's status of each thread."""
    return [
        dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)
        for task in Path(f"/proc/{pid}/task").iterdir()
    ]


def listening(site: Site) -> set[str]:
    """Local ends of every listening or unconnected socket inside."""
    rows = site.space.run("ss", "-Htuln").split("\n")
    return {row.split()[4] for row in rows if row}


def has_nothing(daemon: Daemon) -> None:
    """No thread has a capability, or can get one."""
    wait_until(lambda: len(threads(daemon.process.pid)) > 3, "its threads")
    for status in threads(daemon.process.pid):
        for name in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
            assert int(status[name], 16) == 0, (status["Name"], name)
        assert status["NoNewPrivs"] == "1", status["Name"]


def works(site: Site, daemon: Daemon) -> None:
    """It sees, tells, survives the loss of its interface, and writes where it may."""
    site.send(attempt(0))
    wait_until(lambda: site.about("cam-0"), "an attempt")
    site.space.ip("link", "set", "hear", "down")
    wait_until(lambda: daemon.health()["code"] == 503, "the loss of the interface")
    site.space.ip("link", "set", "hear", "up")
    wait_until(lambda: daemon.health()["code"] == 200, "its return")
    site.send(attempt(1))
    wait_until(lambda: site.about("cam-1"), "another attempt")


def test_as_root(site: Site) -> None:
    """Everything is given up; nothing is reachable but on this machine, and it can write to its state alone."""
    daemon = Daemon(site, configured(2))
    has_nothing(daemon)
    assert not daemon.says("landlock")
    assert f"127.0.0.1:{METRICS_PORT}" in listening(site)
    assert all(end.startswith("127.0.0.1:") for end in listening(site) if not end.endswith(":1883"))
    daemon.stop()


@pytest.fixture
def readable(site: Site) -> Site:
    """A site whose directory anybody can use, and a copy of nothing else."""
    for folder in (site.directory, *site.directory.parents):
        if folder == Path("/tmp"):
            break
        folder.chmod(0o755)
    site.directory.chmod(0o777)
    return site


@pytest.mark.parametrize(
    "prefix",
    [pytest.param(RAW_ALONE, id="root", marks=pytest.mark.slow), pytest.param(NOBODY, id="an unprivileged user")],
)
def test_with_one_capability(readable: Site, prefix: tuple[str, ...]) -> None:
    """CAP_NET_RAW is all that it needs to start."""
    if prefix is NOBODY:
        prefix = (*let_in(), *prefix)
        command = [*prefix, sys.executable, "-c", "import monitor.cli"]
        if subprocess.run(command, capture_output=True, check=False, cwd=ROOT).returncode != 0:
            pytest.skip("nobody but root can run this Python")
    daemon = Daemon(readable, configured(2, geo={"cache": str(readable.directory / "geo")}), prefix=prefix)
    has_nothing(daemon)
    if "--reuid=nobody" in prefix:
        assert {status["Uid"].split()[1] for status in threads(daemon.process.pid)} == {
            str(pwd.getpwnam("nobody").pw_uid)
        }
    works(readable, daemon)
    daemon.stop()


def let_in() -> tuple[str, ...]:
    """A command that lets others into what Python needs of root's home, in a mount namespace of its own."""
    places = {Path(each).resolve() for each in (sys.prefix, sys.base_prefix, ROOT)}
    needed = {place.parts[2] for place in places if place.parts[:2] == ("/", "root")}
    if not needed:
        return ()
    script = "mount --make-rprivate / && mount --bind /root /mnt && mount -t tmpfs -o mode=755 camwarden-test /root"
    for each in needed:
        script += f" && mkdir '/root/{each}' && mount --bind '/mnt/{each}' '/root/{each}'"
    return ("unshare", "--mount", "sh", "-c", f'{script} && exec "$@"', "sh")


@pytest.mark.parametrize(
    ("prefix", "interfaces", "line"),
    [
        (NOTHING, ("hear",), "camwarden: hear: "),
        ((), ("nonesuch",), "camwarden: nonesuch: no such interface"),
        ((), ("hear", "nonesuch"), "camwarden: nonesuch: no such interface"),
    ],
    ids=["no capability", "no interface", "one of two"],
)
def test_what_cannot_be_opened(site: Site, prefix: tuple[str, ...], interfaces: tuple[str, ...], line: str) -> None:
    """It is one line, and exit code 2."""
    daemon = Daemon(site, configured(1), interfaces=interfaces, prefix=prefix, watches=False)
    assert daemon.process.wait(20) == 2
    said = daemon.log.read_text().splitlines()
    assert len(said) == 1, said
    assert said[0].startswith(line)
    if prefix:
        assert "CAP_NET_RAW" in said[0]


class Manager:
    """A service manager's end of the notification socket; what it is told carries the kernel's time of sending."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.told: list[tuple[float, dict[str, str]]] = []

    def take(self) -> list[dict[str, str]]:
        """Everything so far."""
        while True:
            try:
                said, ((_, _, stamp),), _, _ = self._socket.recvmsg(4096, socket.CMSG_SPACE(STAMP.size))
            except BlockingIOError:
                return [each for _, each in self.told]
            seconds, nanoseconds = STAMP.unpack(stamp)
            words = dict(line.split("=", 1) for line in said.decode().splitlines())
            self.told.append((seconds + nanoseconds / 1e9, words))

    def has(self, key: str) -> int:
        """How often this was said."""
        return sum(key in each for each in self.take())

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    made = Manager(tmp_path / "notify")
    try:
        yield made
    finally:
        made.close()


def test_the_service_manager_is_told(site: Site, manager: Manager) -> None:
    """Ready, alive, also on a dead mirror, reloading, ready again, stopping."""
    environment = {"NOTIFY_SOCKET": str(manager.path), "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6))}
    daemon = Daemon(site, configured(1), **environment)
    assert manager.has("READY") == 1
    assert "watching hear" in manager.take()[0]["STATUS"]
    wait_until(lambda: manager.has("WATCHDOG") >= 2, "signs of life")
    site.space.ip("link", "set", "send", "down")
    wait_until(lambda: daemon.health()["code"] == 503, "a dead mirror")
    before = manager.has("WATCHDOG")
    wait_until(lambda: manager.has("WATCHDOG") >= before + 2, "signs of life all the same", 5)
    beats = [at for at, said in manager.told if "WATCHDOG" in said]
    assert max(after - first for first, after in pairwise(beats)) < WATCHDOG_S

    daemon.reload()
    wait_until(lambda: manager.has("READY") == 2, "ready again")
    order = [next(iter(each)) for each in manager.take() if "WATCHDOG" not in each]
    assert order == ["READY", "RELOADING", "READY"]
    (reloading,) = [each for each in manager.take() if "RELOADING" in each]
    assert 0 <= time.monotonic_ns() // 1000 - int(reloading["MONOTONIC_USEC"]) < 10_000_000
    daemon.write("[sensor\n")
    daemon.reload()
    wait_until(lambda: manager.has("READY") == 3, "ready with the old configuration")
    assert any("configuration refused" in each.get("STATUS", "") for each in manager.take())
    daemon.stop()
    assert "STOPPING" in manager.take()[-1]
