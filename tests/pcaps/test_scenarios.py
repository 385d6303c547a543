"""Every committed capture is sound in tshark's eyes and holds just what its description says."""

from __future__ import annotations

import ipaddress
import struct
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from monitor.model.capabilities import State
from monitor.policy import rules
from monitor.policy.settings import GroupConfig, SiteConfig
from pcaps import airport_storm, make, scenarios
from pcaps.scenarios import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from conftest import Row

    Dissected = Callable[[Path], list[Row]]

SECOND = 1_000_000_000
SERVER = "10.20.0.2"
COMMITTED_LIMIT = 6_000_000
OUTCOMES = ("asked", "attempted", "refused", "answered", "transferred")


def local(text: str) -> bool:
    """Private, link-local, or the documentation prefix that stands for the site's own."""
    address = ipaddress.ip_address(text)
    return not address.is_global or address.is_multicast


@dataclass(slots=True)
class Watched:
    """One configured device, as the capture shows it."""

    addresses: set[str] = field(default_factory=set)
    rows: list[Row] = field(default_factory=list)
    """What it sends and what is sent to it."""


def watched(configuration: Mapping[str, Any], rows: list[Row]) -> dict[str, Watched]:
    """Each configured device by name, with all addresses that its MAC or its entry gives it."""
    found = {device["name"]: Watched({device["ip"]} if "ip" in device else set()) for device in configuration["device"]}
    by_mac = {device["mac"]: found[device["name"]] for device in configuration["device"] if "mac" in device}
    for row in rows:
        if row["eth.src"] in by_mac and row.source:
            by_mac[row["eth.src"]].addresses.add(row.source)
    owner = {address: one for one in found.values() for address in one.addresses}
    for row in rows:
        for one in {id(end): end for end in map(owner.get, (row.source, row.destination)) if end is not None}.values():
            one.rows.append(row)
    return found


def attempts(rows: list[Row], addresses: set[str], remotes: set[str]) -> int:
    """By the definition: a new (5-tuple, sequence number), or an unanswered datagram, one a second and flow."""
    syns = set()
    answered = set()
    counted: dict[tuple[str, ...], int] = {}
    total = 0
    for row in rows:
        outward = row.source in addresses and row.destination in remotes
        if row["tcp.flags.syn"] == "1" and row["tcp.flags.ack"] == "0" and outward:
            syns.add((row.source, row.destination, row["tcp.srcport"], row["tcp.dstport"], row["tcp.seq_raw"]))
        if not row["udp.srcport"] or row["icmp.type"]:
            continue
        if outward:
            flow = (row.source, row["udp.srcport"], row.destination, row["udp.dstport"])
            if flow not in answered and (flow not in counted or row.ns - counted[flow] >= SECOND):
                counted[flow] = row.ns
                total += 1
        else:
            answered.add((row.destination, row["udp.dstport"], row.source, row["udp.srcport"]))
    return total + len(syns)


def outcome(rows: list[Row], addresses: set[str], remotes: set[str]) -> str:
    """How far it got, from payload and answers alone."""
    best = 0
    said = {True: False, False: False}
    for row in rows:
        outward = row.source in addresses and row.destination in remotes
        inward = row.source in remotes and row.destination in addresses
        refusal = row["icmp.type"] == "3" and row.destination in addresses
        if refusal:
            best = max(best, 2)
        if not (outward or inward) or row["icmp.type"]:
            continue
        best = max(best, 1 if outward else 3)
        size = int(row["tcp.len"] or 0) or int(row["udp.length"] or 8) - 8
        said[outward] |= size > 0
    return OUTCOMES[4 if all(said.values()) else best]


@pytest.mark.parametrize("name", NAMES)
def test_committed_files_are_what_the_code_makes(name: str) -> None:
    """``python -m pcaps.make --check`` passes."""
    assert make.main(["--check", name]) == 0


def test_check_notices_a_changed_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One byte more, or no file at all, and --check says no."""
    monkeypatch.setattr(make, "FOLDER", tmp_path)
    assert make.main(["--check", "names_only"]) == 1
    assert make.main(["names_only"]) == 0
    assert make.main(["--check", "names_only"]) == 0
    with (tmp_path / "names_only.pcap").open("ab") as file:
        file.write(b"\0")
    assert make.main(["--check", "names_only"]) == 1


def test_an_unknown_name_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2 and the name."""
    with pytest.raises(SystemExit) as left:
        make.main(["quiet_sight"])
    assert left.value.code == 2
    assert "quiet_sight" in capsys.readouterr().err


def test_the_captures_are_small() -> None:
    """Together they stay under the limit for what is shipped."""
    assert sum(scenarios.load(name).capture.stat().st_size for name in NAMES) < COMMITTED_LIMIT


def test_names_are_all_the_scenarios_there_are() -> None:
    """No description or capture lies beside the list."""
    for kind in ("toml", "pcap"):
        assert {path.stem for path in scenarios.FOLDER.glob(f"*.{kind}")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_descriptions_agree_with_themselves(name: str) -> None:
    """Devices that are expected are configured; nothing is expected and forbidden at once."""
    scenario = scenarios.load(name)
    devices = [device["name"] for device in scenario.configuration["device"]]
    groups = {group["name"] for group in scenario.configuration["group"]}
    assert scenario.story.endswith(".")
    assert len(set(devices)) == len(devices)
    assert {device["group"] for device in scenario.configuration["device"]} <= groups
    assert {row.device for row in scenario.rows} <= {*devices}
    assert {row.state for row in scenario.rows} <= {*State}
    assert scenario.expect or scenario.never
    for row in scenario.expect:
        assert row.device in devices
        assert row.outcome in (OUTCOMES if row.operator is not None else (None,))
        assert row.outcome is not None or not row.attempts
        for never in scenario.never:
            assert never.device not in {row.device, scenarios.ANY_DEVICE}
            assert never.kind is None or never.kind != row.kind
            assert never.property is None or never.property not in row.properties


@pytest.mark.parametrize("name", NAMES)
def test_configuration_is_what_the_policy_reads(name: str) -> None:
    """No key that it does not know, and every rule can be read."""
    configuration = scenarios.load(name).configuration
    assert configuration.keys() == {"sensor", "site", "group", "device"}
    assert msgspec.convert(configuration["site"], SiteConfig).home
    for group in msgspec.convert(configuration["group"], tuple[GroupConfig, ...]):
        for text in group.allow:
            rules.parse(text)


@pytest.mark.parametrize("name", NAMES)
def test_tshark_finds_no_fault(name: str, dissected: Dissected) -> None:
    """No malformed layer, no error, every checksum right, time never goes back."""
    rows = dissected(scenarios.load(name).capture)
    assert len(rows) > 30
    assert {number: row.faults for number, row in enumerate(rows, 1) if row.faults} == {}
    times = [row.ns for row in rows]
    assert times == sorted(times)


@pytest.mark.parametrize("name", NAMES)
def test_attempts_and_outcome_are_as_described(name: str, dissected: Dissected) -> None:
    """Counted anew from tshark's fields, by the definition in the architecture."""
    scenario = scenarios.load(name)
    devices = watched(scenario.configuration, dissected(scenario.capture))
    for row in scenario.expect:
        if row.outcome is None:
            continue
        device, remotes = devices[row.device], set(row.remotes)
        assert attempts(device.rows, device.addresses, remotes) == row.attempts, row
        assert outcome(device.rows, device.addresses, remotes) == (row.outcome if remotes else "asked"), row
        refusers = {one.source for one in device.rows if one["icmp.type"] == "3"}
        assert refusers == ({row.refused_by} if row.refused_by else set())


@pytest.mark.parametrize("name", [name for name in NAMES if name != "quiet_site"])
def test_watched_devices_go_nowhere_else(name: str, dissected: Dissected) -> None:
    """What a configured device says off the site is in the description, so that "never" can be trusted."""
    scenario = scenarios.load(name)
    for device, seen in watched(scenario.configuration, dissected(scenario.capture)).items():
        off_site = {row.destination for row in seen.rows if row.source in seen.addresses and not local(row.destination)}
        assert off_site == {remote for row in scenario.expect if row.device == device for remote in row.remotes}


def test_quiet_site_goes_only_where_it_may(dissected: Dissected) -> None:
    """Four cameras and one address at home, under the allowed name."""
    rows = dissected(scenarios.load("quiet_site").capture)
    assert {row.destination for row in rows if row.destination and not local(row.destination)} == {"20.90.130.14"}
    hellos = {(row.source, row["tls.handshake.extensions_server_name"]) for row in rows}
    assert {name for _, name in hellos} == {"", "updates.fleet.example"}
    assert len([source for source, name in hellos if name]) == 4


@pytest.mark.parametrize("name", NAMES)
def test_names_are_as_described(name: str, dissected: Dissected) -> None:
    """Names in questions and handshakes, QUIC's decrypted ones too."""
    scenario = scenarios.load(name)
    devices = watched(scenario.configuration, dissected(scenario.capture))
    for device in {row.device for row in scenario.expect}:
        seen = devices[device]
        said = {
            row[key]
            for row in seen.rows
            for key in ("dns.qry.name", "tls.handshake.extensions_server_name")
            if row[key] and row.source in seen.addresses
        }
        assert said == {text for row in scenario.expect if row.device == device for text in row.names}


def test_quic_name_is_only_in_the_encrypted_packets(dissected: Dissected) -> None:
    """No question for it; the first connection's ClientHello needs both Initial packets, the later part first."""
    rows = dissected(scenarios.load("quic_abroad").capture)
    assert not any(row["dns.qry.name"] for row in rows)
    hellos = [row for row in rows if row["tls.handshake.extensions_server_name"]]
    assert len(hellos) == 2
    assert all(":quic:tls" in row["frame.protocols"] for row in hellos)


def test_hardcoded_p2p_boots_and_asks_nothing(dissected: Dissected) -> None:
    """DHCP comes first and no name is looked up, so the addresses were in the camera."""
    rows = dissected(scenarios.load("hardcoded_p2p").capture)
    assert rows[0]["udp.srcport"] == "68"
    assert not any(row["dns.qry.name"] for row in rows)


def test_hardcoded_p2p_frames_have_the_documented_shape() -> None:
    """Magic F1, length of the rest (facts from a real capture), HELLO of four bytes to each of three servers."""
    data = scenarios.load("hardcoded_p2p").capture.read_bytes()
    assert data.count(b"\xf1\x00\x00\x00") >= 15
    assert data.count(b"\xf1\x01\x00\x10\x02\x00") == 1


def test_names_only_runs_past_the_waiting_time(dissected: Dissected) -> None:
    """A name is "asked" only when nothing was sent within 30 s, so the capture must go on that long."""
    rows = dissected(scenarios.load("names_only").capture)
    last = max(row.ns for row in rows if row["dns.qry.name"])
    assert rows[-1].ns - last > 60 * SECOND


def test_ipv6_scenario_has_detection_and_advertisement(dissected: Dissected) -> None:
    """Duplicate address detection from ``::``, the camera's address from the prefix, and no IPv4 off the site."""
    rows = dissected(scenarios.load("ipv6_abroad").capture)
    assert any(row.source == "::" for row in rows)
    assert not any(row["ip.dst"] and not local(row["ip.dst"]) for row in rows)
    assert any(row.source == "2001:db8:20:0:4aea:63ff:fe20:10" for row in rows)


def test_duplicate_mirror_shows_everything_twice(dissected: Dissected) -> None:
    """Each IPv4 packet has one copy within 10 µs; only what comes in is tagged; some went through a router."""
    rows = [row for row in dissected(scenarios.load("duplicate_mirror").capture) if row["ip.src"]]
    copies = defaultdict(list)
    for row in rows:
        copies[row["ip.src"], row["ip.dst"], row["ip.id"], row["tcp.seq_raw"]].append(row)
    assert {len(pair) for pair in copies.values()} == {2}
    assert all(pair[1].ns - pair[0].ns < 10_000 for pair in copies.values())
    inbound = {row["vlan.id"] for row in rows if row.destination == "10.20.0.50"}
    outbound = {row["vlan.id"] for row in rows if row.source == "10.20.0.50"}
    assert (inbound, outbound) == ({"20"}, {""})
    links = Counter(len({row["eth.src"] for row in pair}) for pair in copies.values())
    assert links[2] > 5


def test_phone_is_no_configured_device(dissected: Dissected) -> None:
    """It has a made-up MAC, is in no inventory, and does talk abroad."""
    scenario = scenarios.load("phone_on_vlan")
    rows = [row for row in dissected(scenario.capture) if row["eth.src"] == "da:a1:19:4e:07:3c"]
    assert int("da", 16) & 2
    assert "10.20.0.77" not in {device["ip"] for device in scenario.configuration["device"]}
    assert len({row.destination for row in rows if row.destination and not local(row.destination)}) == 6


def test_airport_storm_keeps_the_rate() -> None:
    """11,000 an hour of 140 cameras: 2,750 in a quarter of an hour, 264,000 in a day."""
    quarter = airport_storm.attempts(0.25, 140)
    assert sum(quarter) == 2750
    assert (min(quarter), max(quarter)) == (19, 20)
    assert sum(airport_storm.attempts(24, 140)) == 264_000


def test_storm_streams_any_length(tmp_path: Path, dissected: Dissected) -> None:
    """The capture on disk holds the attempts that it returns, in time order, with silent ones sent three times."""
    path = tmp_path / "storm.pcap"
    counts = airport_storm.storm(0.5, 28, path)
    rows = dissected(path)
    times = [row.ns for row in rows]
    assert times == sorted(times)
    syns = [row for row in rows if row["tcp.flags.syn"] == "1" and not row["icmp.type"]]
    assert len({(row.source, row["tcp.srcport"], row["tcp.seq_raw"]) for row in syns}) == sum(counts) == 1100
    per_camera = Counter(row.source for row in syns)
    for index, count in enumerate(counts):
        copies = 1 if airport_storm.refused(index) else 3
        assert per_camera[f"10.20.0.{index + 11}"] == count * copies


def test_storm_hands_frames_over_as_it_goes() -> None:
    """A day of it need not be made before its first minute is there."""
    stream = airport_storm.stream(24, 140)
    first = [next(stream) for _ in range(100)]
    assert first[-1].ts_ns - first[0].ts_ns < 60 * SECOND
    assert struct.unpack("!H", first[0].data[12:14])[0] == 0x0800
