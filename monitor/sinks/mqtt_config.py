"""The ``[mqtt]`` table of the configuration."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class MqttTls(Struct, frozen=True, forbid_unknown_fields=True):
    """Paths of PEM files. The broker's certificate and name are always verified."""

    ca: str | None = None
    """Trust these only; without it, what the system trusts."""
    cert: str | None = None
    key: str | None = None


class MqttConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ``[mqtt]`` table."""

    host: Annotated[str, Meta(min_length=1)]
    port: Annotated[int, Meta(ge=1, le=65535)] | None = None
    """Without it, 8883 with TLS and 1883 in the clear."""
    username: str | None = None
    password_file: str | None = None
    """Read at every connection, so that a new password needs no restart."""
    tls: MqttTls | None = None
    client_id: str | None = None
    """Without it, camwarden-<sensor>."""
    keepalive: Annotated[int, Meta(ge=5, le=65535)] = 30
    """Seconds."""
    protocol: Literal["3.1.1", "5"] = "5"
    """Only version 5 lets a broker say that it refused a message."""
    topic: Annotated[str, Meta(min_length=1)] = "camwarden/v1"
    refusals: Annotated[int, Meta(ge=1)] = 5
    """After so many a message is parked."""
