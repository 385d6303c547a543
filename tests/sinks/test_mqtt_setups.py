"""Sixteen wrong set-ups: no octet of a message leaves, and one line says what is wrong. The right one beside them."""

from __future__ import annotations

import asyncio
import datetime
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from monitor.sinks.mqtt import MqttConfig, MqttSink, MqttTls
from tests.ports import free_port, listening
from tests.sinks.conftest import Mosquitto
from tests.sinks.test_mqtt_tls import DAY, Authority

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from monitor.store.worker import StoreWorker

MESSAGE: Final = b"x" * 400
"""In every message of the journal (conftest.render)."""
EXPIRED: Final = (-2 * DAY, -DAY)
NOT_YET: Final = (DAY, 2 * DAY)
BASE: Final = "camwarden/v1/hall-1"
NONE: Final = "none"
OLD: Final = "old"
"""No broker, and one that has learnt no TLS after 1.1: mosquitto cannot be brought to that, OpenSSL's server can."""


class Setup(NamedTuple):
    """What a broker is given, how it is called, and what is said of it."""

    listener: str
    """Lines of its configuration."""
    options: dict[str, Any]
    """Of the ``[mqtt]`` table."""
    said: str
    """Part of the one line."""


class Wire:
    """What passes between the sink and the broker: a relay that keeps what the sink sends."""

    def __init__(self, to: int) -> None:
        self.port = free_port()
        self.sent = bytearray()
        self.connections = 0
        self._to = to

    async def start(self) -> asyncio.Server:
        return await asyncio.start_server(self._relay, "127.0.0.1", self.port)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self._pump(reader, back, self.sent), self._pump(there, writer, None))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray | None) -> None:
        try:
            while octets := await reader.read(65536):
                if kept is not None:
                    kept += octets
                writer.write(octets)
                await writer.drain()
        except OSError:
            pass  # the other side is gone: so is this one
        finally:
            writer.close()


def tls(directory: Path, **changes: str) -> MqttTls:
    return MqttTls(**{"ca": str(directory / "right.pem"), **changes})


def pair(directory: Path, name: str, key: str | None = None) -> dict[str, str]:
    return {"cert": str(directory / f"{name}.pem"), "key": str(directory / f"{key or name}.key")}


def expired(directory: Path, right: Authority) -> Setup:
    return Setup(right.issue("localhost", EXPIRED), {"tls": tls(directory)}, "certificate has expired")


def not_yet_valid(directory: Path, right: Authority) -> Setup:
    return Setup(right.issue("localhost", NOT_YET), {"tls": tls(directory)}, "certificate is not yet valid")


def wrong_name(directory: Path, right: Authority) -> Setup:
    return Setup(right.issue("elsewhere"), {"tls": tls(directory)}, "not valid for 'localhost'")


def wrong_authority(directory: Path, right: Authority) -> Setup:
    listener = Authority(directory, "wrong").issue("localhost")
    return Setup(listener, {"tls": tls(directory)}, "unable to get local issuer certificate")


def self_signed(directory: Path, right: Authority) -> Setup:
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject]
    files = ["-keyout", directory / "own.key", "-out", directory / "own.pem"]
    subprocess.run([*command, *files], check=True, capture_output=True)
    listener = f"certfile {directory}/own.pem\nkeyfile {directory}/own.key\n"
    return Setup(listener, {"tls": tls(directory)}, "self-signed certificate")


def plain_port(directory: Path, right: Authority) -> Setup:
    return Setup("", {"tls": tls(directory)}, "TLS")


def tls_port_in_the_clear(directory: Path, right: Authority) -> Setup:
    return Setup(right.issue("localhost"), {}, "closed the connection")


def no_client_certificate(directory: Path, right: Authority) -> Setup:
    return Setup(demanding(directory, right), {"tls": tls(directory)}, "certificate required")


def client_of_another_authority(directory: Path, right: Authority) -> Setup:
    Authority(directory, "wrong").issue("hall-1", name="client")
    return Setup(demanding(directory, right), {"tls": tls(directory, **pair(directory, "client"))}, "unknown ca")


def client_expired(directory: Path, right: Authority) -> Setup:
    right.issue("hall-1", EXPIRED, name="client")
    told = "certificate expired"
    return Setup(demanding(directory, right), {"tls": tls(directory, **pair(directory, "client"))}, told)


def key_of_another_certificate(directory: Path, right: Authority) -> Setup:
    right.issue("hall-1", name="client")
    right.issue("hall-1", name="other")
    mixed = pair(directory, "client", "other")
    return Setup(demanding(directory, right), {"tls": tls(directory, **mixed)}, "key values mismatch")


def no_such_file(directory: Path, right: Authority) -> Setup:
    return Setup(right.issue("localhost"), {"tls": tls(directory, ca=str(directory / "none.pem"))}, "none.pem")


def wrong_password(directory: Path, right: Authority) -> Setup:
    passwords = directory / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "hall-1", "right"], check=True, capture_output=True)
    (directory / "password").write_text("wrong\n")
    options = {"username": "hall-1", "password_file": str(directory / "password"), "tls": tls(directory)}
    return Setup(f"{right.issue('localhost')}password_file {passwords}\n", options, "Not authorized")


def acl_denies(directory: Path, right: Authority) -> Setup:
    (directory / "rights").write_text("topic read #\n")
    listener = f"{right.issue('localhost')}acl_file {directory / 'rights'}\n"
    return Setup(listener, {"tls": tls(directory)}, f"may not publish to {BASE}/status")


def old_tls(directory: Path, right: Authority) -> Setup:
    right.issue("localhost")
    return Setup(OLD, {"tls": tls(directory)}, "protocol version")


def nobody_listens(directory: Path, right: Authority) -> Setup:
    return Setup(NONE, {"tls": tls(directory)}, "Connection refused")


WRONG: Final[list[Callable[[Path, Authority], Setup]]] = [
    expired,
    not_yet_valid,
    wrong_name,
    wrong_authority,
    self_signed,
    plain_port,
    tls_port_in_the_clear,
    no_client_certificate,
    client_of_another_authority,
    client_expired,
    key_of_another_certificate,
    no_such_file,
    wrong_password,
    acl_denies,
    old_tls,
    nobody_listens,
]


def demanding(directory: Path, right: Authority) -> str:
    """Settings of a listener that takes nobody without a certificate."""
    return f"{right.issue('localhost')}cafile {directory}/right.pem\nrequire_certificate true\n"


QUIET: Final[dict[str, Any]] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)


def old_server(port: int, directory: Path) -> list[str]:
    files = ["-cert", f"{directory}/server.pem", "-key", f"{directory}/server.key"]
    return ["openssl", "s_server", "-accept", str(port), *files, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", "-quiet"]


class Attempt(NamedTuple):
    """What came of it."""

    wire: bytes
    broker: str
    lines: list[str]
    sink: MqttSink
    delivered: bool


@pytest_asyncio.fixture
async def attempted(
    mosquitto: Mosquitto, worker: StoreWorker, journal: Any, tmp_path: Path
) -> AsyncIterator[Callable[[Callable[[Path, Authority], Setup]], Any]]:
    """Runs the sink against a set-up for as long as it may take to fail twice."""

    async def run(setup: Callable[[Path, Authority], Setup]) -> tuple[Setup, Attempt]:
        made = setup(tmp_path, Authority(tmp_path, "right"))
        old = None
        if made.listener == OLD:
            old = await asyncio.create_subprocess_exec(*old_server(mosquitto.port, tmp_path), **QUIET)
            await listening(mosquitto.port)
        elif made.listener != NONE:
            mosquitto.extra = made.listener + "log_type all\n"
            mosquitto.start()
        wire = Wire(mosquitto.port)
        server = await wire.start() if made.listener != NONE else None
        sink = MqttSink(MqttConfig(host="localhost", port=wire.port, **made.options), "hall-1", worker.outbox("mqtt"))
        await journal(worker, range(5))
        with capture_logs() as logs:
            task = asyncio.create_task(sink.run())
            delivered = await sink.drain(1.0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        if server is not None:
            server.close()
        if old is not None:
            old.kill()
            await old.wait()
        lines = [str(entry.get("reason", "")) for entry in logs if entry["log_level"] == "warning"]
        broker = mosquitto.log.read_text() if mosquitto.log.exists() else ""
        return made, Attempt(bytes(wire.sent), broker, lines, sink, delivered)

    yield run


@pytest.mark.asyncio
@pytest.mark.parametrize("setup", WRONG, ids=lambda setup: setup.__name__)
async def test_a_wrong_set_up_gets_no_message_and_is_named(
    attempted: Any, worker: StoreWorker, setup: Callable[[Path, Authority], Setup]
) -> None:
    """Nothing on the wire, nothing at the broker, everything still owed; the line is one, and of use."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    made, result = await attempted(setup)
    assert not result.delivered
    assert MESSAGE not in result.wire
    assert f"{BASE}/incidents" not in result.broker
    assert (result.sink.state.delivered, result.sink.state.parked) == (0, 0)
    assert await worker.call(lambda store: store.depth("mqtt")) == 5
    assert made.said in (result.sink.state.last_error or "")
    assert [line for line in result.lines if made.said in line] == [result.sink.state.last_error]
    assert "\n" not in result.lines[0]
    assert "_ssl.c" not in result.lines[0]


@pytest.mark.asyncio
async def test_the_right_set_up_gets_all(attempted: Any) -> None:
    """The same broker with everything as it should be: what is denied above is not denied to all."""

    def right_one(directory: Path, right: Authority) -> Setup:
        right.issue("hall-1", (-DAY, datetime.timedelta(hours=1)), name="client")
        return Setup(demanding(directory, right), {"tls": tls(directory, **pair(directory, "client"))}, "")

    _, result = await attempted(right_one)
    assert result.delivered
    assert f"{BASE}/incidents" in result.broker
    assert (result.sink.state.delivered, result.lines) == (5, [])
    assert MESSAGE not in result.wire, "it is encrypted"
