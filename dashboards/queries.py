"""PromQL from the metrics that the daemon exports: a label that a metric does not have cannot be asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.sinks.families import BUILD, PREFIX, SEEN_SECONDS, Type

if TYPE_CHECKING:
    from monitor.sinks.families import Family

RANGE: Final = "$__range"
INTERVAL: Final = "$__interval"
BAR: Final = "1m"
"""The narrowest bar: four scrapes of 15 s, so that each holds an increase."""


def exported(family: Family) -> str:
    """The name under which Prometheus knows a metric."""
    name = PREFIX + family.name
    return name + "_total" if family.type is Type.COUNTER and family is not SEEN_SECONDS else name


def of_sensors(family: Family, **matching: str) -> str:
    """The series of the chosen sensors; ``matching`` is a label and its matcher, as in ``outcome='="answered"'``.

    Raises ValueError for a label that the metric does not have.
    """
    wrong = sorted(set(matching) - set(family.labels))
    if wrong:
        msg = f"{family.name} has no label {', '.join(wrong)}"
        raise ValueError(msg)
    matchers = ", ".join(['sensor=~"$sensor"', *(label + matcher for label, matcher in matching.items())])
    return f"{exported(family)}{{{matchers}}}"


def of_devices(family: Family, **matching: str) -> str:
    """The series of the chosen devices."""
    return of_sensors(family, device='=~"$device"', **matching)


def per_second(series: str) -> str:
    """How fast a counter grows."""
    return f"rate({series}[$__rate_interval])"


def gained(series: str, within: str = RANGE) -> str:
    """By how much a counter grew, also one that began to be shown in this time, as a first contact does.

    ``increase()`` does not see the value that a series begins with. Such a series counts whole, unless its sensor was
    known before and could not be asked when the time began: then nobody can say what of it is new.
    """
    build = of_sensors(BUILD)
    missed = f"last_over_time({build}[1d] offset {within}) unless on (sensor) {build} offset {within}"
    return f"({series} unless {series} offset {within} unless on (sensor) ({missed}) or increase({series}[{within}]))"


def total(series: str, *by: str) -> str:
    """The sum, for each of these labels if any are given."""
    return f"sum by ({', '.join(by)}) ({series})" if by else f"sum({series})"


def highest(count: int, series: str) -> str:
    """The highest ones that are not zero."""
    return f"topk({count}, {series} > 0)"
