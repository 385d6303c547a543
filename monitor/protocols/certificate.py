"""X.509 certificates as a server shows them (RFC 5280): who it says it is, and who says so.

The one door to ``cryptography.x509``, which takes 25 ms to import, and so waits for the first certificate. Nothing is
verified: a claim is reported, not believed.
"""

from __future__ import annotations

import warnings
from hashlib import sha256
from typing import Final

from monitor.model.facts import Malformed, TlsCertificate

LAYER: Final = "x509"

NAME_LIMIT: Final = 4096
"""Longest distinguished name in characters. Content networks had some fifty common names in one, 1,035 characters."""


def describe(der: bytes) -> TlsCertificate:
    """Subject and issuer as RFC 4514 text and the SHA-256 of the DER. Raises Malformed."""
    from cryptography import x509

    try:
        # The library warns of what certificates in the field get wrong (country codes of three letters,
        # serial numbers below one); whoever sends them must not be able to write to our standard error.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            certificate = x509.load_der_x509_certificate(der)
            subject = certificate.subject.rfc4514_string()
            issuer = certificate.issuer.rfc4514_string()
    except Exception:  # noqa: BLE001  the library documents no closed set of errors for hostile DER
        raise Malformed(LAYER, "certificate cannot be read") from None
    return TlsCertificate(subject=_printable(subject), issuer=_printable(issuer), sha256=sha256(der).hexdigest())


def _printable(name: str) -> str:
    """``name`` with control characters as hexadecimal pairs (RFC 4514, 2.4)."""
    if not name.isprintable():
        name = "".join(c if c.isprintable() else "".join(f"\\{b:02X}" for b in c.encode()) for c in name)
    if len(name) > NAME_LIMIT:
        raise Malformed(LAYER, "distinguished name over 4096 characters")
    return name
