"""Panels: each has a title, a description, a unit and what it says where there is nothing, or it is not made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, Self, TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    geomap,
    prometheus,
    stat,
    statetimeline,
    text,
    timeseries,
)
from grafana_foundation_sdk.builders import (
    common as build,
)
from grafana_foundation_sdk.builders import (
    dashboard as board,
)
from grafana_foundation_sdk.builders import (
    table as tables,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models import geomap as geomaps
from grafana_foundation_sdk.models import text as texts
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from msgspec import Struct

from dashboards.queries import BAR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Series = timeseries.Panel | statetimeline.Panel
    Panel = Series | stat.Panel | tables.Panel | bargauge.Panel | geomap.Panel | text.Panel

SOURCE: Final = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")
CONTEXT: Final = "${__url_time_range}&${datasource:queryparam}&${sensor:queryparam}"
"""What a link takes along: the time, the data source and the sensors."""
LOW: Final = "green"
RAISED: Final = "orange"
HIGH: Final = "red"
SEVERITIES: Final = {
    "critical": "dark-red",
    "high": "red",
    "medium": "orange",
    "low": "yellow",
    "informational": "blue",
}
OUTCOMES: Final = {"no answer": "green", "refused": "blue", "answered": "orange", "transferred": "red"}
STATES: Final = {
    "in_use": "blue",
    "ready": "green",
    "dormant": "orange",
    "hidden": "red",
    "contradicted": "dark-red",
    "absent": "super-light-green",
    "unknown": "gray",
}


class Words(Struct, frozen=True):
    """What a panel says beside its numbers."""

    title: str
    description: str
    """The question that it answers, and what to mind."""
    empty: str
    """Shown where there is nothing; says what that means."""


class Query(Struct, frozen=True):
    """One query of a panel."""

    expr: str
    name: str = ""
    """Of the series, with {{label}} filled in; in a table, of the column that has the value."""
    bars: bool = False
    """Asked for a whole interval at a time."""


class Column(Struct, frozen=True):
    """How a column of a table is shown."""

    unit: str = ""
    width: int = 0
    """0: as wide as there is room."""
    link: dashboard.DashboardLink | None = None
    colours: Mapping[str, str] = {}
    steps: tuple[tuple[float, str], ...] = ()
    """From which value on the cell has which colour."""


def link(title: str, uid: str, **variables: str) -> dashboard.DashboardLink:
    """A link to another dashboard, with the same time, data source and sensors; ``variables`` are set to these."""
    query = "".join(f"&var-{name}={value}" for name, value in variables.items())
    return dashboard.DashboardLink(title=title, url=f"/d/{uid}?{CONTEXT}{query}")


TO_DEVICE: Final = link("All about ${__value.raw}", "camwarden-device", device="${__value.raw}")
TO_DEVICE_OF_SERIES: Final = link(
    "All about ${__field.labels.device}", "camwarden-device", device="${__field.labels.device}"
)
TO_CALLS_OF_COUNTRY: Final = link("Who calls ${__value.raw}", "camwarden-call-home", country="${__value.raw}")
TO_CALLS_UNDER_LAW: Final = link(
    "Who calls under the law of ${__value.raw}", "camwarden-call-home", jurisdiction="${__value.raw}"
)
TO_HEALTH: Final = dashboard.DashboardLink(
    title="Health of ${__value.raw}",
    url="/d/camwarden-sensor?${__url_time_range}&${datasource:queryparam}&var-sensor=${__value.raw}",
)


class _Made(Builder[dashboard.DashboardLink]):
    """A link that is already what a builder would build."""

    def __init__(self, made: dashboard.DashboardLink) -> None:
        self._made = made

    def build(self) -> dashboard.DashboardLink:
        return self._made


class _Dressable(Protocol):
    """What the builders of all panels with queries have."""

    def title(self, title: str) -> Self: ...
    def description(self, description: str) -> Self: ...
    def no_value(self, no_value: str) -> Self: ...
    def datasource(self, datasource: dashboard.DataSourceRef) -> Self: ...
    def unit(self, unit: str) -> Self: ...
    def decimals(self, decimals: float) -> Self: ...
    def span(self, w: int) -> Self: ...
    def height(self, h: int) -> Self: ...


Dressed = TypeVar("Dressed", bound=_Dressable)


def _dress(panel: Dressed, words: Words, unit: str, size: tuple[int, int], decimals: int | None = None) -> Dressed:
    """``size``: width of 24, and height."""
    panel.title(words.title).description(words.description).no_value(words.empty).datasource(SOURCE).unit(unit)
    if decimals is not None:
        panel.decimals(decimals)
    return panel.span(size[0]).height(size[1])


def _target(query: Query, number: int) -> prometheus.Dataquery:
    target = prometheus.Dataquery().datasource(SOURCE).expr(query.expr).ref_id(chr(ord("A") + number))
    return target.interval(BAR) if query.bars else target


def _over_time(query: Query, number: int) -> prometheus.Dataquery:
    return _target(query, number).range().format(PromQueryFormat.TIME_SERIES).legend_format(query.name)


def _now(query: Query, number: int) -> prometheus.Dataquery:
    return _target(query, number).instant().format(PromQueryFormat.TABLE)


def _steps(steps: Sequence[tuple[float, str]], base: str = LOW) -> board.ThresholdsConfig:
    marks = [dashboard.Threshold(None, base), *(dashboard.Threshold(value, colour) for value, colour in steps)]
    return board.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(marks)


def number(
    words: Words,
    expr: str,
    *,
    unit: str = "short",
    steps: Sequence[tuple[float, str]] = (),
    base: str = "text",
    to: dashboard.DashboardLink | None = None,
    decimals: int | None = None,
    width: int = 4,
) -> stat.Panel:
    """One number as it is now. ``steps``: from which value on it has which colour."""
    panel = _dress(stat.Panel(), words, unit, (width, 4), decimals)
    panel.with_target(prometheus.Dataquery().datasource(SOURCE).expr(expr).ref_id("A").instant())
    panel.reduce_options(build.ReduceDataOptions().calcs(["lastNotNull"])).graph_mode(common.BigValueGraphMode.NONE)
    panel.thresholds(_steps(steps, base)).color_scheme(board.FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS))
    return panel.data_links([_Made(to)]) if to is not None else panel


def said(words: Words, expr: str, label: str, *, width: int = 4) -> stat.Panel:
    """A label of the one series that there is."""
    panel = _dress(stat.Panel(), words, "string", (width, 4))
    panel.with_target(prometheus.Dataquery().datasource(SOURCE).expr(expr).ref_id("A").instant().legend_format(label))
    panel.reduce_options(build.ReduceDataOptions().calcs(["lastNotNull"])).graph_mode(common.BigValueGraphMode.NONE)
    return panel.text_mode(common.BigValueTextMode.NAME)


def lines(
    words: Words,
    *queries: Query,
    unit: str,
    colours: Mapping[str, str] | None = None,
    to: dashboard.DashboardLink | None = None,
    steps: Sequence[tuple[float, str]] = (),
    width: int = 12,
    most: float | None = None,
) -> timeseries.Panel:
    """Lines over time; ``steps`` are drawn across, ``most`` is where the axis ends."""
    panel = _series(words, queries, unit, colours or {}, to, width)
    panel.draw_style(common.GraphDrawStyle.LINE).fill_opacity(8).line_width(1).span_nulls(False)  # noqa: FBT003
    if most is not None:
        panel.max(most)
    if steps:
        panel.thresholds(_steps(steps))
        panel.thresholds_style(build.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED))
    return panel


def bars(
    words: Words,
    *queries: Query,
    unit: str = "short",
    colours: Mapping[str, str] | None = None,
    to: dashboard.DashboardLink | None = None,
    width: int = 12,
) -> timeseries.Panel:
    """Counts over time, one on top of the other; each bar is what happened in its interval."""
    panel = _series(words, queries, unit, colours or {}, to, width)
    panel.draw_style(common.GraphDrawStyle.BARS).fill_opacity(80).line_width(0).decimals(0)
    return panel.stacking(build.StackingConfig().mode(common.StackingMode.NORMAL).group("A"))


def _series(
    words: Words,
    queries: Sequence[Query],
    unit: str,
    colours: Mapping[str, str],
    to: dashboard.DashboardLink | None,
    width: int,
) -> timeseries.Panel:
    panel = _dress(timeseries.Panel(), words, unit, (width, 9)).min(0)
    for position, query in enumerate(queries):
        panel.with_target(_over_time(query, position))
    panel.legend(
        build.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(True)  # noqa: FBT003
    )
    panel.tooltip(build.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING))
    for name, colour in colours.items():
        panel.override_by_name(name, [dashboard.DynamicConfigValue("color", _fixed(colour))])
    return panel.data_links([_Made(to)]) if to is not None else panel


def _fixed(colour: str) -> dict[str, str]:
    return {"mode": "fixed", "fixedColor": colour}


def ranking(
    words: Words,
    query: Query,
    *,
    unit: str = "short",
    to: dashboard.DashboardLink | None = None,
    steps: Sequence[tuple[float, str]] = (),
    width: int = 8,
    decimals: int | None = None,
) -> bargauge.Panel:
    """A bar for each series, as it is now."""
    panel = _dress(bargauge.Panel(), words, unit, (width, 9), decimals).min(0)
    target = prometheus.Dataquery().datasource(SOURCE).expr(query.expr).ref_id("A").instant()
    panel.with_target(target.legend_format(query.name)).orientation(common.VizOrientation.HORIZONTAL)
    panel.display_mode(common.BarGaugeDisplayMode.BASIC).value_mode(common.BarGaugeValueMode.TEXT)
    panel.reduce_options(build.ReduceDataOptions().calcs(["lastNotNull"])).thresholds(_steps(steps, "blue"))
    return panel.data_links([_Made(to)]) if to is not None else panel


def table(
    words: Words,
    *queries: Query,
    columns: Mapping[str, Column] | None = None,
    sort: str,
    width: int = 12,
    hide: Sequence[str] = (),
    decimals: int | None = 0,
) -> tables.Panel:
    """Rows with the labels that all queries share, a column for the value of each; sorted by one, greatest first."""
    panel = _dress(tables.Panel(), words, "short", (width, 10), decimals)
    for position, query in enumerate(queries):
        panel.with_target(_now(query, position))
    values = [f"Value #{chr(ord('A') + position)}" for position in range(len(queries))]
    if len(queries) == 1:
        values = ["Value"]
    else:
        panel.with_transformation(dashboard.DataTransformerConfig(id_val="merge", options={}))
    renamed = {value: query.name for value, query in zip(values, queries, strict=True) if query.name}
    hidden = dict.fromkeys(["Time", *hide, *(v for v, q in zip(values, queries, strict=True) if not q.name)], True)
    panel.with_transformation(
        dashboard.DataTransformerConfig(
            id_val="organize", options={"excludeByName": hidden, "indexByName": {}, "renameByName": renamed}
        )
    )
    for name, column in (columns or {}).items():
        panel.override_by_name(name, _column(column))
    panel.filterable(True)  # noqa: FBT003
    return panel.sort_by([build.TableSortByFieldState().display_name(sort).desc(True)])  # noqa: FBT003


def _column(column: Column) -> list[dashboard.DynamicConfigValue]:
    shown: dict[str, object] = {}
    if column.unit:
        shown["unit"] = column.unit
    if column.width:
        shown["custom.width"] = column.width
    if column.link is not None:
        shown["links"] = [column.link]
    if column.colours:
        options = {
            text: dashboard.ValueMappingResult(color=colour, index=index)
            for index, (text, colour) in enumerate(column.colours.items())
        }
        shown["mappings"] = [dashboard.ValueMap(options=options)]
    if column.steps:
        shown["thresholds"] = _steps(column.steps, "transparent").build()
    if column.colours or column.steps:
        shown["custom.cellOptions"] = {"type": "color-background", "mode": "basic"}
    return [dashboard.DynamicConfigValue(name, value) for name, value in shown.items()]


def matrix(
    words: Words, query: Query, *, row: str, column: str, columns: Mapping[str, Column], width: int = 24
) -> tables.Panel:
    """A row for each value of one label, a column for each value of another; sorted by row."""
    panel = _dress(tables.Panel(), words, "short", (width, 11), 0).with_target(_now(query, 0))
    panel.with_transformation(
        dashboard.DataTransformerConfig(
            id_val="groupingToMatrix", options={"rowField": row, "columnField": column, "valueField": "Value"}
        )
    )
    corner = f"{row}\\{column}"
    panel.with_transformation(
        dashboard.DataTransformerConfig(
            id_val="organize", options={"excludeByName": {}, "indexByName": {}, "renameByName": {corner: row}}
        )
    )
    for name, each in columns.items():
        panel.override_by_name(name, _column(each))
    return panel


def world(words: Words, query: Query, *, to: dashboard.DashboardLink, width: int = 12) -> geomap.Panel:
    """A circle on each country, as large as its value; rows have the label ``country``."""
    panel = _dress(geomap.Panel(), words, "short", (width, 12), 0).with_target(_now(query, 0))
    panel.with_transformation(
        dashboard.DataTransformerConfig(
            id_val="organize",
            options={"excludeByName": {"Time": True}, "indexByName": {}, "renameByName": {"Value": query.name}},
        )
    )
    panel.basemap(build.MapLayerOptions().type("default").name("Basemap").config({}))
    panel.view(geomap.MapViewConfig().id("zero").lat(25).lon(10).zoom(1))
    panel.controls(geomap.ControlsOptions().show_zoom(True).show_attribution(True))  # noqa: FBT003
    circle = {
        "size": {"field": query.name, "fixed": 5, "min": 4, "max": 24},
        "color": {"field": query.name, "fixed": RAISED},
        "opacity": 0.6,
        "symbol": {"mode": "fixed", "fixed": "img/icons/marker/circle.svg"},
    }
    place = build.FrameGeometrySource().mode(common.FrameGeometrySourceMode.LOOKUP).lookup("country")
    panel.layers(
        [
            build.MapLayerOptions()
            .type("markers")
            .name(query.name)
            .config({"style": circle, "showLegend": False})
            .location(place.gazetteer("public/gazetteer/countries.json"))
            .tooltip(True)  # noqa: FBT003
        ]
    )
    panel.tooltip(geomap.TooltipOptions().mode(geomaps.TooltipMode.DETAILS))
    return panel.thresholds(_steps((), RAISED)).data_links([_Made(to)])


def states(words: Words, query: Query, *, width: int = 24) -> statetimeline.Panel:
    """A band for each series, coloured while it is there."""
    panel = _dress(statetimeline.Panel(), words, "bool_yes_no", (width, 6)).with_target(_over_time(query, 0))
    panel.show_value(common.VisibilityMode.NEVER).merge_values(True).fill_opacity(70)  # noqa: FBT003
    return panel.legend(build.VizLegendOptions().show_legend(False).display_mode(common.LegendDisplayMode.LIST))  # noqa: FBT003


def note(title: str, words: str, *, width: int = 24, height: int = 4) -> text.Panel:
    """Words, as Markdown."""
    panel = text.Panel().title(title).description("What the numbers beside do not say.").span(width).height(height)
    return panel.mode(texts.TextMode.MARKDOWN).content(words)
