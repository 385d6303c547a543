"""What many tests need: real captures, the hot path uncompiled, and the knowledge that every engine shares."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final

import pytest
import structlog

from monitor.app import knowledge
from monitor.config import Config
from monitor.wire import decode, flows, link, precedence, scan, tunnels
from tests.builds import REPOSITORY, as_python

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.app import Knowledge

HOT_PATH: Final = (link, tunnels, decode, flows, precedence, scan)
"""Each after those that it imports."""


@pytest.fixture(autouse=True)
def _logs() -> Iterator[None]:
    """A command that is run in this process sets the logs up: the next test's do not go where that one's went."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def captures() -> Path:
    """The folder of real captures; tests that need one are skipped without it."""
    folder = Path(os.environ.get("CAMWARDEN_CAPTURES", REPOSITORY.parent / "shared" / "captures"))
    if not (folder / "INDEX.tsv").is_file():
        pytest.skip(f"no captures at {folder} (CAMWARDEN_CAPTURES)")
    return folder


@pytest.fixture(scope="session")
def known() -> Iterator[Knowledge]:
    """Catalogue and address databases, loaded once."""
    with knowledge(Config()) as loaded:
        yield loaded


@pytest.fixture(scope="session")
def compiled() -> SimpleNamespace:
    """The hot path as it is installed."""
    for module in HOT_PATH:
        assert not (module.__file__ or ".py").endswith(".py"), f"{module.__name__} is not compiled"
    return SimpleNamespace(Frame=decode.Frame, FlowTable=flows.FlowTable, Scanner=scan.Scanner)


@pytest.fixture(scope="session")
def uncompiled() -> SimpleNamespace:
    """The same sources as ordinary Python."""
    *_, frames, tables, _, scanners = as_python(*(module.__name__ for module in HOT_PATH))
    return SimpleNamespace(Frame=frames.Frame, FlowTable=tables.FlowTable, Scanner=scanners.Scanner)
