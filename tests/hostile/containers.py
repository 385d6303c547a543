"""Every container that an object holds, found by walking what it refers to, with the way that leads there."""

from __future__ import annotations

import gc
from array import array
from collections import deque
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTAINERS: Final = (dict, list, set, deque, array, bytearray)
"""And what is made of them: Counter, OrderedDict, defaultdict."""
PASSED_BY: Final = (type, ModuleType, CodeType, BuiltinFunctionType, MemberDescriptorType, str, bytes, int, float)


class Found(NamedTuple):
    path: str
    """Attributes from the root; [] is any item of a container."""
    kind: str
    most: int
    """Items of the largest container that this path leads to."""
    many: int
    """Containers that this path leads to."""


def walk(root: object, *, beside: tuple[object, ...] = ()) -> list[Found]:
    """All mutable containers below ``root``; what hangs below ``beside`` is not walked.

    Paths are those of the shortest way. Attributes that a compiled class keeps to itself are called by their type.
    """
    seen = {id(each) for each in beside}
    level: list[tuple[str, object]] = [("engine", root)]
    found: dict[tuple[str, str], tuple[int, int]] = {}
    while level:
        following: list[tuple[str, object]] = []
        for path, thing in level:
            if id(thing) in seen or isinstance(thing, PASSED_BY):
                continue
            seen.add(id(thing))
            if isinstance(thing, CONTAINERS):
                key = (path, type(thing).__name__)
                most, many = found.get(key, (0, 0))
                found[key] = (max(most, len(thing)), many + 1)
            following += [(path + step, below) for step, below in _below(thing)]
        level = following
    return sorted(Found(path, kind, most, many) for (path, kind), (most, many) in found.items())


def _below(thing: object) -> Iterator[tuple[str, object]]:
    """What this refers to, by name where it has one."""
    if isinstance(thing, dict):
        for key, value in list(thing.items()):
            yield "[]", value
            yield "{}", key
        return
    if isinstance(thing, list | set | frozenset | tuple | deque):
        for value in list(thing):
            yield "[]", value
        return
    if isinstance(thing, FunctionType):
        for cell in thing.__closure__ or ():
            yield from _cell(cell)
        return
    if isinstance(thing, MethodType):
        yield "", thing.__self__
        return
    named = dict(_attributes(thing))
    for name, value in named.items():
        yield f".{name}", value
    known = {id(value) for value in named.values()} | {id(getattr(thing, "__dict__", None))}
    for value in gc.get_referents(thing):
        if id(value) not in known and not isinstance(value, PASSED_BY):
            yield f".<{type(value).__name__}>", value


def _attributes(thing: object) -> Iterator[tuple[str, object]]:
    yield from getattr(thing, "__dict__", {}).items()
    for each in type(thing).__mro__:
        slots: Any = each.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(thing, name):
                yield name, getattr(thing, name)
        for name, member in vars(each).items():
            if type(member).__name__ in {"getset_descriptor", "member_descriptor"} and not name.startswith("__"):
                value = getattr(thing, name, None)
                if value is not None:
                    yield name, value


def _cell(cell: CellType) -> Iterator[tuple[str, object]]:
    try:
        yield ".<closure>", cell.cell_contents
    except ValueError:
        return
