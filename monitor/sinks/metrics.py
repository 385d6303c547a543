"""What Prometheus scrapes: typed counts in, one exposition out; the only door to prometheus_client.

Strategy: counts are plain numbers in one table a metric, keyed by label values that ``labels`` has admitted.
A scrape copies the tables on the event loop and renders the copy elsewhere, so a slow scraper delays nobody.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from itertools import product
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from monitor.model.contacts import Outcome
from monitor.model.incidents import Activity, Kind, Severity
from monitor.sinks import families as names
from monitor.sinks.labels import OTHER, STATES, UNKNOWN, ClosedSet, DeviceLabels, short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from prometheus_client.metrics_core import Metric

    from monitor.model.capabilities import State
    from monitor.model.incidents import Transition
    from monitor.model.limits import Limit
    from monitor.sinks.families import Family

    Table = dict[tuple[str, ...], float]
    Counters = dict[Family, Table]

INTERFACES: Final = 16
LAYERS: Final = 64
FLOW_STATES: Final = 8
SINKS: Final = 8
DATABASES: Final = 8
"""Most label values of each kind; what comes later is ``other``."""
NANO: Final = 1_000_000_000
COUNTED_BY_INTERFACE: Final = {each.name: each for each in (names.PACKETS, names.BYTES, names.KERNEL_DROPS)}


class Metrics:
    """Every number that camwarden shows to Prometheus.

    ``transition``, ``sink``, ``configuration``, ``journal``, ``show`` and ``snapshot`` take the lock themselves; for
    the other calls whoever makes them holds it where there is more than one thread.
    """

    def __init__(
        self,
        sensor: str,
        devices: Iterable[str],
        *,
        version: str = "",
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """``devices`` are the names in the inventory; ``clock`` tells Unix time in nanoseconds, for ages."""
        self.lock = threading.Lock()
        """Held by a thread that brings several numbers up to date, and here by whoever else reads or writes them."""
        self._sensor = sensor
        self._clock = clock
        self._tables: defaultdict[Family, Table] = defaultdict(dict)
        self._began: defaultdict[Family, dict[tuple[str, ...], int]] = defaultdict(dict)
        """For gauges that show an age: when it began, Unix nanoseconds."""
        self._devices = {name: DeviceLabels() for name in (*devices, OTHER)}
        self._interfaces = ClosedSet(INTERFACES)
        self._layers = ClosedSet(LAYERS)
        self._flow_states = ClosedSet(FLOW_STATES)
        self._sinks = ClosedSet(SINKS)
        self._databases = ClosedSet(DATABASES)
        self._open: dict[str, tuple[str, str]] = {}
        self._shown: Counters | None = None
        self._set(names.BUILD, 1, version)
        self._set(names.CONFIGURATION, 1)
        self._set(names.JOURNAL_FULL, 0)
        self._add(names.EVICTIONS, 0)
        self._add(names.PASSED_OVER, 0)
        for kind, severity in product([each for each in Kind if each is not Kind.TEST], Severity):
            # increase() sees only growth: the first incident of a kind needs a zero before it.
            self._add(names.INCIDENTS, 0, kind.value, severity.label)

    def inventory(self, devices: Iterable[str]) -> None:
        """The inventory is another one: new names are admitted, the numbers of those that left go."""
        names_now = {*devices, OTHER}
        gone = self._devices.keys() - names_now
        for name in names_now - self._devices.keys():
            self._devices[name] = DeviceLabels()
        for name in gone:
            del self._devices[name]
        for family, table in self._tables.items():
            if family.labels[:1] == ("device",):
                for row in [row for row in table if row[0] in gone]:
                    del table[row]
        for began in self._began.values():
            for row in [row for row in began if row[0] in gone]:
                del began[row]

    def configuration(self, *, taken: bool) -> None:
        """Show what came of the last reading of the configuration; where it was refused, the old one stays."""
        with self.lock:
            self._set(names.CONFIGURATION, taken)

    def journal(self, *, full: bool) -> None:
        """Show whether the journal has room to grow."""
        with self.lock:
            self._set(names.JOURNAL_FULL, full)

    def packets(self, interface: str, count: int, frame_bytes: int) -> None:
        """Count packets of ``frame_bytes`` together."""
        label = self._interfaces.label(interface)
        self._add(names.PACKETS, count, label)
        self._add(names.BYTES, frame_bytes, label)
        self._add(names.KERNEL_DROPS, 0, label)
        self._add(names.DUPLICATES, 0, label)

    def kernel_drops(self, interface: str, count: int) -> None:
        """Count packets that the kernel dropped."""
        self._add(names.KERNEL_DROPS, count, self._interfaces.label(interface))

    def duplicates(self, interface: str, count: int) -> None:
        """Count copies made by the mirror."""
        self._add(names.DUPLICATES, count, self._interfaces.label(interface))

    def malformed(self, layer: str, count: int = 1) -> None:
        """Count what is not as its layer allows."""
        self._add(names.MALFORMED, count, self._layers.label(layer))

    def flows(self, state: str, count: int) -> None:
        """Show how many flows are in ``state`` now."""
        self._set(names.FLOWS, count, self._flow_states.label(state))

    def flow_evictions(self, count: int) -> None:
        """Count evicted flows."""
        self._add(names.EVICTIONS, count)

    def passed_over(self, count: int) -> None:
        """Count packets that nobody had the time to look at."""
        self._add(names.PASSED_OVER, count)

    def tcp_octets(self, *, followed: int, missed: int) -> None:
        """Count octets of TCP that passed, and that were acknowledged and never passed here."""
        self._add(names.TCP_FOLLOWED, followed)
        self._add(names.TCP_MISSED, missed)

    def limit(self, limit: Limit, turned_away: int) -> None:
        """Show a bound, and count what it ``turned_away`` since it was last shown."""
        label = limit.name.value
        self._set(names.LIMIT_CAPACITY, limit.capacity, label)
        self._set(names.LIMIT_SIZE, limit.size, label)
        self._add(names.LIMIT_TURNED_AWAY, turned_away, label)

    def capture_lag(self, seconds: float) -> None:
        """Show how far processing is behind now."""
        self._set(names.LAG, seconds)

    def attempt(
        self, device: str, country: str | None, jurisdiction: str | None, outcome: Outcome, count: int = 1
    ) -> None:
        """Count attempts that have just reached ``outcome``. ValueError for ASKED: nothing was attempted."""
        if outcome is Outcome.ASKED:
            msg = "a name that was only asked for is no attempt"
            raise ValueError(msg)
        name = self._device(device)
        self._add(names.ATTEMPTS, count, name, *self._devices[name].pair(country, jurisdiction), outcome.label)

    def remote_bytes(self, device: str, jurisdiction: str | None, *, sent: int = 0, received: int = 0) -> None:
        """Count frame bytes, sent and received by the device. Count the attempt first: it admits the label."""
        name = self._device(device)
        label = self._devices[name].jurisdiction(jurisdiction)
        self._add(names.REMOTE_BYTES, sent, name, label, "out")
        self._add(names.REMOTE_BYTES, received, name, label, "in")

    def transition(self, transition: Transition) -> None:
        """Count an incident that opens, and follow it to its end."""
        with self.lock:
            if transition.activity is Activity.NEW:
                self._add(names.INCIDENTS, 1, transition.kind.value, transition.severity.label)
            if transition.activity is Activity.END:
                self._ended(transition.incident)
            else:
                self.opened(transition.incident, transition.kind, transition.severity)

    def opened(self, incident: str, kind: Kind, severity: Severity) -> None:
        """Show an incident as open, at its present severity; also one that was open before this process began."""
        self._ended(incident)
        self._open[incident] = labels = (kind.value, severity.label)
        self._add(names.OPEN, 1, *labels)

    def _ended(self, incident: str) -> None:
        labels = self._open.pop(incident, None)
        if labels is not None:
            self._add(names.OPEN, -1, *labels)

    def device(
        self, device: str, *, group: str | None, device_class: str, vendor: str | None, model: str | None
    ) -> None:
        """Show what a device is. One outside the inventory has no such row."""
        name = self._device(device)
        if name == OTHER:
            return
        make = short(vendor), short(model)
        if not self._devices[name].makes.admits(make):
            make = OTHER, OTHER
        self._only(names.DEVICE, name, group or "", device_class, *make)

    def firmware(self, device: str, version: str, since_ns: int) -> None:
        """Show a device's firmware, which it has since ``since_ns``. One outside the inventory has no such row."""
        name = self._device(device)
        if name == OTHER:
            return
        self._only(names.FIRMWARE, name, self._devices[name].versions.label(short(version)))
        self._began[names.FIRMWARE_AGE][name,] = since_ns

    def capabilities(self, device: str, states: Mapping[State, int]) -> None:
        """Show how many functions of a device are in each state. One outside the inventory has no such rows."""
        name = self._device(device)
        if name != OTHER:
            for state in STATES:
                self._set(names.CAPABILITIES, states.get(state, 0), name, str(state))

    def seen(self, device: str, time_ns: int) -> None:
        """Show when a device last sent a packet; time never goes back."""
        name = self._device(device)
        before = self._tables[names.SEEN].get((name,), 0)
        self._set(names.SEEN, max(before, time_ns / NANO), name)

    def seen_seconds(self, device: str, some: int, both: int) -> None:
        """Count seconds in which a device was seen in any direction, and of these in both."""
        name = self._device(device)
        self._add(names.SEEN_SECONDS, some, name, "any")
        self._add(names.SEEN_SECONDS, both, name, "both")

    def sink(self, sink: str, *, up: bool, depth: int, parked: int, oldest_ns: int | None) -> None:
        """Show a sink's state; ``oldest_ns`` is when the oldest waiting message was journalled."""
        with self.lock:
            label = self._sinks.label(sink)
            self._set(names.UP, up, label)
            self._set(names.DEPTH, depth, label)
            self._set(names.PARKED, parked, label)
            self._began[names.OLDEST].pop((label,), None)
            self._set(names.OLDEST, 0, label)
            if oldest_ns is not None:
                self._began[names.OLDEST][label,] = oldest_ns

    def forgotten(self, count: int) -> None:
        """Count messages that were deleted from the journal."""
        self._add(names.FORGOTTEN, count)

    def geo_database(self, database: str, built_ns: int) -> None:
        """Show the age of a database that was built at ``built_ns``."""
        self._began[names.GEO_AGE][self._databases.label(database),] = built_ns

    def lasting(self, *, live: bool = False) -> list[tuple[str, tuple[str, ...], int]]:
        """Counters that no engine remembers, as (name, labels, count), for ``count_on``.

        ``live``: those of interfaces too, whose ledgers begin anew with each process.
        """
        ours = (names.ATTEMPTS, names.REMOTE_BYTES, names.INCIDENTS)
        return [
            (family.name, labels, int(count))
            for family in (*ours, *(COUNTED_BY_INTERFACE.values() if live else ()))
            for labels, count in self._tables[family].items()
            if count
        ]

    def count_on(self, lasting: Iterable[tuple[str, tuple[str, ...], int]]) -> None:
        """Count on from where an earlier run was. Labels are admitted anew; ValueError for one that cannot be."""
        for name, labels, count in lasting:
            if name == names.ATTEMPTS.name:
                device, where, whose, outcome = labels
                self.attempt(device, _code(where), _code(whose), Outcome[outcome.upper()], count)
            elif name == names.REMOTE_BYTES.name:
                device, whose, direction = labels
                sent, received = (count, 0) if direction == "out" else (0, count)
                self.remote_bytes(device, _code(whose), sent=sent, received=received)
            elif name == names.INCIDENTS.name:
                kind, severity = labels
                self._add(names.INCIDENTS, count, Kind(kind).value, Severity[severity.upper()].label)
            elif name in COUNTED_BY_INTERFACE:
                self._add(COUNTED_BY_INTERFACE[name], count, self._interfaces.label(*labels))

    def counters(self) -> Counters:
        """A copy of every counter as it is now, for ``show``. Whoever calls holds the lock."""
        return {family: dict(table) for family, table in self._tables.items() if family.type is names.COUNTER}

    def show(self, counters: Counters | None) -> None:
        """Show these counters, and none that is newer, until told otherwise; None: as they are at each moment.

        A process that is killed counts on from what it has kept. What it has shown beyond that would go backwards, and
        Prometheus takes a counter that does for one that began anew, and adds all of it once more.
        """
        with self.lock:
            self._shown = counters

    def snapshot(self) -> Snapshot:
        """Copy every number as it is now, but for counters that are not to be shown yet."""
        now = self._clock()
        with self.lock:
            tables = {family: dict(table) for family, table in self._tables.items()}
            if self._shown is not None:
                for family in [family for family in tables if family.type is names.COUNTER]:
                    kept = self._shown.get(family, {})
                    tables[family] = {labels: kept[labels] for labels in tables[family] if labels in kept}
            for family, began in self._began.items():
                ages = {labels: max(0, now - at) / NANO for labels, at in began.items()}
                tables.setdefault(family, {}).update(ages)
        return Snapshot(self._sensor, tables)

    def _device(self, name: str) -> str:
        return name if name in self._devices else OTHER

    def _add(self, family: Family, count: float, *labels: str) -> None:
        table = self._tables[family]
        table[labels] = table.get(labels, 0) + count

    def _set(self, family: Family, value: float, *labels: str) -> None:
        self._tables[family][labels] = value

    def _only(self, family: Family, device: str, *labels: str) -> None:
        """Make this the only row of ``family`` for ``device``."""
        table = self._tables[family]
        for row in [row for row in table if row[0] == device]:
            del table[row]
        table[device, *labels] = 1


def _code(label: str) -> str | None:
    """The country that has this label."""
    return None if label == UNKNOWN else label


class Snapshot(Collector):
    """Numbers as they were at one moment; safe to render in any thread."""

    def __init__(self, sensor: str, tables: Mapping[Family, Table]) -> None:
        self._sensor = sensor
        self._tables = tables

    def collect(self) -> Iterator[Metric]:
        """Yield each metric that has a value."""
        for family, table in self._tables.items():
            kind = CounterMetricFamily if family.type is names.Type.COUNTER else GaugeMetricFamily
            metric = kind(names.PREFIX + family.name, family.help, labels=("sensor", *family.labels))
            for labels, value in table.items():
                metric.add_metric((self._sensor, *labels), value)
            yield metric

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """Return the exposition and its content type, in the format that the Accept header asks for."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        encode, content_type = choose_encoder(accept)
        return encode(registry), content_type
