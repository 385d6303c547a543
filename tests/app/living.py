"""A real daemon on a real interface: in a network namespace, with a broker, fed by tcpreplay."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from monitor.sinks import families
from tests.collectors.namespaces import Namespace

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin")
BROKER_PORT: Final = 1883
METRICS_PORT: Final = 9477
METRICS: Final = {each.name for each in vars(families).values() if isinstance(each, families.Family)}
BROKER: Final = """user root
listener {port}
allow_anonymous true
persistence true
persistence_location {directory}/
persistence_file broker.db
autosave_on_changes true
autosave_interval 1
max_queued_messages 0
"""
"""A subscription outlives the broker, so that nothing is missed where the sensor is back before the subscriber."""

Message = dict[str, Any]


class Program(NamedTuple):
    """One that runs inside, and the file with what it says."""

    process: subprocess.Popen[bytes]
    log: Path


class Site:
    """A namespace in which what is sent out of ``send`` passes the daemon's interface ``hear``."""

    def __init__(self, directory: Path) -> None:
        if MOSQUITTO is None or shutil.which("mosquitto_sub") is None:
            pytest.skip("mosquitto and mosquitto-clients are not installed")
        self.directory = directory
        self.space = Namespace()
        self.messages = directory / "messages"
        self._running: list[Program] = []
        try:
            self.space.ip("link", "set", "lo", "up")
            self.space.pair("send", "hear")
            (directory / "broker.conf").write_text(BROKER.format(port=BROKER_PORT, directory=directory))
            self.begin_broker()
            self._subscribe()
        except BaseException:
            self.close()
            raise

    def start(
        self, *command: str, output: Path | None = None, space: Namespace | None = None, **environment: str
    ) -> Program:
        """Begin a program inside, or in another namespace; what it says goes to a file."""
        log = output or self.directory / f"{len(self._running)}-{Path(command[0]).name}.log"
        with log.open("ab") as file:
            process = subprocess.Popen(
                ["ip", "netns", "exec", (space or self.space).name, *command],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file if output is None else subprocess.DEVNULL,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            )
        self._running.append(Program(process, log))
        return self._running[-1]

    def begin_broker(self) -> None:
        """A broker, which knows the subscriptions of the one before it, but not its messages."""
        self.broker = self.start(str(MOSQUITTO), "-c", str(self.directory / "broker.conf"))
        with self.space.inside():
            wait_until(lambda: answers(BROKER_PORT), "the broker")

    def _subscribe(self) -> None:
        self.start(
            "mosquitto_sub", "-h", "127.0.0.1", "-t", "camwarden/v1/+/incidents/#", "-q", "1", "-c", "-i", "soc",
            "-F", "%U %p", output=self.messages,
        )  # fmt: skip
        ready = self.directory / "broker.db"
        wait_until(lambda: ready.exists() and b"incidents/#" in ready.read_bytes(), "the subscription")

    def received(self, *, again: bool = False) -> list[tuple[float, Message]]:
        """(when it arrived, message) of each incident message so far; ``again``: also if it came before."""
        lines = self.messages.read_bytes().split(b"\n")[:-1] if self.messages.exists() else []
        found: dict[object, tuple[float, Message]] = {}
        for number, line in enumerate(lines):
            at, _, body = line.partition(b" ")
            message = json.loads(body)
            found.setdefault(number if again else message["metadata"]["uid"], (float(at), message))
        return list(found.values())

    def told(self, kind: str, about: str = "") -> list[Message]:
        """Messages of this kind with these words in them."""
        return [
            each for _, each in self.received() if each["finding_info"]["types"][0] == kind and about in each["message"]
        ]

    def about(self, device: str) -> list[Message]:
        """Messages about this device."""
        return [each for _, each in self.received() if each["device"]["name"] == device]

    def open_socket(self, interface: str) -> socket.socket:
        """One that sends frames out of an interface."""
        with self.space.inside():
            raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        raw.bind((interface, 0))
        return raw

    def send(self, *frames: bytes, interface: str = "send") -> int:
        """Frames at once; how many."""
        with self.open_socket(interface) as raw:
            for frame in frames:
                raw.send(frame)
        return len(frames)

    def close(self) -> None:
        for process, _ in reversed(self._running):  # each before what it depends on
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.space.close()


class Daemon:
    """``camwarden run`` on a site. ``tables`` are those of its configuration, beside what the site gives."""

    def __init__(
        self,
        site: Site,
        tables: str = "",
        *,
        interfaces: tuple[str, ...] = ("hear",),
        prefix: tuple[str, ...] = (),
        name: str = "here",
        watches: bool = True,
        **environment: str,
    ) -> None:
        """``prefix`` is a command that starts it; the second of a site needs a ``name`` and its own ports.

        ``watches``: it is expected to come so far.
        """
        self.site = site
        self.name = name
        self.path = site.directory / f"{name}.toml"
        self.state = site.directory / f"{name}-state"
        self._interfaces = interfaces
        self._prefix = prefix
        self._environment = environment
        self.configure(tables)
        if watches:
            self.start()
        else:
            self.begin()

    def configure(self, tables: str) -> None:
        """Write the configuration, as an editor does: a new file takes the place of the old one."""
        given = tomllib.loads(tables)
        text = "" if "sensor" in given else f'[sensor]\nname = "{self.name}"\nstate = "{self.state}"\n'
        if "capture" not in given:
            text += f"[capture]\ninterfaces = {json.dumps(list(self._interfaces))}\nring_mib = 16\n"
        if "mqtt" not in given:
            text += f'[mqtt]\nhost = "127.0.0.1"\nport = {BROKER_PORT}\n'
        if "prometheus" not in given:
            text += f"[prometheus]\nport = {METRICS_PORT}\n"
        self._metrics = given.get("prometheus", {}).get("port", METRICS_PORT)
        self.write(text + tables)

    def write(self, text: str) -> None:
        """Write the whole file."""
        new = self.path.with_suffix(".new")
        new.write_text(text)
        new.replace(self.path)

    def begin(self) -> None:
        """Start it; it may fail."""
        self.process, self.log = self.site.start(
            *self._prefix, sys.executable, "-m", "monitor.cli", "run", "--config", str(self.path), **self._environment
        )

    def start(self) -> None:
        """Start it, and wait until it watches."""
        self.begin()
        self.watches()

    def watches(self) -> None:
        """Wait until it does."""
        wait_until(lambda: self.says("watching") or self.process.poll() is not None, "the daemon", 30)
        if self.process.poll() is not None:
            pytest.fail(f"the daemon ended: {self.log.read_text()}")

    def says(self, event: str, **facts: object) -> list[dict[str, Any]]:
        """Lines of its log with this event and these facts."""
        lines = [json.loads(line) for line in self.log.read_text().split("\n")[:-1] if line.startswith("{")]
        return [line for line in lines if line["event"] == event and facts.items() <= line.items()]

    def health(self) -> dict[str, Any]:
        """What /healthz answers, with the code."""
        with self.site.space.inside():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics}/healthz", timeout=5) as answer:
                    return {"code": answer.status, **json.loads(answer.read())}
            except urllib.error.HTTPError as error:
                return {"code": error.code, **json.loads(error.read())}

    def metric(self, name: str, label: str = "") -> float:
        """The sum of a metric's values with this label; 0 before it has any."""
        assert name.removesuffix("_total") in METRICS
        found = re.findall(rf"^camwarden_{name}(?:{{([^}}]*)}})? (\S+)$", self._scraped(), re.MULTILINE)
        return sum(float(value) for labels, value in found if label in labels)

    def counters(self) -> dict[str, float]:
        """Every counter with its labels."""
        found = re.findall(r"^(camwarden_\w+_total(?:{[^}]*})?) (\S+)$", self._scraped(), re.MULTILINE)
        return {name: float(value) for name, value in found}

    def _scraped(self) -> str:
        url = f"http://127.0.0.1:{self._metrics}/metrics"
        with self.site.space.inside(), urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())

    def journal(self) -> list[Message]:
        """Every message that is committed, in order."""
        return [json.loads(body) for (body,) in self.rows("SELECT json FROM body ORDER BY seq")]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the journal's file answers."""
        connection = sqlite3.connect(f"file:{self.state}/journal.sqlite3?mode=ro", uri=True)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def reload(self, tables: str | None = None) -> None:
        """SIGHUP, after writing another configuration."""
        if tables is not None:
            self.configure(tables)
        self.process.send_signal(signal.SIGHUP)

    def stop(self) -> str:
        """End it as systemd does; its log."""
        self.process.terminate()
        return self.ended()

    def ended(self) -> str:
        """Its log, once it has ended as it should."""
        assert self.process.wait(30) == 0, self.log.read_text()
        log = self.log.read_text()
        assert "Traceback" not in log, log
        return log

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def answers(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(true: Callable[[], object], what: str, within_s: float = 10) -> float:
    """Poll until it is so; how long it took, seconds."""
    begun = time.monotonic()
    while not true():
        if time.monotonic() - begun > within_s:
            pytest.fail(f"{what}: not within {within_s} s")
        time.sleep(0.02)
    return time.monotonic() - begun
