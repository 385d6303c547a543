"""The doctor as a user meets it: lines on stdout, the right exit code, and a real tap in a namespace of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
QUIET = ROOT / "pcaps" / "quiet_site.pcap"
COPIED = ROOT / "pcaps" / "duplicate_mirror.pcap"

needs_taps = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "ip", "tcpreplay", "setpriv"))),
    reason="needs root, unshare, ip, tcpreplay and setpriv",
)


def doctor(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "monitor.cli", "doctor", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=60)


def lights(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Light by topic; every line has both, and no line has an escape."""
    rows = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    assert all(row[0] in ("green", "amber", "red") and len(row) == 3 for row in rows), done.stdout
    assert "\x1b" not in done.stdout
    return {row[1]: row[0] for row in rows}


def test_captures_of_a_good_mirror() -> None:
    """Exit 0, and nothing about this machine: the captures may be of another."""
    done = doctor(str(QUIET))
    assert (done.returncode, done.stderr) == (0, "")
    assert set(lights(done).values()) == {"green"}
    assert "sqlite" not in lights(done)


def test_amber_is_not_a_no() -> None:
    """A mirror that copies is of use."""
    done = doctor(str(COPIED))
    assert done.returncode == 0
    assert lights(done)["duplicates"] == "amber"


def test_red_is_exit_1(tmp_path: Path) -> None:
    """Nothing in the capture; and a camera that is configured and not there is amber while others are."""
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(QUIET.read_bytes()[:24])
    done = doctor(str(empty))
    assert (done.returncode, lights(done)) == (1, {"packets": "red"})
    config = tmp_path / "c.toml"
    config.write_text('[[device]]\nname = "gate"\nip = "10.99.0.7"\n')
    done = doctor(str(COPIED), "--config", str(config))
    assert (done.returncode, lights(done)["absent"]) == (0, "amber")
    assert "1 configured and not seen: gate" in done.stdout


def test_the_machine_alone(tmp_path: Path) -> None:
    """Without an interface: libraries, clock, disk, journal, data; exit 1 for a broker that is not there."""
    config = tmp_path / "c.toml"
    config.write_text(f'[sensor]\nstate = "{tmp_path}"\n[prometheus]\nport = 0\n')
    done = doctor("--config", str(config))
    assert (done.returncode, done.stderr) == (0, "")
    assert {
        "sqlite",
        "expat",
        "openssl",
        "clock",
        "space",
        "journal",
        "catalogue",
        "addresses",
        "metrics",
        "privilege",
    } == (set(lights(done)))
    config.write_text('[mqtt]\nhost = "127.0.0.1"\nport = 9\n')
    done = doctor("--config", str(config))
    assert (done.returncode, lights(done)["broker"]) == (1, "red")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--for", "soon", "--interface", "lo"], "--for soon"),
        (["--for", "25h", "--interface", "lo"], "--for 25h"),
        (["--interface", "lo", str(QUIET)], "not both"),
        (["missing.pcap"], "missing.pcap"),
        (["--cameras", "10.0.0.0/99", str(QUIET)], "--cameras"),
        (["--config", "missing.toml"], "missing.toml"),
    ],
)
def test_bad_usage_is_one_line_and_exit_2(arguments: list[str], says: str) -> None:
    """What and where, and never a traceback."""
    done = doctor(*arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def on_a_tap(said: Path, *prefix: str) -> subprocess.CompletedProcess[str]:
    """The doctor on one end of a veth pair, in a namespace that ends with it; the capture goes in once it looks."""
    said.touch()
    script = """
        ip link add tap0 type veth peer name port0 && ip link set tap0 up && ip link set port0 up || exit 9
        said=$0; capture=$1; shift
        (for each in $(seq 300); do grep -q "looking at" "$said" && break; sleep 0.1; done
        exec tcpreplay -q -i port0 -M 20 "$capture" >/dev/null 2>&1) &
        sender=$!; "$@" 2>"$said"; code=$?; kill $sender 2>/dev/null; cat "$said" >&2; exit $code
    """
    command = [*prefix, sys.executable, "-m", "monitor.cli", "doctor", "--interface", "tap0", "--for", "4s"]
    return subprocess.run(
        ["unshare", "--net", "sh", "-c", script, str(said), str(QUIET), *command],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        timeout=60,
    )


@needs_taps
def test_a_live_tap(tmp_path: Path) -> None:
    """The same mirror live: every packet accounted for, and the same said of it as of the file."""
    done = on_a_tap(tmp_path / "said")
    found = lights(done)
    assert "looking at tap0 for 4 s" in done.stderr
    assert {found[topic] for topic in ("privilege", "link", "packets", "mirror", "devices", "conversations")} == {
        "green"
    }
    assert {found[topic] for topic in ("loss", "whole", "frames", "duplicates", "dns", "arp")} == {"green"}
    assert "and every one is accounted for" in done.stdout
    assert done.returncode == 0


@needs_taps
def test_without_the_capability(tmp_path: Path) -> None:
    """Red at once, not after a minute."""
    done = on_a_tap(tmp_path / "said", "setpriv", "--bounding-set=-net_raw")
    assert (done.returncode, lights(done)["privilege"]) == (1, "red")
    assert "packets" not in lights(done)


@needs_taps
def test_no_such_interface() -> None:
    """Those that there are, are named."""
    done = doctor("--interface", "nosuch0", "--for", "1s")
    assert (done.returncode, lights(done)["link"]) == (1, "red")
    assert "nosuch0: No such device; there are" in done.stdout
