"""Capabilities: what statements of a device's interface and its events mean, by the catalogue's rows.

Strategy: identifiers are indexed by their last name, so that each statement is one look-up. Of several statements on
one function a yes outweighs a no: a recorder says both, of different channels.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from monitor.enrich.catalogue.reading import CatalogueError
from monitor.model.capabilities import Aspect, Capability, Declaration, Sensitivity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from monitor.enrich.catalogue.capability_rows import CapabilityRow, Signs

YES: Final = frozenset({"true", "yes", "on"})
NO: Final = frozenset({"false", "no", "off"})
"""Compared without regard to case; a number means yes if it is above 0, as counts and versions do."""

_NUMBER: Final = re.compile(r"\d{1,18}")
_INDEX: Final = re.compile(r"\[[^\]]*\]")
_BETWEEN: Final = re.compile(r"[/.]+")
_LISTED: Final = re.compile(r"[,;\s]+")
_PREFIX: Final = re.compile(r"^[^:]*:")
_MAX_PARTS: Final = 16
"""Names of a topic that are looked at."""
_SWITCHES: Final = frozenset({"Enable", "enable", "Enabled", "enabled"})
"""Beside a rule's type, whether the rule is on."""
_TYPES: Final = {
    "isapi": frozenset({"eventType"}),
    "dahua": frozenset({"Type", "Class"}),
}
"""Names under which topics of events stand in lists of rules and triggers."""
_TOPIC: Final = "topic"
"""The attribute of a topic in ONVIF's event properties (WS-Topics 1.3, 4)."""
_SET_UP: Final = frozenset({("onvif", "GetRules"), ("onvif", "GetAnalyticsModules")})
"""Questions whose answers list what is set up and at work (Analytics Service Specification, 5.2.3.2 and 5.3.3.2)."""
_ANY: Final = "::*"
"""Behind a question: whatever it answers."""
_TEMPLATE: Final = "capabilities"
"""ISAPI: an endpoint's capabilities say which values it takes; one that stands there is an example, not the switch."""


class _Sign(NamedTuple):
    tail: tuple[str, ...]
    question: str | None
    aspect: Aspect
    capability: str
    signs: Signs


class Vocabulary:
    """The functions by key, and indexes over what tells of them (monitor.model.capabilities.Vocabulary)."""

    def __init__(self, rows: Iterable[CapabilityRow], files: Mapping[str, str]) -> None:
        """``rows`` weakest first. CatalogueError if two claim one identifier. ``files``: row -> file."""
        rows = list(rows)
        self._all = {
            row.key: Capability(row.key, row.name, Sensitivity[row.sensitivity.name])
            for row in sorted(rows, key=lambda each: each.key)
        }
        self._leaves: dict[tuple[str, str], list[_Sign]] = {}
        self._present: dict[tuple[str, str], list[_Sign]] = {}
        self._values: dict[tuple[str, str], list[tuple[str | None, str]]] = {}
        """Question, or None for all, and function."""
        self._answers: dict[tuple[str, str], list[str]] = {}
        """Functions that a device has if it answers a question at all."""
        self._topics: dict[tuple[str, str], str] = {}
        claimed: dict[tuple[str, str, str], str] = {}
        for row in rows:
            for api, signs in row.signs():
                if signs.verified:
                    for kind, identifier in _identifiers(signs):
                        other = claimed.setdefault((api, kind, identifier), row.key)
                        if other != row.key:
                            where = f"{files[f'capability:{row.key}']}: capability {row.key!r}"
                            msg = f"{where}: {api}: {identifier!r} belongs to {other!r} as well"
                            raise CatalogueError(msg)
                    self._add(row.key, api, signs)

    def capability(self, key: str) -> Capability | None:
        """The function of this key."""
        return self._all.get(key)

    def capabilities(self) -> Sequence[Capability]:
        """All of them, in order of their keys."""
        return list(self._all.values())

    def capability_of_topic(self, api: str, topic: str) -> str | None:
        """By the longest run of the topic's names that a row has; one name alone counts only at the end.

        Namespace prefixes and case are ignored: firmware of one maker writes both "VMD" and "vmd".
        """
        names = [_PREFIX.sub("", name).casefold() for name in topic.split("/")[-_MAX_PARTS:]]
        for length in range(len(names), 0, -1):
            for start in range(len(names) - length, -1, -1):
                if length > 1 or start == len(names) - 1:
                    found = self._topics.get((api, "/".join(names[start : start + length])))
                    if found is not None:
                        return found
        return None

    def declared(self, api: str, question: str, statements: Iterable[tuple[str, str]]) -> list[Declaration]:
        """What they say of each function: one declaration for each aspect. What says neither yes nor no is left out."""
        said: dict[tuple[str, Aspect], Declaration] = {}
        given = list(statements)
        switches = _switches(given)
        template = question.rpartition("/")[2] == _TEMPLATE
        for capability in self._answers.get((api, question), ()) if given else ():
            said[capability, Aspect.SUPPORTED] = Declaration(capability, Aspect.SUPPORTED, True, given[0][0])  # noqa: FBT003
        for path, value in given:
            for declaration in self._of_statement(api, question, path, value, switches):
                if template and declaration.aspect is Aspect.ENABLED:
                    continue
                key = (declaration.capability, declaration.aspect)
                before = said.get(key)
                if before is None or (declaration.value and not before.value):
                    said[key] = declaration
        return [said[key] for key in sorted(said)]

    def _of_statement(
        self, api: str, question: str, path: str, value: str, switches: Mapping[str, bool]
    ) -> Iterator[Declaration]:
        names = names_of(path)
        for sign in self._leaves.get((api, names[-1]), ()):
            verdict = _verdict(value, sign.signs) if _fits(sign, names, question) else None
            if verdict is not None:
                yield Declaration(sign.capability, sign.aspect, verdict, path)
        for at, name in enumerate(names):
            for sign in self._present.get((api, name), ()):
                if _fits(sign, names[: at + 1], question):
                    denied = at == len(names) - 1 and _verdict(value, sign.signs) is False
                    yield Declaration(sign.capability, sign.aspect, not denied, path)
        for capability in self._listed(api, question, names, value):
            yield Declaration(capability, Aspect.SUPPORTED, True, path)  # noqa: FBT003
            switch = True if (api, question) in _SET_UP else switches.get(_parent(path))
            if switch is not None:
                yield Declaration(capability, Aspect.ENABLED, switch, path)

    def _listed(self, api: str, question: str, names: tuple[str, ...], value: str) -> Iterator[str]:
        """Functions whose rule, service or event this statement lists."""
        if names[-1] == _TOPIC:
            found = self.capability_of_topic(api, "/".join(names[:-1])) if value.lower() in YES else None
            if found is not None:
                yield found
            return
        typed = not _TYPES.get(api, frozenset()).isdisjoint(names[-2:])
        for item in sorted({value, *_LISTED.split(value)} - {""}):
            yield from (key for asked, key in self._values.get((api, item), ()) if asked in (None, question))
            found = self._topics.get((api, item.casefold())) if typed else None
            if found is not None:
                yield found

    def _add(self, key: str, api: str, signs: Signs) -> None:
        for aspect, identifiers in ((Aspect.SUPPORTED, signs.supported), (Aspect.ENABLED, signs.enabled)):
            for identifier in identifiers:
                sign = _sign(identifier, aspect, key, signs)
                self._leaves.setdefault((api, sign.tail[-1]), []).append(sign)
        for identifier in signs.present:
            if identifier.endswith(_ANY):
                self._answers.setdefault((api, identifier.removesuffix(_ANY)), []).append(key)
                continue
            sign = _sign(identifier, Aspect.SUPPORTED, key, signs)
            self._present.setdefault((api, sign.tail[-1]), []).append(sign)
        for identifier in signs.values:
            question, colons, value = identifier.rpartition("::")
            self._values.setdefault((api, value), []).append((question if colons else None, key))
        self._topics |= {(api, topic.casefold()): key for topic in signs.topics}


def names_of(path: str) -> tuple[str, ...]:
    """The names of a path or identifier, without indexes and at signs."""
    return tuple(_BETWEEN.split(_INDEX.sub("", path).replace("@", "").strip("/.")))


def _identifiers(signs: Signs) -> Iterator[tuple[str, str]]:
    """Each with the kind within which nobody else may have it."""
    yield from (("leaf", each) for each in (*signs.supported, *signs.enabled))
    yield from (("present", each) for each in signs.present)
    yield from (("value", each) for each in signs.values)
    yield from (("topic", each.casefold()) for each in signs.topics)


def _sign(identifier: str, aspect: Aspect, capability: str, signs: Signs) -> _Sign:
    question, colons, tail = identifier.rpartition("::")
    return _Sign(names_of(tail), question if colons else None, aspect, capability, signs)


def _fits(sign: _Sign, names: tuple[str, ...], question: str) -> bool:
    return names[-len(sign.tail) :] == sign.tail and sign.question in (None, question)


def _verdict(value: str, signs: Signs) -> bool | None:
    if value in signs.yes:
        return True
    if value in signs.no:
        return False
    word = value.lower()
    if word in YES or word in NO:
        return word in YES
    return int(value) > 0 if _NUMBER.fullmatch(value) else None


def _switches(statements: Sequence[tuple[str, str]]) -> dict[str, bool]:
    """Whether what stands beneath a path is on, where a switch beneath it says so."""
    found = {}
    for path, value in statements:
        parent = _parent(path)
        if path[len(parent) :].lstrip("/.@") in _SWITCHES and value.lower() in YES | NO | {"1", "0"}:
            found[parent] = value.lower() in YES or value == "1"
    return found


def _parent(path: str) -> str:
    at = max(path.rfind("/"), path.rfind("."))
    return path[:at] if at > path.rfind("]") else path[: max(path.rfind("/", 0, path.rfind("[")), 0)]
