"""The shipped configuration in Debian's prometheus-mqtt-exporter, fed by the real daemon over the real broker."""

from __future__ import annotations

import shutil
import urllib.request

import pytest

from tests.app.living import ROOT, Daemon, Site, answers, wait_until
from tests.app.planted import attempt, configured

CONFIGURATION = ROOT / "deploy/prometheus-mqtt-exporter/camwarden.yaml"
PORT = 9641


def test_health_is_metrics(site: Site) -> None:
    """Every metric that the configuration names has the value that /healthz has."""
    program = shutil.which("prometheus-mqtt-exporter")
    if program is None:
        pytest.skip("peers are not installed: make peers")
    exporter = site.start(program, "-config", str(CONFIGURATION), "-listen-address", "127.0.0.1")
    with site.space.inside():
        wait_until(lambda: answers(PORT), "the exporter")
    daemon = Daemon(site, configured(2))
    site.send(attempt(0), attempt(1))
    wait_until(lambda: metrics(site).get("camwarden_mqtt_incidents_open") == 2, "health on MQTT", 30)
    health, shown = daemon.health(), metrics(site)
    assert shown == {
        "camwarden_mqtt_ok": 1,
        "camwarden_mqtt_packets_total": health["packets"],
        "camwarden_mqtt_lost_packets_total": health["lost"],
        "camwarden_mqtt_gap_seconds_total": health["gaps_s"],
        "camwarden_mqtt_incidents_open": 2,
        "camwarden_mqtt_messages_total": health["messages"],
    }
    daemon.stop()
    assert exporter.process.poll() is None


def metrics(site: Site) -> dict[str, float]:
    """Ours, of the one sensor."""
    url = f"http://127.0.0.1:{PORT}/metrics"
    with site.space.inside(), urllib.request.urlopen(url, timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    found = {}
    for line in lines:
        if line.startswith("camwarden_"):
            name, _, value = line.partition("{")
            assert 'sensor="here"' in value
            found[name] = float(value.rpartition("} ")[2].split()[0])
    return found
