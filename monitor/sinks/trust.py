"""Whom a sink talks to under TLS: the ``tls`` table of each sink."""

from __future__ import annotations

import errno
import re
import ssl
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from collectors.credentials import located

if TYPE_CHECKING:
    from collections.abc import Iterator

_OPENSSL: Final = re.compile(r"(?:\[[A-Z0-9: _]+\] )?(?P<what>.*?)\.? \(_ssl\.c:\d+\)")
NO_TLS: Final = (
    "EOF occurred in violation of protocol",
    "TLS/SSL connection has been closed (EOF)",
    "wrong version number",
)
"""What OpenSSL says of a port that speaks something else."""


class Tls(Struct, frozen=True, forbid_unknown_fields=True):
    """Paths of PEM files. The other end's certificate and name are always verified."""

    ca: str | None = None
    """Trust these only; without it, what the system trusts."""
    cert: str | None = None
    key: str | None = None

    def paths(self) -> Iterator[str]:
        """The files that are named."""
        yield from (path for path in (self.ca, self.cert, self.key) if path is not None)


def words(complaint: str) -> str:
    """What OpenSSL complains of, without where in its source and with what it may mean."""
    match = _OPENSSL.fullmatch(complaint)
    if match is None:
        return complaint
    hint = ": does this port speak TLS?" if match["what"] in NO_TLS else ""
    return f"TLS: {match['what']}{hint}"


def context(tls: Tls) -> ssl.SSLContext:
    """A TLS context of at least 1.2 that verifies. OSError (ssl.SSLError is one) if a file cannot be used."""
    for path in tls.paths():
        located(path).open("rb").close()  # OpenSSL does not say which file it could not open
    made = ssl.create_default_context(cafile=located(tls.ca) if tls.ca else None)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.cert:
        made.load_cert_chain(located(tls.cert), located(tls.key) if tls.key else None, _pass_phrase)
    return made


def _pass_phrase() -> str:
    """Without this OpenSSL asks at the terminal, at every connection."""
    raise PermissionError(errno.EPERM, "the key is locked by a pass phrase, and nobody is there to type it")
