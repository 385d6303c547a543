"""Finding: one thing that was looked at, how it is, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from monitor.model.printable import printable

TOPIC_WIDTH: Final = 14
"""Columns of the longest topic, "conversations", and a blank."""
_COLOURS: Final = {"green": "32", "amber": "33", "red": "1;31"}
"""SGR parameters (ECMA-48, 8.3.117)."""


class Light(StrEnum):
    """How it is."""

    GREEN = "green"
    """As it should be."""
    AMBER = "amber"
    """It works, with a shortcoming that is named."""
    RED = "red"
    """camwarden would miss things, or not run."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line."""

    light: Light
    topic: str
    """What was looked at, in a word."""
    text: str
    """What was found; if it is not green, also what that means and what to do."""

    def line(self, *, colour: bool) -> str:
        """The line as it is shown. What a device or a file calls itself cannot move the cursor."""
        word = f"{self.light:<6}"
        if colour:
            word = f"\x1b[{_COLOURS[self.light]}m{word}\x1b[0m"
        return f"{word} {self.topic:<{TOPIC_WIDTH}} {printable(self.text)}"


def green(topic: str, text: str) -> Finding:
    """As it should be."""
    return Finding(Light.GREEN, topic, text)


def amber(topic: str, text: str) -> Finding:
    """A shortcoming."""
    return Finding(Light.AMBER, topic, text)


def red(topic: str, text: str) -> Finding:
    """Something that must be changed."""
    return Finding(Light.RED, topic, text)


def some(names: list[str], limit: int = 8) -> str:
    """The first few of many names: "a, b and 3 more"."""
    shown = ", ".join(names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown
