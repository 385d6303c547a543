"""What Grafana's dashboard-linter asks for, and what people need besides (https://github.com/grafana/dashboard-linter).

Its rules on the labels job and instance have no place here: sensors are told apart by the label sensor.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from dashboards.make import main
from monitor.sinks.labels import OTHER
from tests.dashboards import reading
from tests.dashboards.reading import COUNTERS, FOLDER

BOARDS = reading.boards()
PANELS = [
    pytest.param(board, panel, id=f"{name}: {panel['title']}")
    for name, board in BOARDS.items()
    for panel in reading.panels(board)
]
PLACEHOLDER = re.compile(r"\$\{?([a-z_]+)")
BUILT_IN = {"__range", "__interval", "__rate_interval", "__url_time_range", "__value", "__field"}
RAW = {"call_home: New in this time"}
"""Panels that compare a counter with itself as it was."""


def test_the_committed_files_are_what_the_script_makes(capsys: pytest.CaptureFixture[str]) -> None:
    """python -m dashboards.make --check."""
    assert main(["--check"]) == 0


def test_a_changed_file_is_told(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is missing, one that differs, one too many."""
    monkeypatch.setattr("dashboards.make.FOLDER", tmp_path)
    assert main(["--check"]) == 1
    assert main([]) == 0
    assert main(["--check"]) == 0
    (tmp_path / "device.json").write_text("{}")
    assert main(["--check"]) == 1
    (tmp_path / "gone.json").write_text("{}")
    assert main([]) == 0
    assert not (tmp_path / "gone.json").exists()
    assert (tmp_path / "device.json").read_bytes() == (FOLDER / "grafana" / "device.json").read_bytes()


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_the_frame(board: dict[str, Any]) -> None:
    """Title, uid, tags, description, links among the dashboards, a time, not editable; panels have their own ids."""
    assert board["title"].startswith("camwarden / ")
    assert board["description"].endswith((".", "?"))
    assert board["tags"] == ["camwarden"]
    assert board["editable"] is False
    assert board["time"]["to"] == "now"
    among, words = board["links"]
    assert (among["type"], among["tags"], among["includeVars"], among["keepTime"]) == (
        "dashboards", ["camwarden"], True, True,
    )  # fmt: skip
    assert words["url"].startswith("https://github.com/camwarden/camwarden/")
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)


def test_each_has_a_uid_of_its_own() -> None:
    """Links rest on them."""
    uids = [board["uid"] for board in BOARDS.values()]
    assert sorted(uids) == sorted(
        f"camwarden-{each}" for each in ("overview", "call-home", "firmware", "device", "sensor")
    )


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_variables(board: dict[str, Any]) -> None:
    """The data source first, then sensor, group, device; all of them anew when the time changes."""
    variables = board["templating"]["list"]
    assert [each["name"] for each in variables][:4] == ["datasource", "sensor", "group", "device"]
    source, *queries = variables
    assert (source["type"], source["query"], source["label"]) == ("datasource", "prometheus", "Prometheus")
    for each in queries:
        assert each["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert each["label"]
        assert each["refresh"] == 2
    device = queries[2]
    assert device["multi"] is (board["uid"] != "camwarden-device")
    assert all(f"${upper}" in device["query"]["query"] for upper in ("sensor", "group"))


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_incidents_are_annotations(board: dict[str, Any]) -> None:
    """Grave ones and others, each with kind and severity, in the minute in which they opened."""
    grave, others = board["annotations"]["list"]
    for each in (grave, others):
        assert "camwarden_incidents_total" in each["expr"]
        assert each["datasource"]["uid"] == "${datasource}"
        assert (each["titleFormat"], each["step"], each["enable"]) == ("{{kind}}", "1m", True)
        assert f"offset {each['step']})" in each["expr"]
    assert grave["iconColor"] != others["iconColor"]


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_each_panel_explains_itself(board: dict[str, Any], panel: dict[str, Any]) -> None:
    """Title, description, unit, and words for where there is nothing."""
    assert panel["title"]
    assert len(panel["description"]) > 15
    assert panel["description"].endswith((".", "?"))
    if panel["type"] == "text":
        assert panel["options"]["content"]
        return
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"]
    assert defaults["noValue"]
    assert panel["targets"]


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_no_data_source_is_named(board: dict[str, Any], panel: dict[str, Any]) -> None:
    """Panel and queries use the variable."""
    for each in (panel, *panel.get("targets", ())):
        if panel["type"] != "text":
            assert each["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_queries(board: dict[str, Any], panel: dict[str, Any]) -> None:
    """Each is narrowed to the chosen sensors, knows its variables and refs, and counts counters by their growth."""
    name = f"{next(name for name, each in BOARDS.items() if each is board)}: {panel['title']}"
    variables = {each["name"] for each in board["templating"]["list"]} | BUILT_IN
    targets = panel.get("targets", ())
    assert len({each["refId"] for each in targets}) == len(targets)
    for target in targets:
        expr = target["expr"]
        assert set(PLACEHOLDER.findall(expr)) <= variables
        for metric, matchers in re.findall(r"(camwarden_\w+)(\{[^}]*\})?", expr):
            assert matchers.startswith('{sensor=~"$sensor"'), metric
        for window in re.findall(r"\brate\(\w+\{[^}]*\}\[([^\]]*)\]\)", expr):
            assert window == "$__rate_interval"
        for window in re.findall(r"\bincrease\(\w+\{[^}]*\}\[([^\]]*)\]\)", expr):
            assert window == ("$__range" if target.get("instant") else "$__interval")
        if "$__interval" in expr:
            assert target["interval"] == "1m"
        if target.get("instant") and panel["type"] in ("table", "geomap"):
            assert target["format"] == "table"
        for metric, matchers, after in re.findall(r"(camwarden_\w+_total)(\{[^}]*\})(.)", expr):
            assert metric in COUNTERS
            assert after == "[" or name in RAW or f"increase({metric}{matchers}[" in expr


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_links_lead_somewhere(board: dict[str, Any], panel: dict[str, Any]) -> None:
    """To a dashboard that is there, with variables that it has, and with the data source and the time of now."""
    defaults = panel.get("fieldConfig", {"defaults": {}, "overrides": []})
    links = [*defaults["defaults"].get("links", ())]
    for override in defaults["overrides"]:
        links += [link for each in override["properties"] if each["id"] == "links" for link in each["value"]]
    by_uid = {each["uid"]: each for each in BOARDS.values()}
    for link in links:
        uid, parameters = re.fullmatch(r"/d/([\w-]+)\?(.*)", link["url"]).groups()
        assert {"${__url_time_range}", "${datasource:queryparam}"} <= set(parameters.split("&"))
        has = {each["name"] for each in by_uid[uid]["templating"]["list"]}
        assert set(re.findall(r"var-(\w+)=", parameters)) <= has


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_a_device_in_a_table_is_a_link(board: dict[str, Any]) -> None:
    """From each row that names a device one comes to the device."""
    for panel in reading.panels(board):
        columns = {
            each["matcher"]["options"]: each["properties"] for each in panel.get("fieldConfig", {}).get("overrides", ())
        }
        if panel["type"] == "table" and re.search(r"by \([^)]*\bdevice\b[^)]*\)", panel["targets"][0]["expr"]):
            if "by (group)" in panel["targets"][0]["expr"]:
                continue
            assert any(each["id"] == "links" for each in columns["device"]), panel["title"]


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_panels_lie_side_by_side(board: dict[str, Any]) -> None:
    """None lies on another, none sticks out, and no row ends with a gap."""
    taken: dict[tuple[int, int], str] = {}
    for panel in board["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]
    for y in {y for _, y in taken}:
        assert sum(1 for x in range(24) if (x, y) in taken) >= 24 - 4, f"gap at line {y}"


def test_hosts_outside_the_inventory_are_not_left_out() -> None:
    """The devices that can be chosen are those of attempts too, among which is `other`."""
    for board in BOARDS.values():
        device = next(each for each in board["templating"]["list"] if each["name"] == "device")
        assert "camwarden_device_info|camwarden_remote_attempts_total" in device["query"]["query"]
    assert OTHER == "other"


def test_provisioning_names_what_is_there() -> None:
    """One source and one folder of files; the step of rates is the scrape's."""
    sources = reading.yaml.safe_load((FOLDER / "provisioning/datasources/camwarden.yml").read_text())
    prometheus = reading.yaml.safe_load((FOLDER / "prometheus/prometheus.yml").read_text())
    (source,) = sources["datasources"]
    assert source["type"] == "prometheus"
    assert source["jsonData"]["timeInterval"] == prometheus["global"]["scrape_interval"]
    (provider,) = reading.yaml.safe_load((FOLDER / "provisioning/dashboards/camwarden.yml").read_text())["providers"]
    assert provider["type"] == "file"
