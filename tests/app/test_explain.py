"""From a capture to a sentence: packets are kept, named with their hash, and explained by Wireshark's dissectors."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from collectors.dissect import Dissected, DissectError, dissect
from monitor.dissection import display_filter, plain, words
from monitor.evidence.pcapng import write
from tests.evidence.conftest import packet

ROOT = Path(__file__).parents[2]
CLOUD = ROOT / "pcaps" / "irish_vendor_cloud.pcap"
UPDATE = ROOT / "pcaps" / "push_update.pcap"
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


def camwarden(*arguments: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "monitor.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=120, env=env)


def replayed(state: Path, *captures: Path, config: str = "") -> list[dict[str, Any]]:
    """Messages of a replay that keeps its journal and evidence."""
    path = state.parent / f"{state.name}.toml"
    path.write_text('[site]\nhome = ["GB"]\n' + config)
    done = camwarden("replay", "--config", path, "--state", state, "--format", "jsonl", *captures)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def evidence(message: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = message["unmapped"]["camwarden"].get("evidence", {})
    return found


def test_every_message_names_files_that_are_there(tmp_path: Path) -> None:
    """With the hashes that it says: packets and the image, and nothing else is in the folder."""
    state = tmp_path / "state"
    messages = replayed(state, CLOUD, UPDATE, config="[evidence]\nimages = true\n")
    named = set()
    for each in map(evidence, messages):
        if "pcap" in each:
            data = (state / "evidence" / each["pcap"]).read_bytes()
            assert (sha256(data).hexdigest(), len(data)) == (each["sha256"], each["bytes"])
            named.add(each["pcap"])
        if "image" in each:
            image = (state / "evidence" / each["image"]["file"]).read_bytes()
            assert sha256(image).hexdigest() == each["image"]["sha256"] == each["image"]["file"]
            named.add(each["image"]["file"])
    assert named == {path.name for path in (state / "evidence").iterdir()}
    kinds = {each["finding_info"]["types"][0] for each in messages if "pcap" in evidence(each)}
    assert kinds >= {"vendor_cloud", "firmware_update"}
    assert sum("image" in evidence(each) for each in messages) >= 1


def test_incidents_are_listed_with_their_evidence(tmp_path: Path) -> None:
    """How many packets there are of each, and whether there is an image."""
    state = tmp_path / "state"
    replayed(state, UPDATE, config="[evidence]\nimages = true\n")
    table = camwarden("incidents", "--state", state, env={**os.environ, "COLUMNS": "300"}).stdout
    assert "5 packets" in table
    assert "image" in table.split("Evidence")[1]


def test_two_replays_keep_the_same_bytes(tmp_path: Path) -> None:
    """Names and hashes are equal, and nothing comes from the clock or the machine."""
    first, second = (replayed(tmp_path / name, CLOUD, UPDATE) for name in ("one", "two"))
    assert [evidence(each) for each in first] == [evidence(each) for each in second]
    assert any(map(evidence, first))


def test_without_a_state_directory_or_turned_off_nothing_is_kept(tmp_path: Path) -> None:
    """No folder, no word of it in messages."""
    done = camwarden("replay", "--home", "GB", "--format", "jsonl", CLOUD)
    assert 'evidence":{"' not in done.stdout
    messages = replayed(tmp_path / "state", CLOUD, config="[evidence]\npackets = false\n")
    assert not any(map(evidence, messages))
    assert not (tmp_path / "state" / "evidence").exists()


@needs_tshark
def test_the_right_name_is_explained(tmp_path: Path) -> None:
    """What was asked, what was greeted, how far it got, what camwarden says, and a filter that Wireshark takes."""
    state = tmp_path / "state"
    messages = replayed(state, CLOUD)
    uid = messages[0]["finding_info"]["uid"]
    done = camwarden("explain", uid[:10], "--state", state)
    assert (done.returncode, done.stderr) == (0, "")
    text = done.stdout
    assert f"Incident {uid}" in text
    assert messages[-1]["message"] in text
    assert "asks where dev.hik-connect.com is (DNS)" in text
    assert "answers that dev.hik-connect.com is at 52.30.100.10 (DNS)" in text
    assert "-> 52.30.100.10:443: asks for a connection (TCP SYN)" in text
    assert "greets, and names the server dev.hik-connect.com (TLS)" in text
    chosen = text.strip().splitlines()[-1].strip()
    found = subprocess.run(
        ["tshark", "-n", "-r", str(CLOUD), "-Y", chosen], capture_output=True, text=True, check=True, timeout=60
    )
    assert "dev.hik-connect.com" in found.stdout


@needs_tshark
def test_a_request_is_explained(tmp_path: Path) -> None:
    """The head of an HTTP request survives its redaction well enough for Wireshark."""
    state = tmp_path / "state"
    messages = replayed(state, UPDATE)
    uid = next(
        each["finding_info"]["uid"] for each in messages if each["finding_info"]["types"][0] == "firmware_update"
    )
    done = camwarden("explain", uid, "--state", state)
    assert "requests PUT http://10.20.0.13/ISAPI/System/updateFirmware (HTTP)" in done.stdout
    assert "answers 401 (HTTP)" in done.stdout


def test_what_cannot_be_explained_is_one_line(tmp_path: Path) -> None:
    """No such incident is bad usage; evidence that was turned off, removed or changed is a no, with the reason."""
    state, off = tmp_path / "state", tmp_path / "off"
    uid = replayed(state, CLOUD)[0]["finding_info"]["uid"]
    replayed(off, CLOUD, config="[evidence]\npackets = false\n")
    tries = {
        ("ffff", state): (2, "no such incident"),
        ("x'; DROP", state): (2, "no such incident"),
        (uid, tmp_path / "nowhere"): (2, "no journal here"),
        (uid, off): (1, "evidence.packets is off"),
    }
    for (incident, place), (code, says) in tries.items():
        done = camwarden("explain", incident, "--state", place)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)
        assert says in done.stderr
    for path in (state / "evidence").iterdir():
        path.write_bytes(path.read_bytes() + b"\0")
    assert "the file was changed" in camwarden("explain", uid, "--state", state).stderr
    for path in (state / "evidence").iterdir():
        path.unlink()
    done = camwarden("explain", uid, "--state", state)
    assert (done.returncode, "removed to make room" in done.stderr) == (1, True)


def test_without_tshark_it_says_what_to_install(tmp_path: Path) -> None:
    """One line, exit 2."""
    state = tmp_path / "state"
    uid = replayed(state, CLOUD)[0]["finding_info"]["uid"]
    done = camwarden("explain", uid, "--state", state, env={**os.environ, "PATH": str(tmp_path)})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "camwarden: tshark is not installed: Debian has it in the package tshark\n"


@needs_tshark
def test_a_dissector_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    """It is killed by its id, and nothing of it is left."""
    path = tmp_path / "evidence.pcapng"
    path.write_bytes(write([packet(1)], "x"))
    with pytest.raises(DissectError, match="was stopped"):
        dissect(path, (), seconds=0.001)
    children = subprocess.run(
        ["ps", "--ppid", str(os.getpid()), "-o", "comm="], capture_output=True, text=True, check=False
    )
    assert "tshark" not in children.stdout
    path.write_bytes(b"no capture at all")
    with pytest.raises(DissectError):
        dissect(path, ())


def test_text_from_the_wire_cannot_steer_a_terminal() -> None:
    """Nor leave its line, nor get into a filter."""
    seen = Dissected(
        1,
        ("eth", "ip", "udp", "dns"),
        {"ip.src": ("10.0.0.1",), "ip.dst": ("10.0.0.2",), "dns.qry.name": ("\x1b[2Jevil\n\u202ename",)},
    )
    assert words(seen).isprintable()
    assert "\x1b" not in plain("\x1b[2J")
    told = {"evidences": [{"src_endpoint": {"ip": "10.0.0.1"}, "dst_endpoint": {"ip": "2001:db8::1"}}]}
    assert display_filter(told, ['x" || frame', "good.example"]) == (
        '(ip.addr == 10.0.0.1 && ipv6.addr == 2001:db8::1) || dns.qry.name == "good.example" || '
        'tls.handshake.extensions_server_name == "good.example"'
    )


def test_a_ping_is_no_error() -> None:
    """RFC 792, RFC 4443: only some messages say that a packet did not arrive."""
    for layer, kind, said in (
        ("icmp", "8", "pings"), ("icmp", "0", "answers a ping"), ("icmpv6", "128", "pings"),
        ("icmpv6", "129", "answers a ping"), ("icmp", "3", "says that a packet did not arrive"),
        ("icmpv6", "1", "says that a packet did not arrive"),
    ):  # fmt: skip
        fields = {"ip.src": ("10.0.0.1",), "ip.dst": ("10.0.0.2",), f"{layer}.type": (kind,), f"{layer}.code": ("0",)}
        assert words(Dissected(1, ("eth", "ip", layer), fields)).endswith(f"{said} (ICMP type {kind}, code 0)")


def test_addresses_of_name_servers_are_no_answer() -> None:
    fields = {
        "ip.src": ("10.0.0.2",), "ip.dst": ("10.0.0.1",), "dns.qry.name": ("a.example",), "dns.flags.response": ("1",),
        "dns.flags.rcode": ("0",), "dns.count.answers": ("2",), "dns.resp.type": ("5", "1", "2", "1", "28"),
        "dns.a": ("54.231.184.200", "205.251.193.131"), "dns.aaaa": ("2001:db8::53",),
    }  # fmt: skip
    said = words(Dissected(1, ("eth", "ip", "udp", "dns"), fields))
    assert said.endswith("answers that a.example is at 54.231.184.200 (DNS)")


def test_a_second_replay_is_no_acquittal(tmp_path: Path) -> None:
    """What the journal has already is not told again, and that is said."""
    state = tmp_path / "state"
    config = tmp_path / "state.toml"
    assert replayed(state, CLOUD)
    again = camwarden("replay", "--config", config, "--state", state, CLOUD)
    assert again.returncode == 0
    assert "no incident" not in again.stdout
    assert "told before, and in the journal" in again.stdout
    lines = camwarden("replay", "--config", config, "--state", state, "--format", "jsonl", CLOUD)
    assert lines.stdout == ""
    assert "that the journal has already" in lines.stderr
