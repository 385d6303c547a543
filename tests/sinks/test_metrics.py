"""What Prometheus sees."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.model.contacts import Outcome
from monitor.model.incidents import Activity, Severity
from monitor.sinks.metrics import Metrics
from monitor.sinks.scrape import Health, serve
from tests.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_700_000_000_000_000_000
OUTCOMES = [outcome for outcome in Outcome if outcome is not Outcome.ASKED]


def series(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every series with its value, as a scraper reads them."""
    body, _ = metrics.snapshot().render()
    families = text_string_to_metric_families(body.decode())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def value(metrics: Metrics, name: str, **labels: str) -> float:
    return series(metrics)[name, frozenset({"sensor": "hall-1", **labels}.items())]


def fill(metrics: Metrics, devices: int, transition: Any) -> None:
    """One of everything, for devices camera-0 and on."""
    metrics.packets("eth1", 10, 9000)
    metrics.kernel_drops("eth1", 2)
    metrics.malformed("dns")
    metrics.flows("active", 7)
    metrics.flow_evictions(1)
    metrics.capture_lag(0.25)
    metrics.geo_database("country", NOW - 86_400_000_000_000)
    metrics.sink("mqtt", up=True, depth=3, parked=1, oldest_ns=NOW - 5_000_000_000)
    metrics.transition(transition(1))
    for number in range(devices):
        name = f"camera-{number}"
        metrics.device(name, group="gates", device_class="camera", vendor="Hikvision", model="DS-2CD")
        metrics.firmware(name, "V5.7.1", NOW - 3_600_000_000_000)
        metrics.seen(name, NOW)
        metrics.attempt(name, "SG", "CN", Outcome.ATTEMPTED, 3)
        metrics.remote_bytes(name, "CN", sent=100, received=50)


def test_counts_come_out_under_their_names_with_the_sensor_on_each(transition: Any) -> None:
    """Names are those of the interface, ages are counted to the moment of the scrape, and every series names the sensor."""
    metrics = Metrics("hall-1", ["camera-0"], version="0.1.0", clock=lambda: NOW)
    fill(metrics, 1, transition)
    assert value(metrics, "camwarden_build_info", version="0.1.0") == 1
    assert value(metrics, "camwarden_packets_total", interface="eth1") == 10
    assert value(metrics, "camwarden_bytes_total", interface="eth1") == 9000
    assert value(metrics, "camwarden_kernel_drops_total", interface="eth1") == 2
    assert value(metrics, "camwarden_duplicates_total", interface="eth1") == 0
    assert value(metrics, "camwarden_flow_evictions_total") == 1
    assert value(metrics, "camwarden_capture_lag_seconds") == 0.25
    where = {"device": "camera-0", "country": "SG", "jurisdiction": "CN"}
    assert value(metrics, "camwarden_remote_attempts_total", **where, outcome="attempted") == 3
    assert value(metrics, "camwarden_remote_bytes_total", device="camera-0", jurisdiction="CN", direction="in") == 50
    assert value(metrics, "camwarden_firmware_age_seconds", device="camera-0") == 3600
    assert value(metrics, "camwarden_geo_database_age_seconds", database="country") == 86400
    assert value(metrics, "camwarden_outbox_oldest_seconds", sink="mqtt") == 5
    assert value(metrics, "camwarden_device_seen_timestamp_seconds", device="camera-0") == NOW / 1e9
    assert all(("sensor", "hall-1") in labels for _, labels in series(metrics))


def test_incidents_are_counted_at_opening_and_followed_until_they_end(transition: Any) -> None:
    """The total keeps the severity of the opening; the gauge moves with the severity and goes back to zero."""
    metrics = Metrics("hall-1", [])
    first = transition(1, severity=Severity.MEDIUM)
    metrics.transition(first)
    metrics.transition(msgspec.structs.replace(first, activity=Activity.UPDATE, severity=Severity.HIGH))
    kind = {"kind": "vendor_cloud"}
    assert value(metrics, "camwarden_incidents_total", **kind, severity="medium") == 1
    assert value(metrics, "camwarden_incidents_total", **kind, severity="high") == 0
    assert value(metrics, "camwarden_incidents_open", **kind, severity="medium") == 0
    assert value(metrics, "camwarden_incidents_open", **kind, severity="high") == 1
    metrics.transition(msgspec.structs.replace(first, activity=Activity.END, severity=Severity.HIGH))
    assert value(metrics, "camwarden_incidents_open", **kind, severity="high") == 0


def test_labels_come_from_closed_sets() -> None:
    """Unknown devices and odd countries are ``other``, no country is ``unknown``, a new firmware replaces the old one."""
    metrics = Metrics("hall-1", ["gate"])
    metrics.attempt("intruder", "S\n", None, Outcome.ATTEMPTED)
    labels = {"device": "other", "country": "other", "jurisdiction": "unknown", "outcome": "attempted"}
    assert value(metrics, "camwarden_remote_attempts_total", **labels) == 1
    for version in ("1", "2"):
        metrics.firmware("gate", version, NOW)
    shown = [dict(labels)["version"] for name, labels in series(metrics) if name == "camwarden_firmware_info"]
    assert shown == ["2"]
    for number in range(100):
        metrics.firmware("gate", f"rotating {number}", NOW)
    shown = [dict(labels)["version"] for name, labels in series(metrics) if name == "camwarden_firmware_info"]
    assert shown == ["other"]
    with pytest.raises(ValueError, match="no attempt"):
        metrics.attempt("gate", "GB", "GB", Outcome.ASKED)


def test_a_scan_of_ten_thousand_of_everything_stays_in_the_budget(transition: Any) -> None:
    """Series stay within 500 and 40 a device, nothing is left uncounted, and a scrape takes at most 100 ms."""
    devices = [f"camera-{number}" for number in range(50)]
    metrics = Metrics("hall-1", devices)
    fill(metrics, 50, transition)
    letters = [chr(65 + number) for number in range(26)]
    countries = [a + b for a in letters for b in letters]
    for number in range(10_000):
        device = f"camera-{number % 200}"
        metrics.malformed(f"layer {number}")
        metrics.packets(f"eth{number}", 1, 60)
        metrics.flows(f"state {number}", 1)
        metrics.geo_database(f"base {number}", NOW)
        metrics.sink(f"sink {number}", up=True, depth=1, parked=0, oldest_ns=NOW)
        metrics.device(device, group="g", device_class="camera", vendor="v", model=f"model {number}")
        metrics.firmware(device, f"version {number}", NOW)
        metrics.seen(device, NOW)
        for outcome in OUTCOMES:
            metrics.attempt(device, countries[number % 676], countries[number * 7 % 676], outcome)
        metrics.remote_bytes(device, countries[number * 7 % 676], sent=1, received=1)
    found = series(metrics)
    assert len(found) <= 500 + 40 * len(devices)
    mine: dict[str, int] = {}
    for _, labels in found:
        device = dict(labels).get("device", "")
        mine[device] = mine.get(device, 0) + 1
    assert max(count for device, count in mine.items() if device) <= 40
    assert len({labels for name, labels in found if "attempts" in name and ("device", "camera-0") in labels}) > 4 * 4
    attempts = sum(number for (name, _), number in found.items() if name == "camwarden_remote_attempts_total")
    assert attempts == 10_000 * len(OUTCOMES) + 50 * 3
    took = min(_seconds(metrics) for _ in range(5))
    assert took <= 0.1, f"{took:.3f} s"


def _seconds(metrics: Metrics) -> float:
    began = time.perf_counter()
    metrics.snapshot().render()
    return time.perf_counter() - began


@pytest.mark.asyncio
async def test_promtool_finds_nothing_to_say(transition: Any) -> None:
    """The exposition passes the linter of Prometheus, in the text and in the OpenMetrics format."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool (Debian: prometheus)")
    metrics = Metrics("hall-1", ["camera-0"])
    fill(metrics, 1, transition)
    body, content_type = metrics.snapshot().render()
    assert content_type.startswith("text/plain")
    result = subprocess.run([promtool, "check", "metrics"], input=body, capture_output=True, check=False, timeout=20)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    body, content_type = metrics.snapshot().render("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


@pytest.mark.asyncio
async def test_health_is_200_or_503_with_the_reason() -> None:
    """A load balancer reads the status, people read the JSON; nothing else is served."""
    answers = iter([Health(ok=True, facts={"lag_s": 0}), Health(ok=False, facts={"mqtt": "down"})])
    async with serve(Metrics("hall-1", []), lambda: next(answers)) as (host, port), aiohttp.ClientSession() as client:
        assert host == "127.0.0.1"
        async with client.get(f"http://{host}:{port}/healthz") as response:
            assert (response.status, await response.json()) == (200, {"status": "ok", "lag_s": 0})
        async with client.get(f"http://{host}:{port}/healthz") as response:
            assert (response.status, await response.json()) == (503, {"status": "failing", "mqtt": "down"})
        async with client.get(f"http://{host}:{port}/") as response:
            assert response.status == 404
        async with client.post(f"http://{host}:{port}/metrics") as response:
            assert response.status == 405


@pytest.mark.asyncio
async def test_a_real_prometheus_scrapes_it(tmp_path: Path, transition: Any) -> None:
    """Prometheus itself takes the scrape and answers a query with the count."""
    prometheus = shutil.which("prometheus")
    if prometheus is None:
        pytest.skip("needs prometheus")
    metrics = Metrics("hall-1", ["camera-0"])
    fill(metrics, 1, transition)
    async with serve(metrics, lambda: Health(ok=True, facts={})) as (host, port):
        configuration = tmp_path / "prometheus.yml"
        targets = {"job_name": "c", "scrape_interval": "200ms", "static_configs": [{"targets": [f"{host}:{port}"]}]}
        configuration.write_text(json.dumps({"scrape_configs": [targets]}))
        log = (tmp_path / "log").open("wb")
        web = free_port()
        process = await asyncio.create_subprocess_exec(
            prometheus,
            f"--config.file={configuration}",
            f"--storage.tsdb.path={tmp_path / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{web}",
            stdout=log,
            stderr=log,
        )
        try:
            query = f"http://127.0.0.1:{web}/api/v1/query?query=camwarden_remote_attempts_total"
            result: list[dict[str, Any]] = []
            deadline = time.monotonic() + 20
            while not result and time.monotonic() < deadline:
                await asyncio.sleep(0.1)
                result = await asyncio.to_thread(_ask, query)
            assert [(row["metric"]["country"], row["metric"]["sensor"], row["value"][1]) for row in result] == [
                ("SG", "hall-1", "3")
            ]
        finally:
            process.terminate()
            await process.wait()
            log.close()


def _ask(query: str) -> list[dict[str, Any]]:
    try:
        with urllib.request.urlopen(query, timeout=2) as answer:
            result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
            return result
    except OSError:
        return []
