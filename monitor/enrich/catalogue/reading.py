"""TOML files -> rows; an error names file, row and key."""

from __future__ import annotations

import difflib
import re
import tomllib
from typing import TYPE_CHECKING, Any

import msgspec

from monitor.enrich.catalogue.capability_rows import CapabilityRow, Signs
from monitor.enrich.catalogue.file import File
from monitor.enrich.catalogue.rows import (
    Announcement,
    Banner,
    Names,
    Network,
    P2p,
    Ports,
    Prefixes,
    Service,
    Vendor,
)
from monitor.enrich.catalogue.vulnerability_rows import Affected, Vulnerability

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path


class CatalogueError(ValueError):
    """A catalogue file cannot be used; one line says which, where and why."""


def read(directory: Traversable | Path) -> list[tuple[str, File]]:
    """Every ``*.toml`` of a directory with its name, in order of name. CatalogueError if one is no catalogue file."""
    try:
        entries = sorted((e for e in directory.iterdir() if e.name.endswith(".toml")), key=lambda e: e.name)
        texts = [(entry.name, entry.read_bytes()) for entry in entries]
    except OSError as error:
        msg = f"catalogue {directory}: {error.strerror or error}"
        raise CatalogueError(msg) from error
    return [(name, parse(name, text)) for name, text in texts]


def parse(name: str, text: bytes) -> File:
    """One file's rows. CatalogueError names ``name``, the row and the key."""
    try:
        tables = tomllib.loads(text.decode())
    except (ValueError, RecursionError) as error:  # not UTF-8, not TOML, a number too long, tables too deep
        msg = f"{name}: {error}"
        raise CatalogueError(msg) from error
    try:
        return msgspec.convert(tables, File)
    except msgspec.ValidationError as error:
        msg = f"{name}: {_where(str(error), tables)}"
        raise CatalogueError(msg) from error


_PATH = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.(\w+)|\[(\d+|\.\.\.)\]")
_ROWS = (
    Affected,
    Announcement,
    Banner,
    CapabilityRow,
    File,
    Names,
    Network,
    P2p,
    Ports,
    Prefixes,
    Service,
    Signs,
    Vendor,
    Vulnerability,
)
_UNKNOWN = re.compile(r"unknown field `(\w+)`")


def _where(message: str, tables: dict[str, Any]) -> str:
    """Msgspec's message with the row's key in place of its number."""
    match = _PATH.match(message)
    if match is None:
        return message
    here: Any = tables
    spelled: list[str] = []
    for name, index in _STEP.findall(match["path"] or ""):
        if name:
            spelled.append(name)
            here = here.get(name) if isinstance(here, dict) else None
        else:
            here = here[int(index)] if isinstance(here, list) and index.isdigit() else None
            key = here.get("key") if isinstance(here, dict) else None
            spelled[-1] += f" {key!r}" if key else f"[{index}]"
    what = match["what"]
    if unknown := _UNKNOWN.search(what):
        known = {field.encode_name for row in _ROWS for field in msgspec.structs.fields(row)}
        near = difflib.get_close_matches(unknown[1], sorted(known), n=1)
        what += f" (nearest known key: {near[0]})" if near else ""
    return f"{', '.join(spelled)}: {what}" if spelled else what
