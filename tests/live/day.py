"""A day of fifty cameras in minutes, through the whole daemon: ``python -m tests.live.day --hours 24 --reloads 1000``.

The engine, the watch, the journal, the broker's client and the metrics are those of ``camwarden run``, in one process,
with a real mosquitto. Only the source is ours: it gives a second of traffic at a time and is the clock too. Says one
line of JSON an hour, and one at the end. Needs mosquitto and mosquitto-clients.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog

from collectors.live import Ledger
from collectors.tap import LATENESS_NS
from monitor.config import load
from monitor.notify import Notifier
from monitor.run import COLLECT, Sensor
from pcaps.wire import SECOND, START
from tests.app.living import MOSQUITTO, answers, wait_until
from tests.app.test_run import toml
from tests.hostile.measure import resident
from tests.live import sending
from tests.live.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

    from collectors.blocks import Block
    from collectors.live import LinkEvent

UPTIME_NS: Final = 1_000 * SECOND
"""What the steady clock shows at the beginning."""
INVALID: Final = 5
"""Each fifth configuration file cannot be used."""
WRONG: Final = ("[site]\nhome = [", "[nonsense]\nkey = 1\n", '[site]\nhome = ["XX"]\n')


class Compressed:
    """A Source that gives a second of traffic at each call, up to where it is let, and the clock of that traffic."""

    def __init__(self, traffic: Traffic, seconds: int) -> None:
        self._traffic = traffic
        self._seconds = seconds
        self._next = 0
        self._allowed = 0
        self._gate = threading.Condition()
        self.done = False

    def real(self) -> int:
        return START + self._next * SECOND

    def steady(self) -> int:
        return UPTIME_NS + self._next * SECOND

    def allow(self, seconds: int) -> None:
        """Let it give that much."""
        with self._gate:
            self._allowed = seconds
            self._gate.notify()

    @property
    def reached(self) -> bool:
        """Whether all that it was let give was given and dealt with."""
        return self._resting and self._next >= min(self._allowed, self._seconds)

    _resting = False

    lateness_ns = LATENESS_NS

    def wait(self, timeout_s: float) -> Block | None:
        with self._gate:
            if self._next >= self._allowed or self._next >= self._seconds:
                self._resting = True
                self._gate.wait(min(timeout_s, 0.05))
            if self._next >= self._allowed or self._next >= self._seconds:
                return None
            self._resting = False
        block = self._traffic.second(self._next)
        self._next += 1
        return block

    def events(self) -> Sequence[LinkEvent]:
        return ()

    def ledgers(self) -> Sequence[Ledger]:
        seen = self._traffic.packets
        return [Ledger("hear", arrived=seen, dropped=0, seen=seen, waiting=0)]

    def close(self) -> None:
        """Nothing is open."""


class Day:
    """One run, and what is read of it."""

    def __init__(self, directory: Path, hours: float, reloads: int, port: int) -> None:
        self._hours, self._reloads = hours, reloads
        self._directory = directory
        self._path = directory / "camwarden.toml"
        self._port = port
        self._lines: Counter[str] = Counter()
        self._bad: list[str] = []
        self._hourly: list[dict[str, Any]] = []
        addresses = sending.operators(int(hours) + 1)
        self._traffic = Traffic(addresses)
        self._configure(0)
        self._source = Compressed(self._traffic, int(hours * 3600))

    def _configure(self, number: int) -> bool:
        """Write another configuration; whether it is one that can be used."""
        valid = number % INVALID != INVALID - 1
        tables = self._traffic.tables()
        tables["group"][0]["allow"].append(f"release-{number}.fleet.example tcp/443")
        text = (
            f'[sensor]\nname = "day"\nstate = "{self._directory / "state"}"\n[capture]\ninterfaces = ["hear"]\n'
            f'[mqtt]\nhost = "127.0.0.1"\nport = {self._port}\n[limits]\nquiet_hours = 6.0\n'
        )
        new = self._path.with_suffix(".new")
        new.write_text(text + toml(tables) if valid else text + WRONG[number // INVALID % len(WRONG)])
        new.replace(self._path)
        return valid

    def _log(self, _: object, level: str, event: MutableMapping[str, Any]) -> str:
        self._lines[str(event["event"])] += 1
        if level in ("error", "critical", "exception"):
            self._bad.append(repr(event))
        raise structlog.DropEvent

    async def run(self) -> dict[str, Any]:
        structlog.configure(processors=[self._log])
        began, cpu = time.monotonic(), time.process_time()
        config = load(self._path)
        sensor = Sensor(
            config, self._path, self._source, Notifier(), real=self._source.real, steady=self._source.steady
        )
        running = asyncio.create_task(sensor.run(), name="sensor")
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: self._bad.append(repr(context)))
        await self._until(lambda: self._lines["watching"] or running.done())
        seconds, written = int(self._hours * 3600), 0
        marks = sorted({*range(3600, seconds + 1, 3600), seconds, *self._reload_marks(seconds)})
        times = set(self._reload_marks(seconds))
        for mark in marks:
            self._source.allow(mark)
            await self._until(lambda: self._source.reached or running.done(), 600)
            if running.done():
                break
            if mark in times:
                written += 1
                await self._reload(written)
            if mark % 3600 == 0 or mark == seconds:
                await self._settle(sensor)
                self._hourly.append(self._figures(mark / 3600, sensor))
                sys.stderr.write(json.dumps(self._hourly[-1]) + "\n")
        os.kill(os.getpid(), signal.SIGTERM)
        await running
        return {
            "packets": self._traffic.packets,
            "took_s": round(time.monotonic() - began, 1),
            "cpu_s": round(time.process_time() - cpu, 1),
            "hourly": self._hourly,
            "planted": [(f"camera-{call.camera}", call.address, call.at) for call in self._traffic.planted],
            "taken_over": self._lines["configuration taken over"],
            "refused": self._lines["configuration refused, the old one stays"],
            "log": dict(self._lines),
            "bad": self._bad,
        }

    def _reload_marks(self, seconds: int) -> list[int]:
        return [max(1, seconds * (number + 1) // (self._reloads + 1)) for number in range(self._reloads)]

    async def _reload(self, number: int) -> None:
        event = "configuration taken over" if self._configure(number) else "configuration refused, the old one stays"
        before = self._lines[event]
        os.kill(os.getpid(), signal.SIGHUP)
        await self._until(lambda: self._lines[event] > before)

    async def _settle(self, sensor: Sensor) -> None:
        """Wait until everything told is journalled and delivered."""
        await self._until(lambda: sensor._handover.empty)
        assert await sensor._out.drain()

    def _figures(self, hour: float, sensor: Sensor) -> dict[str, Any]:
        gc.collect()
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        return {
            "hour": round(hour, 2),
            "own_mib": round(resident() / 2**20, 2),
            "rss_mib": round(int(status["VmRSS"].split()[0]) / 1024, 2),
            "fds": len(list(Path("/proc/self/fd").iterdir())),
            "threads": int(status["Threads"]),
            "rooms": {str(limit.name): limit.size for limit in sensor._engine.limits() if limit.size},
            "tasks": sorted(Counter(_name(task) for task in asyncio.all_tasks()).items()),
        }

    async def _until(self, true: Any, within_s: float = 60) -> None:
        async with asyncio.timeout(within_s):
            while not true():
                await asyncio.sleep(0.002)


def _name(task: asyncio.Task[Any]) -> str:
    """Its name, or the coroutine's where nobody gave it one."""
    name = task.get_name()
    coroutine = task.get_coro()
    return getattr(coroutine, "__qualname__", "?") if name.startswith("Task-") else name


def day(directory: Path, hours: float, reloads: int) -> dict[str, Any]:
    """Everything, and what a subscriber received."""
    assert MOSQUITTO is not None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (directory / "broker.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    received = directory / "messages"
    with contextlib.ExitStack() as stack:
        broker = subprocess.Popen([MOSQUITTO, "-c", str(directory / "broker.conf")], stderr=subprocess.DEVNULL)
        stack.callback(broker.wait)
        stack.callback(broker.terminate)
        wait_until(lambda: answers(port), "the broker")
        command = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(port), "-t", "camwarden/v1/+/incidents/#", "-q", "1"]
        file = stack.enter_context(received.open("wb"))
        subscriber = subprocess.Popen(command, stdout=file, stderr=subprocess.DEVNULL)
        stack.callback(subscriber.wait)
        stack.callback(subscriber.terminate)
        time.sleep(0.3)
        gc.set_threshold(*COLLECT)
        result = asyncio.run(Day(directory, hours, reloads, port).run())
        time.sleep(1)
    bodies = [json.loads(line) for line in received.read_text().splitlines()]
    opened = {
        (body["device"]["name"], end.get("dst_endpoint", {}).get("ip"))
        for body in bodies
        if body["activity_id"] == 1
        for end in body.get("evidences", ())
    }
    result["lost"] = [call for call in result.pop("planted") if call[:2] not in opened]
    result["opened"] = len(opened)
    result["kinds"] = dict(
        Counter((body["finding_info"]["types"][0], body["activity_id"]).__repr__() for body in bodies)
    )
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--reloads", type=int, default=1000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        sys.stdout.write(json.dumps(day(Path(directory), given.hours, given.reloads)) + "\n")


if __name__ == "__main__":
    main()
