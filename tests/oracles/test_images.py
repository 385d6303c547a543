"""Firmware in real captures: each image that was reassembled by hand is found, with its hash, and nothing else is one."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final

import pytest

from tests.oracles.running import CAPTURES, every_capture, observed, spread

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.app import Knowledge

TABLE: Final = CAPTURES / "iot_sentinel" / "EXPECTED_firmware_objects.tsv"
TRANSFER: Final = "firmware.transfer"
CHECK: Final = "firmware.check"
OTHERS: Final[dict[str, int]] = {}
"""Transfers in captures that are not in the table, and how many. There are none."""
CHECKED: Final = {
    # A synthetic request by TFTP to read /firmware.bin, which nobody answers.
    "arkime/arkime_synthetic.pcap": {"tftp://10.20.4.1/firmware.bin"},
}
"""Checks of all suites but iot_sentinel, where devices do ask for updates."""
TRUE_NEGATIVES: Final = (
    # "update" phases in which nothing came, and a camera that asks for the head of a bundle of certificates.
    "nku_lifecycle/result_demo/traffic_demo/xiaobai_Y2camera_lifecycle/xiaobai_Y2camera_update.pcap",
    "iot_sentinel/D-LinkCam/Setup-A-1-STA.pcap",
    "zeek/Traces/http/content-length-overflow.pcap",
    "ndpi/pcap/exe_download_as_png.pcap",
    "ndpi/pcap/mpeg-dash.pcap",
)


def expected() -> dict[str, list[dict[str, str]]]:
    """The rows of the table, by capture."""
    found: dict[str, list[dict[str, str]]] = {}
    if TABLE.is_file():
        with TABLE.open(newline="") as lines:
            for row in csv.DictReader(lines, delimiter="\t"):
                found.setdefault(f"iot_sentinel/{row['capture']}", []).append(row)
    return found


@pytest.mark.parametrize("file", sorted(expected()))
def test_each_image_is_found(file: str, captures: Path, known: Knowledge) -> None:
    """Octets, SHA-256 and source are those that were reassembled by hand; it goes to the device that asked for it."""
    rows = observed(known, captures / file, TRANSFER)
    assert [
        (row["uri"], row["src"], row["bytes"], row["sha256"], row["complete"], row["device"], row["direction"])
        for row in rows
    ] == [
        (
            row["url"], row["server_ip"], int(row["bytes_reassembled"]), row["sha256_of_object"], True,
            row["device"].rpartition(" ")[2], "to_device",
        )
        for row in expected()[file]
    ]  # fmt: skip
    assert {row["magic"] for row in rows} == {"elf"}


@pytest.mark.parametrize("file", [*TRUE_NEGATIVES, *spread(every_capture(), 10)] if every_capture() else [])
def test_nothing_else_is_one(file: str, captures: Path, known: Knowledge) -> None:
    """Not in phases called an update, not in what is merely large."""
    if file not in expected():
        assert observed(known, captures / file, TRANSFER) == []


@pytest.mark.slow
def test_nothing_else_is_one_in_all_captures(captures: Path, known: Knowledge) -> None:
    """All of them: transfers, calls and checks are those listed."""
    transfers: dict[str, int] = {}
    checks: dict[str, set[str]] = {}
    for file in every_capture():
        for row in observed(known, captures / file, TRANSFER, "firmware.call", CHECK):
            assert row["kind"] != "firmware.call", (file, row)
            if row["kind"] == TRANSFER and file not in expected():
                transfers[file] = transfers.get(file, 0) + 1
            elif row["kind"] == CHECK and not file.startswith("iot_sentinel/"):
                checks.setdefault(file, set()).add(row["uri"])
    assert transfers == OTHERS
    assert checks == CHECKED


def test_devices_ask_before_they_fetch(captures: Path, known: Knowledge) -> None:
    """D-Link's sensor asks for the version of its firmware and of its agent; the answer to the first one is XML."""
    rows = observed(known, captures / "iot_sentinel/D-LinkSensor/Setup-A-1-STA.pcap", CHECK)
    assert [row["uri"].partition("?")[0] for row in rows] == [
        "http://wrpd.dlink.com/router/firmware/query.aspx",
        "http://api.dch.dlink.com/agent/upgrade",
    ]


def test_a_camera_asks_for_a_script(captures: Path, known: Knowledge) -> None:
    """The Ednet camera asks for /update.sh by TFTP in every capture; nobody has one, so it is a check and no transfer."""
    files = [file for file in every_capture() if file.startswith("iot_sentinel/EdnetCam1/")]
    assert files
    for file in files:
        rows = observed(known, captures / file, TRANSFER, CHECK)
        assert {(row["kind"], row["via"], row["uri"].rpartition("/")[2]) for row in rows} == {
            (CHECK, "tftp", "update.sh")
        }
