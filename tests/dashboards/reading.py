"""What dashboards and rules ask: read from the files as they are committed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml

from monitor.sinks.families import FAMILIES, PREFIX, Type

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER: Final = Path(__file__).parents[2] / "dashboards"
BOARDS: Final = sorted((FOLDER / "grafana").glob("*.json"))
RULES: Final = ("recording.yml", "alerts.yml")
EXPORTED: Final = {
    PREFIX + each.name.removesuffix("_total") + ("_total" if each.type is Type.COUNTER else ""): frozenset(
        ("sensor", *each.labels)
    )
    for each in FAMILIES
}
"""Labels of each metric, by the name that Prometheus knows it under."""
COUNTERS: Final = {name for name in EXPORTED if name.endswith("_total")}
METRIC: Final = re.compile(r"(?<![\w:])((?:\w+:)?camwarden_\w+(?::\w+)?)")
MATCHERS: Final = re.compile(r"\{([^{}]*)\}")
MATCHER: Final = re.compile(r'\s*(\w+)\s*(=~|!~|!=|=)\s*"(?:[^"\\]|\\.)*"\s*(?:,|$)')
GROUPED: Final = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)\s*(\()?")
STRINGS: Final = re.compile(r'"(?:[^"\\]|\\.)*"')

Json = dict[str, Any]


class Asked(NamedTuple):
    """One query, and where it stands."""

    where: str
    expr: str
    instant: bool = False
    legend: str = ""


def boards() -> dict[str, Json]:
    """Every dashboard by the name of its file."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in BOARDS}


def panels(board: Json) -> list[Json]:
    """All but the rows."""
    return [each for each in board["panels"] if each["type"] != "row"]


def of_panels() -> Iterator[Asked]:
    """The queries of all panels."""
    for name, board in boards().items():
        for panel in panels(board):
            for target in panel.get("targets", ()):
                yield Asked(
                    f"{name}: {panel['title']} {target['refId']}",
                    target["expr"],
                    target.get("instant", False),
                    target.get("legendFormat", ""),
                )


def of_annotations() -> Iterator[Asked]:
    for name, board in boards().items():
        for each in board["annotations"]["list"]:
            yield Asked(f"{name}: {each['name']}", each["expr"])


def of_variables() -> Iterator[Asked]:
    """The series that variables take their values from, with the label taken."""
    for name, board in boards().items():
        for each in board["templating"]["list"]:
            if each["type"] == "query":
                series, label = re.fullmatch(r"label_values\((.*), (\w+)\)", each["query"]["query"]).groups()
                yield Asked(f"{name}: ${each['name']}", series, legend=label)


def rules(*files: str) -> list[Json]:
    """Rules of these files, of both if none is named."""
    read = [yaml.safe_load((FOLDER / "prometheus" / file).read_text("utf-8")) for file in files or RULES]
    return [rule for each in read for group in each["groups"] for rule in group["rules"]]


def of_rules() -> Iterator[Asked]:
    for rule in rules():
        yield Asked(rule.get("alert") or rule["record"], rule["expr"])


def recorded() -> dict[str, frozenset[str]]:
    """Labels of what the rules record: the first part of its name says them."""
    return {rule["record"]: frozenset(rule["record"].partition(":")[0].split("_")) for rule in rules("recording.yml")}


def known() -> dict[str, frozenset[str]]:
    return EXPORTED | recorded()


def wrong(expr: str, labels_of: dict[str, frozenset[str]]) -> list[str]:
    """What of a query asks for metrics or labels that nobody exports; empty if nothing does."""
    bare = STRINGS.sub('""', expr)
    outside = STRINGS.sub(lambda string: " " * len(string[0]), expr)
    found = [f"no metric {metric}" for metric in METRIC.findall(outside) if metric not in labels_of]
    for match in MATCHERS.finditer(expr):
        metric = METRIC.search(expr[: match.start()].rpartition(" ")[2].rpartition("(")[2])
        allowed = labels_of.get(metric[1], frozenset()) if metric else _union(match[1], labels_of)
        body = match[1]
        position = 0
        while position < len(body):
            matcher = MATCHER.match(body, position)
            if matcher is None:
                found.append(f"not understood: {body[position:]}")
                break
            if matcher[1] not in allowed and matcher[1] != "__name__":
                found.append(f"{metric[1] if metric else 'these'} has no label {matcher[1]}")
            position = matcher.end()
    for match in GROUPED.finditer(bare):
        inside = _balanced(bare, match.end() - 1) if match[3] and match[1] in ("by", "without") else bare
        allowed = _union(inside, labels_of)
        found += [
            f"{match[1]} ({label}): none of its metrics has it"
            for label in re.findall(r"\w+", match[2])
            if label not in allowed
        ]
    return found


def _union(text: str, labels_of: dict[str, frozenset[str]]) -> frozenset[str]:
    """Labels of any of the metrics that are named here."""
    return frozenset().union(*(labels_of.get(name, frozenset()) for name in METRIC.findall(text)))


def _balanced(text: str, at: int) -> str:
    """From the bracket at ``at`` to the one that closes it."""
    depth = 0
    for end in range(at, len(text)):
        depth += (text[end] == "(") - (text[end] == ")")
        if depth == 0:
            return text[at : end + 1]
    return text[at:]
