"""Rulesets for nftables, which nft itself checks and loads in a network namespace."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from monitor.app import renderer
from monitor.cli import app
from monitor.config import convert
from monitor.firewall import allowing, blocking
from monitor.model.incidents import Evidence
from monitor.store import Store
from tests.collectors.namespaces import Namespace
from tests.sinks.conftest import make_transition

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def test_what_an_incident_reached_is_blocked(space: Namespace, tmp_path: Path) -> None:
    """Both ways for everybody; an address of the site for the incident's device only."""
    addresses = ["47.88.59.209", "2001:db8::7", "10.9.0.1"]
    evidences = [Evidence("10.20.0.17", 5, each, "a\n}\n", 443, 6, None, None, None, None) for each in addresses]
    transition = make_transition(1, evidences=tuple(evidences))
    with Store.open(tmp_path / "state", sensor="hall-1", sinks=[]) as store:
        store.append([transition], renderer("hall-1"))
    path = tmp_path / "block.nft"
    path.write_text(blocking(tmp_path / "state", transition.incident).text)
    listed = loaded(space, path)
    assert "elements = { 47.88.59.209 }" in listed
    assert "elements = { 2001:db8::7 }" in listed
    assert "ip saddr 10.20.0.17 ip daddr 10.9.0.1 counter" in listed
    asked = ["firewall", "--state", str(tmp_path / "state"), "--incident"]
    assert CliRunner().invoke(app, [*asked, transition.incident]).stdout == path.read_text()
    wrong = CliRunner().invoke(app, [*asked, "0" * 32])
    assert (wrong.exit_code, "no incident" in wrong.output) == (2, True)


def test_a_policy_without_addresses_says_so(tmp_path: Path) -> None:
    """One line, exit 2."""
    path = tmp_path / "c.toml"
    path.write_text('[[group]]\nname = "a"\n')
    result = CliRunner().invoke(app, ["firewall", "--config", str(path)])
    assert (result.exit_code, "no group has a device with an address" in result.output) == (2, True)
