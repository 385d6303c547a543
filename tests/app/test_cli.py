"""The command line as a user meets it: results on stdout, one line on stderr, the right exit code."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

from monitor import __version__

ROOT = Path(__file__).parents[2]
CLOUD = str(ROOT / "pcaps" / "irish_vendor_cloud.pcap")
PHONE = str(ROOT / "pcaps" / "phone_on_vlan.pcap")


def camwarden(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "monitor.cli", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, cwd=ROOT, check=False, timeout=60)


def test_replay_as_json_lines() -> None:
    """Each line is a message; the last one of the incident has the final counts."""
    done = camwarden("replay", "--home", "GB", "--format", "jsonl", CLOUD)
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, b"")
    assert [message["metadata"]["sequence"] for message in messages] == list(range(1, len(messages) + 1))
    last = messages[-1]["unmapped"]["camwarden"]
    assert (last["attempts"], last["outcome"], last["foreign"]) == (4, "transferred", True)
    assert (last["verdict"]["location"], last["verdict"]["jurisdiction"]) == ("IE", "CN")


def test_replay_for_people() -> None:
    """The sentence and the table."""
    done = camwarden("replay", CLOUD)
    text = done.stdout.decode()
    assert done.returncode == 0
    assert "vendor_cloud" in text
    assert "dev.hik-connect.com" in text


def test_standard_input() -> None:
    """A capture from a pipe says the same as the file."""
    piped = camwarden("replay", "--format", "jsonl", "-", stdin=Path(CLOUD).read_bytes())
    assert piped.stdout == camwarden("replay", "--format", "jsonl", CLOUD).stdout


def test_a_quiet_site_says_so() -> None:
    """Watched devices and nothing to report is an answer."""
    done = camwarden("replay", PHONE)
    assert done.returncode == 0
    assert b"no incident" in done.stdout


def test_nothing_to_watch_lists_the_hosts(tmp_path: Path) -> None:
    """Without a camera nothing is judged, and the user is told which hosts there are."""
    laptop = Ether(src="f0:de:f1:00:00:01", dst="00:00:0c:07:ac:01") / IP(src="10.0.0.9", dst="203.0.113.5")
    wrpcap(str(tmp_path / "laptop.pcap"), [laptop / TCP(sport=50000, dport=443, flags="S")])
    done = camwarden("replay", str(tmp_path / "laptop.pcap"))
    assert done.returncode == 0
    assert b"no host was recognised" in done.stderr
    assert b"10.0.0.9" in done.stderr


def test_a_journal_makes_a_second_replay_silent(tmp_path: Path) -> None:
    """What is journalled is never told twice."""
    first = camwarden("replay", "--state", str(tmp_path), "--format", "jsonl", CLOUD)
    again = camwarden("replay", "--state", str(tmp_path), "--format", "jsonl", CLOUD)
    assert first.stdout
    assert (again.returncode, again.stdout) == (0, b"")


def test_a_journal_knows_cameras_again(tmp_path: Path) -> None:
    """One capture has its DHCP, the next only its call."""
    mac, state = "b0:c5:54:00:00:01", str(tmp_path / "state")
    named = DHCP(options=[("message-type", "request"), ("hostname", "DCS-935L"), "end"])
    joins = Ether(src=mac, dst="ff:ff:ff:ff:ff:ff") / IP(src="0.0.0.0", dst="255.255.255.255") / UDP(sport=68, dport=67)
    joins = joins / BOOTP(chaddr=bytes.fromhex(mac.replace(":", "")), xid=7) / named
    calls = Ether(src=mac, dst="00:00:0c:07:ac:01") / IP(src="10.0.0.9", dst="203.0.113.5") / TCP(dport=443, flags="S")
    joins.time, calls.time = 1_700_000_000, 1_700_100_000
    wrpcap(str(tmp_path / "joins.pcap"), [joins])
    wrpcap(str(tmp_path / "calls.pcap"), [calls])
    assert b"no host was recognised" in camwarden("replay", str(tmp_path / "calls.pcap")).stderr
    assert camwarden("replay", "--state", state, str(tmp_path / "joins.pcap")).returncode == 0
    again = camwarden("replay", "--state", state, str(tmp_path / "calls.pcap"))
    assert again.stderr == b""
    assert b"DCS-935L" in again.stdout
    assert b"203.0.113.5" in again.stdout


def test_check_explains(tmp_path: Path) -> None:
    """The rule that decides, and exit 1 where the answer is no."""
    config = tmp_path / "c.toml"
    config.write_text(
        '[site]\nhome = ["GB"]\n[capture]\npipe = "-"\n[[group]]\nname = "g"\nallow = ["*.example.org tcp/443"]\n'
        '[[device]]\nname = "gate"\nip = "10.0.0.7"\ngroup = "g"\n'
    )
    assert camwarden("check", str(config)).returncode == 0
    yes = camwarden("check", str(config), "--explain", "gate", "update.example.org")
    no = camwarden("check", str(config), "--explain", "10.0.0.7", "dev.ezviz7.com")
    assert (yes.returncode, no.returncode) == (0, 1)
    assert b"group g: allow *.example.org tcp/443" in yes.stdout
    assert b"not allowed" in no.stdout
    assert b"CN" in no.stdout


def test_geo_show() -> None:
    """Country, network, operator and law of an address."""
    assert b"AS15169" in camwarden("geo", "show", "8.8.8.8").stdout
    assert camwarden("geo", "show", "nonsense").returncode == 2


def test_observe_filters_by_kind() -> None:
    """Only what was asked for, one JSON object a line."""
    done = camwarden("observe", "--kind", "tls.client_hello", CLOUD)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["kind"] for row in rows} == {"tls.client_hello"}
    assert {row["sni"] for row in rows} == {"dev.hik-connect.com", "api.hik-connect.com"}
    assert all(row["community_id"].startswith("1:") for row in rows)


def test_the_reader_may_leave() -> None:
    """A closed pipe ends the run quietly."""
    command = f"{sys.executable} -m monitor.cli observe {CLOUD} | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, cwd=ROOT, check=False)
    assert done.stdout.count(b"\n") == 1
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("command", [f"replay {CLOUD}", f"replay --format jsonl {CLOUD}", f"observe {CLOUD}"])
def test_a_standard_output_that_is_closed_is_one_line(command: str) -> None:
    """From a shell's >&-: there is nowhere to write to, which is wrong usage."""
    started = ["bash", "-c", f"{sys.executable} -m monitor.cli {command} >&-"]
    done = subprocess.run(started, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stderr) == (2, "camwarden: standard output: closed\n")


def test_help_is_quick() -> None:
    """The best of three, so that a busy machine does not decide."""
    best = 9.9
    for _ in range(3):
        begun = time.perf_counter()
        assert camwarden("--help").returncode == 0
        best = min(best, time.perf_counter() - begun)
    assert best < 0.5


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["replay", "missing.pcap"], "missing.pcap"),
        (["replay", "--home", "Britain", CLOUD], "--home: 'Britain'"),
        (["replay", "--cameras", "10.0.0.0/99", CLOUD], "--cameras"),
        (["replay", "--config", "missing.toml", CLOUD], "missing.toml"),
        (["observe", "--kind", "nonsense", CLOUD], "--kind nonsense"),
        (["replay", str(ROOT / "README.md")], "README.md"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(arguments: list[str], says: str) -> None:
    """What and where, and never a traceback."""
    done = camwarden(*arguments)
    lines = [line for line in done.stderr.decode().splitlines() if line]
    assert done.returncode == 2
    assert any(says in line for line in lines)
    assert "Traceback" not in done.stderr.decode()


def test_which_version_it_is() -> None:
    done = camwarden("--version")
    assert (done.returncode, done.stdout.decode()) == (0, f"camwarden {__version__}\n")
