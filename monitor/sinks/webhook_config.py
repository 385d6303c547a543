"""The ``[[webhook]]`` tables of the configuration."""

from __future__ import annotations

import re
from typing import Annotated, Final
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from monitor.sinks.syslog_config import SinkName
from monitor.sinks.trust import Tls

TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
"""A field's name (RFC 9110, 5.6.2)."""
OURS: Final = frozenset({"host", "content-type", "content-length", "user-agent", "transfer-encoding", "connection"})
"""Fields that are not for a secret."""


class WebhookConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One ``[[webhook]]`` table."""

    name: SinkName = "webhook"
    url: Annotated[str, Meta(min_length=1, max_length=2048)]
    tls: Tls | None = None
    """Without the table, what the system trusts. There is no way not to verify."""
    token_file: str | None = None
    """What ``token_header`` says, such as "Bearer ..."; read at every connection, as are the other files. Paths may
    begin with $CREDENTIALS_DIRECTORY/."""
    token_header: str = "Authorization"  # noqa: S105  a field's name
    hmac_file: str | None = None
    """Key of a signature over id, time and body (standardwebhooks.com: webhook-id, webhook-timestamp and
    webhook-signature); after "whsec_" it is base64, else text."""
    timeout_s: Annotated[float, Meta(ge=1, le=25)] = 10.0
    """For one answer; less than what the courier waits for a settlement."""

    @property
    def sink(self) -> str:
        """Name of the outbox and metric label."""
        return f"webhook/{self.name}"

    @property
    def is_encrypted(self) -> bool:
        return urlsplit(self.url).scheme == "https"


def check(config: WebhookConfig) -> None:
    """ValueError, in one line, if the table cannot be used."""
    why = _refusal(config)
    if why is not None:
        msg = f"{config.sink}: {why}"
        raise ValueError(msg)


def warnings(config: WebhookConfig) -> list[str]:
    """What of a usable table should be said aloud."""
    if config.is_encrypted:
        return []
    return [f"{config.sink}: http:// is read and changed by anybody on the way; use https://"]


def _refusal(config: WebhookConfig) -> str | None:  # noqa: PLR0911  one case for each refusal
    try:
        parts = urlsplit(config.url)
        known = parts.port is None or parts.port > 0
    except ValueError as wrong:
        return f"url: {wrong}"
    if parts.scheme not in ("https", "http") or not parts.hostname or not known:
        return "url: needs https:// or http:// and a host"
    if not config.url.isascii() or not config.url.isprintable() or " " in config.url:
        return "url: what is not printable ASCII must be percent-encoded (RFC 3986)"
    if parts.username is not None or parts.fragment:
        return "url: neither user@ nor # belongs here; a secret goes into token_file or hmac_file"
    if parts.scheme == "http" and config.token_file is not None:
        return "token_file: its secret would travel in the clear; use https:// or hmac_file"
    if parts.scheme == "http" and config.tls is not None:
        return "tls needs https://"
    if config.tls is not None and config.tls.key is not None and config.tls.cert is None:
        return "tls.key needs tls.cert"
    if not TOKEN.fullmatch(config.token_header) or config.token_header.lower() in OURS:
        return f"token_header: {config.token_header!r} is no field for a secret"
    return None
