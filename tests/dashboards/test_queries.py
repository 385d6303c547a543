"""No query asks for what the daemon does not export."""

from __future__ import annotations

import pytest

from dashboards.queries import exported, of_sensors
from monitor.sinks.families import ATTEMPTS, FAMILIES, OPEN, SEEN_SECONDS
from tests.dashboards import reading
from tests.dashboards.reading import EXPORTED, Asked


@pytest.mark.parametrize(
    "asked",
    [*reading.of_panels(), *reading.of_annotations(), *reading.of_variables(), *reading.of_rules()],
    ids=lambda asked: asked.where,
)
def test_every_metric_and_label_is_exported(asked: Asked) -> None:
    """In panels, annotations, variables, recording and alerting rules."""
    assert reading.METRIC.search(asked.expr)
    assert reading.wrong(asked.expr, reading.known()) == []


@pytest.mark.parametrize("asked", [*reading.of_variables()], ids=lambda asked: asked.where)
def test_a_variable_takes_its_values_from_a_label_that_is_there(asked: Asked) -> None:
    """Each of the metrics named has it."""
    named = reading.METRIC.findall(asked.expr)
    assert named
    assert all(asked.legend in EXPORTED[name] for name in named)


@pytest.mark.parametrize(
    ("expr", "problem"),
    [
        ("camwarden_gone", "no metric camwarden_gone"),
        ("rate(camwarden_packets[5m])", "no metric camwarden_packets"),
        ('camwarden_incidents_open{device="a"}', "camwarden_incidents_open has no label device"),
        ('sum(camwarden_flows{state="active", kind!~"b"})', "camwarden_flows has no label kind"),
        ("sum by (country) (camwarden_incidents_open)", "by (country): none of its metrics has it"),
        (
            "sum by (kind) (camwarden_remote_attempts_total) + sum by (kind) (camwarden_incidents_open)",
            "by (kind): none of its metrics has it",
        ),
        (
            "camwarden_flows * on (sensor) group_left (modle) camwarden_device_info",
            "group_left (modle): none of its metrics has it",
        ),
        ("sensor:camwarden_devices:count", "no metric sensor:camwarden_devices:count"),
    ],
)
def test_what_is_wrong_is_found(expr: str, problem: str) -> None:
    """A metric or label of nobody is told, also where another part of the query has that label."""
    assert reading.wrong(expr, reading.known()) == [problem]


def test_names_are_those_of_the_exposition() -> None:
    """As prometheus_client writes them: counters end in _total, once."""
    assert {exported(family) for family in FAMILIES} == set(EXPORTED)
    assert exported(SEEN_SECONDS) == "camwarden_device_seen_seconds_total"


def test_a_label_that_a_metric_does_not_have_cannot_be_asked_for() -> None:
    """The script fails rather than make a panel that stays empty."""
    assert of_sensors(OPEN, kind='="p2p_cloud"') == 'camwarden_incidents_open{sensor=~"$sensor", kind="p2p_cloud"}'
    with pytest.raises(ValueError, match="remote_attempts has no label kind"):
        of_sensors(ATTEMPTS, kind='="p2p_cloud"')
