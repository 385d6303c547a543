"""A real broker, a real subscriber and a real outbox."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from monitor.model.contacts import Outcome
from monitor.model.incidents import Activity, DeviceView, Kind, Severity, Transition, Visibility
from monitor.model.verdicts import Confidence, OperatorKind, Verdict
from monitor.store import Store
from monitor.store.worker import StoreWorker
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def make_transition(number: int, **changes: object) -> Transition:
    """The ``number``-th transition of a made-up camera."""
    values: dict[str, object] = {
        "uid": digest(f"transition {number}"),
        "incident": digest(f"incident {number}"),
        "number": 1,
        "activity": Activity.NEW,
        "time_ns": 1_700_000_000_000_000_000 + number,
        "kind": Kind.VENDOR_CLOUD,
        "properties": ("foreign",),
        "severity": Severity.HIGH,
        "message": "gate-07 reached its maker's cloud",
        "rule": "no rule allows it",
        "device": DeviceView(
            key="gate-07",
            name="gate-07",
            label="gate-07",
            device_class="camera",
            ip="10.20.0.17",
            mac="44:19:b6:00:00:11",
            vendor="Hikvision",
            sticker=None,
            model=None,
            firmware=None,
            group="gates",
        ),
        "verdict": Verdict(
            operator="Hikvision",
            operator_key="vendor:hikvision",
            kind=OperatorKind.VENDOR_CLOUD,
            location="IE",
            network=16509,
            organisation="Amazon",
            organisation_country="US",
            jurisdiction="CN",
            vendor="hikvision",
            confidence=Confidence.HIGH,
            why="domain",
        ),
        "confidence": Confidence.HIGH,
        "outcome": Outcome.ATTEMPTED,
        "refused_by": None,
        "attempts": number,
        "bytes_out": 60,
        "bytes_in": 0,
        "foreign": True,
        "first_ns": 1_700_000_000_000_000_000,
        "last_ns": 1_700_000_000_000_000_000 + number,
        "evidences": (),
        "visibility": Visibility(),
    }
    return Transition(**{**values, **changes})  # type: ignore[arg-type]


def render(transition: Transition, epoch: int, seq: int) -> bytes:
    return json.dumps({"uid": transition.uid, "epoch": epoch, "seq": seq, "pad": "x" * 400}).encode()


class Mosquitto:
    """A broker on 127.0.0.1 that can be killed and started again on its port."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.log = directory / "mosquitto.log"
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self.acl: str | None = None
        self.extra = ""

    def start(self) -> None:
        """Return once it accepts connections."""
        access = ""
        if self.acl is not None:
            (self._directory / "acl").write_text(self.acl)
            access = f"acl_file {self._directory / 'acl'}\n"
        # autosave_on_changes with an interval of 1: the most durable that mosquitto 2.0 can be.
        (self._directory / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser root\npersistence true\n"
            f"persistence_location {self._directory}/\nautosave_on_changes true\nautosave_interval 1\n"
            f"max_queued_messages 0\n{access}{self.extra}"
        )
        assert MOSQUITTO is not None
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [MOSQUITTO, "-c", self._directory / "mosquitto.conf"], stdout=output, stderr=output
            )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        pytest.fail(f"mosquitto does not come up: {self.log.read_text()}")

    def kill(self) -> None:
        """Kill -9, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Subscriber:
    """mosquitto_sub with a persistent session: it comes back by itself when the broker does."""

    def __init__(self, port: int, topic: str, *, client: str = "consumer") -> None:
        self.lines: list[tuple[str, str]] = []
        self.ready = asyncio.Event()
        self._arguments = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(port), "-i", client, "-c", "-q", "1", "-d"]
        self._arguments += ["-t", topic, "-F", "MESSAGE %t %p"]
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Subscriber:
        self._process = await asyncio.create_subprocess_exec(
            "stdbuf", "-oL", *self._arguments, stdout=asyncio.subprocess.PIPE, limit=1 << 20
        )
        self._task = asyncio.create_task(self._read())
        await asyncio.wait_for(self.ready.wait(), 10)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None
        assert self._task is not None
        self._process.kill()
        await self._process.wait()
        await self._task

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            word, _, rest = line.decode().rstrip("\n").partition(" ")
            if word == "MESSAGE":
                topic, _, payload = rest.partition(" ")
                self.lines.append((topic, payload))
            elif line.startswith(b"Subscribed"):
                self.ready.set()

    def seqs(self) -> list[int]:
        """Numbers as received, duplicates and all."""
        return [json.loads(payload)["seq"] for topic, payload in self.lines if "/incidents/" in topic]

    async def until(self, condition: Callable[[], bool], seconds: float = 15) -> None:
        """Wait for ``condition``; fails with what was received."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail(f"received {len(self.lines)} lines, the last {self.lines[-3:]}")
            await asyncio.sleep(0.02)


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """Not yet started."""
    if MOSQUITTO is None or shutil.which("mosquitto_sub") is None:
        pytest.skip("needs mosquitto and mosquitto-clients")
    directory = tmp_path / "broker"
    directory.mkdir()
    broker = Mosquitto(directory)
    yield broker
    broker.kill()


@pytest_asyncio.fixture
async def worker(tmp_path: Path) -> AsyncIterator[StoreWorker]:
    """A store on disk that owes everything to ``mqtt``."""
    worker = StoreWorker(Store.open(tmp_path / "state", sensor="hall-1", sinks=["mqtt"]))
    yield worker
    await worker.close()


@pytest.fixture
def subscriber() -> type[Subscriber]:
    return Subscriber


@pytest.fixture
def transition() -> Callable[..., Transition]:
    return make_transition


@pytest.fixture
def journal() -> Callable[[StoreWorker, range], object]:
    """Append transitions of these numbers, 32 at a time."""

    async def append(worker: StoreWorker, numbers: range) -> None:
        for start in range(numbers.start, numbers.stop, 32):
            batch = [make_transition(n) for n in range(start, min(start + 32, numbers.stop))]
            await worker.append(batch, render)

    return append
