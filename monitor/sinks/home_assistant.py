"""Home Assistant's MQTT discovery: a device's state, as it is on our topics, described as entities.

Strategy: one retained message describes one entity and names the topics that camwarden publishes anyway; nothing is
published twice. Values reach Home Assistant by templates that are constants of ours: what a device said is never part
of one. Identifiers are hashes of the sensor and the device's key, which stays when its name or address changes.

Sources: https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery (topics, device, origin, availability),
/integrations/update.mqtt, /integrations/binary_sensor.mqtt and /integrations/event.mqtt.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import msgspec

from monitor.model.incidents import Kind
from monitor.model.printable import printable
from monitor.sinks.topics import topic_level

if TYPE_CHECKING:
    from monitor.model.incidents import DeviceState

HOMEPAGE: Final = "https://github.com/camwarden/camwarden"
TEXT_LIMIT: Final = 80
"""Characters of what a device says of itself; Home Assistant has no limit, its pages do."""
FIRMWARE: Final = (
    "{% if value_json is defined and value_json.firmware %}"
    "{{ {'installed_version': value_json.firmware, 'latest_version': value_json.firmware} | to_json }}"
    "{% endif %}"
)
"""Both are needed, or the entity is unknown; "equal to installed_version if no new version is available"
(https://developers.home-assistant.io/docs/core/entity/update)."""
UNASKED: Final = "camwarden looks nothing up outside the site: it does not know whether there is a newer firmware."
INCIDENTS: Final = "{% if value_json is defined %}{{ 'ON' if value_json.incidents_open > 0 else 'OFF' }}{% endif %}"
"""A state that is taken back is empty, and may come before the entity is gone."""
ATTRIBUTES: Final = (
    "{% if value_json is defined %}"
    "{{ {'incidents_open': value_json.incidents_open, 'address': value_json.ip, 'group': value_json.group, "
    "'class': value_json.device_class} | to_json }}"
    "{% else %}{}{% endif %}"
)
EVENT: Final = (
    "{{ {'event_type': value_json.finding_info.types[0], 'message': value_json.message, "
    "'device': value_json.device.name, 'severity': value_json.severity_id, 'activity': value_json.activity_id, "
    "'incident': value_json.finding_info.uid} | to_json }}"
)
TROUBLE: Final = "{{ 'OFF' if value_json.ok else 'ON' }}"


class HomeAssistant:
    """What is announced below ``prefix`` of a sensor whose topics are below ``base``."""

    def __init__(self, prefix: str, base: str, sensor: str, version: str) -> None:
        self._prefix = prefix
        self._base = base
        self._sensor = sensor
        self._node = f"camwarden-{sensor.replace('.', '_')}"
        """A level of discovery topics has letters, digits, underscore and hyphen only."""
        self._origin = {"name": "camwarden", "sw_version": version, "support_url": HOMEPAGE}
        self._version = version

    def sensor(self) -> dict[str, bytes]:
        """The messages that describe the sensor itself, by topic."""
        device = {
            "identifiers": [self._id("")],
            "name": f"camwarden {self._sensor}",
            "manufacturer": "camwarden",
            "model": "sensor",
            "sw_version": self._version,
        }
        incident = {
            "name": "Incident",
            "state_topic": f"{self._base}/incidents/+",
            "event_types": [str(kind) for kind in Kind],
            "value_template": EVENT,
        }
        trouble = {
            "name": "Trouble",
            "device_class": "problem",
            "entity_category": "diagnostic",
            "state_topic": f"{self._base}/health",
            "value_template": TROUBLE,
        }
        return dict(
            [
                self._entity("event", "", "incident", device, incident),
                self._entity("binary_sensor", "", "trouble", device, trouble),
            ]
        )

    def device(self, state: DeviceState) -> dict[str, bytes]:
        """The messages that describe one device, by topic."""
        about = {"manufacturer": state.vendor, "model": state.model, "sw_version": state.firmware}
        device = {
            "identifiers": [self._id(state.key)],
            "name": plain(state.name),
            "via_device": self._id(""),
            **{key: plain(text) for key, text in about.items() if text},
        }
        topic = f"{self._base}/devices/{topic_level(state.name)}"
        firmware = {
            "name": "Firmware",
            "device_class": "firmware",
            "title": "Firmware",
            "release_summary": UNASKED,
            "state_topic": topic,
            "value_template": FIRMWARE,
        }
        incidents = {
            "name": "Incidents",
            "device_class": "problem",
            "state_topic": topic,
            "value_template": INCIDENTS,
            "json_attributes_topic": topic,
            "json_attributes_template": ATTRIBUTES,
        }
        return dict(
            [
                self._entity("update", state.key, "firmware", device, firmware),
                self._entity("binary_sensor", state.key, "incidents", device, incidents),
            ]
        )

    def _entity(
        self, component: str, key: str, what: str, device: dict[str, Any], entity: dict[str, Any]
    ) -> tuple[str, bytes]:
        unique = f"{self._id(key)}_{what}"
        common = {
            "unique_id": unique,
            "availability_topic": f"{self._base}/status",
            "qos": 1,
            "device": device,
            "origin": self._origin,
        }
        return f"{self._prefix}/{component}/{self._node}/{unique}/config", msgspec.json.encode({**entity, **common})

    def _id(self, key: str) -> str:
        """Of the device with this key; of the sensor, whose key is empty."""
        return "camwarden_" + hashlib.sha256(f"{self._sensor}\0{key}".encode("utf-8", "replace")).hexdigest()[:16]


def plain(text: str) -> str:
    """What a device says of itself, as one short line without control, direction or private characters."""
    return printable(text[:TEXT_LIMIT])
