"""Firmware: what a device runs, by everyone who says so, and what it ran before.

Strategy: each source spells a version in its own way, so a source is only compared with itself. What two sources say
is the same where one spelling begins with the other, letters, digits and their order alone counting.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct, structs

from monitor.model.capabilities import Grade

MAX_SOURCES: Final = 16
"""Ways by which one device can be heard to say its version: protocols and interfaces, some ten of each maker's."""
MAX_HISTORY: Final = 32
"""Versions kept of one device: a decade at an update a quarter, nearly."""
MAX_TEXT: Final = 128

_DIGITS: Final = re.compile(r"[0-9]+|[a-z]+")
_NAMED: Final = re.compile(
    r"(?<![0-9.])[vV]?([0-9]{1,4}(?:\.[0-9]{1,8}){1,5})(?![0-9])(?:[ ._-]*build[ ._-]*([0-9]{4,10}))?"
)


class Version(Struct, frozen=True):
    """One version that a device ran."""

    text: str
    grade: Grade
    source: str
    first_ns: int
    last_ns: int


class Turn(Struct, frozen=True):
    """A source says another version than it said before, or the first one does."""

    before: str | None
    after: str
    grade: Grade
    source: str
    ts_ns: int


class Firmware(Struct):
    """What one device runs and ran."""

    by_source: dict[str, str] = {}
    """What each source last said."""
    history: list[Version] = []
    """Newest last."""

    @property
    def current(self) -> Version | None:
        """What it runs, as far as anybody knows."""
        return self.history[-1] if self.history else None

    def learn(self, text: str, grade: Grade, source: str, ts_ns: int) -> Turn | None:
        """A source says what the device runs; a Turn if that changes what is known."""
        text = text.strip()[:MAX_TEXT]
        if not text:
            return None
        said = self.by_source.get(source)
        if said is None and len(self.by_source) >= MAX_SOURCES:
            return None
        self.by_source[source] = text
        current = self.current
        if current is None:
            self._append(Version(text, grade, source, ts_ns, ts_ns))
            return _turn(None, self.history[-1])
        if is_same(current.text, text):
            best = text if (grade, len(text)) > (current.grade, len(current.text)) else current.text
            self.history[-1] = structs.replace(
                current, text=best, grade=max(grade, current.grade), last_ns=max(ts_ns, current.last_ns)
            )
            confirms = grade > current.grade and said is not None and not is_same(said, text)
            return _turn(said, self.history[-1]) if confirms else None
        return self._heard(Version(text, grade, source, ts_ns, ts_ns), said, current)

    def _heard(self, version: Version, said: str | None, current: Version) -> Turn | None:
        """A source says something else than is known; ``said`` is what it said before."""
        if said is None or is_same(said, version.text):
            if said is None and version.grade > current.grade:  # what was known was read off a file's name
                self._append(version)
            return None  # another spelling, or a source that has not heard of the change yet
        if version.grade < current.grade:
            return _turn(said, version)  # of a part, perhaps: what the device says stands
        self._append(version)
        return _turn(said, version)

    def _append(self, version: Version) -> None:
        self.history.append(version)
        if len(self.history) > MAX_HISTORY:
            del self.history[0]


def _turn(before: str | None, now: Version) -> Turn:
    return Turn(before, now.text, now.grade, now.source, now.first_ns)


def is_same(one: str, other: str) -> bool:
    """Whether two spellings are of one version: one begins with the other, piece by piece."""
    first, second = _DIGITS.findall(one.lower()), _DIGITS.findall(other.lower())
    first, second = [each for each in first if each != "v"], [each for each in second if each != "v"]
    short = min(len(first), len(second))
    return short > 0 and first[:short] == second[:short]


def version_in(name: str) -> str | None:
    """The version that a file's name holds: "D-Link-DCH-S150-1.7.5-AX" -> "1.7.5"; None if it holds none."""
    found = _NAMED.search(name[-MAX_TEXT:])
    if found is None:
        return None
    return f"{found[1]} build {found[2]}" if found[2] else found[1]
