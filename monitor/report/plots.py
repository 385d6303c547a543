"""Plots: inline SVG, each with a title that says in words what it shows.

The colours are those of Okabe and Ito (https://jfly.uni-koeln.de/color/), which people tell apart who do not see all
colours, in an order in which their greys differ too.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from monitor.model.capabilities import State
from monitor.model.contacts import Outcome
from monitor.report.markup import NOTHING, Html, element, joined
from monitor.report.words import counted, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OUTCOMES: Final[Mapping[Outcome, tuple[str, str]]] = {
    Outcome.TRANSFERRED: ("#d55e00", "data was transferred"),
    Outcome.ANSWERED: ("#e69f00", "answered"),
    Outcome.REFUSED: ("#56b4e9", "refused"),
    Outcome.ATTEMPTED: ("#0072b2", "no answer"),
    Outcome.ASKED: ("#999999", "name looked up only"),
}
"""How far an attempt got: colour and words."""
STATES: Final[Mapping[State, tuple[str, str]]] = {
    State.CONTRADICTED: ("#000000", "contradicted"),
    State.HIDDEN: ("#d55e00", "hidden"),
    State.DORMANT: ("#e69f00", "dormant"),
    State.IN_USE: ("#009e73", "in use"),
    State.READY: ("#56b4e9", "ready"),
    State.ABSENT: ("#dddddd", "not there"),
    State.UNKNOWN: ("#999999", "not known"),
}
"""Of functions: colour and words."""
WIDTH: Final = 640
HEIGHT: Final = 200
LEFT: Final = 56
BOTTOM: Final = 24
DATE: Final = 64
"""How wide a date is."""
BARS: Final = 62
"""Bars that one plot has room for: two months of days; beyond, each is of several days."""


def by_day(days: Sequence[tuple[int, Outcome, int]], first: int, last: int) -> Html:
    """Attempts by day and outcome, stacked. Days as date.toordinal counts."""
    if not days:
        return NOTHING
    step = -(-(last - first + 1) // BARS)
    stacks: dict[int, dict[Outcome, int]] = {}
    for day, outcome, count in days:
        stack = stacks.setdefault((day - first) // step, {})
        stack[outcome] = stack.get(outcome, 0) + count
    most = max(sum(stack.values()) for stack in stacks.values())
    bars = -(-(last - first + 1) // step)
    wide = (WIDTH - LEFT) / max(bars, 7)
    shapes = [
        _line(LEFT, HEIGHT - BOTTOM, WIDTH, HEIGHT - BOTTOM),
        _line(LEFT, 12, WIDTH, 12),
        _label(LEFT - 6, 16, number(most), "end"),
        _label(LEFT - 6, HEIGHT - BOTTOM, "0", "end"),
    ]
    for index in range(bars):
        left, top = LEFT + index * wide, float(HEIGHT - BOTTOM)
        when = date.fromordinal(first + index * step).isoformat()
        for outcome, (colour, words) in OUTCOMES.items():
            count = stacks.get(index, {}).get(outcome, 0)
            if count:
                tall = max(1.0, count * (HEIGHT - BOTTOM - 12) / most)
                top -= tall
                shapes.append(_bar(left + 1, top, wide - 2, tall, colour, f"{when}: {number(count)} {words}"))
        if index % max(1, bars // 6) == 0 and left + DATE < WIDTH:
            shapes.append(_label(left, HEIGHT - 8, when))
    total = sum(count for _, _, count in days)
    title = (
        f"{counted(total, 'attempt')} against the policy, by the day they were told; most on one bar: {number(most)}"
    )
    used = [each for each in OUTCOMES if any(outcome is each for _, outcome, _ in days)]
    return joined(
        [
            element("div", _svg(WIDTH, HEIGHT, title, shapes), class_="wide"),
            legend([OUTCOMES[each] for each in used]),
            element("p", f"Each bar is of {counted(step, 'day')}.", class_="small") if step > 1 else NOTHING,
        ]
    )


def bar(value: int, most: int, colour: str, title: str) -> Html:
    """One bar of a table's row, as long as its value is part of the most."""
    length = max(1.0, 100 * value / most) if value and most else 0.0
    return element(
        "svg",
        element("title", title),
        element("rect", width=100, height=10, fill="#eeeeee"),
        element("rect", width=f"{length:.1f}", height=10, fill=colour),
        viewBox="0 0 100 10",
        preserveAspectRatio="none",
        role="img",
        class_="bar",
    )


def states(counts: Mapping[State, int], title: str) -> Html:
    """A bar of functions by state; nothing where there is none."""
    total = sum(counts.values())
    if not total:
        return NOTHING
    left, shapes = 0.0, []
    for state, (colour, words) in STATES.items():
        count = counts.get(state, 0)
        if count:
            wide = 100 * count / total
            shapes.append(_bar(left, 0, wide, 10, colour, f"{count} {words}"))
            left += wide
    return element(
        "svg",
        element("title", title),
        *shapes,
        viewBox="0 0 100 10",
        preserveAspectRatio="none",
        role="img",
        class_="bar",
    )


def legend(entries: Sequence[tuple[str, str]]) -> Html:
    """What the colours mean."""
    keys = [
        element("li", element("svg", element("rect", width=10, height=10, fill=colour), viewBox="0 0 10 10"), words)
        for colour, words in entries
    ]
    return element("ul", *keys, class_="legend")


def _svg(width: int, height: int, title: str, shapes: list[Html]) -> Html:
    return element("svg", element("title", title), *shapes, viewBox=f"0 0 {width} {height}", role="img", class_="plot")


def _bar(left: float, top: float, wide: float, tall: float, colour: str, title: str) -> Html:
    place = {"x": f"{left:.1f}", "y": f"{top:.1f}", "width": f"{max(wide, 0.5):.1f}", "height": f"{tall:.1f}"}
    return element("rect", element("title", title), **place, fill=colour)


def _line(left: float, top: float, right: float, bottom: float) -> Html:
    return element("line", x1=left, y1=top, x2=right, y2=bottom, stroke="#bbbbbb")


def _label(left: float, top: float, words: str, anchor: str = "start") -> Html:
    return element("text", words, x=f"{left:.1f}", y=f"{top:.1f}", text_anchor=anchor)
