"""The MQTT sink against a real broker and a real consumer."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from structlog.testing import capture_logs

from monitor.sinks.mqtt import Backoff, MqttConfig, MqttSink, topic_level

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from monitor.store.worker import StoreWorker


REPOSITORY = Path(__file__).parents[2]
BASE = "camwarden/v1/hall-1"


def sink_for(port: int, worker: StoreWorker, backoff: Backoff | None = None, **options: Any) -> MqttSink:
    config = MqttConfig(host="127.0.0.1", port=port, **options)
    return MqttSink(config, "hall-1", worker.outbox("mqtt"), backoff=backoff)


@asynccontextmanager
async def running(sink: MqttSink) -> AsyncIterator[list[dict[str, Any]]]:
    """Run the sink; yields what the event loop complains of, which must stay nothing."""
    complaints: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    task = asyncio.create_task(sink.run())
    try:
        yield complaints
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)
        assert complaints == []


class Eager(Backoff):
    """Waits as little as a test can bear."""

    def next(self) -> float:
        return 0.02

    def pause(self, times: int) -> float:
        return 0.02


def first_sight(seqs: list[int]) -> list[int]:
    """What a consumer that drops duplicates is left with, in order."""
    return list(dict.fromkeys(seqs))


def publish(port: int, topic: str, payload: str, *more: str) -> None:
    subprocess.run(
        ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-q", "1", "-t", topic, "-m", payload, *more],
        check=True,
        timeout=10,
    )


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
@pytest.mark.asyncio
async def test_every_message_arrives_in_order_on_the_topic_of_its_kind(
    mosquitto: Any, worker: StoreWorker, subscriber: Any, journal: Any, protocol: str
) -> None:
    """All messages, once each, in order of seq, and the outbox is empty afterwards."""
    mosquitto.start()
    sink = sink_for(mosquitto.port, worker, protocol=protocol)
    async with subscriber(mosquitto.port, f"{BASE}/#") as consumer, running(sink):
        await journal(worker, range(200))
        assert await sink.drain(15)
        await consumer.until(lambda: len(consumer.seqs()) >= 200)
        assert consumer.seqs() == list(range(1, 201))
        assert {topic for topic, _ in consumer.lines} == {f"{BASE}/status", f"{BASE}/incidents/vendor_cloud"}
        assert (sink.state.connected, sink.state.delivered, sink.state.repeated) == (True, 200, 0)
    assert await worker.call(lambda store: store.depth("mqtt")) == 0


@pytest.mark.asyncio
async def test_nothing_is_lost_or_reordered_while_the_broker_is_killed(
    mosquitto: Any, worker: StoreWorker, subscriber: Any, journal: Any
) -> None:
    """The broker dies by kill -9 twice in the middle; a consumer that drops duplicates has all, in order."""
    mosquitto.start()
    sink = sink_for(mosquitto.port, worker, protocol="5")
    total = 600
    async with subscriber(mosquitto.port, f"{BASE}/incidents/#") as consumer:
        with capture_logs() as logs:
            async with running(sink):
                appending = asyncio.create_task(journal(worker, range(total)))
                for share in (0.2, 0.6):
                    await consumer.until(lambda share=share: len(consumer.seqs()) > total * share)
                    mosquitto.kill()
                    await asyncio.sleep(0.1)
                    mosquitto.start()
                await appending
                assert await sink.drain(30)
                await consumer.until(lambda: len(set(consumer.seqs())) == total, 30)
        assert first_sight(consumer.seqs()) == list(range(1, total + 1))
        assert 0 < sink.state.repeated <= 2 * 64
    events = [entry["event"] for entry in logs]
    assert events.count("mqtt_lost") <= 2, "one line when it goes, however often it is tried"
    assert events.count("mqtt_connected") == 3


@pytest.mark.asyncio
async def test_a_broker_that_is_absent_at_the_start_is_waited_for(
    mosquitto: Any, worker: StoreWorker, subscriber: Any, journal: Any
) -> None:
    """Messages journalled before there is a broker arrive once there is one."""
    sink = sink_for(mosquitto.port, worker)
    async with running(sink):
        await journal(worker, range(40))
        await asyncio.sleep(0.5)
        assert not sink.state.connected
        assert "refused" in (sink.state.last_error or "").lower()
        assert not await sink.drain(0.1)
        mosquitto.start()
        async with subscriber(mosquitto.port, f"{BASE}/incidents/#") as consumer:
            assert await sink.drain(15)
            await consumer.until(lambda: first_sight(consumer.seqs())[-1:] == [40])


@pytest.mark.asyncio
async def test_a_refused_message_is_parked_and_not_dropped(
    mosquitto: Any, worker: StoreWorker, transition: Any, journal: Any
) -> None:
    """An ACL that denies the topic (MQTT 5 reason 0x87) parks the messages, and unparking delivers them."""
    mosquitto.acl = f"topic readwrite {BASE}/status\ntopic readwrite {BASE}/resync\n"
    mosquitto.start()
    sink = sink_for(mosquitto.port, worker, Eager(), refusals=2)
    async with running(sink):
        await journal(worker, range(10))
        assert await sink.drain(15)
        assert (sink.state.parked, sink.state.delivered) == (10, 0)
        assert await worker.call(lambda s: s.parked("mqtt")) == [(n, "reason code 0x87") for n in range(1, 11)]
        mosquitto.kill()
        mosquitto.acl = None
        mosquitto.start()
        assert await worker.outbox("mqtt").unpark() == 10
        assert await sink.drain(15)
        assert sink.state.delivered == 10


@pytest.mark.asyncio
async def test_status_is_online_then_offline_by_us_or_by_the_last_will(
    mosquitto: Any, worker: StoreWorker, subscriber: Any, tmp_path: Path
) -> None:
    """Retained: online while we run, offline after a stop, and offline by the broker when we are killed."""
    mosquitto.start()
    async with subscriber(mosquitto.port, f"{BASE}/status") as consumer:
        async with running(sink_for(mosquitto.port, worker)):
            await consumer.until(lambda: len(consumer.lines) == 1)
        await consumer.until(lambda: len(consumer.lines) == 2)
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", DAEMON, str(tmp_path / "other"), str(mosquitto.port), cwd=REPOSITORY
        )
        await consumer.until(lambda: len(consumer.lines) == 3)
        child.kill()
        await child.wait()
        await consumer.until(lambda: len(consumer.lines) == 4)
        assert [payload for _, payload in consumer.lines] == ["online", "offline", "online", "offline"]


DAEMON = """
import asyncio, pathlib, sys
from monitor.sinks.mqtt import MqttConfig, MqttSink
from monitor.store import Store
from monitor.store.worker import StoreWorker

async def main():
    worker = StoreWorker(Store.open(pathlib.Path(sys.argv[1]), sensor="hall-1", sinks=["mqtt"]))
    await MqttSink(MqttConfig(host="127.0.0.1", port=int(sys.argv[2])), "hall-1", worker.outbox("mqtt")).run()

asyncio.run(main())
"""


@pytest.mark.asyncio
async def test_a_resync_sends_the_journal_again_from_a_number_on(
    mosquitto: Any, worker: StoreWorker, subscriber: Any, journal: Any
) -> None:
    """A consumer that lost messages gets them from the journal; a second request at once is declined."""
    mosquitto.start()
    sink = sink_for(mosquitto.port, worker)
    async with running(sink):
        await journal(worker, range(300))
        assert await sink.drain(15)
        async with subscriber(mosquitto.port, f"{BASE}/incidents/#") as consumer:
            publish(mosquitto.port, f"{BASE}/resync", '{"from_seq": 101}')
            await consumer.until(lambda: len(consumer.seqs()) >= 200)
            publish(mosquitto.port, f"{BASE}/resync", '{"from_seq": 1}')
            publish(mosquitto.port, f"{BASE}/resync", '{"from_seq": "x"}')
            await journal(worker, range(300, 301))
            await consumer.until(lambda: 301 in consumer.seqs())
            assert consumer.seqs() == list(range(101, 302))
        assert (sink._tally.resyncs, sink._tally.resyncs_declined) == (1, 1)


@pytest.mark.asyncio
async def test_a_retained_resync_request_is_ignored(
    mosquitto: Any, worker: StoreWorker, subscriber: Any, journal: Any
) -> None:
    """A request that the broker kept would otherwise come back at every connection."""
    mosquitto.start()
    publish(mosquitto.port, f"{BASE}/resync", '{"from_seq": 1}', "-r")
    await journal(worker, range(100))
    async with subscriber(mosquitto.port, f"{BASE}/incidents/#") as consumer, running(sink_for(mosquitto.port, worker)):
        await consumer.until(lambda: len(consumer.seqs()) >= 100)
        await asyncio.sleep(0.3)
        assert consumer.seqs() == list(range(1, 101))


@pytest.mark.asyncio
async def test_retained_state_is_the_newest_and_survives_a_broker_that_forgets(
    mosquitto: Any, worker: StoreWorker, subscriber: Any
) -> None:
    """Ten changes while there is no broker are one message; after a broker's death it is stated again."""
    sink = sink_for(mosquitto.port, worker)
    async with running(sink):
        for number in range(10):
            sink.publish_retained("devices/gate-07", json.dumps({"n": number}).encode())
        mosquitto.start()
        for client in ("one", "two"):
            async with subscriber(mosquitto.port, f"{BASE}/devices/#", client=client) as consumer:
                await consumer.until(lambda consumer=consumer: bool(consumer.lines))
                await asyncio.sleep(0.1)
                assert consumer.lines == [(f"{BASE}/devices/gate-07", '{"n": 9}')]
            mosquitto.kill()
            for database in mosquitto.log.parent.glob("*.db"):
                database.unlink()
            mosquitto.start()


@pytest.mark.asyncio
async def test_retained_topics_are_bounded_and_checked(mosquitto: Any, worker: StoreWorker) -> None:
    """What does not fit is counted, a wildcard is refused, and a device's name makes one level."""
    sink = sink_for(mosquitto.port, worker)
    for number in range(4100):
        sink.publish_retained(f"devices/{number}", b"{}")
    assert sink.state.retained_dropped == 4
    with pytest.raises(ValueError, match="no topic"):
        sink.publish_retained("devices/#", b"{}")
    assert topic_level("hall/2+#%") == "hall%2F2%2B%23%25"


@pytest.mark.asyncio
async def test_a_message_at_which_the_server_hangs_up_does_not_block_the_others(
    worker: StoreWorker, transition: Any
) -> None:
    """A server that speaks 3.1.1 closes the connection on one message; that one is parked, the rest arrive.

    Nor does one that was delivered before and is to be repeated.
    """
    received: list[int] = []
    poison = {3}

    async def broker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readexactly(1))[0]
                size, shift = 0, 0
                while True:
                    byte = (await reader.readexactly(1))[0]
                    size |= (byte & 0x7F) << shift
                    shift += 7
                    if byte < 0x80:
                        break
                packet = await reader.readexactly(size)
                if head >> 4 == 1:
                    writer.write(b"\x20\x02\x00\x00")
                elif head >> 4 == 8:
                    writer.write(b"\x90\x03" + packet[:2] + b"\x01")
                elif head >> 4 == 3:
                    topic = int.from_bytes(packet[:2])
                    body = packet[4 + topic :]
                    if body.startswith(b"{"):
                        seq = json.loads(body)["seq"]
                        if seq in poison:
                            return
                        received.append(seq)
                    writer.write(b"\x40\x02" + packet[2 + topic : 4 + topic])
                elif head >> 4 == 14:
                    return
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.close()

    def render(change: Any, epoch: int, seq: int) -> bytes:
        return json.dumps({"seq": seq}).encode()

    server = await asyncio.start_server(broker, "127.0.0.1", 0)
    sink = sink_for(server.sockets[0].getsockname()[1], worker, Eager(), protocol="3.1.1", refusals=3)
    await worker.append([transition(n) for n in range(6)], render)
    async with running(sink):
        assert await sink.drain(15)
    assert first_sight(received) == [1, 2, 4, 5, 6]
    assert await worker.call(lambda store: store.parked("mqtt")) == [(3, "connection closed")]
    poison.add(5)
    await worker.append([transition(7)], render)
    async with running(sink):
        assert await sink.drain(15)
    assert received[-1] == 7
    server.close()


def test_back_off_is_short_once_then_one_to_sixty_seconds() -> None:
    """0.2 s for a blink, then growing with jitter and never past a minute, until reset."""
    backoff = Backoff()
    waits = [backoff.next() for _ in range(12)]
    assert waits[0] == 0.2
    assert all(1.0 <= wait <= 60.0 for wait in waits[1:])
    assert all(wait >= 30.0 for wait in waits[7:])
    backoff.reset()
    assert backoff.next() == 0.2


def test_the_configuration_refuses_what_it_does_not_know() -> None:
    """A misspelt key or a wildcard topic is an error before anything runs."""
    with pytest.raises(msgspec.ValidationError, match="insecure"):
        msgspec.convert({"host": "broker", "insecure": True}, MqttConfig)
    with pytest.raises(ValueError, match="no topic"):
        MqttSink(MqttConfig(host="broker", topic="a/#"), "hall-1", None)  # type: ignore[arg-type]
