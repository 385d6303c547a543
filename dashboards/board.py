"""The frame that all dashboards share: variables, links among them, incidents as annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard

from dashboards.panels import SEVERITIES, SOURCE
from dashboards.queries import exported, of_sensors
from monitor.sinks.families import ATTEMPTS, BUILD, DEVICE, INCIDENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dashboards.panels import Panel

TAG: Final = "camwarden"
COLUMNS: Final = 24
"""Of Grafana's grid."""
README: Final = "https://github.com/camwarden/camwarden/blob/main/dashboards/README.md"
STEP: Final = "1m"
"""How finely annotations are looked for: an incident is marked in the minute in which it opened."""
TOLD: Final = {
    "Critical and high incidents": ("critical|high", SEVERITIES["critical"]),
    "Other incidents": ("medium|low|informational", SEVERITIES["medium"]),
}


class Marked(dashboard.AnnotationQuery):
    """Annotations with the words that Grafana's Prometheus source takes and the schema has no field for."""

    def to_json(self) -> dict[str, object]:
        words = {
            "step": STEP,
            "titleFormat": "{{kind}}",
            "textFormat": "{{severity}}, {{sensor}}",
            "tagKeys": "kind,severity",
        }
        return {**super().to_json(), **words}


class _Marks(Builder[dashboard.AnnotationQuery]):
    """Incidents of these severities, as they open."""

    def __init__(self, name: str, severities: str, colour: str) -> None:
        series = of_sensors(INCIDENTS, severity=f'=~"{severities}"')
        opened = f"sum by (sensor, kind, severity) ({series} - {series} offset {STEP}) > 0"
        self._made = Marked(name=name, datasource=SOURCE, enable=True, icon_color=colour, expr=opened)

    def build(self) -> dashboard.AnnotationQuery:
        return self._made


def board(
    title: str,
    uid: str,
    description: str,
    rows: Mapping[str, Sequence[Panel]],
    *,
    one_device: bool = False,
    filters: Sequence[str] = (),
    since: str = "now-24h",
) -> build.Dashboard:
    """A dashboard of these rows of panels; ``filters`` are labels of attempts that can be chosen too."""
    made = build.Dashboard(title).uid(uid).description(description).tags([TAG]).readonly()
    made.time(since, "now").refresh("1m").timezone("browser").tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
    made.with_variable(build.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    made.with_variable(_chosen("sensor", "Sensor", f"label_values({exported(BUILD)}, sensor)", everything=".*"))
    # A series without the label `group` passes where all groups are chosen: so does the device "other" of attempts.
    made.with_variable(_chosen("group", "Group", f"label_values({of_sensors(DEVICE)}, group)", everything=".*"))
    named = f'{{__name__=~"{exported(DEVICE)}|{exported(ATTEMPTS)}", sensor=~"$sensor", group=~"$group"}}'
    made.with_variable(_chosen("device", "Device", f"label_values({named}, device)", several=not one_device))
    for label in filters:
        query = f"label_values({of_sensors(ATTEMPTS)}, {label})"
        made.with_variable(_chosen(label, label.capitalize(), query, everything=".*"))
    for name, (severities, colour) in TOLD.items():
        made.annotation(_Marks(name, severities, colour))
    made.link(
        build.DashboardLink("camwarden")
        .type(dashboard.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .include_vars(True)  # noqa: FBT003
        .keep_time(True)  # noqa: FBT003
    )
    made.link(build.DashboardLink("What do these mean?").type(dashboard.DashboardLinkType.LINK).icon("doc").url(README))
    for row, panels in rows.items():
        made.with_row(build.Row(row))
        for line in _lines(panels):
            tallest = max(_place(panel).h for panel in line)
            for panel in line:
                made.with_panel(panel.height(tallest))
    return made


def _lines(panels: Sequence[Panel]) -> Iterator[list[Panel]]:
    """The panels that stand beside each other."""
    line: list[Panel] = []
    for panel in panels:
        line.append(panel)
        if sum(_place(each).w for each in line) >= COLUMNS:
            yield line
            line = []
    if line:
        yield line


def _place(panel: Panel) -> dashboard.GridPos:
    place = panel.build().grid_pos
    return place if place is not None else dashboard.GridPos()


def _chosen(name: str, label: str, query: str, *, everything: str = "", several: bool = True) -> build.QueryVariable:
    """A variable whose values Prometheus knows; ``everything`` stands for all of them, else they are listed."""
    made = build.QueryVariable(name).label(label).datasource(SOURCE).sort(dashboard.VariableSort.NATURAL_ASC)
    made.query({"query": query, "refId": name}).refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
    if not several:
        return made
    made.multi(True).include_all(True)  # noqa: FBT003
    made.current(dashboard.VariableOption(selected=True, text="All", value="$__all"))
    return made.all_value(everything) if everything else made
