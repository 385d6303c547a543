"""Discovery by a real daemon: every topic that it names is one that it publishes, and a device that goes is taken back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.app.living import Daemon, Site, wait_until
from tests.app.planted import attempt, configured

if TYPE_CHECKING:
    from pathlib import Path

MQTT = {"host": "127.0.0.1", "port": 1883, "home_assistant": True}


class Broker:
    """All that is published on a site, and what of it is retained."""

    def __init__(self, site: Site) -> None:
        self._log: Path = site.directory / "all"
        self._site = site
        command = ["mosquitto_sub", "-h", "127.0.0.1", "-t", "#", "-F", "%r %t %p"]
        site.start(*command, output=self._log)

    def lines(self) -> list[tuple[str, str]]:
        """(topic, payload) as they came."""
        text = self._log.read_text() if self._log.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        return [tuple(line.split(" ", 2)[1:]) for line in whole.splitlines()]  # type: ignore[misc]

    def last(self) -> dict[str, str]:
        """The newest payload of each topic."""
        return dict(self.lines())

    def announced(self) -> dict[str, dict[str, Any]]:
        """Descriptions that hold."""
        return {
            topic: json.loads(body)
            for topic, body in self.last().items()
            if topic.startswith("homeassistant/") and body
        }

    def entity(self, component: str, device: str) -> dict[str, Any]:
        """The description of a device's entity; empty while there is none."""
        found = [
            each
            for topic, each in self.announced().items()
            if topic.startswith(f"homeassistant/{component}/") and each["device"]["name"] == device
        ]
        return found[0] if found else {}

    def unpublished(self) -> list[str]:
        """Topics that descriptions name, and that nothing was published to."""
        published = self.last()
        named = [each[key] for each in self.announced().values() for key in each if key.endswith("_topic")]
        return [name for name in named if not any(topic.startswith(name.removesuffix("+")) for topic in published)]

    def incidents_open(self, topic: str) -> int | None:
        """Of a device's state; none while it has none."""
        state = self.last().get(topic)
        return json.loads(state)["incidents_open"] if state else None


def test_devices_are_announced_with_topics_that_are_published(site: Site) -> None:
    """An incident opens: it is in the state that the problem hangs on. A device leaves the inventory: all of it goes.

    What an earlier run announced, and this one does not, goes as well.
    """
    broker = Broker(site)
    daemon = Daemon(site, configured(2, mqtt=MQTT))
    site.send(attempt(0))
    wait_until(lambda: broker.entity("binary_sensor", "cam-1"), "two devices", 30)
    wait_until(lambda: not broker.unpublished(), "what the descriptions name", 15)
    state_topic = broker.entity("binary_sensor", "cam-0")["state_topic"]
    assert state_topic == broker.entity("update", "cam-0")["state_topic"]
    wait_until(lambda: broker.incidents_open(state_topic) == 1, "the incident", 15)
    other_topic = broker.entity("binary_sensor", "cam-1")["state_topic"]
    assert broker.incidents_open(other_topic) == 0
    assert broker.last()["camwarden/v1/here/status"] == "online"
    rooms = 1 + 2 + 2 + 2 * 2  # health, the sensor's entities, the devices' states and entities
    wait_until(lambda: daemon.metric("limit_size", 'limit="mqtt_retained_topics"') == rooms, "the gauge")

    daemon.reload(configured(1, mqtt=MQTT))
    wait_until(lambda: not broker.entity("update", "cam-1"), "the device that left", 15)
    assert other_topic == "camwarden/v1/here/devices/cam-1"
    wait_until(lambda: broker.last()[other_topic] == "", "its state, taken back", 15)
    assert broker.entity("update", "cam-0")
    daemon.stop()

    daemon.configure(configured(1, mqtt={**MQTT, "home_assistant": False}))
    daemon.start()
    wait_until(lambda: not broker.announced(), "discovery that was switched off", 30)
    assert broker.incidents_open(state_topic) == 1
    daemon.stop()
