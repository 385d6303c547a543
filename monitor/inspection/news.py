"""News of an answer: what a device says after an update that it did not say before, and nothing has a name for.

Strategy: an element that is new is one piece of news, however much stands in it. What a function's own element holds
beside its name comes with the function, a lost permission is no gain, and another version is what an update is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from monitor.ledger.ledger import Difference
    from monitor.model.capabilities import Vocabulary

_STEP: Final = re.compile(r"[/.\[](?![^\[]*\])|\[")
"""Where a path may be cut: not within brackets."""
_WORDS: Final = frozenset({"true", "false", "yes", "no", "on", "off"})
_LESS: Final = frozenset({"", "false", "no", "off", "0", "disabled"})
_VERSION: Final = re.compile(r"version|firm|build|releas|revision|(?:^|[/.])ver$", re.IGNORECASE)
"""Paths that say which firmware it is, and of what day."""
_ABILITY: Final = frozenset({"ver"})
"""Reolink writes an ability as its version, with what the user may do beside it."""


def news(
    question: str, difference: Difference, now: Mapping[str, str], vocabulary: Vocabulary
) -> Iterator[tuple[str, str]]:
    """What is new in ``now``, the present answer: a key, and words for people."""
    api, _, asked = question.partition(" ")
    added = dict(difference.added)
    declared = {each.identifier for each in vocabulary.declared(api, asked, difference.added)}
    named = {_element(path, added[path]) for path in declared}
    if declared and len(added) == len(now) and not difference.gone:
        return  # a question that it did not know before, about just that
    unnamed = [path for path in added if named.isdisjoint(_ways(path))]
    for root, paths in _gathered(unnamed, [*(path for path in now if path not in added), *difference.gone]):
        if any(added[path].lower() not in _LESS for path in paths):  # what is off, or empty, says nothing
            words = f"{root} = {added[root]}" if paths == [root] else _first(root, paths, added)
            yield f"statement {question} {root}", words
    for path, before, value in difference.turned:
        if value.lower() in _LESS or vocabulary.declared(api, asked, [(path, value)]):
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
