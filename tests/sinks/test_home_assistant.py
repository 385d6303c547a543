"""Discovery messages by the rules of Home Assistant's documentation; tests/peers asks Home Assistant itself.

https://www.home-assistant.io/integrations/mqtt/#discovery-messages and /integrations/update.mqtt, binary_sensor.mqtt,
event.mqtt.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from monitor.config import ConfigError, convert
from monitor.model.incidents import DeviceState, Kind
from monitor.sinks.home_assistant import HomeAssistant
from monitor.sinks.mqtt import MqttConfig, MqttSink
from monitor.sinks.shown import MAX_TOPICS, Shown
from monitor.sinks.topics import topic_level

if TYPE_CHECKING:
    from monitor.store.worker import StoreWorker

BASE = "camwarden/v1/town.hall"
TOPIC = re.compile(r"homeassistant/(?P<component>\w+)/(?P<node>[a-zA-Z0-9_-]+)/(?P<object>[a-zA-Z0-9_-]+)/config")
"""Discovery topic: "may only consist of characters from the character class [a-zA-Z0-9_-]"."""
COMPONENTS = {
    "update": {"state_topic", "value_template", "device_class", "title", "release_summary"},
    "binary_sensor": {
        "state_topic",
        "value_template",
        "device_class",
        "entity_category",
        "json_attributes_topic",
        "json_attributes_template",
    },
    "event": {"state_topic", "value_template", "event_types"},
}
"""What the documentation of each component lists, beside the common keys below."""
COMMON = {"name", "unique_id", "availability_topic", "qos", "device", "origin"}
OWN_TOPICS = {f"{BASE}/status", f"{BASE}/health", f"{BASE}/incidents/+"}
"""Beside devices/<device>; that the daemon really publishes there is tests/app/test_run_home_assistant.py's."""


def device(**changes: Any) -> DeviceState:
    given: dict[str, Any] = {
        "key": "gate-07",
        "name": "gate-07",
        "label": "gate-07",
        "device_class": "camera",
        "ip": "10.20.0.17",
        "mac": "44:19:b6:00:00:11",
        "vendor": "Hikvision",
        "sticker": None,
        "model": "DS-2CD2042",
        "firmware": "V5.4.5",
        "group": "gates",
        "first_ns": 1,
        "last_ns": 2,
        "seen_s": 3,
        "both_s": 3,
    }
    return DeviceState(**{**given, **changes})


def announced(state: DeviceState | None = None) -> dict[str, Any]:
    """By component, of a device and its sensor; the last one of each counts."""
    made = HomeAssistant("homeassistant", BASE, "town.hall", "0.1.0")
    messages = {**made.sensor(), **made.device(state or device())}
    return {topic: json.loads(body) for topic, body in messages.items()}


def test_every_message_keeps_the_documented_form() -> None:
    """Topic, keys, device and origin, availability, a unique id that is the object's, and only topics of ours."""
    messages = announced()
    assert len(messages) == 4
    for topic, message in messages.items():
        match = TOPIC.fullmatch(topic)
        assert match is not None, topic
        assert set(message) - COMMON <= COMPONENTS[match["component"]]
        assert set(message) >= {"name", "unique_id", "device", "origin", "state_topic"}
        assert message["unique_id"] == match["object"]
        assert message["availability_topic"] == f"{BASE}/status"
        assert message["device"]["identifiers"]
        assert message["origin"]["name"] == "camwarden"
        assert message["state_topic"] in {*OWN_TOPICS, f"{BASE}/devices/gate-07"}
        assert len(message.get("release_summary", "")) <= 255
        assert not message["name"].startswith(message["device"]["name"])
    assert len({message["unique_id"] for message in messages.values()}) == len(messages)


def test_a_device_belongs_to_its_sensor() -> None:
    """What routes its messages is a device as well, and the one that is named."""
    messages = announced().values()
    ours = {each for message in messages for each in message["device"]["identifiers"]}
    assert {message["device"].get("via_device") for message in messages} - {None} <= ours


def test_an_event_has_every_kind() -> None:
    """Home Assistant takes no event type that was not announced."""
    (event,) = (message for topic, message in announced().items() if "/event/" in topic)
    assert event["event_types"] == [kind.value for kind in Kind]


def test_identifiers_stay_when_name_address_and_firmware_change() -> None:
    """They hang on the device's key and the sensor alone."""
    before = announced()
    after = announced(device(name="gate 7", ip="10.20.0.18", firmware="V6", model=None))
    assert before.keys() == after.keys()
    assert {each["unique_id"] for each in before.values()} == {each["unique_id"] for each in after.values()}
    other = HomeAssistant("homeassistant", BASE, "town-hall", "0.1.0").device(device())
    assert not before.keys() & other.keys()


@pytest.mark.parametrize("key", ["name", "model", "firmware", "vendor"])
@pytest.mark.parametrize(
    "hostile",
    [
        "{{ states('sensor.secret') }}{% for x in range(10**9) %}",
        "a/b/+/#/config",
        "\x00\x1b[2J\x9b\n",
        "\u202eorigin\u2066",
        "\ud800",
        "\ufffe\uffff",
        "x" * 10_000,
    ],
)
def test_what_a_device_says_stays_text(key: str, hostile: str) -> None:
    """Never part of a topic's structure or of a template; short, printable, one line."""
    messages = announced(device(**{key: hostile}))
    templates = {
        (topic, key): value
        for topic, message in messages.items()
        for key, value in message.items()
        if key.endswith("_template")
    }
    assert templates == {
        (topic, key): value
        for topic, message in announced().items()
        for key, value in message.items()
        if key.endswith("_template")
    }
    assert messages.keys() == announced().keys()
    for message in messages.values():
        for text in message["device"].values():
            for each in [text] if isinstance(text, str) else text:
                assert len(each) <= 80
                assert each.isprintable()
        state_topic = message["state_topic"]
        assert state_topic in OWN_TOPICS or re.fullmatch(r"[^/]+", state_topic.removeprefix(f"{BASE}/devices/"))
        assert "#" not in state_topic
        assert all(each.isprintable() for each in state_topic)
        state_topic.encode()


def test_a_level_of_a_topic_is_legible_for_any_receiver() -> None:
    """Control characters, halves of pairs and what is no character are encoded; other scripts stay."""
    assert topic_level("Tor 7 é 門") == "Tor 7 é 門"
    assert topic_level("a\x85\x00\uffff\ud800") == "a%C2%85%00%EF%BF%BF%ED%A0%80"
    assert topic_level("50%/+#$") == "50%25%2F%2B%23%24"


def test_what_is_gone_is_taken_back_also_what_an_earlier_run_left() -> None:
    """A device, a changed name, discovery that was switched off; nothing twice."""
    shown = Shown(BASE, HomeAssistant("homeassistant", BASE, "town.hall", "0"))
    wanted, gone = shown.show([device(), device(key="b", name="b")])
    assert len(wanted) == 2 + 2 + 4
    assert set(gone) == set()
    row = shown.row()
    assert row is not None
    assert shown.row() is None
    _, gone = shown.show([device()])
    assert len(gone) == 3
    assert all(topic.endswith("/config") or topic == f"{BASE}/devices/b" for topic in gone)
    assert set(shown.show([device()])[1]) == set()
    assert set(shown.show([device(name="new")])[1]) == {f"{BASE}/devices/gate-07"}

    without = Shown(BASE, None)
    assert without.before(row)
    assert len(without.show([device()])[1]) == len(wanted) - 1
    assert not without.before(b'{"not": "a list"}')
    assert without.before(msgspec.json.encode([f"t/{n}" for n in range(MAX_TOPICS + 10)]))
    assert len(without.show([])[1]) == MAX_TOPICS


def test_the_inventory_comes_first() -> None:
    """Where there is not room for all, strangers are left out."""
    wanted, _ = Shown(BASE, None).show([device(name="x", label="other"), device()])
    assert list(wanted) == [f"{BASE}/devices/gate-07", f"{BASE}/devices/x"]


def test_the_prefix_is_a_topic() -> None:
    """Words and slashes; a wildcard is refused with the key's name."""
    assert convert({"mqtt": {"host": "b", "home_assistant_prefix": "site/ha"}}, "here").mqtt
    with pytest.raises(ConfigError, match=r"mqtt\.home_assistant_prefix"):
        convert({"mqtt": {"host": "b", "home_assistant_prefix": "ha/#"}}, "here")


@pytest.mark.asyncio
async def test_a_retained_topic_is_taken_back_from_a_real_broker(
    mosquitto: Any, worker: StoreWorker, subscriber: Any
) -> None:
    """Empty and retained; a later subscriber finds nothing, and the room is free again. A change while it goes wins."""
    mosquitto.start()
    config = MqttConfig(host="127.0.0.1", port=mosquitto.port)
    sink = MqttSink(config, "town.hall", worker.outbox("mqtt"))
    topics = [f"homeassistant/update/n/{number}/config" for number in range(3)]
    task = asyncio.create_task(sink.run())
    try:
        async with subscriber(mosquitto.port, "homeassistant/#") as consumer:
            for topic in topics:
                sink.retain(topic, b"{}")
            sink.retain("homeassistant/update/n/left/config", b"")
            await consumer.until(lambda: len(consumer.lines) == 4)
            for topic in topics[:2]:
                sink.retain(topic, b"")
            sink.retain(topics[0], b"[]")
            await consumer.until(lambda: len(consumer.lines) >= 6)
            await asyncio.sleep(0.1)
            assert sink.limit().size == 2
        async with subscriber(mosquitto.port, "homeassistant/#", client="later") as later:
            await later.until(lambda: len(later.lines) >= 2)
            await asyncio.sleep(0.2)
            assert sorted(later.lines) == [(topics[0], "[]"), (topics[2], "{}")]
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.asyncio
async def test_what_does_not_change_is_not_sent_again(mosquitto: Any, worker: StoreWorker, subscriber: Any) -> None:
    """A description that is the same ten seconds later costs nothing."""
    mosquitto.start()
    sink = MqttSink(MqttConfig(host="127.0.0.1", port=mosquitto.port), "town.hall", worker.outbox("mqtt"))
    task = asyncio.create_task(sink.run())
    try:
        async with subscriber(mosquitto.port, "ha/#") as consumer:
            sink.retain("ha/a", b"1")
            await consumer.until(lambda: len(consumer.lines) == 1)
            sink.retain("ha/a", b"1")
            sink.retain("ha/b", b"2")
            await consumer.until(lambda: len(consumer.lines) == 2)
            await asyncio.sleep(0.1)
            assert consumer.lines == [("ha/a", "1"), ("ha/b", "2")]
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
