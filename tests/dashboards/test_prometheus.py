"""Every query of every dashboard and rule, asked of a Prometheus that scraped the daemon."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.dashboards import reading
from tests.dashboards.reading import FOLDER, Asked
from tests.dashboards.scene import CONFIGURATION, Scene
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PROMETHEUS = shutil.which("prometheus")
ROOT = FOLDER.parent
SCRAPE_S: Final = 0.25
EMPTY: Final = {
    "sensor_health: Turned away by full tables A": "no table was full",
}
"""Panels that are rightly empty in this scene."""


class Prometheus:
    """A real one; its data are in a temporary directory."""

    def __init__(self, url: str, since: float) -> None:
        self._url = url
        self.since = since
        """When what dashboards are asked for began, Unix time."""

    def api(self, path: str, **parameters: object) -> Any:
        """The answer's data; what is wrong with a query fails the test."""
        data = urllib.parse.urlencode(parameters).encode() if parameters else None
        try:
            with urllib.request.urlopen(f"{self._url}/api/v1/{path}", data, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            pytest.fail(f"{parameters}: {error.read().decode()}")

    def now(self, expr: str) -> list[dict[str, Any]]:
        return list(self.api("query", query=expr)["result"])

    def answer(self, asked: Asked) -> list[dict[str, Any]]:
        """What Grafana would get: an instant, or a step a second."""
        expr = self.filled(asked.expr)
        if asked.instant:
            return self.now(expr)
        end = time.time()
        return list(self.api("query_range", query=expr, start=self.since, end=end, step=1)["result"])

    def filled(self, expr: str) -> str:
        """With Grafana's variables as they would be."""
        values = {
            "$__range": f"{(time.time() - self.since) * 1000:.0f}ms",
            "$__interval": "2s",
            "$__rate_interval": "60s",
            "$sensor": "hall",
            "$device": "(gate|yard|other)",
            **dict.fromkeys(("$group", "$country", "$jurisdiction"), ".*"),
        }
        return re.sub(r"\$[a-z_]+", lambda variable: values[variable[0]], expr)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """It scraped a daemon that watched the scene, before and after the update."""
    if PROMETHEUS is None:
        pytest.skip("needs prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    port, web = free_port(), free_port()
    (folder / "camwarden.toml").write_text(
        CONFIGURATION.format(state=folder / "state", port=port, closed=free_port()), "utf-8"
    )
    settings = reading.yaml.safe_load((FOLDER / "prometheus/prometheus.yml").read_text())
    settings["global"] = {"scrape_interval": f"{SCRAPE_S * 1000:.0f}ms", "evaluation_interval": "500ms"}
    settings["scrape_configs"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{port}"]
    del settings["alerting"]
    (folder / "prometheus.yml").write_text(json.dumps(settings))
    for name in reading.RULES:
        text = (FOLDER / "prometheus" / name).read_text("utf-8")
        (folder / name).write_text(text.replace("interval: 1m", "interval: 500ms"), "utf-8")
    daemon = start(
        folder, "daemon", sys.executable, "-m", "monitor.cli", "run", "--config", str(folder / "camwarden.toml")
    )
    server = start(
        folder, "prometheus", PROMETHEUS, f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{web}",
    )  # fmt: skip
    try:
        asked = Prometheus(f"http://127.0.0.1:{web}", time.time())
        wait(lambda: ready(web) and asked.now("camwarden_build_info"), folder)
        scene = Scene()
        assert daemon.stdin is not None
        daemon.stdin.write(scene.before(time.time_ns()))
        daemon.stdin.flush()
        wait(lambda: asked.now("camwarden_firmware_info") and asked.now("camwarden_remote_attempts_total"), folder)
        time.sleep(2 * SCRAPE_S)
        asked.since = time.time()
        for _ in range(3):
            time.sleep(0.5)
            daemon.stdin.write(scene.calls(time.time_ns()))
            daemon.stdin.flush()
        daemon.stdin.write(scene.after(time.time_ns()))
        daemon.stdin.flush()
        wait(lambda: asked.now('camwarden_firmware_info{version=~"V5.7.1.*"}'), folder)
        time.sleep(4 * SCRAPE_S)
        yield asked
    finally:
        for process in (daemon, server):
            process.terminate()
        for process in (daemon, server):
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def start(folder: Path, name: str, *command: str) -> subprocess.Popen[bytes]:
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=ROOT)


def ready(port: int) -> bool:
    """Whether Prometheus answers queries by now."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def wait(true: Callable[[], object], folder: Path) -> None:
    """Until it is so; else with what the programs said last."""
    deadline = time.monotonic() + 40
    while not true():
        if time.monotonic() > deadline:
            pytest.fail("\n".join(log.read_text()[-3000:] for log in folder.glob("*.log")))
        time.sleep(0.1)


@pytest.mark.parametrize("asked", [*reading.of_panels()], ids=lambda asked: asked.where)
def test_a_panel_has_data(prometheus: Prometheus, asked: Asked) -> None:
    """Each query returns something, with the labels that its legend names; where not, there is a reason."""
    answer = prometheus.answer(asked)
    if asked.where in EMPTY:
        assert answer == []
        return
    assert answer
    for label in re.findall(r"\{\{(\w+)\}\}", asked.legend):
        assert any(label in each["metric"] for each in answer)


@pytest.mark.parametrize("asked", [*reading.of_annotations()], ids=lambda asked: asked.where)
def test_incidents_are_marked(prometheus: Prometheus, asked: Asked) -> None:
    """With the labels that titles and words have; the step is that of the scene."""
    prompt = asked._replace(expr=asked.expr.replace("offset 1m", "offset 1s"))
    before = Prometheus(prometheus._url, prometheus.since - 4)
    answer = before.answer(prompt)
    assert answer
    assert all(each["metric"].keys() == {"sensor", "kind", "severity"} for each in answer)


@pytest.mark.parametrize("asked", [*reading.of_variables()], ids=lambda asked: asked.where)
def test_a_variable_has_values(prometheus: Prometheus, asked: Asked) -> None:
    """Among them those of the scene."""
    answer = prometheus.now(prometheus.filled(asked.expr))
    expected = {"sensor": "hall", "group": "street", "device": "gate", "country": "IE", "jurisdiction": "CN"}
    assert expected[asked.legend] in {each["metric"].get(asked.legend) for each in answer}


def test_rules_are_evaluated(prometheus: Prometheus) -> None:
    """None fails, all that is recorded is there, and what should be told of this scene fires or is about to."""
    wait_for = time.monotonic() + 5
    while time.monotonic() < wait_for:
        groups = prometheus.api("rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        if all(rule["health"] == "ok" for rule in rules):
            break
        time.sleep(0.2)
    assert {rule["name"]: rule.get("lastError") for rule in rules if rule["health"] != "ok"} == {}
    assert len(rules) == len(reading.rules())
    for record in reading.recorded():
        assert prometheus.now(record), record
    active = {rule["name"] for rule in rules if rule.get("alerts")}
    assert {"CamwardenCallsHome", "CamwardenUnexpectedContact", "CamwardenSinkDown"} <= active
    assert not {"CamwardenAbsent", "CamwardenSensorGone", "CamwardenPacketsDropped", "CamwardenBehind"} & active


def test_a_first_contact_is_counted_whole(prometheus: Prometheus) -> None:
    """A series that begins with its first attempt has grown by it, where increase() alone sees nothing."""
    (asked,) = (each for each in reading.of_panels() if each.where == "overview: By country of the address A")
    attempted = {each["metric"]["country"]: float(each["value"][1]) for each in prometheus.answer(asked)}
    (new,) = (country for country in attempted if country not in {"CN", "IE"})
    assert attempted[new] == 1
    plain = f'sum(increase(camwarden_remote_attempts_total{{country="{new}", outcome="attempted"}}[$__range]))'
    assert all(float(each["value"][1]) == 0 for each in prometheus.now(prometheus.filled(plain)))
