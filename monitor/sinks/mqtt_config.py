"""The ``[mqtt]`` table of the configuration."""

from __future__ import annotations

import errno
import ssl
from typing import TYPE_CHECKING, Annotated, Final, Literal

from msgspec import Meta, Struct

from collectors.credentials import located
from monitor.sinks.trust import Tls, context

if TYPE_CHECKING:
    from pathlib import Path

PORT_PLAIN: Final = 1883
PORT_TLS: Final = 8883
"""IANA: mqtt and secure-mqtt."""
COMPLAINT: Final = "camwarden_complaint"
"""Attribute of a TLS context, which is made anew for each connection."""


MqttTls = Tls


class MqttConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ``[mqtt]`` table."""

    host: Annotated[str, Meta(min_length=1)]
    port: Annotated[int, Meta(ge=1, le=65535)] | None = None
    """Without it, 8883 with TLS and 1883 in the clear."""
    username: str | None = None
    password_file: str | None = None
    """Read at every connection, so that a new password needs no restart. This path, and those of ``tls``, may begin
    with $CREDENTIALS_DIRECTORY/."""
    tls: MqttTls | None = None
    client_id: str | None = None
    """Without it, camwarden-<sensor>."""
    keepalive: Annotated[int, Meta(ge=5, le=65535)] = 30
    """Seconds."""
    protocol: Literal["3.1.1", "5"] = "5"
    """Only version 5 lets a broker say that it refused a message."""
    topic: Annotated[str, Meta(min_length=1)] = "camwarden/v1"
    home_assistant: bool = False
    """Announce each device by MQTT discovery, so that Home Assistant shows it by itself."""
    home_assistant_prefix: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$")] = "homeassistant"
    refusals: Annotated[int, Meta(ge=1)] = 5
    """After so many a message is parked."""

    @property
    def broker_port(self) -> int:
        """As configured, else what the protocol's is."""
        return self.port or (PORT_TLS if self.tls is not None else PORT_PLAIN)


def credentials(config: MqttConfig) -> tuple[str | None, ssl.SSLContext | None]:
    """Password and TLS context, from the files that the configuration names. OSError if one cannot be read."""
    password = _read(located(config.password_file)) if config.password_file else None
    if config.tls is None:
        return password, None
    secured = context(config.tls)
    secured.sslsocket_class = _Closed
    return password, secured


def complaint(secured: ssl.SSLContext | None) -> str | None:
    """Why the other end ended the last connection, if it said so after the handshake: of our certificate, say."""
    return getattr(secured, COMPLAINT, None)


class _Closed(ssl.SSLSocket):
    """A socket that is closed when its handshake fails: paho leaves it open, and its descriptor with it.

    What TLS says when it is read from is kept: paho tells its callbacks no more than that the connection is lost.
    """

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        try:
            return super().recv(buflen, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            setattr(self.context, COMPLAINT, str(error))
            raise

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002  as in the class above
        try:
            super().do_handshake(block)
        except (OSError, ValueError):  # ssl.SSLError is the one, ssl.CertificateError both
            self.close()
            raise


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise OSError(errno.EILSEQ, "not UTF-8", str(path)) from None
