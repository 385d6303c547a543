"""Rehearsal: one incident that is marked as a test, through every sink that the configuration names.

Nothing of the daemon's is touched, so it may run meanwhile: the journal is one in memory, of epoch 0, which no real one
has; MQTT is told the incident and nothing else, under another client's name.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from monitor.app import renderer, sensor_view
from monitor.daemon import MQTT, sinks
from monitor.incidents.digest import digest
from monitor.model.incidents import Activity, Kind, Severity, Transition, Visibility
from monitor.model.verdicts import Confidence
from monitor.sinks import syslog, webhook
from monitor.sinks.mqtt import MqttSink
from monitor.store.journal import Store
from monitor.store.worker import StoreWorker

if TYPE_CHECKING:
    from monitor.config import Config

SYSLOG: Final = {
    "udp": "sent and not refused; UDP cannot say more",
    "tcp": "acknowledged by the server's TCP; syslog itself cannot say more",
    "tls": "acknowledged by the server's TCP under TLS; syslog itself cannot say more",
}
STEPS: Final = ((1, Activity.NEW), (2, Activity.END))
"""A consumer is left with nothing open."""
EPOCH: Final = 0
"""Of a message that is in no journal: those begin at 1."""


class State(Protocol):
    """What every sink says of itself."""

    @property
    def last_error(self) -> str | None: ...


class Sink(Protocol):
    """What every sink can do."""

    async def run(self) -> None: ...

    async def drain(self, timeout: float) -> bool: ...  # noqa: ASYNC109  a deadline for the whole

    @property
    def state(self) -> State: ...


class Outcome(msgspec.Struct, frozen=True):
    """What became of the test at one sink."""

    sink: str
    accepted: bool
    seconds: float
    why: str

    def line(self) -> str:
        """For people."""
        return f"{self.sink}: {'accepted' if self.accepted else 'NOT accepted'} after {self.seconds:.2f} s: {self.why}"


async def rehearse(config: Config, severity: str, wait_s: float) -> list[Outcome]:
    """Begin and end a test incident at every sink, at once. ValueError if a sink cannot be made."""
    promises = {
        **({MQTT: "acknowledged by the broker"} if config.mqtt is not None else {}),
        **{each.sink: SYSLOG[each.transport] for each in config.syslog},
        **{each.sink: "the endpoint answered 2xx" for each in config.webhook},
    }
    return list(await asyncio.gather(*(_try(config, name, promises[name], severity, wait_s) for name in sinks(config))))


async def _try(config: Config, name: str, promise: str, severity: str, wait_s: float) -> Outcome:
    worker = StoreWorker(Store.open(None, sensor=config.sensor.name, sinks=[name]))
    began = time.monotonic()
    try:
        sink = _made(config, name, worker)
        render = renderer(config.sensor.name)
        await worker.append(transitions(config.sensor.name, severity), lambda each, _, seq: render(each, EPOCH, seq))
        running = asyncio.create_task(sink.run(), name=name)
        draining = asyncio.create_task(sink.drain(wait_s))
        try:
            await asyncio.wait([running, draining], return_when=asyncio.FIRST_COMPLETED)
            seconds = time.monotonic() - began
            if running.done():
                running.result()
            parked = await worker.call(lambda store: store.parked(name))
            drained = draining.done() and draining.result()
        finally:
            for task in (draining, running):
                task.cancel()
            await asyncio.wait([draining, running])
        if parked:
            return Outcome(name, accepted=False, seconds=seconds, why=f"refused: {parked[0][1]}")
        if not drained:
            return Outcome(name, accepted=False, seconds=seconds, why=sink.state.last_error or "no answer")
        return Outcome(name, accepted=True, seconds=seconds, why=promise)
    finally:
        await worker.close()


def _made(config: Config, name: str, worker: StoreWorker) -> Sink:
    outbox = worker.outbox(name)
    made: dict[str, Sink] = {each.sink: syslog.sink(each, outbox) for each in config.syslog if each.sink == name}
    made |= {each.sink: webhook.sink(each, outbox) for each in config.webhook if each.sink == name}
    if config.mqtt is not None and name == MQTT:
        made[MQTT] = MqttSink(config.mqtt, config.sensor.name, outbox, visiting=True)
    return made[name]


def transitions(sensor: str, severity: str) -> list[Transition]:
    """The beginning and the end of an incident that is none; each call makes another."""
    now_ns = time.time_ns()
    incident = digest(sensor, "test", now_ns, os.getpid())
    return [_transition(sensor, severity, incident, number, activity, now_ns) for number, activity in STEPS]


def _transition(sensor: str, severity: str, incident: str, number: int, activity: Activity, now_ns: int) -> Transition:
    return Transition(
        uid=digest(incident, number),
        incident=incident,
        number=number,
        activity=activity,
        time_ns=now_ns,
        kind=Kind.TEST,
        properties=(),
        severity=Severity[severity.upper()],
        message=f"TEST by hand, nothing has happened: sensor {sensor} tries its ways out"
        + (" (end of the test)" if activity is Activity.END else ""),
        rule="none: camwarden test-alert",
        device=sensor_view(sensor),
        confidence=Confidence.HIGH,
        first_ns=now_ns,
        last_ns=now_ns,
        visibility=Visibility(),
    )
