"""Replay and observe: captures in, incidents or observations out, as fast as they can be read."""

from __future__ import annotations

import contextlib
import gc
import sys
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from monitor.app import build_engine, knowledge, renderer
from monitor.enrich.holders import LEASED
from monitor.evidence.keeping import keeping
from monitor.faults import place_of
from monitor.model.address import mac_from_text, mac_text, text, unpack
from monitor.model.facts import DeviceAnnounced
from monitor.model.incidents import Activity
from monitor.sinks import observations
from monitor.sinks.jsonl import JsonLines
from monitor.store.unkept import Unkept

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from collectors.captures import Captures
    from monitor.config import Config
    from monitor.engine import Engine
    from monitor.model.address import IPNetwork
    from monitor.model.contacts import Device
    from monitor.model.facts import Observation
    from monitor.model.flows import Flow
    from monitor.model.incidents import Transition
    from monitor.sinks.terminal import Terminal
    from monitor.store.journal import Store

SINK: Final = "stdout"
BATCH: Final = 64
"""Transitions of files that are journalled together; those of a pipe are not kept waiting."""
MOST: Final = 1024
"""Messages that are in memory at a time, some 2 KiB each: at the end, every incident has one."""
COLLECT: Final = (200_000, 50, 100)
"""Objects made between looks for cycles: hardly anything here has one, and contacts live as long as the run."""
MAX_FAULTS_TOLD: Final = 16
MAX_HOSTS_LISTED: Final = 20


class Replay:
    """One run over captures: engine, journal and one way of showing."""

    def __init__(self, config: Config, captures: Captures, *, state: Path | None, cameras: Sequence[IPNetwork]) -> None:
        self._config = config
        self._captures = captures
        self._state = state
        self._cameras = cameras
        self.known = 0
        """Incidents that an earlier run journalled, and that are not told again."""

    def run(self, show: Terminal | JsonLines) -> Engine:
        """Replay everything; transitions are journalled before they are shown.

        Raises StoreError, CatalogueError or GeoError, each one line, if the journal or the data cannot be used.
        """
        sensor = self._config.sensor.name
        with contextlib.ExitStack() as stack:
            known = stack.enter_context(knowledge(self._config))
            store: Store | None = None
            if self._state is not None:
                from monitor.store.journal import Store

                store = stack.enter_context(contextlib.closing(Store.open(self._state, sensor=sensor, sinks=[SINK])))
            append = (store or Unkept()).append
            kept = stack.enter_context(keeping(self._state, self._config.evidence, live=False, tell=complain))
            render = renderer(sensor, kept.folder)
            engine = build_engine(
                self._config,
                known,
                cameras=self._cameras,
                on_fault=FaultReport(),
                keeps=kept.folder is not None,
                spool=kept.spool,
            )
            if store is not None:
                from monitor.continuity.pages import resume_cameras, resume_pages

                resume_cameras(store, engine)
                resume_pages(store, engine)
            gc.collect()
            gc.freeze()  # tables and catalogue live as long as the run: no need to look through them again and again
            gc.set_threshold(*COLLECT)
            waiting: list[Transition] = []
            batch = BATCH if self._captures.bytes_total is not None else 1

            def tell(new: list[Transition]) -> None:
                owed = append(new, render)
                if store is not None:  # an earlier run may have journalled what it could not show
                    owed = store.pending(SINK, len(new) + batch)
                uids = {message.uid for message in owed}
                if isinstance(show, JsonLines):
                    show.write(message.body for message in owed)
                else:
                    show.tell(transition for transition in new if transition.uid in uids)
                if store is not None:
                    self.known += sum(each.activity is Activity.NEW and each.uid not in uids for each in new)
                    store.done(SINK, [message.seq for message in owed])

            for block in progress(self._captures, engine):
                waiting += engine.feed(block)
                while len(waiting) >= batch:
                    tell(waiting[:MOST])
                    del waiting[:MOST]
            waiting += engine.finish()
            for begin in range(0, len(waiting) + 1, MOST):
                tell(waiting[begin : begin + MOST])
            keep_state(store, engine, render)
            gc.freeze()  # the process is about to end: what it holds need not be looked through once more
            self._conclude(show, engine)
        return engine

    def _conclude(self, show: Terminal | JsonLines, engine: Engine) -> None:
        """Say what it came to."""
        if not isinstance(show, JsonLines):
            watched = any(each.watched for each in engine.attribution.devices)
            calm, whole = engine.scanner.packets > 0 and watched, not self._captures.damage
            show.close(calm=calm, whole=whole, known=self.known)
        elif self.known:
            complain(f"note: incidents that the journal has already, and that are not told again: {self.known:,}")


def keep_state(store: Store | None, engine: Engine, render: Callable[[Transition, int, int], bytes]) -> None:
    """Write down what the captures taught of devices, for later captures and the tables."""
    if store is None:
        return
    from monitor.continuity.pages import kept_of

    store.append((), render, kept_of(engine))


def observe(config: Config, captures: Captures, kinds: Collection[str], out: BinaryIO) -> Engine:
    """Write every observation (of ``kinds``, if any are given) as a JSON line."""

    def tell(observation: Observation, flow: Flow | None) -> None:
        if kinds and observation.fact.__struct_config__.tag not in kinds:
            return
        device = flow.device if flow is not None else engine.attribution.device_of(observation.where)
        fact = observation.fact
        if isinstance(fact, DeviceAnnounced) and fact.protocol in LEASED and fact.mac is not None:
            device = engine.attribution.devices.with_mac(mac_from_text(fact.mac))  # the client, whoever speaks
        out.write(observations.render(observation, device.key if device is not None else None) + b"\n")

    with knowledge(config) as known:
        engine = build_engine(config, known, observer=tell, on_fault=FaultReport())
        for block in captures.blocks():
            engine.feed(block)
            out.flush()
        engine.finish()
        out.flush()
    return engine


def unwatched(engine: Engine, cameras: Sequence[IPNetwork] = ()) -> str | None:
    """What to tell the user if no host was watched: which local hosts there are. ``cameras``: those already named."""
    devices = list(engine.attribution.devices)
    if not engine.scanner.packets:
        return None
    if any(device.watched for device in devices):
        return None
    hosts = [
        f"{', '.join(text(each) for each in device.addresses)} ({_known_of(device)})"
        for device in sorted(devices, key=lambda each: [unpack(one).packed for one in each.addresses])
        if device.addresses
    ]
    shown = "\n  ".join(hosts[:MAX_HOSTS_LISTED]) or "none"
    more = f"\n  and {len(hosts) - MAX_HOSTS_LISTED} more" if len(hosts) > MAX_HOSTS_LISTED else ""
    named = f", and none in {', '.join(map(str, cameras))} sent a packet" if cameras else ""
    return (
        f"no host was recognised as a camera, recorder or viewer{named}, so nothing was judged; "
        f"name them with --cameras NET or a configuration. Local hosts seen:\n  {shown}{more}"
    )


def _known_of(device: Device) -> str:
    """What a host that nobody watches may be known by."""
    mac = mac_text(device.mac) if device.mac is not None else None
    said = f"says it is {device.name}" if device.name not in (device.key, mac) else None
    return ", ".join(filter(None, (device.vendor_name or "maker unknown", mac, said)))


def shortfalls(engine: Engine) -> list[str]:
    """What had to be left out, a line each; empty if nothing was."""
    attribution, table = engine.attribution, engine.scanner.table
    counted = (
        (table.evicted, "flows that made room for others (their attempts are counted)"),
        (attribution.contacts.evicted, "contacts that made room for others (their counts are in their incidents)"),
        (attribution.devices.evicted, "devices that were forgotten for want of room"),
        (attribution.devices.unwatched, "hosts like a camera that were left out for want of room (name yours)"),
        (attribution.names.evicted, "names that were forgotten for want of room"),
        (attribution.lookups.early, "look-ups that were concluded early for want of room"),
        (engine.fragments.dropped, "fragmented datagrams that never became whole"),
        (engine.book.folded, "contacts that share their device's incident for many operators"),
        (engine.counts.faults, "failures of a parser by a defect of camwarden's (please report them)"),
    )
    return [f"note: {what}: {count:,}" for count, what in counted if count]


def progress(captures: Captures, engine: Engine) -> Iterator[Any]:
    """The blocks, with a progress line on a terminal and none in a pipe."""
    if not sys.stderr.isatty():
        yield from captures.blocks()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=captures.bytes_total)
        for block in captures.blocks():
            yield block
            line = f"{captures.packets:,} packets, {len(engine.book)} incidents open"
            bar.update(task, completed=captures.bytes_read, description=line)


def complain(line: str) -> None:
    """Evidence cannot be kept, or can be again: the replay goes on."""
    sys.stderr.write(f"camwarden: {line}\n")


class FaultReport:
    """Parsers that failed by a defect of ours: a line for each place, however often it fails."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def __call__(self, defect: BaseException) -> None:
        """Say what and where, without a traceback, and go on."""
        where = place_of(defect)
        line = f"camwarden: defect in a parser, flow left alone: {type(defect).__name__} at {where}\n"
        if line not in self._told and len(self._told) < MAX_FAULTS_TOLD:
            self._told.add(line)
            sys.stderr.write(line)
