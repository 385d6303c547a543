"""An answer as a tree of names and texts, whatever it was written in.

Strategy: XML and JSON are brought into one shape, so that one walk makes statements of both. Namespaces go: of names,
prefixes are cut; in values, a prefix that is bound to a namespace of ONVIF's becomes the customary one, since each
device binds what it likes ("tt:FaceRecognition" may be written "ns2:FaceRecognition").
"""

from __future__ import annotations

import re
from hashlib import blake2s
from typing import TYPE_CHECKING, Final

from monitor.model.facts import Malformed
from monitor.protocols.answers.bounds import LAYER, MAX_BODY, MAX_DEPTH, MAX_ELEMENTS, MAX_TEXT, XML
from monitor.protocols.answers.volatile import is_volatile
from monitor.protocols.bounded_json import read_value
from monitor.protocols.bounded_xml import Document
from monitor.protocols.device_text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.protocols.bounded_xml import Element

MAX_NAME: Final = 64
"""Characters of a name: the longest of Hikvision's has some 50."""
MAX_PREFIXES: Final = 64
"""Prefixes of ONVIF's namespaces that are bound at one place; a device binds each once."""
PREFIXES: Final = {
    "http://www.onvif.org/ver10/schema": "tt:",
    "http://www.onvif.org/ver10/topics": "tns1:",
    "http://www.w3.org/2001/XMLSchema": "xs:",
}
"""Namespace -> prefix that ONVIF's documents write for it; the last is of the types of parameters."""
_INSTANCE: Final = "http://www.w3.org/2001/XMLSchema-instance"
_QUALIFIED: Final = re.compile(r"(?<![\w.:-])([A-Za-z_][\w.-]*):(?=[A-Za-z_])")
_HASHED: Final = 4
"""Octets of a digest that stands for a text: one of a handful of siblings, so chance makes no two alike."""

Scope = dict[str, str]
"""Prefix -> what ONVIF writes for it, or the mark of a namespace that is left out."""


class Node:
    """One name with a text, or with what is below it, or both."""

    __slots__ = ("children", "name", "position", "text")

    def __init__(self, name: str, text: str | None = None, position: int | None = None) -> None:
        self.name = name
        """Of an attribute with an at sign before it; empty for a member of a list inside a list."""
        self.text = text
        self.position = position
        """In the list that it is a member of; None where it is none, or where order means nothing."""
        self.children: list[Node] = []

    def child(self, *names: str) -> Node | None:
        """The first child of the first of these names that there is."""
        for name in names:
            for child in self.children:
                if child.name == name:
                    return child
        return None


def digest(*texts: str) -> str:
    """A short name for these texts."""
    return blake2s("\x00".join(texts).encode("utf-8", "surrogatepass"), digest_size=_HASHED).hexdigest()


def named(text: str) -> str:
    """A name of printable characters, cut to MAX_NAME in a way that keeps different ones different."""
    name = text if text.isprintable() else "".join(filter(str.isprintable, text))
    if len(name) > MAX_NAME or name != text:
        name = f"{name[: MAX_NAME - 2 * _HASHED - 1]}~{digest(text)}"
    return name


def of_xml(body: bytes) -> Node:
    """Malformed unless all of it is well-formed XML within the bounds."""
    document = Document(body, LAYER, XML, attributes=True)
    if not document.whole:
        raise Malformed(LAYER, document.damage or "document ends early")
    top = Node("")
    above: list[tuple[Node, Scope] | None] = [(top, {})]
    for element in document.elements:
        del above[element.depth :]
        parent = above[-1]
        if parent is None or is_volatile(element.name):
            above.append(None)
            continue
        scope = _scope(element, parent[1])
        node = Node(named(element.name), _text(element.text, scope))
        node.children += _attributes(element, scope)
        parent[0].children.append(node)
        above.append((node, scope))
    root = top.children[0] if top.children else Node("")
    return _unwrapped(root)


def _scope(element: Element, above: Scope) -> Scope:
    bound = element.attributes or ()
    scope = above
    for name, value in zip(bound[::2], bound[1::2], strict=True):
        if not name.startswith("xmlns:"):
            continue
        written = "xsi" if value == _INSTANCE else PREFIXES.get(value)
        if written is not None or name[6:] in scope:
            scope = dict(scope) if scope is above else scope
            if written is None:
                del scope[name[6:]]
            else:
                scope[name[6:]] = written
            if len(scope) > MAX_PREFIXES:
                raise Malformed(LAYER, "too many namespace prefixes")
    return scope


def _attributes(element: Element, scope: Scope) -> Iterable[Node]:
    bound = element.attributes or ()
    for name, value in zip(bound[::2], bound[1::2], strict=True):
        prefix, colon, local = name.rpartition(":")
        if name == "xmlns" or prefix == "xmlns" or (colon and scope.get(prefix) == "xsi") or is_volatile(local):
            continue
        yield Node("@" + named(local), _text(value, scope))


def _text(text: str | None, scope: Scope) -> str | None:
    if text and scope and ":" in text:
        text = _QUALIFIED.sub(lambda found: scope.get(found[1], found[0]), text[: 4 * MAX_TEXT])
    return text


def _unwrapped(root: Node) -> Node:
    """What stands in a SOAP body; the header's names and times are one exchange's alone."""
    if root.name != "Envelope":
        return root
    body = root.child("Body")
    said = [child for child in body.children if not child.name.startswith("@")] if body is not None else []
    if not said:
        raise Malformed(LAYER, "no SOAP body")
    if len(said) == 1:
        return said[0]
    several = Node("")
    several.children = said
    return several


def of_json(body: bytes) -> Node:
    """Malformed unless it is JSON within the bounds."""
    root = Node("")
    waiting: list[tuple[Node, object, int]] = [(root, read_value(body, LAYER, MAX_BODY, MAX_ELEMENTS), 0)]
    seen = 0
    while waiting:
        node, value, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise Malformed(LAYER, "values nested too deep")
        parts: list[tuple[str, object]] = []
        if isinstance(value, dict):
            parts = [(named(key), inner) for key, inner in value.items() if not is_volatile(key)]
        elif isinstance(value, list):
            parts = [("", value)]
        else:
            node.text = _spelled(value)
        seen += sum(len(inner) if isinstance(inner, list) else 1 for _, inner in parts)
        if seen > MAX_ELEMENTS:
            raise Malformed(LAYER, "too many values")
        for child, inner in (member for name, part in parts for member in _members(name, part)):
            node.children.append(child)
            waiting.append((child, inner, depth + 1))
    return root


def _members(name: str, value: object) -> list[tuple[Node, object]]:
    if isinstance(value, list):
        return [(Node(name, position=at), inner) for at, inner in enumerate(value)]
    return [(Node(name), value)]


def _spelled(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def value_of(text: str | None) -> str:
    """A text as it stands in a statement: without secrets, control characters and blanks around it."""
    return plain(text) or ""
