"""A million things that want to be labels, then a scrape: bounded series, bytes and time.

Threat model C6, test T12. CAMWARDEN_KEYS says how many (``make soak``: a million).
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Final

from monitor.accounting import Account
from monitor.model.contacts import Outcome
from monitor.sinks.metrics import Metrics
from tests.engine.played import configured, engine
from tests.hostile import floods
from tests.hostile.test_memory import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.app import Knowledge

CANDIDATES: Final = int(os.environ.get("CAMWARDEN_KEYS", "20480"))
THROUGH_ENGINE: Final = floods.BLOCK
DEVICES: Final = 36
"""500 series and 40 a device are 1,940 (budget of the metrics)."""
MOST_SERIES: Final = 2_000
MOST_BYTES: Final = 1024 * 1024
MOST_SECONDS: Final = 0.1
OUTCOMES: Final = [outcome for outcome in Outcome if outcome is not Outcome.ASKED]
NOW: Final = 1_777_881_600_000_000_000


def words(count: int) -> Iterator[str]:
    """Distinct, long, and made of what breaks an exposition."""
    for number in range(count):
        yield f'{number}"\n\\{{}},é' * (1 + number % 3)


def scraped(metrics: Metrics) -> tuple[int, int, float]:
    """Series, bytes, and the seconds of the quickest of five scrapes."""
    best, body = 1e9, b""
    for _ in range(5):
        before = time.perf_counter()
        body, _ = metrics.snapshot().render()
        best = min(best, time.perf_counter() - before)
    return sum(1 for line in body.splitlines() if line and not line.startswith(b"#")), len(body), best


def within_budget(metrics: Metrics) -> None:
    series, size, seconds = scraped(metrics)
    assert series <= MOST_SERIES
    assert size <= MOST_BYTES
    assert seconds <= MOST_SECONDS


def test_candidates_for_every_label() -> None:
    """Each label of each metric is offered values without end, by devices in the inventory and by others."""
    devices = [f"camera-{number}" for number in range(DEVICES)]
    metrics = Metrics("hall-1", devices, clock=lambda: NOW)
    for number, word in enumerate(words(CANDIDATES)):
        device = devices[number % DEVICES] if number & 1 else word
        metrics.attempt(device, word[:2], chr(65 + number % 26) + chr(65 + number // 26 % 26), OUTCOMES[number % 4])
        match number % 8:
            case 0:
                metrics.malformed(word)
            case 1:
                metrics.firmware(device, word, NOW)
            case 2:
                metrics.packets(word, 1, 60)
            case 3:
                metrics.device(device, group=None, device_class="camera", vendor=word, model=word)
            case 4:
                metrics.sink(word, up=True, depth=1, parked=0, oldest_ns=NOW)
            case 5:
                metrics.remote_bytes(device, word, sent=1, received=1)
            case 6:
                metrics.flows(word, 1)
                metrics.geo_database(word, NOW)
            case _:
                metrics.seen(device, NOW)
                metrics.kernel_drops(word, 1)
    within_budget(metrics)


def test_traffic_of_every_kind_through_the_account(known: Knowledge) -> None:
    """What floods the engine reaches the metrics as counts under labels that were there before."""
    config: Any = configured()
    played = engine(known, config)
    metrics = Metrics("hall-1", [device.name for device in config.device], clock=lambda: NOW)
    account, now = Account(played.engine, metrics), floods.START
    for kind in KINDS.values():
        for block in kind(THROUGH_ENGINE, step=100_000, now=now):
            for transition in played.engine.feed(block):
                metrics.transition(transition)
        now = played.engine.scanner.ts
        account.settle()
        account.devices()
    within_budget(metrics)
    assert b"aaaaa" not in metrics.snapshot().render()[0]
