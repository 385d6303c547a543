"""Compiled modules and the ordinary Python that they are too: a fuzzer is led by coverage, which only the latter has."""

from __future__ import annotations

import importlib.util
import re
import sys
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

REPOSITORY: Final = Path(__file__).parents[1]
COMPILED: Final = frozenset(
    re.findall(r'^    "((?:collectors|monitor)[\w.]+)",$', (REPOSITORY / "setup.py").read_text(), re.MULTILINE)
)
"""Modules that are compiled."""


class FromSource:
    """Finds those modules as Python."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        return _spec(name, compiled=False) if name in COMPILED else None


def from_source() -> None:
    """Have this process import no compiled module. Nothing of ours may have been imported yet."""
    assert not COMPILED & sys.modules.keys()
    sys.meta_path.insert(0, FromSource)  # type: ignore[arg-type]


def as_python(*names: str) -> list[ModuleType]:
    """Copies of these modules, made from their sources, that know each other; each after those that it imports."""
    return _copies(dict.fromkeys(names, False))


def other_build(*names: str) -> list[ModuleType]:
    """Copies of these modules that know each other, compiled where this process has Python, and the other way round."""
    present = {name: import_module(name).__file__ or "" for name in names}
    return _copies({name: place.endswith(".py") and name in COMPILED for name, place in present.items()})


def _copies(wanted: dict[str, bool]) -> list[ModuleType]:
    """Copies of modules, compiled or not; their names lead to those of this process again afterwards."""
    present = {name: import_module(name) for name in wanted}
    copies = []
    try:
        for name, compiled in wanted.items():
            spec = _spec(name, compiled=compiled)
            assert spec is not None
            assert spec.loader is not None
            copy = importlib.util.module_from_spec(spec)
            sys.modules[name] = copy
            spec.loader.exec_module(copy)
            copies.append(copy)
    finally:
        sys.modules.update(present)
    return copies


def _spec(name: str, *, compiled: bool) -> ModuleSpec | None:
    place = REPOSITORY.joinpath(*name.split("."))
    suffix = next((each for each in EXTENSION_SUFFIXES if Path(f"{place}{each}").exists()), None) if compiled else ".py"
    return importlib.util.spec_from_file_location(name, f"{place}{suffix}")
