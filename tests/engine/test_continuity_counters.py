"""What was counted before a restart is counted after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.accounting import Account
from monitor.continuity import METRICS, Keeper, metrics_row, restore_metrics
from monitor.sinks.metrics import Metrics
from pcaps import scenarios
from tests.engine.played import blocks
from tests.engine.test_continuity import frames_of, fresh

if TYPE_CHECKING:
    from monitor.app import Knowledge

NAME = "irish_vendor_cloud"


def counters(metrics: Metrics) -> dict[str, str]:
    """Every counter of the exposition."""
    lines = metrics.snapshot().render()[0].decode().splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#") and "_total{" in line)


def inventory() -> list[str]:
    return [device["name"] for device in scenarios.load(NAME).configuration["device"]]


def test_counters_go_on_where_they_were(known: Knowledge) -> None:
    """All of them, be they the engine's or the metrics' own; in two runs they come to what they come to in one.

    But for octets of TCP, which are not followed over the pause.
    """
    frames = frames_of(NAME)
    one_run, metrics = fresh(known, NAME), Metrics("here", inventory())
    account = Account(one_run.engine, metrics)
    told = one_run.feed(blocks(frames)).finish().told
    for each in told:
        metrics.transition(each)
    account.settle()
    expected = counters(metrics)

    rows: dict[str, bytes] = {}
    for part, last in ((frames[:120], False), (frames[120:], True)):
        played, metrics = fresh(known, NAME), Metrics("here", inventory())
        keeper, account = Keeper(played.engine), Account(played.engine, metrics)
        assert restore_metrics(metrics, rows.pop(METRICS, None))
        keeper.restore(rows)
        played.feed(blocks(part))
        if last:
            played.finish()
        for each in played.told:
            metrics.transition(each)
        account.settle()
        rows = {name: body for name, body in (keeper.rest() | metrics_row(metrics)).items() if body is not None}
    found = counters(metrics)
    assert sum(float(count) > 0 for count in expected.values()) > 5
    followed = 'camwarden_tcp_followed_bytes_total{sensor="here"}'
    assert 0 < float(expected[followed]) - float(found[followed]) < 3000
    assert found | {followed: ""} == expected | {followed: ""}


def test_a_damaged_row_is_said_to_be_so(known: Knowledge) -> None:
    """Nothing is counted then, and nothing fails."""
    metrics = Metrics("here", inventory())
    (row,) = metrics_row(metrics).values()
    assert row is not None
    assert not restore_metrics(metrics, row[:-1] + b"x")
    assert restore_metrics(metrics, row)
