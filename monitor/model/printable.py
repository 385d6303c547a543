"""Text that somebody else chose, made harmless for a terminal, a page or a comment."""

from __future__ import annotations

STAND_IN = "\N{REPLACEMENT CHARACTER}"


def printable(text: str, keep: str = "") -> str:
    """The text with a mark in the place of controls, surrogates, private characters and marks of direction.

    ``keep`` are characters that stay nevertheless. As long as it was.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in keep else STAND_IN for each in text)
