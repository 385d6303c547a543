"""The daemon's outlets with real clients: mosquitto, its subscriber, and Prometheus, while the broker is killed."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from collectors.captures import Captures
from monitor.accounting import Account
from monitor.app import build_engine
from monitor.config import Config, convert
from monitor.daemon import MQTT, outlets, sinks
from monitor.sinks.mqtt_config import MqttConfig
from monitor.sinks.prometheus_config import PrometheusConfig
from monitor.store import Store
from pcaps import scenarios
from tests.ports import free_port, listening

if TYPE_CHECKING:
    from monitor.app import Knowledge
    from monitor.daemon import Outlets

SYSTEM = "/usr/sbin:/usr/bin:/usr/local/bin"
MOSQUITTO = shutil.which("mosquitto", path=SYSTEM)
PROMTOOL = shutil.which("promtool", path=SYSTEM)


async def replay(name: str, known: Knowledge, out: Outlets, *, pause: float = 0.0) -> None:
    """One scenario through an engine and the outlets, in small steps."""
    scenario = scenarios.load(name)
    engine = build_engine(convert(dict(scenario.configuration), name), known)
    account = Account(engine, out.metrics)
    for block in Captures([scenarios.FOLDER / f"{name}.pcap"], block_packets=64).blocks():
        await out.tell(engine.feed(block))
        account.settle()
        await asyncio.sleep(pause)
    await out.tell(engine.finish())
    account.settle()
    account.devices()


@pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")
async def test_a_subscriber_gets_everything_in_order_though_the_broker_dies(tmp_path: Path, known: Knowledge) -> None:
    """The storm is told while mosquitto is killed and started again: complete, in order, no id twice in a row of news."""
    port = free_port()
    (tmp_path / "broker").mkdir()
    (tmp_path / "m.conf").write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {tmp_path}/broker/\n"
        "autosave_on_changes true\nautosave_interval 1\nmax_queued_messages 0\nuser root\n"
    )

    async def broker() -> asyncio.subprocess.Process:
        quiet = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(
            str(MOSQUITTO), "-c", str(tmp_path / "m.conf"), stdout=quiet, stderr=quiet
        )
        await listening(port)
        return process

    running = await broker()
    subscriber = await asyncio.create_subprocess_exec(
        "stdbuf", "-oL", "mosquitto_sub", "-p", str(port), "-q", "1", "-c", "-i", "reader", "-t",
        "camwarden/v1/tap/incidents/#", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        limit=1 << 20,
    )  # fmt: skip
    assert subscriber.stdout is not None
    try:
        await asyncio.sleep(0.5)
        sensor = msgspec.structs.replace(Config().sensor, name="tap")
        config = Config(sensor=sensor, mqtt=MqttConfig(host="127.0.0.1", port=port))
        async with outlets(config, [], state=tmp_path / "state") as out:
            feeding = asyncio.create_task(replay("airport_storm", known, out, pause=0.02))
            await asyncio.sleep(1.0)
            running.send_signal(signal.SIGKILL)
            await running.wait()
            await asyncio.sleep(0.3)
            running = await broker()
            await feeding
            await out.drain()
            told = out.told
        first_seen: dict[str, int] = {}
        async with asyncio.timeout(20):
            while len(first_seen) < told:
                message = json.loads(await subscriber.stdout.readline())
                first_seen.setdefault(message["metadata"]["uid"], message["metadata"]["sequence"])
        assert list(first_seen.values()) == list(range(1, told + 1))
    finally:
        for process in (subscriber, running):
            if process.returncode is None:
                process.kill()
                await process.wait()


async def test_what_was_put_aside_is_owed_again_after_a_start(tmp_path: Path, known: Knowledge) -> None:
    """The runbook says to mend the broker and to start again: then it is sent, and nothing is put aside any more."""
    config = Config(mqtt=MqttConfig(host="127.0.0.1", port=free_port()))
    async with outlets(config, [], state=tmp_path) as out:
        await replay("names_only", known, out)
        told = out.told
    with closing(Store.open(tmp_path, sensor=config.sensor.name, sinks=sinks(config))) as store:
        store.park(MQTT, 1, "reason code 0x87")
        assert (len(store.parked(MQTT)), store.depth(MQTT)) == (1, told - 1)
    async with outlets(config, [], state=tmp_path):
        pass
    with closing(Store.open(tmp_path, sensor=config.sensor.name, sinks=sinks(config))) as store:
        assert (store.parked(MQTT), store.depth(MQTT)) == ([], told)


async def test_metrics_of_a_replay(known: Knowledge) -> None:
    """Counts of a scenario as Prometheus reads them, with labels of closed sets only, and promtool content."""
    scenario = scenarios.load("airport_storm")
    names = [device["name"] for device in scenario.configuration["device"]]
    config = Config(prometheus=PrometheusConfig(port=0))
    async with outlets(config, names, state=None) as out:
        assert out.address is not None
        await replay("airport_storm", known, out)
        url = f"http://{out.address[0]}:{out.address[1]}"
        text = (await asyncio.to_thread(lambda: urllib.request.urlopen(f"{url}/metrics").read())).decode()
        health = json.loads(await asyncio.to_thread(lambda: urllib.request.urlopen(f"{url}/healthz").read()))
    attempted = [line for line in text.splitlines() if line.startswith("camwarden_remote_attempts_total{")]
    storm = [line for line in attempted if 'country="CN"' in line and 'outcome="attempted"' in line]
    assert sum(float(line.rpartition(" ")[2]) for line in storm) == 2750
    assert "115.231.97.60" not in text
    assert "camwarden_incidents_open" in text
    assert health["status"] == "ok"
    if PROMTOOL is not None:
        checked = await asyncio.create_subprocess_exec(
            PROMTOOL, "check", "metrics", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await checked.communicate(text.encode())
        assert (checked.returncode, said) == (0, b"")
