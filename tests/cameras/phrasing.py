"""Phrasing: one answer in many words. What changes here means nothing, and no reader may take it for news."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from random import Random

T = TypeVar("T")


class Qualified(NamedTuple):
    """A name inside text or an attribute, whose prefix follows the document's."""

    prefix: str
    local: str


@dataclass(frozen=True, slots=True)
class Element:
    """XML before its words are chosen; "tt:Name" or "name", where no prefix is the default namespace."""

    tag: str
    attributes: Mapping[str, str | Qualified]
    children: tuple[Element, ...]
    text: str | Qualified | None


def element(tag: str, *content: Element | Mapping[str, Any] | str | bool | float | Qualified | None) -> Element:
    """A mapping is the attributes, elements are children, anything else is the text; None is left out."""
    attributes: dict[str, str | Qualified] = {}
    children: list[Element] = []
    text: str | Qualified | None = None
    for item in content:
        match item:
            case None:
                continue
            case Element():
                children.append(item)
            case Qualified():
                text = item
            case str() | bool() | int() | float():
                text = _plain(item)
            case _:
                attributes |= {
                    key: value if isinstance(value, Qualified) else _plain(value) for key, value in item.items()
                }
    return Element(tag, attributes, tuple(children), text)


class Order(Enum):
    """How far children may change places."""

    ANY = "any"
    RUNS = "runs"
    """Only neighbours of one name: an xs:sequence stays valid."""


class Unordered(list[Any]):
    """A JSON array whose order says nothing."""


LAYOUTS: Final = (("", ""), ("\n", ""), ("\n", "  "), ("\r\n", "\t"))
"""End of line, indent."""
OTHER_PREFIXES: Final = ("ns{}", "a{}", "SOAP-{}", "n-{}")


class Phrasing:
    """The words of one answer; without chance they are always the same."""

    def __init__(self, chance: Random | None) -> None:
        self._chance = chance

    def shuffled(self, items: Iterable[T]) -> list[T]:
        listed = list(items)
        if self._chance is not None:
            self._chance.shuffle(listed)
        return listed

    def one_of(self, choices: Sequence[T]) -> T:
        """The first without chance."""
        return choices[0] if self._chance is None else self._chance.choice(choices)

    def xml(self, root: Element, namespaces: Mapping[str, str], order: Order = Order.ANY) -> bytes:
        """Namespaces are declared at the root, by the prefixes that the elements use."""
        prefixes = {prefix: self._prefix(prefix, number) for number, prefix in enumerate(namespaces)}
        declared = {f"xmlns:{prefixes[prefix]}".rstrip(":"): uri for prefix, uri in namespaces.items()}
        end, indent = self.one_of(LAYOUTS)
        head = self.one_of(('<?xml version="1.0" encoding="UTF-8"?>', '<?xml version="1.0" encoding="utf-8" ?>'))
        body = _Writer(self, prefixes, order, end, indent).written(root, declared, 0)
        return f"{head}{end}{body}".encode()

    def _prefix(self, prefix: str, number: int) -> str:
        if self._chance is None or self._chance.random() < 0.5:
            return prefix
        return self._chance.choice(OTHER_PREFIXES).format(number)

    def json(self, value: object) -> bytes:
        indent, separators = self.one_of(((None, (",", ":")), (None, (", ", ": ")), (3, (", ", " : "))))
        return json.dumps(self._reordered(value), indent=indent, separators=separators).encode()

    def _reordered(self, value: object) -> object:
        match value:
            case dict():
                return {key: self._reordered(value[key]) for key in self.shuffled(value)}
            case Unordered():
                return [self._reordered(each) for each in self.shuffled(value)]
            case list():
                return [self._reordered(each) for each in value]
            case _:
                return value

    def lines(self, pairs: Mapping[str, object], end: str = "\r\n") -> bytes:
        """key=value, one a line."""
        return "".join(f"{key}={_plain(pairs[key])}{end}" for key in self.shuffled(pairs)).encode()


class _Writer:
    def __init__(self, phrasing: Phrasing, prefixes: Mapping[str, str], order: Order, end: str, indent: str) -> None:
        self._phrasing = phrasing
        self._prefixes = prefixes
        self._order = order
        self._end = end
        self._indent = indent

    def written(self, node: Element, declared: Mapping[str, str], depth: int) -> str:
        tag = self._name(node.tag)
        given = {self._name(key, attribute=True): self._value(value) for key, value in node.attributes.items()}
        given |= declared
        head = tag + "".join(f" {key}={quoteattr(given[key])}" for key in self._phrasing.shuffled(given))
        if node.children:
            gap = self._end + self._indent * (depth + 1)
            inside = "".join(gap + self.written(child, {}, depth + 1) for child in self._arranged(node.children))
            return f"<{head}>{inside}{self._end}{self._indent * depth}</{tag}>"
        if not node.text:
            return self._phrasing.one_of((f"<{head}/>", f"<{head} />", f"<{head}></{tag}>"))
        return f"<{head}>{escape(self._value(node.text))}</{tag}>"

    def _arranged(self, children: tuple[Element, ...]) -> list[Element]:
        if self._order is Order.ANY:
            return self._phrasing.shuffled(children)
        runs: list[list[Element]] = []
        for child in children:
            if runs and runs[-1][0].tag == child.tag:
                runs[-1].append(child)
            else:
                runs.append([child])
        return [child for run in runs for child in self._phrasing.shuffled(run)]

    def _name(self, name: str, *, attribute: bool = False) -> str:
        prefix, colon, local = name.rpartition(":")
        if attribute and not colon:
            return local
        prefix = self._prefixes.get(prefix, prefix)
        return f"{prefix}:{local}" if prefix else local

    def _value(self, value: str | Qualified) -> str:
        return value if isinstance(value, str) else f"{self._prefixes[value.prefix]}:{value.local}"


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
