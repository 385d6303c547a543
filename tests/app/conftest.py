"""The broker of the sinks' tests, for those that ask whether one is there, and a site for a real daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.app.living import Site
from tests.sinks.conftest import mosquitto

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["mosquitto", "site"]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A namespace with a broker, gone after the test."""
    made = Site(tmp_path)
    try:
        yield made
    finally:
        made.close()
