"""The ``poll`` table of a device in the configuration, and the target that it means."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Final

from msgspec import Meta, Struct

from collectors.poll.addresses import refusal
from collectors.poll.target import Api, Target, Tls, Verification

PORT_CLEAR: Final = 80
PORT_TLS: Final = 443
_HOST: Final = re.compile(r"[A-Za-z0-9.\-:\[\]]{1,255}")


class PollTls(Struct, frozen=True, forbid_unknown_fields=True):
    """How the device is known; exactly one of ``sha256``, ``ca`` and ``unverified``."""

    sha256: Annotated[str, Meta(pattern=r"^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$")] | None = None
    """Of its certificate: openssl x509 -noout -fingerprint -sha256."""
    ca: str | None = None
    """PEM file of the authority that signed it."""
    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9.-]{1,253}$")] | None = None
    """What the certificate says instead of the address; with ``ca``."""
    unverified: bool = False
    """Encrypted, but to whom is not known: nothing is sent that could be used again."""


class PollConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ``poll`` table of a ``[[device]]``: ask it, read-only."""

    api: Api | Annotated[tuple[Api, ...], Meta(min_length=1, max_length=len(Api))]
    port: Annotated[int, Meta(ge=1, le=65535)] | None = None
    """Without it, 443 with TLS and 80 in the clear."""
    tls: PollTls | None = None
    address: str | None = None
    """Which of the device's addresses is asked; without it, the first."""
    allow_special: str | None = None
    """This very address may be asked though it is loopback, link-local or the like."""
    host: str | None = None
    user: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    password_file: Annotated[str, Meta(min_length=1)] | None = None
    """Not readable by everybody; may begin with $CREDENTIALS_DIRECTORY/."""
    realm: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    """Log in to this realm only; without it, to the first that worked."""
    every_minutes: Annotated[float, Meta(ge=1, le=44640)] = 60.0


def target(device: str, addresses: tuple[str, ...], config: PollConfig) -> Target:
    """What to ask of a device. ValueError says, in one line, what of the table cannot be used."""
    apis = config.api if isinstance(config.api, tuple) else (config.api,)
    if len(set(apis)) < len(apis):
        raise ValueError("poll.api: one is named twice")
    text = config.address or (addresses[0] if addresses else "")
    if not text:
        raise ValueError("poll: needs the device's ip")
    if text not in addresses:
        msg = f"poll.address: {text} is not an ip of this device"
        raise ValueError(msg)
    address = ipaddress.ip_address(text)
    why = refusal(address)
    special = config.allow_special is not None and ipaddress.ip_address(config.allow_special) == address
    if why and not special:
        msg = f"poll: {address} is {why}; if it is meant, say allow_special = {str(address)!r}"
        raise ValueError(msg)
    tls = _tls(config.tls) if config.tls is not None else None
    if (config.user is None) != (config.password_file is None):
        raise ValueError("poll: user and password_file belong together")
    if config.user is not None and (":" in config.user or not config.user.isprintable()):
        raise ValueError("poll.user: a colon or a control character cannot be in a user's name (RFC 7616)")
    if config.host is not None and not _HOST.fullmatch(config.host):
        raise ValueError("poll.host: not a host's name")
    asked = Target(
        device=device,
        address=address,
        port=config.port or (PORT_TLS if tls is not None else PORT_CLEAR),
        apis=apis,
        tls=tls,
        host=config.host or "",
        user=config.user or "",
        password_file=config.password_file or "",
        realm=config.realm,
        every_s=config.every_minutes * 60,
        special=bool(why),
    )
    if Api.REOLINK in apis and not asked.verified:
        raise ValueError(
            "poll.api: reolink sends the password itself to log in, so it needs tls with sha256 or ca; "
            "in the clear, onvif reads the version without sending it"
        )
    return asked


def warnings(asked: Target) -> list[str]:
    """What of a usable table should be said aloud."""
    if asked.tls is not None and asked.tls.verification is Verification.NONE:
        msg = (
            f"device {asked.device}: poll.tls is unverified: anybody at {asked.address} can answer in its place; "
            "pin its certificate with sha256"
        )
        return [msg]
    return []


def _tls(config: PollTls) -> Tls:
    given = [key for key in ("sha256", "ca", "unverified") if getattr(config, key)]
    if len(given) != 1:
        found = " and ".join(given) or "none"
        msg = f"poll.tls: needs exactly one of sha256, ca and unverified (there: {found})"
        raise ValueError(msg)
    if config.name is not None and config.ca is None:
        raise ValueError("poll.tls.name: only a certificate that a ca signed is checked for a name")
    if config.sha256 is not None:
        return Tls(Verification.PIN, pin=bytes.fromhex(config.sha256.replace(":", "")))
    if config.ca is not None:
        return Tls(Verification.CA, ca=config.ca, name=config.name or "")
    return Tls(Verification.NONE)
