"""Accounting: what the engine has counted, carried over to the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.sinks.labels import OTHER
from monitor.wire.layout import LAYERS

if TYPE_CHECKING:
    from monitor.engine import Engine
    from monitor.sinks.metrics import Metrics

INTERFACE: Final = "capture"


class Account:
    """Remembers what of one engine's counts the metrics already have."""

    def __init__(self, engine: Engine, metrics: Metrics, interface: str = INTERFACE) -> None:
        self._engine = engine
        engine.attribution.tallied = True
        self._metrics = metrics
        self._interface = interface
        self._had: dict[str, int] = {}

    def settle(self) -> None:
        """Bring the metrics up to date. Call it while the engine rests."""
        with self._metrics.lock:
            self._settle()

    def count_on(self) -> None:
        """Take over what the engine of an earlier run had counted: before packets come, whose interfaces count anew."""
        with self._metrics.lock:
            self._settle_the_rest()

    def _settle(self) -> None:
        engine, metrics, scanner = self._engine, self._metrics, self._engine.scanner
        interface = self._interface
        if engine.sight.live:
            ledgers = list(engine.sight.ledgers())
            by_interface = any(ledger.octets for ledger in ledgers)
            for ledger in ledgers:
                interface = ledger.interface
                octets = ("octets " + interface, ledger.octets) if by_interface else ("octets", scanner.octets)
                metrics.packets(interface, self.new(f"seen {interface}", ledger.seen), self.new(*octets))
                metrics.kernel_drops(interface, self.new(f"lost {interface}", ledger.lost))
        else:
            metrics.packets(interface, self.new("packets", scanner.packets), self.new("octets", scanner.octets))
        metrics.duplicates(interface, self.new("duplicates", scanner.duplicates))
        self._settle_the_rest()

    def _settle_the_rest(self) -> None:
        """What is of no interface."""
        engine, metrics = self._engine, self._metrics
        scanner, table = engine.scanner, engine.scanner.table
        for layer, count in zip(LAYERS, scanner.malformed(), strict=False):
            if new := self.new(f"malformed {layer}", count):
                metrics.malformed(layer, new)
        for layer, count in engine.counts.malformed.items():
            if new := self.new(f"malformed {layer} message", count):
                metrics.malformed(layer, new)
        metrics.flow_evictions(self.new("evicted", table.evicted))
        metrics.passed_over(self.new("passed over", scanner.precedence.passed))
        metrics.tcp_octets(
            followed=self.new("tcp followed", scanner.followed), missed=self.new("tcp missed", scanner.missed)
        )
        metrics.flows("active", table.used)
        metrics.flows("watched", table.watched)
        for limit in engine.limits():
            metrics.limit(limit, self.new(f"turned away {limit.name}", limit.turned_away))
        reached, moved = engine.attribution.take_counts()
        for (name, where, whose, outcome), count in reached.items():
            metrics.attempt(name or OTHER, where, whose, outcome, count)
        for (name, whose, out), count in moved.items():
            sent, received = (count, 0) if out else (0, count)
            metrics.remote_bytes(name or OTHER, whose, sent=sent, received=received)

    def devices(self) -> None:
        """Show every configured device: what it is, and when it was last seen."""
        with self._metrics.lock:
            self._devices()

    def _devices(self) -> None:
        for device in self._engine.attribution.devices:
            if not device.configured:
                continue
            group = self._engine.policy.group_of(device)
            self._metrics.device(
                device.name,
                group=group,
                device_class=str(device.device_class),
                vendor=device.vendor_name,
                model=device.model,
            )
            page = self._engine.inspection.ledger.known(device.key)
            if page is not None:
                self._metrics.capabilities(device.name, page.states())
            current = page.firmware.current if page is not None else None
            if current is not None:
                self._metrics.firmware(device.name, current.text, current.first_ns)
            if device.last_ns:
                self._metrics.seen(device.name, max(device.last_ns, device.seen_ns))
                seen = self.new(f"seconds {device.key}", device.seen_s)
                both = self.new(f"seconds both ways {device.key}", device.both_s)
                self._metrics.seen_seconds(device.name, seen, both)

    def new(self, what: str, count: int) -> int:
        """How much of a count that only grows is new since this was last asked of it."""
        new = count - self._had.get(what, 0)
        self._had[what] = count
        return new
