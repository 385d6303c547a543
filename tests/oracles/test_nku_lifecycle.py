"""Bytes per remote address of a camera's life against the tables that its recorders published.

``taffic_destination/*_region.csv`` has one row for each public address of a phase. Its ``bytes`` are those of whole
frames (Ethernet header included, no FCS), of both directions together, between the camera, 192.168.1.165, and that
address; local addresses have no row. Found by comparison with ``tshark -z conv,ip`` and true of every row.
Two of the nine phases have a table but no capture: watch_local and watch_remote.
"""

from __future__ import annotations

import csv
import ipaddress
import json
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from monitor.model.address import text
from tests.oracles.running import observed, replayed

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.app import Knowledge

CAMERA = "192.168.1.165"
PHASES = ("setup", "idle_local", "idle_remote", "speak_local", "speak_remote", "update", "delete")


def table(captures: Path, phase: str) -> dict[str, int]:
    folder = captures / "nku_lifecycle" / "result_demo" / "taffic_destination" / "xiaobai_Y2camera_lifecycle"
    with (folder / f"xiaobai_Y2camera_{phase}_region.csv").open(newline="") as lines:
        return {row["IP"]: int(row["bytes"]) for row in csv.DictReader(lines)}


def capture(captures: Path, phase: str) -> Path:
    folder = captures / "nku_lifecycle" / "result_demo" / "traffic_demo" / "xiaobai_Y2camera_lifecycle"
    return folder / f"xiaobai_Y2camera_{phase}.pcap"


def is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    return ip.is_global and not ip.is_multicast


@pytest.mark.parametrize("phase", PHASES)
def test_flow_ends_sum_to_the_published_bytes(phase: str, captures: Path, known: Knowledge) -> None:
    """Every address of the table, to the byte, and no other public address."""
    summed: Counter[str] = Counter()
    for row in observed(known, capture(captures, phase), "flow.end"):
        remote = row["dst"] if row["src"] == CAMERA else row["src"]
        if is_public(remote):
            summed[remote] += row["bytes_out"] + row["bytes_in"]
    assert summed == table(captures, phase)


@pytest.mark.parametrize("phase", PHASES)
def test_contacts_have_the_published_bytes(phase: str, captures: Path, known: Knowledge) -> None:
    """What the camera's contacts count is the same, to the byte."""
    run = replayed(known, capture(captures, phase), cameras=[f"{CAMERA}/32"], home=("GB",))
    summed: Counter[str] = Counter()
    for contact in run.contacts(CAMERA):
        if contact.remote is not None:
            summed[text(contact.remote)] += contact.bytes_out + contact.bytes_in
    assert summed == table(captures, phase)


@pytest.mark.parametrize("phase", PHASES)
def test_incidents_have_the_published_bytes(phase: str, captures: Path, known: Knowledge) -> None:
    """With another country as home, every public address is in one incident: their last words sum to the table's."""
    run = replayed(known, capture(captures, phase), cameras=[f"{CAMERA}/32"], home=("GB",))
    last = {each.incident: each for each in run.told}
    assert sum(each.bytes_out + each.bytes_in for each in last.values()) == sum(table(captures, phase).values())
    assert all(each.foreign for each in last.values())


def test_the_command_line_says_the_same(captures: Path) -> None:
    """``replay --format jsonl`` of the busiest phase: incident bytes sum to the table's."""
    command = [sys.executable, "-m", "monitor.cli", "replay", "--format", "jsonl", "--home", "GB"]
    command += ["--cameras", f"{CAMERA}/32", str(capture(captures, "speak_local"))]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    last = {}
    for line in done.stdout.splitlines():
        message = json.loads(line)
        last[message["finding_info"]["uid"]] = message["unmapped"]["camwarden"]
    total = sum(each["bytes_out"] + each["bytes_in"] for each in last.values())
    assert total == sum(table(captures, "speak_local").values())


def test_addresses_are_where_the_recorders_say(captures: Path, known: Knowledge) -> None:
    """The table's China and United States are CN and US by our databases too."""
    countries = {"China": "CN", "United States": "US"}
    folder = captures / "nku_lifecycle" / "result_demo" / "taffic_destination"
    with (folder / "xiaobai_Y2camera_region.csv").open(newline="") as lines:
        wanted = {row["IP"]: countries[row["region"]] for row in csv.DictReader(lines)}
    contacts = [
        contact
        for phase in PHASES
        for contact in replayed(known, capture(captures, phase), cameras=[f"{CAMERA}/32"]).contacts(CAMERA)
        if contact.remote is not None
    ]
    found = {text(each.remote): each.verdict.location for each in contacts if each.remote is not None}
    assert found == {address: wanted[address] for address in found}
    assert len(found) == 15


def test_update_phase_moved_no_firmware(captures: Path, known: Knowledge) -> None:
    """The phase called update has no firmware transfer in it: some 100 kB, most of them from the camera."""
    run = replayed(known, capture(captures, "update"), cameras=[f"{CAMERA}/32"])
    assert sum(contact.bytes_in for contact in run.contacts(CAMERA)) < 10_000


def test_pings_are_counted_by_run(captures: Path, known: Knowledge) -> None:
    """tshark: 31 echo requests to 114.114.114.114, each with an identifier of its own, and one reply."""
    (ping,) = [
        row for row in observed(known, capture(captures, "idle_local"), "flow.end") if row["dst"] == "114.114.114.114"
    ]
    assert (ping["packets_out"], ping["packets_in"]) == (31, 1)
    assert (ping["attempts"], ping["outcome"]) == (31, "answered")


def test_an_upload_that_was_acknowledged_was_transferred(captures: Path, known: Knowledge) -> None:
    """tshark: 82,021 octets of payload to 110.43.68.240 in a connection older than the capture, none back, 63 ACKs."""
    (upload,) = [
        row for row in observed(known, capture(captures, "update"), "flow.end") if row["dst"] == "110.43.68.240"
    ]
    assert (upload["payload_out"], upload["payload_in"]) == (82_021, 0)
    assert upload["outcome"] == "transferred"
