"""Every scenario is found exactly as it is described, and the same bytes come out however it is fed."""

from __future__ import annotations

import hashlib
import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from collectors.captures import Captures
from monitor.config import convert
from monitor.demo import ledger_of
from monitor.model.capabilities import State
from pcaps import airport_storm, savefile, scenarios
from pcaps.scenarios import ANY_DEVICE, NAMES, Expect, Never
from tests.builds import REPOSITORY
from tests.engine.played import Played, engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.app import Knowledge
    from monitor.model.incidents import Transition


def replayed(known: Knowledge, name: str, *paths: Path, seed: bytes = bytes(16), packets: int = 4096) -> Played:
    """A scenario's capture, or others of it, under its own configuration."""
    scenario = scenarios.load(name)
    played = engine(known, convert(dict(scenario.configuration), name), seed=seed)
    source = Captures(paths or [scenario.capture], block_packets=packets)
    played.feed(source.blocks()).finish()
    assert source.damage == []
    return played


def digest(said: Sequence[bytes]) -> str:
    """Stands for what was said."""
    return hashlib.sha256(b"\n".join(said)).hexdigest()


def is_with(operator: str | None, found: Transition) -> bool:
    """Whether the other end of an incident is this one, or there is to be none."""
    verdict = found.verdict
    if operator is None or verdict is None:
        return operator is None and verdict is None
    return operator.lower() in verdict.operator.lower() or operator in verdict.operator_key


def differences(expect: Expect, played: Played) -> list[str]:
    """What of a description does not hold; empty if one incident is just as described."""
    mine = [each for each in played.of(expect.device) if each.kind == expect.kind and is_with(expect.operator, each)]
    if len(mine) != 1:
        return [f"{len(mine)} incidents of {expect.device}, {expect.kind}, {expect.operator}"]
    found = mine[0]
    verdict, firmware = found.verdict, found.firmware
    checks: list[tuple[str, object, object]] = [
        ("outcome", found.outcome.label if found.outcome is not None else None, expect.outcome),
        ("attempts", found.attempts, expect.attempts),
        ("properties", {*expect.properties} - {*found.properties}, set()),
        ("refused_by", found.refused_by, expect.refused_by),
        ("remotes", played.remotes(found) if expect.remotes else set(), {*expect.remotes}),
        ("names", played.names(found) if expect.names else set(), {*expect.names}),
        ("location", verdict.location if verdict is not None and expect.location else None, expect.location),
        (
            "jurisdiction",
            verdict.jurisdiction if verdict is not None and expect.jurisdiction else None,
            expect.jurisdiction,
        ),
        ("firmware before", firmware.before if firmware is not None else None, expect.firmware_before),
        ("firmware after", firmware.after if firmware is not None else None, expect.firmware_after),
        ("capabilities", {*found.capabilities}, {*expect.capabilities}),
        ("message", [each for each in expect.says if each not in found.message], []),
    ]
    return [f"{expect.device}: {what} is {is_!r}, not {should!r}" for what, is_, should in checks if is_ != should]


def matches(never: Never, found: Transition) -> bool:
    """Whether an incident is what no incident may be."""
    device = never.device in (None, ANY_DEVICE, found.device.name, found.device.mac)
    kind = never.kind in (None, str(found.kind))
    operator = never.operator is None or (
        found.verdict is not None and never.operator.lower() in found.verdict.operator.lower()
    )
    return device and kind and operator and (never.property is None or never.property in found.properties)


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_is_found_as_described(name: str, known: Knowledge) -> None:
    """Each expected incident is there with exact counts, no other is, and nothing that must not be."""
    scenario, played = scenarios.load(name), replayed(known, name)
    wrong = [line for expect in scenario.expect for line in differences(expect, played)]
    assert wrong == []
    lasting = [each for each in played.incidents.values() if each.merged_into is None]
    assert len(lasting) == len(scenario.expect)
    assert [(never, each.message) for never in scenario.never for each in played.told if matches(never, each)] == []


@pytest.mark.parametrize("name", [name for name in NAMES if scenarios.load(name).rows])
def test_the_ledger_is_as_described(name: str, known: Knowledge) -> None:
    """Each row that a description names is in the state that it gives."""
    scenario = scenarios.load(name)
    found = ledger_of(scenario, replayed(known, name).engine)
    assert found == [(each, each.state) for each in scenario.rows]


def test_every_state_is_shown() -> None:
    """By one scenario."""
    assert {row.state for row in scenarios.load("ledger_states").rows} == {*State}


@pytest.fixture(scope="module")
def said_uncompiled() -> dict[str, str]:
    """What a process says of each scenario that has no compiled module."""
    command = [sys.executable, "-m", "tests.engine.uncompiled", *NAMES]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_bytes_however_it_is_fed(name: str, known: Knowledge, said_uncompiled: dict[str, str]) -> None:
    """Block sizes, the flow table's seed and the compiler change no byte of any message."""
    first = replayed(known, name).rendered()
    small = (1, 7, 1000) if name != "airport_storm" else (7, 1000)
    for packets in small:
        assert replayed(known, name, packets=packets, seed=struct.pack(">QQ", packets, 1)).rendered() == first
    assert said_uncompiled[name] == digest(first)


@pytest.mark.parametrize("name", ["irish_vendor_cloud", "hardcoded_p2p", "duplicate_mirror"])
@pytest.mark.parametrize("alternating", [False, True])
def test_a_capture_in_two_files_is_the_same_capture(
    name: str, alternating: bool, known: Knowledge, tmp_path: Path
) -> None:
    """One after the other, or every second packet in each: merged in time they tell the same."""
    whole = scenarios.load(name).capture.read_bytes()
    records, at = [], 24
    while at < len(whole):
        end = at + 16 + int.from_bytes(whole[at + 8 : at + 12], "little")
        records.append(whole[at:end])
        at = end
    half = len(records) // 2
    parts = (records[::2], records[1::2]) if alternating else (records[:half], records[half:])
    paths = [tmp_path / "one.pcap", tmp_path / "two.pcap"]
    for path, part in zip(paths, parts, strict=True):
        path.write_bytes(whole[:24] + b"".join(part))
    assert replayed(known, name, *paths).rendered() == replayed(known, name).rendered()


def stormed(known: Knowledge, hours: float, path: Path) -> None:
    """140 cameras that try: 140 incidents, exact counts, few messages."""
    attempts = airport_storm.storm(hours, 140, path)
    played = replayed(known, "airport_storm", path)
    by_device = {each.device.name: each for each in played.incidents.values()}
    assert len(played.incidents) == len(by_device) == 140
    assert [by_device[airport_storm.camera_name(index)].attempts for index in range(140)] == list(attempts)
    told = [sum(each.incident == one for each in played.told) for one in played.incidents]
    assert max(told) <= 10
    assert played.engine.scanner.table.evicted == 0


def test_a_storm_of_an_hour(known: Knowledge, tmp_path: Path) -> None:
    """11,000 attempts."""
    stormed(known, 1, tmp_path / "storm.pcap")


@pytest.mark.slow
def test_a_storm_of_a_day(known: Knowledge, tmp_path: Path) -> None:
    """264,000 attempts."""
    stormed(known, 24, tmp_path / "storm.pcap")


def test_a_savefile_holds_what_was_written(tmp_path: Path) -> None:
    """What the scenarios are written with is what the collector reads."""
    path = tmp_path / "one.pcap"
    count = savefile.write(path, [savefile.Frame(1_000, b"x" * 60)])
    assert sum(block.count for block in Captures([path]).blocks()) == count == 1
