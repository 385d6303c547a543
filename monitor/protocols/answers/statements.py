"""A tree -> statements: the path and value of every leaf, in an order and spelling that hang on the content alone.

Strategy: siblings of one name are told apart by what identifies them: a child such as ``id``; of a list that has none,
the place; else the content. So an answer whose elements come in another order makes the same statements. Values under
names of secrets are masked, but for plain yes and no; names stay, since a new one is news.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from monitor.model.facts import Malformed
from monitor.protocols.answers.bounds import LAYER, MAX_STATEMENTS, MAX_TEXT
from monitor.protocols.answers.tree import digest, value_of
from monitor.protocols.secrets import MASK, is_secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.protocols.answers.tree import Node

Statement = tuple[str, str]

IDENTIFYING: Final = (
    "id", "@id", "ID", "Id", "@token", "@Name", "@name", "Namespace", "cmd", "Name", "name", "channelID", "channel",
)  # fmt: skip
"""Names of children that tell siblings apart, best first: ISAPI's id, ONVIF's token, rule name and service namespace,
the application names and API ids of VAPIX, SUNAPI's groups and attributes, channels of Reolink."""
_ALWAYS: Final = frozenset(IDENTIFYING[:9])
"""These tell even an only one, so that its name stays when a second one comes; the others may be a label."""
_PLAIN: Final = re.compile(r"[\w:@+-]{1,40}")
"""What can stand in brackets as it is."""
_INDEX: Final = re.compile(r"\[[^\]]*\]")
_SEPARATOR: Final = re.compile(r"[/.@]+")
_HARMLESS: Final = frozenset({"true", "false", "yes", "no", "on", "off"})
"""Values that are no secret under any name."""


class Statements:
    """What an answer says, gathered leaf by leaf. Malformed past MAX_STATEMENTS."""

    def __init__(self) -> None:
        self._all: set[Statement] = set()

    def add(self, path: str, text: str | None, *, secret: bool) -> None:
        value = value_of(text)
        if secret and value and value.lower() not in _HARMLESS:
            value = MASK
        self._all.add((path, value))
        if len(self._all) > MAX_STATEMENTS:
            raise Malformed(LAYER, "too many statements")

    def take(self, root: Node, path: str = "") -> None:
        """All leaves of this tree, below ``path``."""
        _Walk(self).below(root, joined(path, root.name), secret=is_secret(root.name))

    def sorted(self) -> tuple[Statement, ...]:
        return tuple(sorted(self._all))


def joined(path: str, name: str) -> str:
    """The path of a name below another; of one that is too long the beginning becomes its digest."""
    whole = f"{path}/{name}" if path and name and name[0] != "[" else path + name
    if len(whole) <= MAX_TEXT:
        return whole
    return f"~{digest(path)}/{name}"


class _Walk:
    """One pass over a tree. What a subtree says is summed up once, where its siblings have nothing else."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements
        self._sums: dict[int, str] = {}

    def below(self, node: Node, path: str, *, secret: bool) -> None:
        if node.text is not None or not node.children:
            self._statements.add(path, node.text, secret=secret)
        many = Counter(child.name for child in node.children)
        marks = [self._mark(child, many[child.name] > 1, secret=secret) for child in node.children]
        alike = Counter(zip((child.name for child in node.children), marks, strict=True))
        for child, mark in zip(node.children, marks, strict=True):
            index = mark
            if mark and child.children and alike[child.name, mark] > 1:
                index = f"{mark}~{self._sum(child)}"
            name = f"{child.name}[{index}]" if index else child.name
            self.below(child, joined(path, name), secret=secret or is_secret(name))

    def _mark(self, node: Node, several: bool, *, secret: bool) -> str:  # noqa: FBT001
        """What is written in brackets behind its name; empty: nothing."""
        if secret or is_secret(node.name):
            return ""  # what tells them apart may be the secret
        if not node.children:
            return _bracketed(value_of(node.text)) if several or node.position is not None else ""
        for name in IDENTIFYING:
            if several or node.position is not None or name in _ALWAYS:
                named = [child for child in node.children if child.name == name and child.text and not child.children]
                if len(named) == 1:
                    return _bracketed(value_of(named[0].text))
        if node.position is not None:
            return str(node.position)
        return f"~{self._sum(node)}" if several else ""

    def _sum(self, node: Node, *, secret: bool = False) -> str:
        """A digest of what its leaves say, whatever their order."""
        found = self._sums.get(id(node))
        if found is None:
            secret = secret or is_secret(node.name)
            text = MASK if secret else value_of(node.text)
            inner = sorted(self._sum(child, secret=secret) for child in node.children)
            found = self._sums[id(node)] = digest(node.name, text, *inner)
        return found


def _bracketed(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else f"~{digest(text)}"


def by_last_name(statements: Sequence[Statement]) -> dict[str, str]:
    """The first value that is not empty of each last name, without its index and at sign."""
    found: dict[str, str] = {}
    for path, value in statements:
        if value:
            found.setdefault(_SEPARATOR.split(_INDEX.sub("", path))[-1], value)
    return found
