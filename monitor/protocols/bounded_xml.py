"""XML in one datagram or answer, read within bounds of octets, elements and depth; a document type is refused.

Strategy: expat with handlers, as defusedxml guards it (no document type, so no entities), but without building
a tree: caps hold while it parses, and what stood before the end of a datagram that the capture cut is not lost.
Names are taken without their prefix: devices bind discovery namespaces to any prefix, or forget to.
"""

from __future__ import annotations

from typing import Final, NamedTuple, NoReturn
from xml.parsers import expat

from monitor.model.facts import Malformed

MAX_OCTETS: Final = 65_535
"""A UDP datagram (RFC 768)."""
MAX_ELEMENTS: Final = 512
"""An answer of SADP has some 45; a proxy's ProbeMatches some 8 for each device."""
MAX_DEPTH: Final = 32
"""SOAP discovery nests 6 deep, SADP 2, Bosch's answer 3."""


class Bounds(NamedTuple):
    """What a document may have."""

    octets: int
    elements: int
    """Elements and, where they are kept, attributes together."""
    depth: int


DATAGRAM: Final = Bounds(MAX_OCTETS, MAX_ELEMENTS, MAX_DEPTH)

_BEFORE: Final = (b"\xef\xbb\xbf", b"\r", b"\n", b" ", b"\t")
"""A byte order mark, and blanks that some devices send before the declaration."""
_MOST_BEFORE: Final = 64


def begins(head: bytes) -> bool:
    """Whether these octets can begin a document."""
    if head.startswith(b"<"):
        return True
    return head.startswith(_BEFORE) and head[:_MOST_BEFORE].lstrip(b"\xef\xbb\xbf\r\n \t").startswith(b"<")


class Element:
    """One element: its name without prefix, the depth it stands at (root 1), and its own text once it has ended."""

    __slots__ = ("attributes", "depth", "name", "pieces", "text")

    def __init__(self, name: str, depth: int, attributes: list[str] | None = None) -> None:
        self.name = name
        self.depth = depth
        self.attributes = attributes
        """Names as written, each before its value; None where they are not kept."""
        self.text: str | None = None
        """None: there is none, or the document ends inside the element."""
        self.pieces = ""
        """What was read of the text so far."""


class Document:
    """The elements of a document in the order in which they begin."""

    def __init__(self, data: bytes, layer: str, bounds: Bounds = DATAGRAM, *, attributes: bool = False) -> None:
        """Malformed for a document type, and where a cap is passed. Less grave damage is left to ``damage``.

        ``attributes``: they are kept, and counted with the elements.
        """
        self.elements: list[Element] = []
        self.damage: str | None = None
        """Why not all of it could be read; None also where it merely ends too early."""
        self._layer = layer
        self._open: list[Element] = []
        self._bounds = bounds
        self._keeps = attributes
        self._room = bounds.elements
        if len(data) > bounds.octets:
            raise Malformed(layer, "document too long")
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.ordered_attributes = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._document_type
        try:
            # Not final: a cut document is no error. Some devices pad with NUL, or write another charset than they say.
            parser.Parse(data.rstrip(b"\x00").decode("utf-8", "replace").encode(), False)  # noqa: FBT003
        except expat.ExpatError:
            self.damage = "no well-formed XML"
        finally:
            # Bound methods of this object are held by the parser: cut the circle, so that no collector is needed.
            parser.StartElementHandler = parser.EndElementHandler = parser.CharacterDataHandler = None
            parser.StartDoctypeDeclHandler = None

    @property
    def whole(self) -> bool:
        """Whether the document was read to its end."""
        return bool(self.elements) and not self._open and self.damage is None

    @property
    def root(self) -> str | None:
        """Name of the root element."""
        return self.elements[0].name if self.elements else None

    def texts(self) -> dict[str, str]:
        """The first text that is not empty of each name."""
        found: dict[str, str] = {}
        for element in self.elements:
            if element.text:
                found.setdefault(element.name, element.text)
        return found

    def _start(self, name: str, attributes: list[str]) -> None:
        self._room -= 1 + (len(attributes) // 2 if self._keeps else 0)
        if self._room < 0:
            raise Malformed(self._layer, "too many elements")
        if len(self._open) >= self._bounds.depth:
            raise Malformed(self._layer, "elements nested too deep")
        element = Element(name.rpartition(":")[2], len(self._open) + 1, attributes if self._keeps else None)
        self.elements.append(element)
        self._open.append(element)

    def _end(self, _name: str) -> None:
        element = self._open.pop()
        element.text = element.pieces.strip() or None

    def _text(self, piece: str) -> None:
        if self._open:
            self._open[-1].pieces += piece

    def _document_type(self, *_declared: object) -> NoReturn:
        raise Malformed(self._layer, "document type declaration")
