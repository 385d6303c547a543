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
        self._metrics = metrics
        self._interface = interface
        self._had: dict[str, int] = {}

    def settle(self) -> None:
        """Bring the metrics up to date. Call it from the metrics' thread while the engine rests."""
        engine, metrics = self._engine, self._metrics
        scanner, table = engine.scanner, engine.scanner.table
        packets = self._new("packets", scanner.packets)
        metrics.packets(self._interface, packets, self._new("octets", scanner.octets))
        metrics.duplicates(self._interface, self._new("duplicates", scanner.duplicates))
        for layer, count in zip(LAYERS, scanner.malformed(), strict=False):
            if new := self._new(f"malformed {layer}", count):
                metrics.malformed(layer, new)
        for layer, count in engine.counts.malformed.items():
            if new := self._new(f"malformed {layer} message", count):
                metrics.malformed(layer, new)
        metrics.flow_evictions(self._new("evicted", table.evicted))
        metrics.flows("active", table.used)
        metrics.flows("watched", table.watched)
        for limit in engine.limits():
            metrics.limit(limit, self._new(f"turned away {limit.name}", limit.turned_away))
        reached, moved = engine.attribution.take_counts()
        for (name, where, whose, outcome), count in reached.items():
            metrics.attempt(name or OTHER, where, whose, outcome, count)
        for (name, whose, out), count in moved.items():
            sent, received = (count, 0) if out else (0, count)
            metrics.remote_bytes(name or OTHER, whose, sent=sent, received=received)

    def devices(self) -> None:
        """Show every configured device: what it is, and when it was last seen."""
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
            if device.last_ns:
                self._metrics.seen(device.name, device.last_ns)

    def _new(self, what: str, count: int) -> int:
        new = count - self._had.get(what, 0)
        self._had[what] = count
        return new
