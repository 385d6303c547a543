"""Other people's programs, installed by ``make peers`` into a directory of their own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.app.conftest import site

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["installed", "site"]


@pytest.fixture
def installed() -> Callable[[str], Path]:
    """Where a program is, by its path below the directory; skips without."""

    def find(path: str) -> Path:
        directory = os.environ.get("CAMWARDEN_PEERS")
        if directory is None or not (Path(directory) / path).exists():
            pytest.skip("peers are not installed: make peers")
        return (Path(directory) / path).absolute()

    return find
