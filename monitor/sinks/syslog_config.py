"""The ``[[syslog]]`` tables of the configuration."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from monitor.sinks.trust import Tls

PORTS: Final = {"udp": 514, "tcp": 601, "tls": 6514}
"""IANA: syslog, syslog-conn and syslog-tls."""
LARGEST: Final = {"udp": 2048, "tcp": 8192, "tls": 8192}
"""Octets that a receiver should take (RFC 5426, 3.2; RFC 5425, 4.3.1)."""
FACILITIES: Final = {
    "user": 1, "daemon": 3, "auth": 4, "authpriv": 10,
    "local0": 16, "local1": 17, "local2": 18, "local3": 19, "local4": 20, "local5": 21, "local6": 22, "local7": 23,
}  # fmt: skip
"""RFC 5424, 6.2.1."""

SinkName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
"""Part of a metric label and of the outbox: another name is another sink, to which nothing is owed yet."""


class SyslogConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One ``[[syslog]]`` table."""

    name: SinkName = "syslog"
    host: Annotated[str, Meta(min_length=1, max_length=253)]
    port: Annotated[int, Meta(ge=1, le=65535)] | None = None
    """Without it, 514 over UDP, 601 over TCP and 6514 over TLS."""
    transport: Literal["udp", "tcp", "tls"] = "udp"
    tls: Tls | None = None
    """With transport "tls"; without the table, what the system trusts."""
    format: Literal["rfc5424", "cef"] = "rfc5424"
    facility: Literal[
        "user", "daemon", "auth", "authpriv",
        "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
    ] = "local0"  # fmt: skip
    max_bytes: Annotated[int, Meta(ge=480, le=65_507)] | None = None
    """Of one message; every receiver takes 480 (RFC 5424, 6.1). Without it, 2048 over UDP and 8192 otherwise."""
    enterprise: Annotated[int, Meta(ge=1, le=2**32 - 1)] = 32473
    """Private enterprise number behind the names of the structured data. 32473 is everybody's (RFC 5612)."""

    @property
    def sink(self) -> str:
        """Name of the outbox and metric label."""
        return f"syslog/{self.name}"

    @property
    def server_port(self) -> int:
        """As configured, else what the transport's is."""
        return self.port or PORTS[self.transport]

    @property
    def largest(self) -> int:
        """Octets of one message."""
        return self.max_bytes or LARGEST[self.transport]


def check(config: SyslogConfig) -> None:
    """ValueError, in one line, if the table cannot be used."""
    if config.tls is not None and config.transport != "tls":
        msg = f'{config.sink}: tls needs transport = "tls"'
        raise ValueError(msg)
    if config.tls is not None and config.tls.key is not None and config.tls.cert is None:
        msg = f"{config.sink}: tls.key needs tls.cert"
        raise ValueError(msg)
    if not config.host.isascii() or not config.host.isprintable() or " " in config.host:
        msg = f"{config.sink}: {config.host!r} is no host"
        raise ValueError(msg)
