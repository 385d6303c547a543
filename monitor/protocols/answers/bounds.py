"""How much of an answer is read (reliability C11), and how it is called where it breaks a bound."""

from __future__ import annotations

from typing import Final

from monitor.protocols.bounded_xml import Bounds

LAYER: Final = "answer"
"""Of Malformed."""
MAX_BODY: Final = 256 * 1024
"""Octets. The largest of Hikvision's capability answers has some 60 KiB; beyond, parsing costs more than it tells."""
MAX_ELEMENTS: Final = 5_000
"""Elements and attributes of XML; brackets and braces of JSON; lines of text."""
MAX_DEPTH: Final = 64
MAX_STATEMENTS: Final = 4_096
MAX_TEXT: Final = 256
"""Characters of a path and of a value."""
XML: Final = Bounds(MAX_BODY, MAX_ELEMENTS, MAX_DEPTH)
