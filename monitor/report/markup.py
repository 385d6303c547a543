"""Markup: elements whose text is always escaped, since what a device calls itself is anything at all."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

from monitor.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

VOID: Final = frozenset({"meta", "br"})
"""Elements without an end tag (HTML Living Standard, 13.1.2)."""
LIMIT: Final = 1024
"""Characters of one text: a message has no more (OCSF mapping)."""


class Html(str):
    """Text that is markup already. Only this room's functions make it."""

    __slots__ = ()


NOTHING: Final = Html()


def clean(text: str) -> str:
    """Text without controls, surrogates and marks that turn the direction of writing; at most LIMIT characters."""
    cut = text if len(text) <= LIMIT else text[: LIMIT - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return printable(cut)


def escaped(text: str) -> Html:
    """The text as markup shows it; markup stays what it is."""
    return text if isinstance(text, Html) else Html(html.escape(clean(text)))


def element(name: str, /, *children: str | None, **attributes: str | float | None) -> Html:
    """An element. In attributes' names an inner ``_`` is a hyphen, one at the end is left out; None is no attribute."""
    shown = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(clean(str(value)))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in VOID:
        return Html(f"<{name}{shown}>")
    inside = "".join(escaped(child) for child in children if child is not None)
    return Html(f"<{name}{shown}>{inside}</{name}>")


def joined(parts: Iterable[str], between: str = "") -> Html:
    """Parts one after the other."""
    return Html(escaped(between).join(escaped(part) for part in parts))


def said(text: str) -> Html:
    """What a device or another end said: isolated, so that its direction of writing turns nothing around it."""
    return element("bdi", text)


def table(caption: str, headings: Iterable[str], rows: Iterable[Iterable[str]]) -> Html:
    """A table whose first column heads its rows; nothing if there is none. Cells know their heading, for phones."""
    names = list(headings)
    body = [
        element(
            "tr",
            *(
                element("th", cell, scope="row") if index == 0 else element("td", cell, data_label=names[index])
                for index, cell in enumerate(row)
            ),
        )
        for row in rows
    ]
    if not body:
        return NOTHING
    head = element("thead", element("tr", *(element("th", name, scope="col") for name in names)))
    return element("table", element("caption", caption), head, element("tbody", *body))


def listed(items: Iterable[str]) -> Html:
    """A list; nothing where it is empty."""
    shown = [element("li", each) for each in items]
    return element("ul", *shown) if shown else NOTHING
