"""News of an answer: what a device says after an update that it did not say before, and nothing has a name for.

Strategy: an element that is new is one piece of news, however much stands in it. What a function's own element holds
beside its name comes with the function, a lost permission is no gain, and another version is what an update is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from monitor.ledger.ledger import Difference
    from monitor.model.capabilities import Vocabulary

_STEP: Final = re.compile(r"[/.\[](?![^\[]*\])|\[")
"""Where a path may be cut: not within brackets."""
_PLACE: Final = re.compile(r"\[\d{1,4}\]")
"""A place in a list: what moves up in it is not new."""
_WORDS: Final = frozenset({"true", "false", "yes", "no", "on", "off"})
_LESS: Final = frozenset({"", "false", "no", "off", "0", "disabled"})
_VERSION: Final = re.compile(r"version|firm|build|releas|revision|(?:^|[/.])ver$", re.IGNORECASE)
"""Paths that say which firmware it is, and of what day."""
_ABILITY: Final = frozenset({"ver"})
"""Reolink writes an ability as its version, with what the user may do beside it."""


def news(
    question: str, difference: Difference, vocabulary: Vocabulary, gained: Container[str]
) -> Iterator[tuple[str, str]]:
    """What an answer says that it did not: a key, and words for people. ``gained`` functions are told already."""
    api, _, asked = question.partition(" ")

    def told(statement: tuple[str, str]) -> bool:
        return any(each.capability in gained for each in vocabulary.declared(api, asked, [statement]))

    known = {(_PLACE.sub("", path), value) for path, value in difference.before.items()}
    added = {path: value for path, value in difference.added if (_PLACE.sub("", path), value) not in known}
    declared = [path for path, value in added.items() if told((path, value))]
    if declared and not difference.before:
        return  # a question that it did not know before, about just that
    named = {_element(path, added[path]) for path in declared}
    unnamed = [path for path in added if named.isdisjoint(_ways(path))]
    for root, paths in _gathered(unnamed, difference.before):
        if any(added[path].lower() not in _LESS for path in paths):  # what is off, or empty, says nothing
            words = f"{root} = {added[root]}" if paths == [root] else _first(root, paths, added)
            yield f"statement {question} {root}", words
    for path, before, value in difference.turned:
        if value.lower() in _LESS or (_PLACE.sub("", path), value) in known or told((path, value)):
            continue
        if _VERSION.search(path) is None or value.lower() in _WORDS:
            yield f"statement {question} {path}", f"{path} = {value}, before {before}"


def _element(path: str, value: str) -> str:
    """The element that a statement names: a listed name stands for the member of the list that has it."""
    parent = path[: max(path.rfind("/"), path.rfind("."), 0)]
    listed = value.lower() not in _WORDS and not value.isdigit()
    return parent if parent and (listed or path[len(parent) + 1 :] in _ABILITY) else path


def _gathered(paths: Iterable[str], before: Iterable[str]) -> list[tuple[str, list[str]]]:
    """New paths by the outermost element that is wholly new."""
    known = {way for path in before for way in _ways(path)}
    found: dict[str, list[str]] = {}
    for path in paths:
        found.setdefault(next((way for way in _ways(path) if way not in known), path), []).append(path)
    return list(found.items())


def _ways(path: str) -> list[str]:
    """The path and all above it, the outermost first."""
    return [*(path[: step.start()] for step in _STEP.finditer(path, 1)), path]


def _first(root: str, paths: list[str], values: Mapping[str, str]) -> str:
    rest = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{root} ({paths[0][len(root) :].lstrip('/.')} = {values[paths[0]]}{rest})"
