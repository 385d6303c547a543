"""The second fence, where the kernel has one: asked of the kernel, in processes of their own."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from monitor import landlock

ROOT = Path(__file__).parents[2]
ABI = ctypes.CDLL(None).syscall(landlock.CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
needs_landlock = pytest.mark.skipif(ABI < landlock.SCOPE_ABI, reason=f"Landlock ABI {ABI} here, 6 needed")

HEAD = """
import os, socket, sqlite3, subprocess, sys
from pathlib import Path
from monitor.landlock import confine
from monitor.privileges import drop
def told(what, call):
    try:
        call()
        print(what, "allowed")
    except OSError as error:
        print(what, "refused", error.errno)
drop()
config, state = Path(sys.argv[1]), Path(sys.argv[2])
"""


def run(script: str, *arguments: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", HEAD + script, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=30,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """A configuration and a state directory."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "camwarden.toml").write_text("[sensor]\n")
    (tmp_path / "state").mkdir()
    return tmp_path / "config", tmp_path / "state"


@needs_landlock
def test_it_writes_nowhere_but_in_its_state(places: tuple[Path, Path]) -> None:
    """The journal works as before; configuration and catalogue are read; nothing else can be written."""
    script = """
fence = confine(read=[config, Path("/no/such/directory")], write=[state])
print(fence.abi >= 6, fence.missing)
def journal():
    with sqlite3.connect(state / "journal.sqlite3") as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE t(x)")
    db.close()
told("journal", journal)
told("config", (config / "camwarden.toml").read_text)
told("change config", lambda: (config / "camwarden.toml").write_text("x"))
told("beside", lambda: (state.parent / "x").write_text("x"))
told("log", lambda: Path("/etc/camwarden-test").write_text("x"))
import encodings.cp037, xml.dom.minidom
told("resolver", lambda: Path("/etc/hosts").read_text())
"""
    assert run(script, *places) == [
        "True ()",
        "journal allowed",
        "config allowed",
        "change config refused 13",
        "beside refused 13",
        "log refused 13",
        "resolver allowed",
    ]


@needs_landlock
def test_it_starts_nothing_and_listens_only_where_told(places: tuple[Path, Path]) -> None:
    """No program, no port but the metrics', no signal to others; connections go out as before."""
    script = """
other = subprocess.Popen(["sleep", "20"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print("pid", other.pid)
other.returncode = 0
broker = socket.create_server(("127.0.0.1", 0))
with socket.create_server(("127.0.0.1", 0)) as free:
    metrics = free.getsockname()[1]
confine(read=[config], write=[state], listen=[metrics])
told("program", lambda: os.execv("/bin/true", ["/bin/true"]))
(state / "program").write_bytes(Path("/bin/true").read_bytes())
(state / "program").chmod(0o700)
told("its own program", lambda: os.execv(state / "program", ["program"]))
told("signal", lambda: os.kill(other.pid, 9))
told("listen", lambda: socket.create_server(("127.0.0.1", 0)).close())
told("metrics", lambda: socket.create_server(("127.0.0.1", metrics)).close())
told("connect", lambda: socket.create_connection(broker.getsockname()).close())
broker.close()
"""
    first, *others = run(script, *places)
    os.kill(int(first.removeprefix("pid ")), signal.SIGTERM)
    assert others == [
        "program refused 13",
        "its own program refused 13",
        "signal refused 1",
        "listen refused 13",
        "metrics allowed",
        "connect allowed",
    ]


def test_a_kernel_without_it_is_told_not_failed(places: tuple[Path, Path]) -> None:
    """Refusal is a warning: the unit's restrictions stand."""
    script = """
import monitor.landlock
monitor.landlock.CREATE_RULESET = 100_000
fence = confine(read=[config], write=[state])
print(fence.abi, *fence.missing)
told("beside", lambda: (state.parent / "x").write_text("x"))
"""
    assert run(script, *places) == [
        "0 Landlock is not there (Function not implemented): the unit's restrictions are the only ones",
        "beside allowed",
    ]


@needs_landlock
def test_a_state_directory_that_is_not_there(places: tuple[Path, Path]) -> None:
    """It would never be writable again: better an error at the start."""
    config, state = places
    assert run('told("confine", lambda: confine(read=[config], write=[state / "x"]))', config, state) == [
        "confine refused 2"
    ]
