"""What systemd hears, on a real datagram socket."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.notify import Notifier, NotifyError

Manager = tuple[socket.socket, str]
"""The manager's end, and what NOTIFY_SOCKET says."""


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    """As a path and as an abstract name."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@camwarden-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0" + name[1:] if name.startswith("@") else name)
        listening.settimeout(2)
        yield listening, name


def heard(listening: socket.socket) -> list[str]:
    return listening.recv(4096).decode().split("\n")


def test_the_life_of_a_service(manager: Manager) -> None:
    """Each message as sd_notify(3) spells it."""
    listening, name = manager
    notifier = Notifier.of({"NOTIFY_SOCKET": name}, os.getpid())
    notifier.ready("2 taps, 40 devices")
    assert heard(listening) == ["READY=1", "STATUS=2 taps, 40 devices"]
    before = time.monotonic_ns() // 1000
    notifier.reloading()
    state, stamp = heard(listening)
    assert state == "RELOADING=1"
    assert before <= int(stamp.removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000
    notifier.stopping("12 messages owed")
    assert heard(listening) == ["STOPPING=1", "STATUS=12 messages owed"]
    assert notifier.lost == 0
    notifier.close()


def test_a_status_is_one_line_and_fits(manager: Manager) -> None:
    """A device's name cannot forge a message, and a long text is cut between letters."""
    listening, name = manager
    notifier = Notifier(name)
    notifier.stopping("camera\nWATCHDOG=trigger\tgone")
    assert heard(listening) == ["STOPPING=1", "STATUS=camera WATCHDOG=trigger gone"]
    notifier.stopping("x" + "é" * 4000)
    assert listening.recv(65536) == ("STOPPING=1\nSTATUS=x" + "é" * 511).encode()
    notifier.close()


def test_the_watchdog_is_fed_only_where_it_watches_us(manager: Manager) -> None:
    """The interval is for the process that WATCHDOG_PID names, or for any if it names none."""
    listening, name = manager
    ours = {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "4711"}
    watched = Notifier.of(ours, 4711)
    assert watched.watchdog_s == 30.0
    watched.alive()
    assert heard(listening) == ["WATCHDOG=1"]
    assert Notifier.of({**ours, "NOTIFY_SOCKET": ""}, 4712).watchdog_s is None
    assert Notifier.of({"WATCHDOG_USEC": "500000"}, 1).watchdog_s == 0.5
    unwatched = Notifier(name)
    unwatched.alive()
    listening.setblocking(False)
    with pytest.raises(BlockingIOError):
        listening.recv(4096)
    watched.close()
    unwatched.close()


def test_without_a_manager_nothing_happens() -> None:
    """Started by hand."""
    notifier = Notifier.of({"NOTIFY_SOCKET": ""}, 1)
    notifier.ready()
    notifier.alive()
    notifier.close()
    assert notifier.lost == 0


def test_a_manager_that_is_gone_or_full_holds_up_nobody(tmp_path: Path) -> None:
    """What cannot be handed over at once is lost and counted; the next one to listen there is heard again."""
    path = str(tmp_path / "notify")
    notifier = Notifier(path)
    notifier.ready()
    assert notifier.lost == 1
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(path)
        for _ in range(10_000):
            notifier.stopping("still here")
            if notifier.lost > 1:
                break
        assert notifier.lost == 2
        assert listening.recv(4096) == b"STOPPING=1\nSTATUS=still here"
    notifier.close()
    notifier.ready()
    assert notifier.lost == 2


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"NOTIFY_SOCKET": "vsock:2:1234"}, "NOTIFY_SOCKET"),
        ({"WATCHDOG_USEC": "soon"}, "WATCHDOG_USEC"),
        ({"WATCHDOG_USEC": "0"}, "WATCHDOG_USEC"),
        ({"WATCHDOG_USEC": "²"}, "WATCHDOG_USEC"),
    ],
)
def test_what_cannot_be_used_is_one_line(environment: dict[str, str], says: str) -> None:
    """Otherwise systemd would wait in vain, and nobody would know for what."""
    with pytest.raises(NotifyError, match=says) as told:
        Notifier.of(environment, 1)
    assert "\n" not in str(told.value)
