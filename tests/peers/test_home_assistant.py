"""The real Home Assistant on the real broker: what it makes of what the real daemon announces."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.app.living import BROKER_PORT, ROOT, Daemon, Program, Site, wait_until
from tests.app.planted import attempt, configured

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MQTT = {"host": "127.0.0.1", "port": BROKER_PORT, "home_assistant": True}


class Home:
    """A Home Assistant inside a site."""

    def __init__(self, site: Site, python: Path) -> None:
        self._directory = site.directory / "home"
        self._directory.mkdir()
        script = ROOT / "tests/peers/home_assistant.py"
        self.program: Program = site.start(str(python), str(script), str(self._directory), str(BROKER_PORT))
        wait_until(lambda: self._lines() or self.program.process.poll() is not None, "Home Assistant", 120)
        assert self._lines() == ["ready"], self.program.log.read_text()

    def _lines(self) -> list[str]:
        return [line for line in self.program.log.read_text().splitlines() if line == "ready" or line.startswith("{")]

    def shows(self) -> dict[str, Any]:
        """Entities by their id, and devices."""
        before = len(self._lines())
        (self._directory / "ask").touch()
        wait_until(lambda: len(self._lines()) > before, "an answer")
        answer: dict[str, Any] = json.loads(self._lines()[-1])
        return answer

    def state(self, entity: str) -> str | None:
        """The state of an entity; None: there is none."""
        found = self.shows()["entities"].get(entity)
        return None if found is None else str(found["state"])

    def complaints(self) -> list[str]:
        """What it logged about MQTT."""
        return [
            line
            for line in self.program.log.read_text().splitlines()
            if "mqtt" in line and ("WARNING" in line or "ERROR" in line)
        ]


def test_home_assistant_shows_devices_and_incidents(site: Site, installed: Callable[[str], Path]) -> None:
    """Entities by discovery alone; problem on with an incident, the event fires, all unavailable after a stop.

    A device that leaves the inventory is gone there too. Home Assistant has nothing to complain of.
    """
    home = Home(site, installed("home-assistant/bin/python"))
    daemon = Daemon(site, configured(2, mqtt=MQTT))
    wait_until(lambda: home.state("binary_sensor.cam_1_incidents") == "off", "two devices", 30)
    site.send(attempt(0))
    wait_until(lambda: home.state("binary_sensor.cam_0_incidents") == "on", "the incident", 30)
    shown = home.shows()["entities"]
    assert set(shown) == {
        "binary_sensor.cam_0_incidents",
        "binary_sensor.cam_1_incidents",
        "binary_sensor.camwarden_here_trouble",
        "event.camwarden_here_incident",
        "update.cam_0_firmware",
        "update.cam_1_firmware",
    }
    assert shown["binary_sensor.cam_0_incidents"]["attributes"]["incidents_open"] == 1
    assert shown["update.cam_0_firmware"]["state"] == "unknown", "nobody has said which firmware it has"
    event = shown["event.camwarden_here_incident"]["attributes"]
    (told,) = site.about("cam-0")[:1]
    assert event["event_type"] == told["finding_info"]["types"][0]
    assert (event["device"], event["message"]) == ("cam-0", told["message"])
    assert {each["name"]: each["via"] for each in home.shows()["devices"]} == {
        "camwarden here": None,
        "cam-0": "camwarden here",
        "cam-1": "camwarden here",
    }

    daemon.reload(configured(1, mqtt=MQTT))
    wait_until(lambda: home.state("update.cam_1_firmware") is None, "the device that left", 20)
    daemon.stop()
    wait_until(lambda: home.state("binary_sensor.cam_0_incidents") == "unavailable", "the stop", 10)
    assert home.complaints() == []


def test_home_assistant_shows_a_firmware(site: Site, installed: Callable[[str], Path]) -> None:
    """A version that a device says of itself is the installed one; whether there is a newer one is not known."""
    home = Home(site, installed("home-assistant/bin/python"))
    state = {"key": "gate-07", "name": "gate-07", "firmware": "V5.4.5 build 170123", "incidents_open": 0}
    announce(site, state)
    wait_until(lambda: home.state("update.gate_07_firmware") == "off", "the device", 20)
    attributes = home.shows()["entities"]["update.gate_07_firmware"]["attributes"]
    assert attributes["installed_version"] == attributes["latest_version"] == "V5.4.5 build 170123"
    assert "does not know whether there is a newer" in attributes["release_summary"]
    hostile = {**state, "firmware": "{{ 7 * 7 }}<script>", "name": "gate-07"}
    announce(site, hostile)
    wait_until(
        lambda: (
            home.shows()["entities"]["update.gate_07_firmware"]["attributes"]["installed_version"]
            == "{{ 7 * 7 }}<script>"
        ),
        "text that stays text",
    )
    assert home.complaints() == []


def announce(site: Site, state: dict[str, Any]) -> None:
    """What a daemon would publish of this device."""
    from tests.sinks.test_home_assistant import BASE, announced, device

    given = device(**state)
    for topic, message in announced(given).items():
        publish(site, topic, json.dumps(message))
    publish(site, f"{BASE}/status", "online")
    import msgspec

    publish(site, f"{BASE}/devices/{given.name}", msgspec.json.encode(given).decode())


def publish(site: Site, topic: str, payload: str) -> None:
    site.space.run("mosquitto_pub", "-h", "127.0.0.1", "-r", "-q", "1", "-t", topic, "-m", payload)
