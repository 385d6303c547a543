"""Recipes for other people's programs: whole, about topics and fields that there are, and honest about what was tried.

``make peers`` runs those that can be had; the rest says in its first line that it is untested.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.app.living import ROOT

DEPLOY = ROOT / "deploy"
FLOW = DEPLOY / "node-red/flow.json"
EXPORTER = DEPLOY / "prometheus-mqtt-exporter/camwarden.yaml"
UNTESTED = [DEPLOY / "telegraf/camwarden.conf", DEPLOY / "vector/camwarden.toml"]
TRIED = {FLOW: "test_node_red.py", EXPORTER: "test_mqtt_exporter.py"}
TOPICS = {"camwarden/v1/+/incidents/+", "camwarden/v1/+/health"}
CAPTURE = ROOT / "pcaps/irish_vendor_cloud.pcap"


@cache
def message() -> dict[str, Any]:
    """A real one."""
    command = [sys.executable, "-m", "monitor.cli", "replay", "--format", "jsonl", str(CAPTURE)]
    done = subprocess.run(command, capture_output=True, check=True, cwd=ROOT, timeout=60)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[0])
    return found


def has(path: str) -> bool:
    """Whether a real message has this field."""
    value: Any = message()
    for part in path.split("."):
        if not isinstance(value, dict) or part not in value:
            return False
        value = value[part]
    return True


@pytest.mark.parametrize("path", [*UNTESTED, *TRIED], ids=lambda path: path.parent.name)
def test_a_recipe_names_topics_that_are_published(path: Path) -> None:
    found = set(re.findall(r"camwarden/v1/[^\s\"']*", path.read_text())) - {"camwarden/v1/(?P<deviceid>[^/]+)/health"}
    assert found
    assert found <= TOPICS


def test_what_could_not_be_tried_says_so_first() -> None:
    for path in UNTESTED:
        assert path.read_text().startswith("# Untested"), path
        assert tomllib.loads(path.read_text())
    for path, test in TRIED.items():
        assert "ntested" not in path.read_text()
        assert str(path.relative_to(ROOT)) in (ROOT / "tests/peers" / test).read_text()


def test_telegraf_and_vector_read_fields_that_there_are() -> None:
    telegraf = tomllib.loads(UNTESTED[0].read_text())["inputs"]["mqtt_consumer"][0]["json_v2"][0]
    for each in [*telegraf["tag"], *telegraf["field"]]:
        assert has(each["path"]), each
    assert has(telegraf["timestamp_path"])
    vector = tomllib.loads(UNTESTED[1].read_text())
    for path in vector["transforms"]["once"]["fields"]["match"]:
        assert has(path)
    for template in vector["sinks"]["loki"]["labels"].values():
        assert has(template.strip("{} "))


def test_the_exporter_reads_what_health_says() -> None:
    """Names that the daemon's health really has are tests/peers'; here, that they are in the daemon's source."""
    source = (ROOT / "monitor/run.py").read_text() + (ROOT / "monitor/daemon.py").read_text()
    for metric in yaml.safe_load(EXPORTER.read_text())["metrics"]:
        assert f'"{metric["mqtt_name"]}":' in source, metric
        assert metric["help"]


def test_the_flow_is_one_graph() -> None:
    """Every wire leads somewhere, every node is in the tab and reached, and nothing is run as a command."""
    nodes = {node["id"]: node for node in json.loads(FLOW.read_text())}
    reached, waiting = set(), ["cw-in"]
    while waiting:
        here = waiting.pop()
        reached.add(here)
        waiting += [there for wires in nodes[here].get("wires", []) for there in wires]
    assert reached | {"cw-tab", "cw-broker"} == set(nodes)
    assert {node["type"] for node in nodes.values()} <= {
        "tab", "mqtt-broker", "mqtt in", "mqtt out", "switch", "function", "debug",
    }  # fmt: skip


def test_the_flow_tells_nothing_twice() -> None:
    """Messages come at least once; it goes by what is the same in both, and forgets in time."""
    nodes = {node["id"]: node for node in json.loads(FLOW.read_text())}
    assert nodes["cw-in"]["wires"] == [["cw-once"]]
    assert has("metadata.uid")
    assert "msg.payload.metadata.uid" in nodes["cw-once"]["func"]
    assert "slice(-MOST)" in nodes["cw-once"]["func"]
