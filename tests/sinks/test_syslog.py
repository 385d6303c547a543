"""The syslog sink against servers on real sockets: UDP, TCP and TLS, killed and started again."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from monitor.incidents import ocsf
from monitor.model.incidents import Activity, Evidence, Severity
from monitor.sinks import syslog
from monitor.sinks.backoff import Backoff
from monitor.sinks.syslog_config import SyslogConfig
from monitor.sinks.trust import Tls
from monitor.store import Store
from monitor.store.worker import StoreWorker
from tests.ports import free_port
from tests.sinks.conftest import make_transition
from tests.sinks.listening import DatagramServer, Parsed, StreamServer, serving
from tests.sinks.test_mqtt_tls import Authority

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from monitor.model.incidents import Transition
    from monitor.sinks.sender import Sender

SINK = "syslog/soc"
RSYSLOG = shutil.which("rsyslogd", path="/usr/sbin:/usr/bin")


class Eager(Backoff):
    """Waits as little as a test can bear."""

    def next(self) -> float:
        return 0.05


def body(transition: Transition, epoch: int = 1, seq: int = 1) -> bytes:
    return ocsf.render(transition, sensor="hall-1", epoch=epoch, seq=seq, version="0.1.0")


def config(port: int, **options: Any) -> SyslogConfig:
    return SyslogConfig(**{"name": "soc", "host": "127.0.0.1", "port": port, **options})


@pytest_asyncio.fixture
async def owing(tmp_path: Path) -> AsyncIterator[StoreWorker]:
    worker = StoreWorker(Store.open(tmp_path / "state", sensor="hall-1", sinks=[SINK]))
    yield worker
    await worker.close()


async def journal(worker: StoreWorker, numbers: range) -> None:
    for start in range(numbers.start, numbers.stop, 32):
        batch = [make_transition(n) for n in range(start, min(start + 32, numbers.stop))]
        await worker.append(batch, body)


@asynccontextmanager
async def running(sink: Sender) -> AsyncIterator[None]:
    """Run the sink; the event loop must have nothing to complain of."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    task = asyncio.create_task(sink.run())
    try:
        yield
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)
    assert complaints == []


async def until(condition: Any, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def seqs(messages: list[bytes]) -> list[int]:
    return [int(Parsed(each).data["seq"]) for each in messages]


def test_a_message_says_what_happened_to_whom_and_how_grave_it_is() -> None:
    """By the grammar of RFC 5424: facility and severity, the packets' time, the sensor, the kind, data and sentence."""
    evidence = Evidence(
        "10.20.0.17", 51234, "47.88.59.209", "dev.hik-connect.com", 443, 6, "SG", 45102, "Alibaba", None
    )
    transition = make_transition(7, evidences=(evidence,), time_ns=1_700_000_000_123_000_000, message="née ü 摄像头")
    parsed = Parsed(syslog.render(config(1), body(transition, 3, 9)))
    assert (parsed.facility, parsed.severity) == (16, 3)
    assert parsed.time == "2023-11-14T22:13:20.123Z"
    assert (parsed.host, parsed.app, parsed.kind) == ("hall-1", "camwarden", "vendor_cloud")
    assert parsed.text == b"\xef\xbb\xbf" + "née ü 摄像头".encode()
    told = {
        "uid": transition.uid, "incident": transition.incident, "activity": "new", "epoch": "3", "seq": "9",
        "device": "gate-07", "deviceIp": "10.20.0.17", "deviceMac": "44:19:b6:00:00:11", "remoteIp": "47.88.59.209",
        "remoteName": "dev.hik-connect.com", "remotePort": "443", "country": "SG", "operator": "Hikvision",
        "jurisdiction": "CN", "outcome": "attempted", "attempts": "7", "group": "gates", "properties": "foreign",
        "swVersion": "0.1.0",
    }  # fmt: skip
    assert told.items() <= parsed.data.items()
    grades = [make_transition(1, severity=each) for each in Severity]
    assert [Parsed(syslog.render(config(1), body(each))).severity for each in grades] == [6, 5, 4, 3, 2]
    ended = Parsed(syslog.render(config(1), body(make_transition(1, activity=Activity.END))))
    assert ended.data["activity"] == "end"


def test_what_a_device_calls_itself_cannot_forge_a_message() -> None:
    """Quotes, brackets, backslashes and line ends stay inside their value."""
    name = 'a"] [x@1 y="z\\" \n<14>1 - - - - - -'
    transition = make_transition(1)
    device = msgspec.structs.replace(transition.device, name=name)
    parsed = Parsed(syslog.render(config(1), body(make_transition(1, device=device))))
    assert parsed.data["device"] == name.replace("\n", "\N{REPLACEMENT CHARACTER}")
    assert "y" not in parsed.data


@pytest.mark.parametrize("largest", [480, 700, 1024, 2048, 8192])
def test_a_message_keeps_to_its_size_and_is_never_cut_inside_a_character(largest: int) -> None:
    """The sentence gives way first, then the lesser parameters; which message it is stays."""
    transition = make_transition(1, message="摄像头 " * 300, rule="r" * 900)
    raw = syslog.render(config(1, max_bytes=largest), body(transition))
    assert len(raw) <= largest
    parsed = Parsed(raw)
    assert {"uid", "incident", "activity", "epoch"} <= parsed.data.keys()
    assert parsed.text.decode("utf-8-sig").startswith("摄像头")
    assert len(raw) > largest - 40 or largest == 8192


@pytest.mark.asyncio
@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_nothing_is_lost_or_reordered_while_the_server_is_killed(
    owing: StoreWorker, tmp_path: Path, transport: str
) -> None:
    """It dies twice in the middle, with what it had not read; a reader that drops duplicates has all, in order."""
    options: dict[str, Any] = {"transport": transport}
    context = None
    if transport == "tls":
        authority = Authority(tmp_path, "right")
        context = serving(authority, "localhost", tmp_path)
        options |= {"host": "localhost", "tls": Tls(ca=str(authority.path))}
    server = DatagramServer() if transport == "udp" else StreamServer(context)
    sink = syslog.sink(config(server.port, **options), owing.outbox(SINK), backoff=Eager())
    total = 120 if transport == "udp" else 1000
    await server.start()
    with capture_logs() as logs:
        async with running(sink):
            appending = asyncio.create_task(journal(owing, range(total)))
            for share in (0.1, 0.5):
                await until(lambda share=share: len(set(seqs(server.messages()))) > total * share)
                if isinstance(server, StreamServer):
                    server.reading.clear()
                    await asyncio.sleep(0.05)
                await server.kill()
                await until(lambda: not sink.state.connected)
                if isinstance(server, StreamServer):
                    server.reading.set()
                await server.start()
            await appending
            assert await sink.drain(30)
            await until(lambda: len(set(seqs(server.messages()))) == total)
        await server.kill()
    assert list(dict.fromkeys(seqs(server.messages()))) == list(range(1, total + 1))
    assert await owing.call(lambda store: (store.depth(SINK), store.parked(SINK))) == (0, [])
    events = [each["event"] for each in logs]
    assert events.count("sink_lost") <= events.count("sink_up") <= 3, "one line when it goes, one when it is back"
    if transport != "udp":
        assert sink.state.repeated > 0


@pytest.mark.asyncio
async def test_what_a_server_does_not_take_stays_owed(owing: StoreWorker) -> None:
    """A server that reads nothing: its kernel's buffer fills, and what did not fit is not called delivered."""
    server = StreamServer()
    server.reading.clear()
    await server.start()
    sink = syslog.sink(config(server.port, transport="tcp"), owing.outbox(SINK), backoff=Eager())
    async with running(sink):
        big = [make_transition(n, message="x" * 1000, rule="y" * 1000) for n in range(2500)]
        for start in range(0, len(big), 200):
            await owing.append(big[start : start + 200], body)
        assert not await sink.drain(1)
        owed = await owing.call(lambda store: store.depth(SINK))
        assert 0 < owed < len(big)
        server.reading.set()
        assert await sink.drain(20)
        await until(lambda: len(server.messages()) == len(big))
    await server.kill()
    assert seqs(server.messages()) == list(range(1, len(big) + 1))


@pytest.mark.asyncio
async def test_what_is_no_message_of_ours_is_put_aside(owing: StoreWorker) -> None:
    """And the ones behind it arrive."""
    server = StreamServer()
    await server.start()
    await owing.append([make_transition(1)], lambda *_: b"{}")
    await journal(owing, range(2, 4))
    sink = syslog.sink(config(server.port, transport="tcp"), owing.outbox(SINK), backoff=Eager())
    async with running(sink):
        assert await sink.drain(10)
    await server.kill()
    assert seqs(server.messages()) == [2, 3]
    assert await owing.call(lambda store: store.parked(SINK)) == [(1, "not a message of this program")]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("trusted", "called", "complaint"),
    [("wrong", "localhost", "certificate verify failed"), ("right", "elsewhere", "Hostname mismatch")],
)
async def test_a_server_that_is_not_the_one_gets_no_octet(
    owing: StoreWorker, tmp_path: Path, trusted: str, called: str, complaint: str
) -> None:
    """A wrong authority or a wrong name: nothing is sent, and the state says why."""
    right, _ = Authority(tmp_path, "right"), Authority(tmp_path, "wrong")
    server = StreamServer(serving(right, called, tmp_path))
    await server.start()
    await journal(owing, range(3))
    tls = Tls(ca=str(tmp_path / f"{trusted}.pem"))
    sink = syslog.sink(
        config(server.port, host="localhost", transport="tls", tls=tls), owing.outbox(SINK), backoff=Eager()
    )
    async with running(sink):
        await until(lambda: sink.state.last_error)
        assert not await sink.drain(0.2)
    await server.kill()
    assert server.messages() == []
    assert complaint in (sink.state.last_error or "")


@pytest.mark.asyncio
@pytest.mark.skipif(RSYSLOG is None, reason="rsyslog is not installed")
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_rsyslog_reads_it(owing: StoreWorker, tmp_path: Path, transport: str) -> None:
    """Header, structured data and sentence, as its own parser has them."""
    port, out = free_port(), tmp_path / "out"
    module = f'module(load="im{transport}")\ninput(type="im{transport}" address="127.0.0.1" port="{port}")\n'
    form = "%pri-text%|%timereported:::date-rfc3339%|%hostname%|%app-name%|%msgid%|%structured-data%|%msg%\\n"
    (tmp_path / "rsyslog.conf").write_text(
        f'global(workDirectory="{tmp_path}")\n{module}template(name="f" type="string" string="{form}")\n'
        f'action(type="omfile" file="{out}" template="f")\n'
    )
    command = [str(RSYSLOG), "-n", "-f", str(tmp_path / "rsyslog.conf"), "-i", str(tmp_path / "pid")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            await until(lambda: (tmp_path / "pid").exists())
            await asyncio.sleep(0.3)
            sink = syslog.sink(config(port, transport=transport), owing.outbox(SINK), backoff=Eager())
            await owing.append([make_transition(1, message="née ]\\ said")], body)
            async with running(sink):
                assert await sink.drain(10)
                await until(lambda: out.exists() and out.read_text().endswith("\n"))
        finally:
            process.terminate()
            process.wait(10)
    kind, at, host, app, message_id, data, said = out.read_text().rstrip("\n").split("|", 6)
    assert (kind, host, app, message_id) == ("local0.err", "hall-1", "camwarden", "vendor_cloud")
    assert at == "2023-11-14T22:13:20.000Z"
    assert f'uid="{make_transition(1).uid}"' in data
    assert said.strip().removeprefix("\ufeff") == "née ]\\ said"


def test_the_sentence_of_the_journal_is_what_is_read() -> None:
    """The mapping reads the message as journalled, whatever else stands in it."""
    message = json.loads(body(make_transition(1)))
    message["unmapped"]["camwarden"]["later"] = {"more": 1}
    assert b"gate-07" in syslog.render(config(1), json.dumps(message).encode())
