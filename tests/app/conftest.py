"""The broker of the sinks' tests, for those that ask whether one is there."""

from __future__ import annotations

from tests.sinks.conftest import mosquitto

__all__ = ["mosquitto"]
