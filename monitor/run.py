"""Run: the daemon on a live source.

Strategy: the source is opened first, with whatever privilege that takes, and every privilege is given up before there
is a second thread. Then sinks start, the engine goes on where the last run left it, and one thread watches. A stop
goes the other way round: no more packets, what was told is journalled, what is owed is delivered.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from collectors.offloads import MERGING, offloads
from collectors.poll.reply import Outcome
from collectors.poll.schedule import Polling
from collectors.poll.settings import warnings
from monitor import reload
from monitor.accounting import Account
from monitor.app import build_engine, knowledge
from monitor.canary import send_canaries
from monitor.config import ConfigError, load, polled
from monitor.continuity import METRICS, PREFIX, Keeper, metrics_row, restore_metrics
from monitor.daemon import outlets
from monitor.faults import place_of
from monitor.handover import Handover
from monitor.incidents.book import state
from monitor.model.address import pack
from monitor.sinks.scrape import Health
from monitor.skew import STEP_NS, Skew, real_ns, steady_ns
from monitor.store.errors import DiskFull
from monitor.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from collectors.live import LinkEvent, Source
    from collectors.poll.reply import Reply
    from monitor.app import Knowledge
    from monitor.config import Config
    from monitor.daemon import Outlets
    from monitor.model.identity import IdentityChange
    from monitor.model.incidents import DeviceState, Transition
    from monitor.notify import Notifier
    from monitor.sinks.metrics import Counters

log = structlog.get_logger()

SAVE_S: Final = 5
"""How often what changed is saved, seconds: what a kill may cost (architecture, Evidence)."""
DEVICES_S: Final = 10
"""How often devices are shown, seconds."""
RETRY_S: Final = 1.0
"""How often a commit is tried again while the disk is full, seconds."""
STOP_S: Final = 10.0
"""How long a stop waits for room on a full disk, seconds: as long as for the broker (monitor.daemon)."""
DAY_S: Final = 86_400
"""How often old messages are looked for, seconds."""
FILE_S: Final = 1.0
"""How often the configuration file is looked at, seconds."""
AHEAD: Final = "watch/ahead_ns"
"""Name of the row that keeps how far the wall's clock is ahead of the engine's."""
STUCK_NS: Final = 10_000_000_000
"""The loop comes round once a second; silent for ten it is stuck, and the service manager is not told that it lives."""
COLLECT: Final = (50_000, 20, 100)
"""Objects made between looks for cycles: hardly anything here has one, and contacts live long."""


class Sensor:
    """One daemon: a configuration, a source, an engine and its ways out."""

    def __init__(
        self,
        config: Config,
        path: Path,
        source: Source,
        notifier: Notifier,
        *,
        real: Callable[[], int] = real_ns,
        steady: Callable[[], int] = steady_ns,
    ) -> None:
        """``path`` is where the configuration came from, and is looked at for changes.

        ``real`` is the clock that stamps the source's packets, ``steady`` one that nobody sets.
        """
        self._real_ns = real
        self._steady_ns = steady
        self._hurried = False
        self._config = self._begun = config
        self._path = path
        self._source = source
        self._notifier = notifier
        self._stop = asyncio.Event()
        self._again = asyncio.Event()
        self._taken: tuple[list[Transition], dict[str, bytes | None]] | None = None
        """What was handed over and is not journalled yet."""
        self._degraded: str | None = None
        """Why nothing can be journalled at present."""
        self._reloaded: str | None = None
        """What came of the last reload."""
        self._seconds = 0
        self._counted: deque[tuple[bytes | None, Counters]] = deque(maxlen=4)
        """The newest rows of metrics that were handed over, each with the counters of that moment."""
        self._polls = dict.fromkeys(Outcome, 0)
        """Questions to devices, by what came of them."""

    async def run(self) -> None:
        """Watch until SIGTERM or SIGINT.

        Raises StoreError, CatalogueError, GeoError or OSError, each one line, if it cannot begin; CommitFailed or
        TapError if it cannot go on.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._again.set)
        config = self._config
        directory = Path(config.sensor.state) if config.sensor.state is not None else None
        names = [device.name for device in config.device]
        with knowledge(config) as known:
            known.operators.prepare()
            async with outlets(config, names, state=directory, databases=known.geo.ages()) as out:
                engine = build_engine(
                    config,
                    known,
                    on_fault=_fault,
                    on_change=_log_change,
                    keeps=out.kept.folder is not None,
                    spool=out.kept.spool,
                )
                self._keeper, self._handover = Keeper(engine), Handover(loop)
                self._engine, self._out = engine, out
                self._account = Account(engine, out.metrics, interface=_label(config))
                await self._resume(out)
                self._watch = Watch(
                    engine,
                    self._source,
                    skew=self._skew,
                    tell=self._tell,
                    each_second=self._each_second,
                    on_events=_log_events,
                )
                self._tell_offloads()
                self._watch.begin(max(engine.now_ns, self._real_ns() - self._skew.ahead_ns))
                if config.canary is not None:
                    canary = config.canary
                    engine.expect_canary(pack(canary.address), canary.port, int(canary.every_s * 1_000_000_000))
                out.condition = self._condition
                await self._serve(known)

    async def _resume(self, out: Outlets) -> None:
        """Go on where the last run left off."""
        rows = await out.saved()
        self._skew = Skew(int(rows.get(AHEAD, b"0")), real=self._real_ns, steady=self._steady_ns)
        now_ns = self._real_ns() - self._skew.ahead_ns
        resumed = self._keeper.restore({name: row for name, row in rows.items() if name.startswith(PREFIX)}, now_ns)
        out.shown_before(rows)
        if not restore_metrics(out.metrics, rows.get(METRICS)):
            log.warning("counters of earlier runs cannot be read: they begin anew")
        self._account.new("octets", self._engine.scanner.octets)  # the metrics have them
        back_ns = self._engine.now_ns - now_ns
        if back_ns >= STEP_NS:  # set back while nobody looked, as by a boot without a battery: time goes on from there
            self._skew.ahead_ns -= back_ns
            now_ns += back_ns
            self._engine.sight.clock_steps += 1
            _log_events((), ((real_ns(), -back_ns),))
        self._engine.sight.gap(resumed.gap_ns(now_ns))
        for uid in self._engine.book.uids():
            incident = self._engine.book.open(uid)
            if incident is not None:
                out.metrics.opened(uid, incident.kind, incident.severity)
        for uid in self._engine.alarms.uids():
            notice = self._engine.alarms.open(uid).notice
            out.metrics.opened(uid, notice.kind, notice.severity)
        self._account.count_on()
        with out.metrics.lock:
            counters = out.metrics.counters()
        out.metrics.show(counters)
        if rows:
            log.info("resumed", **msgspec.structs.asdict(resumed))

    def _tell_offloads(self) -> None:
        """Frames that card or kernel have joined falsify what is counted: say so at the start."""
        for name in self._config.capture.interfaces:
            try:
                merging = sorted(offloads(name) & MERGING)
            except OSError as error:
                log.warning("offloads unknown", interface=name, why=error.strerror)
                continue
            if merging:
                log.warning("frames are merged before they are seen", interface=name, by=merging, see="doctor")

    async def _serve(self, known: Knowledge) -> None:
        """Everything at once, until told to stop."""
        watching = asyncio.create_task(asyncio.to_thread(self._watch.run), name="watch")
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(self._journal(), name="journal"),
                    tasks.create_task(self._show_life(), name="life"),
                    tasks.create_task(self._reload(known), name="reload"),
                    tasks.create_task(self._stopped(watching), name="stop"),
                    tasks.create_task(self._forget(), name="forget"),
                ]
                if targets := polled(self._config):
                    for warning in (line for target in targets for line in warnings(target)):
                        log.warning("poll", why=warning)
                    polling = Polling(targets, self._replied, random.SystemRandom())
                    running.append(tasks.create_task(polling.run(), name="polls"))
                if self._config.canary is not None and self._config.canary.send:
                    running.append(tasks.create_task(send_canaries(self._config.canary), name="canary"))
                self._notifier.ready(f"watching {_label(self._config)}")
                log.info("watching", source=_label(self._config), metrics=self._out.address)
                await running[3]
                for task in running:
                    task.cancel()
        finally:
            self._watch.stop()
            await asyncio.wait([watching])
        await self._put_down()

    async def _stopped(self, watching: asyncio.Task[None]) -> None:
        """Return when somebody wants us to stop; raise what ended the watch."""
        stop = asyncio.create_task(self._stop.wait())
        await asyncio.wait([stop, watching], return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if watching.done():
            watching.result()

    async def _put_down(self) -> None:
        """The watch is over: judge, journal and save what passed."""
        self._notifier.stopping("handing over what is owed")
        told = [self._skew.outward(each) for each in self._engine.pause()]
        self._account.settle()
        self._handover.put(told, {**self._keeper.changed(told), **self._keeper.rest(), **self._own_rows()})
        try:
            async with asyncio.timeout(STOP_S):
                while self._taken is not None or not self._handover.empty:
                    await self._commit()
        except TimeoutError:
            lost = len(self._taken[0]) if self._taken is not None else 0
            log.warning("stopped without a last entry in the journal", why=self._degraded, transitions_lost=lost)
        log.info("stopped", packets=self._engine.scanner.packets, incidents_open=len(self._engine.book))

    async def _replied(self, reply: Reply) -> None:
        """A device was asked, and this came of it."""
        if reply.outcome in (Outcome.REFUSED, Outcome.FAILED):
            log.warning("poll", device=reply.device, question=reply.question, outcome=str(reply.outcome), why=reply.why)
        self._polls[reply.outcome] += 1
        await asyncio.wrap_future(self._watch.replied(reply))

    def _tell(self, transitions: Sequence[Transition]) -> None:
        """In the watching thread: hand over what the engine told."""
        rows = self._keeper.changed(transitions)
        if transitions or rows:
            self._handover.put(transitions, rows)

    def _each_second(self) -> None:
        """In the watching thread: bring metrics and saved state up to date."""
        self._seconds += 1
        self._account.settle()
        precedence = self._engine.scanner.precedence
        if precedence.hurried != self._hurried:
            self._hurried = precedence.hurried
            log.warning(
                "more than can be looked at: passing strangers over"
                if self._hurried
                else "looking at every flow again",
                passed_over=precedence.passed,
            )
        with self._out.metrics.lock:
            self._out.metrics.limit(self._handover.limit(), self._account.new("handover", self._handover.refused))
            for limit in (*self._out.kept.limits(), self._handover.limit_of_packets()):
                self._out.metrics.limit(limit, self._account.new(f"turned away {limit.name}", limit.turned_away))
            self._out.metrics.capture_lag(max(0, self._watch.pulse.lag_ns) / 1e9)
        if self._seconds % DEVICES_S == 0:
            self._account.devices()
        if self._seconds % SAVE_S == 0:
            self._handover.put((), {**self._keeper.periodic(), **self._own_rows()})

    def _own_rows(self) -> dict[str, bytes | None]:
        """What the daemon keeps beside the engine's rows."""
        with self._out.metrics.lock:
            row = metrics_row(self._out.metrics, live=True)
            self._counted.append((row[METRICS], self._out.metrics.counters()))
            return {AHEAD: str(self._skew.ahead_ns).encode(), **row, **self._out.shown_row()}

    def _show_counters(self, rows: Mapping[str, bytes | None]) -> None:
        """These rows are kept: so are the counters that were saved with them, and may be shown."""
        for row, counters in self._counted:
            if rows.get(METRICS) is row and self._degraded is None:
                self._out.metrics.show(counters)

    async def _journal(self) -> None:
        while True:
            await self._commit()

    async def _commit(self) -> None:
        """Journal what was handed over, and before it what an earlier call was kept from; on a full disk, try again.

        Rows alone are refused there, and transitions only once the reserve is used up: so rows wait for the next
        transition, and no transition waits for them.
        """
        if self._taken is None:
            self._taken = await self._handover.take()
        while True:
            try:
                await self._out.tell(*self._taken)
            except DiskFull as full:
                self._note_room(str(full))
                transitions, rows = self._taken
                if transitions:
                    await asyncio.sleep(RETRY_S)
                    continue
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(RETRY_S):
                        transitions, more = await self._handover.take()
                        self._taken = transitions, rows | more
                continue
            self._note_room("no space left: the reserve is in use" if self._out.short else None)
            self._show_counters(self._taken[1])
            self._taken = None
            return

    async def _forget(self) -> None:
        """Let go of what is older than the configuration keeps, now and each day.

        Age is by when a message was journalled, so that a capture of last year that is replayed today is of today. Of
        the machine's clock and the engine's, which nobody sets, the earlier one counts: a clock that is set ahead
        makes nothing old.
        """
        days = self._config.limits.journal_days
        while True:
            real_ns = self._real_ns()
            before_ns = min(real_ns, self._engine.now_ns) - days * DAY_S * 1_000_000_000
            had, files = self._out.forgotten, self._out.forgotten_files
            try:
                await self._out.forget(before_ns, real_ns)
            except DiskFull as full:
                log.warning("old messages stay for another day", why=str(full))
            had, files = self._out.forgotten - had, self._out.forgotten_files - files
            if had or files:
                log.info("old messages forgotten", messages=had, files=files, older_than_days=days)
            await asyncio.sleep(DAY_S)

    def _note_room(self, short: str | None) -> None:
        """Tell when the disk gets full, and when it is not any more."""
        if short is not None and self._degraded is None:
            log.warning("journal cannot grow, nothing is lost yet", why=short)
            self._out.metrics.show(None)  # how the sensor is now matters more than what a kill would do to them
        if short is None and self._degraded is not None:
            log.info("journal grows again")
        self._degraded = short
        self._out.metrics.journal(full=short is not None)

    async def _show_life(self) -> None:
        """Tell the service manager that the loop goes round, and subscribers what devices are."""
        beats = 0
        while True:
            await asyncio.sleep(1.0)
            beats += 1
            if self._is_alive():
                self._notifier.alive()
            if beats % DEVICES_S == 0:
                self._out.show_devices(await asyncio.wrap_future(self._watch.order(self._shown)))

    def _shown(self) -> list[DeviceState]:
        book, alarms = self._engine.book, self._engine.alarms.by_subject()
        return [
            state(device, book.open_of(device.key) + alarms[device.key])
            for device in self._engine.attribution.devices
            if device.watched
        ]

    def _is_alive(self) -> bool:
        return self._steady_ns() - self._watch.pulse.beat_ns < STUCK_NS

    def _condition(self) -> Health:
        """What /healthz says of the watch: healthy is who sees, goes on, and can write down what it sees."""
        sight, pulse = self._engine.sight, self._watch.pulse
        return Health(
            ok=self._is_alive() and not sight.troubles and self._degraded is None,
            facts={
                "alive": self._is_alive(),
                "blind": "; ".join(sight.troubles) or None,
                "journal": self._degraded,
                "evidence": self._out.kept.folder.trouble if self._out.kept.folder is not None else None,
                "configuration": self._reloaded,
                "packets": self._engine.scanner.packets,
                "lost": sight.lost,
                "passed_over": self._engine.scanner.precedence.passed,
                "gaps_s": sight.gaps_ns // 1_000_000_000,
                "clock_steps": sight.clock_steps,
                "last_packet_ns": pulse.packet_ns or None,
                "incidents_open": len(self._engine.book) + len(self._engine.alarms),
                "refused": self._handover.refused,
                **{f"polls_{outcome}": count for outcome, count in self._polls.items()},
            },
        )

    async def _reload(self, known: Knowledge) -> None:
        """Read the configuration again on SIGHUP and when the file changes; where it is wrong the old one stays."""
        stamp = await asyncio.to_thread(_stamp, self._path)
        if await asyncio.to_thread(self._has_changed):
            self._again.set()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FILE_S):
                    await self._again.wait()
            now = await asyncio.to_thread(_stamp, self._path)
            if not self._again.is_set() and now == stamp:
                continue
            stamp = now
            self._again.clear()
            self._notifier.reloading("reading the configuration")
            try:
                await self._take_over(await asyncio.to_thread(load, self._path), known)
                self._out.metrics.configuration(taken=True)
            except (ConfigError, ValueError) as wrong:
                self._reloaded = f"refused: {wrong}"
                self._out.metrics.configuration(taken=False)
                log.warning("configuration refused, the old one stays", why=str(wrong))
            self._notifier.ready(f"watching {_label(self._config)}; configuration {self._reloaded}")

    def _has_changed(self) -> bool:
        """Whether the file is not what the daemon began with: it may have been written while that started."""
        try:
            return load(self._path) != self._config
        except ConfigError:
            return True

    async def _take_over(self, new: Config, known: Knowledge) -> None:
        later = reload.restart_needed(self._begun, new)
        taken = reload.prepare(self._config, new, known)
        await asyncio.wrap_future(self._watch.order(lambda: reload.apply(self._engine, taken)))
        with self._out.metrics.lock:
            self._out.metrics.inventory(device.name for device in taken.device)
        self._config = taken
        self._reloaded = f"taken over; needs a restart: {', '.join(later)}" if later else "taken over"
        log.info("configuration taken over", needs_restart=later)


def _label(config: Config) -> str:
    """What is watched, as metrics and people call it."""
    return ",".join(config.capture.interfaces) or config.capture.folder or "pipe"


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes when the file does; None while it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _log_events(events: Sequence[LinkEvent], steps: Sequence[tuple[int, int]]) -> None:
    for event in events:
        log.warning("interface", name=event.interface, state=str(event.state), reason=event.reason)
    for at_ns, by_ns in steps:
        log.warning("clock step", at_ns=at_ns, seconds=by_ns / 1e9)


def _log_change(change: IdentityChange) -> None:
    log.info(
        "device", name=change.device.name, what=str(change.kind), before=change.before, after=change.after,
        alarm=change.alarm,
    )  # fmt: skip


def _fault(defect: BaseException) -> None:
    """A parser failed by a defect of ours; the flow is left alone and the daemon goes on."""
    log.error("defect in a parser, flow left alone", what=type(defect).__name__, where=place_of(defect))


def run(config: Config, path: Path, source: Source, notifier: Notifier) -> None:
    """The whole life of a daemon. For what it raises see Sensor.run."""
    import gc

    gc.set_threshold(*COLLECT)
    try:
        asyncio.run(Sensor(config, path, source, notifier).run())
    finally:
        source.close()
        notifier.close()
        sys.stderr.flush()
