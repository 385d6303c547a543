"""A real daemon on a real interface: in a network namespace, with a broker, fed by tcpreplay."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.collectors.namespaces import Namespace

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin")
BROKER_PORT = 1883
METRICS_PORT = 9477


class Site:
    """A namespace in which what is sent out of ``send`` passes the daemon's interface ``hear``."""

    def __init__(self, directory: Path) -> None:
        if MOSQUITTO is None or shutil.which("mosquitto_sub") is None:
            pytest.skip("mosquitto and mosquitto-clients are not installed")
        self.directory = directory
        self.space = Namespace()
        self._running: list[subprocess.Popen[bytes]] = []
        try:
            self.space.ip("link", "set", "lo", "up")
            self.space.pair("send", "hear")
            (directory / "broker.conf").write_text(f"listener {BROKER_PORT} 127.0.0.1\nallow_anonymous true\n")
            self.broker = self.start(MOSQUITTO, "-c", str(directory / "broker.conf"))
            with self.space.inside():
                wait_until(lambda: answers(BROKER_PORT), "the broker")
            self.messages = directory / "messages"
            self.subscriber = self.start(
                "mosquitto_sub", "-h", "127.0.0.1", "-t", "camwarden/v1/+/incidents/#", "-q", "1", "-F", "%U %p",
                output=self.messages,
            )  # fmt: skip
            time.sleep(0.2)
        except BaseException:
            self.close()
            raise

    def start(self, *command: str, output: Path | None = None) -> subprocess.Popen[bytes]:
        """Begin a program inside; its output goes to a file."""
        target = output or self.directory / f"{Path(command[0]).name}-{len(self._running)}.log"
        with target.open("ab") as file:
            process = subprocess.Popen(
                ["ip", "netns", "exec", self.space.name, *command],
                stdout=file,
                stderr=file if output is None else subprocess.DEVNULL,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        self._running.append(process)
        return process

    def received(self) -> list[tuple[float, dict[str, Any]]]:
        """(when it arrived, message) of every incident message so far."""
        if not self.messages.exists():
            return []
        pairs = (line.split(" ", 1) for line in self.messages.read_text().splitlines())
        return [(float(at), json.loads(body)) for at, body in pairs]

    def close(self) -> None:
        for process in reversed(self._running):
            if process.poll() is None:
                process.terminate()
        for process in self._running:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.space.close()


class Daemon:
    """``camwarden run`` on a site. ``tables`` are those of its configuration, beside what the site gives."""

    def __init__(
        self, site: Site, tables: str = "", *, interfaces: tuple[str, ...] = ("hear",), prefix: tuple[str, ...] = ()
    ) -> None:
        self.site = site
        self.path = site.directory / "camwarden.toml"
        self.state = site.directory / "state"
        self._given = tables
        self._interfaces = interfaces
        self._prefix = prefix
        self.configure(tables)
        self.start()

    def configure(self, tables: str) -> None:
        """Write the configuration."""
        self._given = tables
        given = tomllib.loads(tables)
        text = "" if "sensor" in given else f'[sensor]\nname = "here"\nstate = "{self.state}"\n'
        if "capture" not in given:
            text += f"[capture]\ninterfaces = {json.dumps(list(self._interfaces))}\nring_mib = 16\n"
        text += f'[mqtt]\nhost = "127.0.0.1"\nport = {BROKER_PORT}\n[prometheus]\nport = {METRICS_PORT}\n'
        new = self.path.with_suffix(".new")
        new.write_text(text + tables)
        new.replace(self.path)

    def start(self) -> None:
        """Begin, and wait until it watches."""
        self.log = self.site.directory / f"daemon-{time.monotonic_ns()}.log"
        self.process = self.site.start(
            *self._prefix, sys.executable, "-m", "monitor.cli", "run", "--config", str(self.path), output=None
        )
        number = len(self.site._running) - 1
        name = Path((self._prefix or (sys.executable,))[0]).name
        self.log = self.site.directory / f"{name}-{number}.log"
        wait_until(lambda: self.says("watching") or self.process.poll() is not None, "the daemon", 30)
        if self.process.poll() is not None:
            pytest.fail(f"the daemon ended: {self.log.read_text()}")

    def says(self, event: str) -> list[dict[str, Any]]:
        """Its log's lines of this event."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    def health(self) -> dict[str, Any]:
        """What /healthz answers."""
        with self.site.space.inside():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{METRICS_PORT}/healthz", timeout=5) as answer:
                    return json.loads(answer.read())
            except urllib.error.HTTPError as error:
                return json.loads(error.read())

    def metric(self, name: str, label: str = "") -> float:
        """The sum of a metric's values with this label."""
        url = f"http://127.0.0.1:{METRICS_PORT}/metrics"
        with self.site.space.inside(), urllib.request.urlopen(url, timeout=5) as answer:
            text = answer.read().decode()
        found = re.findall(rf"^camwarden_{name}(?:{{([^}}]*)}})? (\S+)$", text, re.MULTILINE)
        return sum(float(value) for labels, value in found if label in labels)

    def reload(self, tables: str | None = None) -> None:
        """SIGHUP, after writing another configuration."""
        if tables is not None:
            self.configure(tables)
        self.process.send_signal(signal.SIGHUP)

    def stop(self) -> str:
        """End it as systemd does; its log."""
        self.process.terminate()
        assert self.process.wait(30) == 0, self.log.read_text()
        return self.log.read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def answers(port: int) -> bool:
    """Whether something listens there."""
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(true: Callable[[], object], what: str, within_s: float = 10) -> None:
    """Poll until it is so."""
    end = time.monotonic() + within_s
    while not true():
        if time.monotonic() > end:
            pytest.fail(f"{what}: not within {within_s} s")
        time.sleep(0.02)
