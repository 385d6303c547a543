"""Community ID of every flow, as ``observe`` prints it, against the specification's own captures and results."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.oracles.running import CAPTURES, observed

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.app import Knowledge

PCAPS = ("icmp", "icmp6", "ipv6", "rsvp", "sctp", "tcp", "udp")
Tuple = tuple[int, frozenset[tuple[str, int]]]


def expected(folder: Path) -> dict[Tuple, str]:
    """Identifier of each flow of the baseline, whichever way its packets went."""
    rows = json.loads((folder / "baseline" / "baseline_deflt.json").read_text())
    return {
        of(row["proto"], row["saddr"], row["sport"], row["daddr"], row["dport"]): row["communityid"] for row in rows
    }


def of(proto: int, source: str, sport: int | None, destination: str, dport: int | None) -> Tuple:
    return proto, frozenset({(source, sport or 0), (destination, dport or 0)})


def numbered(row: dict[str, Any]) -> Tuple:
    proto = {"icmp": 1, "tcp": 6, "udp": 17, "icmp6": 58}.get(row["proto"])
    return of(int(row["proto"]) if proto is None else proto, row["src"], row["sport"], row["dst"], row["dport"])


def test_every_flow_of_the_suite_has_its_identifier(captures: Path, known: Knowledge) -> None:
    """All identifiers of the baseline are printed, and none that is not in it."""
    suite = captures / "community_id"
    wanted = set(expected(suite).values())
    rows = observed(known, suite / "pcaps" / "combined.pcap.gz")
    assert {row["community_id"] for row in rows if row["proto"] != "arp"} == wanted
    assert len(wanted) == 14


@pytest.mark.parametrize("name", PCAPS)
def test_each_flow_end_has_its_own_identifier(name: str, captures: Path, known: Knowledge) -> None:
    """The identifier stands beside the very addresses and ports that the baseline gives it for."""
    wanted = expected(captures / "community_id")
    rows = [
        row for row in observed(known, captures / "community_id" / "pcaps" / f"{name}.pcap") if row["proto"] != "arp"
    ]
    assert rows
    for row in rows:
        if row["kind"] == "flow.end":
            assert row["community_id"] == wanted[numbered(row)], row
        else:
            assert row["community_id"] in wanted.values(), row


def test_arp_has_none(captures: Path, known: Knowledge) -> None:
    """Where there is no IP there is no flow to name."""
    rows = observed(known, captures / "community_id" / "pcaps" / "arp.pcap")
    assert rows
    assert {row["community_id"] for row in rows} == {None}


def test_the_suite_is_whole() -> None:
    """Every capture of the suite is in this file."""
    if not CAPTURES.is_dir():
        pytest.skip("no captures")
    there = {path.name.partition(".")[0] for path in (CAPTURES / "community_id" / "pcaps").iterdir()}
    assert there == {*PCAPS, "arp", "combined"}
