"""The ``[prometheus]`` table of the configuration."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class PrometheusConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Where metrics and health are served."""

    port: Annotated[int, Meta(ge=0, le=65535)]
    """0 takes any free port."""
    host: str = "127.0.0.1"
