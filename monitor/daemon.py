"""Daemon: journal, broker and metrics around engines. Sinks start first and stop last, so that all drains.

A transition is journalled, with what is owed to every sink, before anybody is told of it; the broker is served
from the journal's outbox at its own pace.
"""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from monitor import __version__
from monitor.app import renderer
from monitor.evidence.keeping import Kept, keeping
from monitor.sinks import syslog, webhook
from monitor.sinks.home_assistant import HomeAssistant
from monitor.sinks.metrics import Metrics
from monitor.sinks.mqtt import MqttSink
from monitor.sinks.scrape import Health, serve
from monitor.sinks.shown import Shown
from monitor.store.errors import DiskFull
from monitor.store.journal import Store
from monitor.store.worker import StoreWorker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from monitor.config import Config
    from monitor.model.incidents import DeviceState, Transition
    from monitor.sinks.sender import Sender

log = structlog.get_logger()

MQTT: Final = "mqtt"
SHOWN: Final = "watch/shown"
"""Name of the row that keeps which topics of devices the broker has."""
DRAIN_S: Final = 10.0
"""How long a stop waits for the broker to take what is owed, seconds; what is left stays in the journal."""
SECOND_NS: Final = 1_000_000_000
NOTHING: Final = Kept()
HEALTH_S: Final = 10
"""How often health is published, seconds."""
GAUGES_S: Final = 1.0
"""How often sink states are shown, seconds."""
FORGET_S: Final = 0.05
"""Between two batches of what is forgotten, seconds: one takes some 10 ms, and the rest is for whoever writes."""


class Outlets:
    """The ways out of one daemon."""

    def __init__(
        self,
        sensor: str,
        worker: StoreWorker,
        metrics: Metrics,
        mqtt: MqttSink | None,
        senders: Sequence[Sender] = (),
        kept: Kept = NOTHING,
        shown: Shown | None = None,
    ) -> None:
        self.kept = kept
        """Where evidence goes."""
        self._sensor = sensor
        self._worker = worker
        self.metrics = metrics
        self._mqtt = mqtt
        self._senders = senders
        self._shown = shown
        self._turned_away = 0
        self.address: tuple[str, int] | None = None
        """Where the metrics are served."""
        self.told = 0
        """Messages journalled by this process."""
        self.forgotten = 0
        """Messages whose bodies this process has deleted for their age."""
        self.forgotten_files = 0
        """Files of evidence that it has deleted for theirs."""
        self.condition: Callable[[], Health] = lambda: Health(ok=True, facts={})
        """How whatever feeds these outlets is."""

    @property
    def short(self) -> bool:
        """Whether the journal's disk is full, and only transitions are written, from the reserve."""
        return self._worker.degraded

    async def tell(self, transitions: Sequence[Transition], state: Mapping[str, bytes | None] = {}) -> None:
        """Journal transitions with what they leave behind, and owe them to every sink.

        CommitFailed is fatal: stop at once.
        """
        if not transitions and not state:
            return
        try:
            messages = await self._worker.append(transitions, renderer(self._sensor, self.kept.folder), state)
        except DiskFull:
            if self.kept.folder is not None and transitions:
                await asyncio.to_thread(self.kept.folder.yield_room)
            raise
        self.told += len(messages)
        new = {message.uid for message in messages}
        for transition in transitions:
            if transition.uid in new:
                self.metrics.transition(transition)

    async def saved(self) -> dict[str, bytes]:
        """What an earlier run left of its state."""
        return await self._worker.call(lambda store: store.states())

    async def forget(self, before_ns: int, now_ns: int) -> None:
        """Delete the bodies of messages that were journalled before that time and that nobody needs, in small batches.

        Evidence that no message since then names goes too. DiskFull: not all of them. CommitFailed is fatal.
        """
        if self.kept.folder is not None:
            self.forgotten_files += await asyncio.to_thread(self.kept.folder.forget, before_ns)
        border = await self._worker.call(lambda store: store.border(before_ns, now_ns))
        after: int | None = 0
        while after is not None:
            gone, after = await self._worker.call(partial(Store.forget, border=border, after=after))
            self.forgotten += gone
            with self.metrics.lock:
                self.metrics.forgotten(gone)
            await asyncio.sleep(FORGET_S)

    def show_devices(self, devices: Sequence[DeviceState]) -> None:
        """Publish what is known of the devices, retained; these are all that there are."""
        if self._mqtt is None or self._shown is None:
            return
        wanted, gone = self._shown.show(devices)
        for topic in gone:
            self._mqtt.retain(topic, b"")
        for topic, body in wanted.items():
            self._mqtt.retain(topic, body)

    def shown_before(self, rows: Mapping[str, bytes]) -> None:
        """Take over what an earlier run left at the broker, from its saved rows."""
        if self._shown is not None and not self._shown.before(rows.get(SHOWN)):
            log.warning("what the broker keeps of devices cannot be read: nothing of it is taken back")

    def shown_row(self) -> dict[str, bytes | None]:
        """The row for ``shown_before``, if it is a new one."""
        row = self._shown.row() if self._shown is not None else None
        return {SHOWN: row} if row is not None else {}

    async def drain(self) -> bool:
        """Wait until every other end has everything, or DRAIN_S. Whether all have."""
        drains = [sink.drain(DRAIN_S) for sink in self._senders]
        if self._mqtt is not None:
            drains.append(self._mqtt.drain(DRAIN_S))
        return all(await asyncio.gather(*drains))

    async def show_sinks(self) -> None:
        """Keep the sinks' states in the metrics, until cancelled."""
        beats = 0
        while True:
            for name, up in self._connected().items():
                depth, oldest_ns, parked = await self._worker.call(partial(_owed, sink=name))
                self.metrics.sink(name, up=up, depth=depth, parked=parked, oldest_ns=oldest_ns)
            self._show_room()
            if beats % HEALTH_S == 0 and self._mqtt is not None:
                health = self.health()
                self._mqtt.publish_retained("health", msgspec.json.encode({"ok": health.ok, **health.facts}))
            beats += 1
            await asyncio.sleep(GAUGES_S)

    def _show_room(self) -> None:
        if self._mqtt is not None:
            limit = self._mqtt.limit()
            with self.metrics.lock:
                self.metrics.limit(limit, limit.turned_away - self._turned_away)
            self._turned_away = limit.turned_away

    def _connected(self) -> dict[str, bool]:
        """Every sink, and whether it reaches its other end."""
        ours = {MQTT: self._mqtt.state.connected} if self._mqtt is not None else {}
        return ours | {sender.name: sender.state.connected for sender in self._senders}

    def health(self) -> Health:
        """What /healthz answers."""
        state = self._mqtt.state if self._mqtt is not None else None
        condition = self.condition()
        return Health(
            ok=condition.ok,
            facts={
                **condition.facts,
                "sensor": self._sensor,
                "messages": self.told,
                "forgotten": self.forgotten,
                "mqtt_connected": state.connected if state is not None else None,
                "mqtt_error": state.last_error if state is not None and not state.connected else None,
                **{f"{each.name}_connected": each.state.connected for each in self._senders},
                **{f"{each.name}_error": each.state.last_error for each in self._senders},
            },
        )


def sinks(config: Config) -> list[str]:
    """Names of the sinks that everything is owed to."""
    ours = [MQTT] if config.mqtt is not None else []
    return ours + [each.sink for each in config.syslog] + [each.sink for each in config.webhook]


def shown(config: Config, mqtt: MqttSink | None) -> Shown | None:
    """What of the devices the broker is to keep, as configured."""
    if config.mqtt is None or mqtt is None:
        return None
    announced = None
    if config.mqtt.home_assistant:
        announced = HomeAssistant(config.mqtt.home_assistant_prefix, mqtt.base, config.sensor.name, __version__)
    return Shown(mqtt.base, announced)


def _owed(store: Store, sink: str) -> tuple[int, int | None, int]:
    """How many messages wait, since when, and how many are put aside."""
    return store.depth(sink), store.oldest_ns(sink), store.put_aside(sink)


@asynccontextmanager
async def outlets(
    config: Config, devices: Sequence[str], *, state: Path | None, databases: Sequence[tuple[str, int]] = ()
) -> AsyncIterator[Outlets]:
    """Journal, metrics and sinks as configured, served until the block ends.

    ``databases`` are the address databases in use, with the second in which each was built.

    Raises StoreError (one line) if the journal cannot be used, OSError if the metrics' address is taken.
    """
    store = Store.open(state, sensor=config.sensor.name, sinks=sinks(config))
    _owe_again(store, sinks(config))
    worker = StoreWorker(store)
    evidence = contextlib.ExitStack()
    try:
        kept = evidence.enter_context(keeping(state, config.evidence, live=True, tell=_tell_evidence))
        metrics = Metrics(config.sensor.name, devices, version=__version__)
        for name, built_s in databases:
            metrics.geo_database(name, built_s * SECOND_NS)
        mqtt = MqttSink(config.mqtt, config.sensor.name, worker.outbox(MQTT)) if config.mqtt is not None else None
        senders = [
            *(syslog.sink(each, worker.outbox(each.sink)) for each in config.syslog),
            *(webhook.sink(each, worker.outbox(each.sink)) for each in config.webhook),
        ]
        out = Outlets(config.sensor.name, worker, metrics, mqtt, senders, kept, shown(config, mqtt))
        async with contextlib.AsyncExitStack() as stack:
            if config.prometheus is not None:
                out.address = await stack.enter_async_context(
                    serve(metrics, out.health, host=config.prometheus.host, port=config.prometheus.port)
                )
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(out.show_sinks(), name="sink gauges")]
                if mqtt is not None:
                    running.append(tasks.create_task(mqtt.run(), name="mqtt"))
                running += [tasks.create_task(sender.run(), name=sender.name) for sender in senders]
                try:
                    yield out
                    await out.drain()
                finally:
                    for task in running:
                        task.cancel()
    finally:
        evidence.close()
        await worker.close()


def _owe_again(store: Store, names: Sequence[str]) -> None:
    """What was put aside is sent again after a start: somebody may have mended what refused it."""
    for name in names:
        try:
            messages = store.unpark(name)
        except DiskFull as error:
            log.warning("messages_stay_aside", sink=name, why=str(error))
            return
        if messages:
            log.info("messages_owed_again", sink=name, messages=messages)


def _tell_evidence(line: str) -> None:
    log.warning("evidence", what=line)
