"""Run by Home Assistant's own Python: the whole of it, with an MQTT broker, until a file says to show what it has.

    python home_assistant.py DIRECTORY PORT

A line of JSON for each request file ``ask`` in the directory: entities with their states, devices, and what was logged.
"""

import asyncio
import json
import sys
from pathlib import Path

from homeassistant import bootstrap, runner
from homeassistant.helpers import device_registry, entity_registry

ENTRY = {
    "entry_id": "broker",
    "version": 1,
    "minor_version": 1,
    "domain": "mqtt",
    "title": "broker",
    "options": {},
    "pref_disable_new_entities": False,
    "pref_disable_polling": False,
    "source": "user",
    "unique_id": None,
    "disabled_by": None,
}


def configure(directory: Path, port: int) -> None:
    data = {"broker": "127.0.0.1", "port": port, "discovery": True, "discovery_prefix": "homeassistant"}
    entries = {
        "version": 1,
        "minor_version": 1,
        "key": "core.config_entries",
        "data": {"entries": [{**ENTRY, "data": data}]},
    }
    (directory / ".storage").mkdir(parents=True, exist_ok=True)
    (directory / ".storage" / "core.config_entries").write_text(json.dumps(entries))
    (directory / "configuration.yaml").write_text("http:\n  server_host: 127.0.0.1\n")


async def main(directory: Path, port: int) -> None:
    configure(directory, port)
    settings = runner.RuntimeConfig(config_dir=str(directory), skip_pip=True)
    hass = await bootstrap.async_setup_hass(settings)
    await hass.async_start()
    print("ready", flush=True)
    while not (directory / "end").exists():
        if (directory / "ask").exists():
            (directory / "ask").unlink()
            entities, devices = entity_registry.async_get(hass), device_registry.async_get(hass)
            names = {each.id: each.name for each in devices.devices.values()}
            states = {
                entity.entity_id: {
                    "state": state.state,
                    "attributes": dict(state.attributes),
                    "unique_id": entity.unique_id,
                    "device": names.get(entity.device_id),
                }
                for entity in entities.entities.values()
                if entity.platform == "mqtt" and (state := hass.states.get(entity.entity_id)) is not None
            }
            known = [
                {
                    "name": each.name,
                    "model": each.model,
                    "sw_version": each.sw_version,
                    "via": names.get(each.via_device_id),
                }
                for each in devices.devices.values()
            ]
            print(json.dumps({"entities": states, "devices": known}, default=str), flush=True)
        await asyncio.sleep(0.05)
    await hass.async_stop()


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
