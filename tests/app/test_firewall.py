"""Rulesets for nftables, which nft itself checks and loads in a network namespace."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from typer.testing import CliRunner

from monitor.app import renderer
from monitor.cli import app
from monitor.config import Config, convert
from monitor.firewall import allowing, blocking
from monitor.model.incidents import Evidence, Kind
from monitor.store import Store
from tests.collectors.namespaces import Namespace
from tests.sinks.conftest import make_transition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.model.incidents import Transition

NFT = shutil.which("nft", path="/usr/sbin:/usr/bin:/sbin")
TABLES = {
    "site": {"core_networks": ["10.9.0.0/16"], "networks": ["198.51.100.0/24"], "resolvers": ["9.9.9.9"]},
    "group": [
        {
            "name": "gates\n\t}",
            "allow": ["203.0.113.0/24 tcp/443", "203.0.113.9 udp/8000-8010", "2001:db8::/32", "ntp"],
        },
        {"name": "halls", "allow": ["*.example.org tcp/443", "AS64500", "192.0.2.7"], "isolated": True},
        {"name": "net", "match": {"network": "10.30.0.0/16"}},
    ],
    "device": [
        {"name": "a", "ip": ["10.20.0.11", "fd00::11"], "group": "gates\n\t}"},
        {"name": "b", "ip": "10.20.0.12", "group": "halls"},
        {"name": "c", "mac": "44:19:b6:00:00:11", "group": "halls"},
    ],
}


@pytest.fixture
def space() -> Iterator[Namespace]:
    if NFT is None or os.geteuid() != 0:
        pytest.skip("needs nftables and root")
    made = Namespace()
    yield made
    made.close()


def loaded(space: Namespace, path: Path) -> str:
    """What nft lists after it has checked the file and loaded it twice."""
    for options in (["-c", "-f"], ["-f"], ["-f"]):
        done = subprocess.run(
            ["ip", "netns", "exec", space.name, str(NFT), *options, str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    listed = ["ip", "netns", "exec", space.name, str(NFT), "list", "ruleset"]
    return subprocess.run(listed, capture_output=True, text=True, check=True).stdout


def journal(state: Path, *transitions: Transition) -> None:
    with Store.open(state, sensor="hall-1", sinks=[]) as store:
        store.append(list(transitions), renderer("hall-1"))


def seen(device: str, remote: str, kind: Kind, number: int = 1) -> Transition:
    """An incident of this kind with one other end."""
    evidence = Evidence(device, 554, remote, None, 40881, 6, None, None, None, None)
    return make_transition(number, kind=kind, evidences=(evidence,))


def test_what_the_policy_allows(space: Namespace, tmp_path: Path) -> None:
    """Sets of devices and rules with addresses and services; names, networks' numbers and MACs are said to be missing."""
    made = allowing(convert(dict(TABLES), "c"), strict=False)
    path = tmp_path / "allow.nft"
    path.write_text(made.text)
    listed = loaded(space, path)
    assert "ip daddr 203.0.113.0/24 tcp dport 443 counter" in listed
    assert "ip daddr 203.0.113.9 udp dport 8000-8010 counter" in listed
    assert "ip6 daddr 2001:db8::/32 counter" in listed
    assert "ip daddr 9.9.9.9 tcp dport 53 counter" in listed
    assert "ip daddr 10.9.0.0/16 counter" in listed
    assert "elements = { fd00::11 }" in listed
    assert "elements = { 10.30.0.0/16 }" in listed
    chains = {each.split(" {")[0]: each for each in listed.split("chain ")[1:]}
    assert "9.9.9.9" not in chains["group1"], "isolated: the site's helpers are not for it"
    assert chains["group0"].rstrip(" \n\t}").endswith("drop")
    assert "drop" not in chains["group1"].splitlines()[-3], "not all of it can be told, so nothing is dropped"
    assert [each.partition(":")[0] for each in made.unsaid] == ["group halls"] * 3
    assert "*.example.org" in made.text
    path.write_text(allowing(convert(dict(TABLES), "c"), strict=True).text)
    assert loaded(space, path).count("drop") > listed.count("drop")


def blocked(space: Namespace, tmp_path: Path, transition: Transition) -> str:
    """What nftables holds once it has taken the block list of an incident, which is in block.nft."""
    path = tmp_path / "block.nft"
    path.write_text(blocking(tmp_path / "state", transition.incident, Config()).text)
    return loaded(space, path)


def test_what_an_incident_reached_is_blocked(space: Namespace, tmp_path: Path) -> None:
    """Both ways for everybody; an address of the site for the incident's device only."""
    addresses = ["47.88.59.209", "2001:db8::7", "10.9.0.1"]
    evidences = [Evidence("10.20.0.17", 5, each, "a\n}\n", 443, 6, None, None, None, None) for each in addresses]
    transition = make_transition(1, evidences=tuple(evidences))
    journal(tmp_path / "state", transition)
    listed = blocked(space, tmp_path, transition)
    assert "elements = { 47.88.59.209 }" in listed
    assert "elements = { 2001:db8::7 }" in listed
    assert "ip saddr 10.20.0.17 ip daddr 10.9.0.1 counter" in listed
    assert "saddr 10.9.0.1" not in listed, "the device began: others' answers to it are nobody's harm"
    asked = ["firewall", "--state", str(tmp_path / "state"), "--incident"]
    assert CliRunner().invoke(app, [*asked, transition.incident]).stdout == (tmp_path / "block.nft").read_text()
    wrong = CliRunner().invoke(app, [*asked, "0" * 32])
    assert (wrong.exit_code, "no such incident" in wrong.output) == (2, True)


def test_a_block_list_says_who_wrote_it(tmp_path: Path) -> None:
    """The program's name is not the table's."""
    transition = seen("10.20.0.17", "47.88.59.209", Kind.VENDOR_CLOUD)
    journal(tmp_path / "state", transition)
    text = blocking(tmp_path / "state", transition.incident, Config()).text
    assert "# Written by camwarden firewall. Check with: nft -c -f FILE; load with: nft -f FILE" in text


def test_an_incident_is_named_as_explain_names_it(tmp_path: Path) -> None:
    """By as much of its id as is unambiguous; what names none or several is refused in the same words."""
    state = tmp_path / "state"
    first, second = (seen("10.20.0.17", "47.88.59.209", Kind.VENDOR_CLOUD, number) for number in (1, 2))
    third = seen("10.20.0.17", "47.88.59.210", Kind.VENDOR_CLOUD, 3)
    twins = [msgspec.structs.replace(each, incident=f"abcd{each.incident[4:]}") for each in (first, second)]
    journal(state, *twins, third)
    named = CliRunner().invoke(app, ["firewall", "--state", str(state), "--incident", third.incident[:6].upper()])
    assert (named.exit_code, "47.88.59.210" in named.stdout) == (0, True)
    for wrong, words in (("abcd", "there are several"), ("0000", "no such incident"), ("", "no such incident")):
        said = [
            CliRunner().invoke(app, [*command, wrong, "--state", str(state)])
            for command in (["firewall", "--incident"], ["explain"])
        ]
        assert words in said[0].stderr
        assert (said[0].exit_code, said[0].stderr) == (said[1].exit_code, said[1].stderr)


def test_incidents_are_listed_with_ids_that_name_them(tmp_path: Path) -> None:
    """The table's first digits are enough for the commands that take an incident."""
    transition = seen("10.20.0.17", "47.88.59.209", Kind.VENDOR_CLOUD)
    journal(tmp_path / "state", transition)
    where = ["--state", str(tmp_path / "state")]
    table = CliRunner().invoke(app, ["incidents", *where], env={"COLUMNS": "200"}).stdout
    assert transition.incident[:8] in table
    narrow = CliRunner().invoke(app, ["incidents", *where], env={"COLUMNS": "80"}).stdout
    assert transition.incident[:8] in narrow, "an id that is folded cannot be copied"
    assert transition.incident[:9] not in table
    assert CliRunner().invoke(app, ["firewall", *where, "--incident", transition.incident[:8]]).exit_code == 0


def test_block_lists_of_two_incidents_stand_side_by_side(space: Namespace, tmp_path: Path) -> None:
    """The second leaves the first as it is, and each is taken back as its head says."""
    first = seen("10.20.0.17", "47.88.59.209", Kind.VENDOR_CLOUD, 1)
    second = seen("10.20.0.18", "10.20.0.88", Kind.EXPLOIT_ATTEMPT, 2)
    journal(tmp_path / "state", first, second)
    alone = blocked(space, tmp_path, first)
    both = blocked(space, tmp_path, second)
    path = tmp_path / "block.nft"
    assert f"table inet camwarden_block_{first.incident[:8]}" in both
    assert "47.88.59.209" in both
    assert "10.20.0.88" in both
    back = path.read_text().partition("take back with: ")[2].partition("\n")[0].split()
    assert back[0] == "nft"
    subprocess.run(["ip", "netns", "exec", space.name, str(NFT), *back[1:]], check=True)
    path.write_text("")
    assert loaded(space, path) == alone


@pytest.mark.parametrize("kind", [Kind.EXPLOIT_ATTEMPT, Kind.FIRMWARE_UPDATE])
def test_who_came_to_a_device_is_kept_from_it_both_ways(space: Namespace, tmp_path: Path, kind: Kind) -> None:
    """A peer on the site: what it sends is dropped too. Others still reach both."""
    transition = seen("10.20.0.18", "10.20.0.88", kind)
    journal(tmp_path / "state", transition)
    listed = blocked(space, tmp_path, transition)
    assert "ip saddr 10.20.0.88 ip daddr 10.20.0.18 counter" in listed
    assert "ip saddr 10.20.0.18 ip daddr 10.20.0.88 counter" in listed
    assert listed.count(" drop") == 2


@pytest.mark.parametrize("kind", [Kind.DORMANT_FUNCTION, Kind.CONTRADICTION, Kind.CAPABILITY_GAINED])
def test_who_merely_asked_is_not_blocked(tmp_path: Path, kind: Kind) -> None:
    """The recorder that a device told of a microphone: one line says why, and recording goes on."""
    transition = seen("10.20.0.16", "10.20.0.10", kind)
    journal(tmp_path / "state", transition)
    asked = ["firewall", "--state", str(tmp_path / "state"), "--incident", transition.incident]
    done = CliRunner().invoke(app, asked)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "no block: 10.20.0.10 is on the site and merely asked" in done.stderr


def test_a_recorder_at_a_public_address_of_the_site_merely_asked(tmp_path: Path) -> None:
    """The configuration says which networks are the site's."""
    transition = seen("198.51.100.16", "198.51.100.10", Kind.DORMANT_FUNCTION)
    journal(tmp_path / "state", transition)
    with pytest.raises(ValueError, match="merely asked"):
        blocking(tmp_path / "state", transition.incident, convert(dict(TABLES), "c"))


def test_what_a_device_gained_towards_the_outside_is_blocked(space: Namespace, tmp_path: Path) -> None:
    """The new destination is; the recorder that was told of a function is a comment."""
    ends = (("10.20.0.13", "52.30.100.10"), ("10.20.0.13", "10.20.0.10"))
    evidences = tuple(Evidence(own, 80, remote, None, 443, 6, None, None, None, None) for own, remote in ends)
    transition = make_transition(1, kind=Kind.CAPABILITY_GAINED, evidences=evidences)
    journal(tmp_path / "state", transition)
    listed = blocked(space, tmp_path, transition)
    assert "elements = { 52.30.100.10 }" in listed
    assert "10.20.0.10" not in listed
    assert "# not blocked, as it is on the site and merely asked: 10.20.0.10\n" in (tmp_path / "block.nft").read_text()


def test_a_policy_without_addresses_says_so(tmp_path: Path) -> None:
    """One line, exit 2."""
    path = tmp_path / "c.toml"
    path.write_text('[[group]]\nname = "a"\n')
    result = CliRunner().invoke(app, ["firewall", "--config", str(path)])
    assert (result.exit_code, "no group has a device with an address" in result.output) == (2, True)
