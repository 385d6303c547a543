"""Small steps over bytes and text that compiled code takes without making objects (parts.pxd)."""

from __future__ import annotations


def part(data: bytes, start: int, end: int) -> bytes:
    """``data[start:end]`` for offsets that are not negative."""
    return data[start:end]


def is_graphic(text: str) -> bool:
    """Whether it is all graphic ASCII and spaces."""
    return text.isascii() and text.isprintable()
