"""Prometheus' rules and the Alertmanager example, by the tools of those who read them."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from monitor.model.incidents import Kind
from tests.dashboards import reading
from tests.dashboards.reading import FOLDER

PROMETHEUS = FOLDER / "prometheus"
ALERTS = [pytest.param(rule, id=rule["alert"]) for rule in reading.rules("alerts.yml")]
TESTS = sorted(PROMETHEUS.glob("*.test.yml"))
SHOWN_ONLY = {Kind.NAME_LOOKUP, Kind.FIRMWARE_CHECK, Kind.TEST}
"""Kinds that nobody need be told of: dashboards and MQTT have them."""


def run(tool: str, *arguments: str) -> str:
    """What it says, if it is content."""
    path = shutil.which(tool)
    if path is None:
        pytest.skip(f"needs {tool} (Debian: {'prometheus-alertmanager' if tool == 'amtool' else 'prometheus'})")
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False, timeout=60, cwd=PROMETHEUS)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_takes_the_configuration() -> None:
    """And with it both files of rules, every one of them."""
    said = run("promtool", "check", "config", "prometheus.yml")
    assert [int(count) for count in re.findall(r"(\d+) rules found", said)] == [
        len(reading.rules(name)) for name in reading.RULES
    ]


@pytest.mark.parametrize("file", TESTS, ids=lambda path: path.name)
def test_each_rule_does_what_it_should(file: object) -> None:
    """promtool test rules."""
    assert "SUCCESS" in run("promtool", "test", "rules", str(file))


def test_no_rule_is_untested() -> None:
    """Each alert fires in some scene, each recorded name is asked for."""
    words = "".join(path.read_text("utf-8") for path in TESTS)
    for rule in reading.rules():
        name = rule.get("alert") or rule["record"]
        assert re.search(rf'alertname="{name}"|{name}\{{' if "alert" in rule else rf"expr: {name}", words), name


@pytest.mark.parametrize("rule", ALERTS)
def test_an_alert_says_what_to_do_next(rule: reading.Json) -> None:
    """Summary, description, the next step, a dashboard that there is, and its own part of the runbook."""
    words = rule["annotations"]
    assert words.keys() == {"summary", "description", "next_step", "dashboard", "runbook_url"}
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert len(words["next_step"]) > 40
    assert all(words[each].endswith((".", "?")) for each in ("description", "next_step"))
    uid = re.match(r"/d/([\w-]+)", words["dashboard"])[1]
    boards = {board["uid"]: board for board in reading.boards().values()}
    has = {each["name"] for each in boards[uid]["templating"]["list"]}
    assert set(re.findall(r"var-(\w+)=", words["dashboard"])) <= has
    url, _, anchor = words["runbook_url"].partition("#")
    assert url == "https://github.com/camwarden/camwarden/blob/main/dashboards/RUNBOOK.md"
    assert anchor == rule["alert"].lower()


def test_the_runbook_has_a_part_for_each_alert() -> None:
    """In the order of the rules, and none for an alert that is gone; the README leads there."""
    runbook = (FOLDER / "RUNBOOK.md").read_text("utf-8")
    assert re.findall(r"^### (\w+)$", runbook, re.MULTILINE) == [rule["alert"] for rule in reading.rules("alerts.yml")]
    parts = re.split(r"^### \w+$", runbook, flags=re.MULTILINE)[1:]
    for part in parts:
        assert all(word in part for word in ("**Means**", "**Check**", "**Do**")), part
    assert "dashboards/RUNBOOK.md" in (FOLDER.parent / "README.md").read_text("utf-8")


def test_each_kind_of_incident_is_alerted_once_or_on_purpose_not_at_all() -> None:
    """A new kind has to be thought of here."""
    told = [
        kind
        for rule in reading.rules("alerts.yml")
        for matched in re.findall(r'kind=~?"([^"]+)"', rule["expr"])
        for kind in matched.split("|")
    ]
    assert sorted(told) == sorted(kind.value for kind in set(Kind) - SHOWN_ONLY)


def test_labels_of_words_are_labels_of_the_alert() -> None:
    """No annotation names a label that the expression has aggregated away."""
    for rule in reading.rules("alerts.yml"):
        named = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
        grouped = re.match(r"\w+ by \(([^)]*)\)", rule["expr"])
        metric = reading.METRIC.search(rule["expr"])[1]
        has = set(re.findall(r"\w+", grouped[1])) if grouped else reading.known()[metric]
        assert named <= has, rule["alert"]


def test_amtool_takes_the_example() -> None:
    """With its template."""
    said = run("amtool", "check-config", str(FOLDER / "alertmanager/alertmanager.yml"))
    assert "1 templates" in said


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("alertname=CamwardenSensorGone severity=critical", "on-call"),
        ("alertname=CamwardenCallsHome severity=warning", "operators"),
        ("alertname=CamwardenStaleFirmware severity=info", "weekly"),
        ("alertname=SomethingElse severity=critical", "operators"),
    ],
)
def test_alerts_go_to_whom_they_should(labels: str, receiver: str) -> None:
    """Critical ones wake somebody, informational ones wait."""
    config = str(FOLDER / "alertmanager/alertmanager.yml")
    assert run("amtool", "config", "routes", "test", f"--config.file={config}", *labels.split()).strip() == receiver


def test_inhibition_names_alerts_that_there_are() -> None:
    """Each name that a pattern spells out is an alert."""
    example = reading.yaml.safe_load((FOLDER / "alertmanager/alertmanager.yml").read_text())
    names = {rule["alert"] for rule in reading.rules("alerts.yml")}
    for rule in example["inhibit_rules"]:
        for matcher in rule["source_matchers"] + rule["target_matchers"]:
            ends = re.search(r'"Camwarden\(?([\w|]+)\)?"', matcher)[1].split("|")
            assert {f"Camwarden{end}" for end in ends} <= names
