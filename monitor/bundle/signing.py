"""Ed25519 signatures (RFC 8032) over whole files, with keys as OpenSSL makes them.

The same with OpenSSL alone, so that nobody has to take camwarden's word for it:

    openssl pkeyutl -verify -rawin -pubin -inkey data.pub -in BUNDLE -sigfile BUNDLE.sig
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SIGNATURE_BYTES: Final = 64
"""RFC 8032, 5.1.6."""
KEY_BYTES: Final = 4096
"""More than a PEM file with such a key has."""


class BundleError(Exception):
    """A bundle, a key or a place cannot be used. One line."""


class RefusedError(BundleError):
    """A bundle that is not to be trusted, or is older than what is there."""


def sign(content: bytes, key: Path) -> bytes:
    """The signature of ``content`` by the private key in this PEM file, which has no password."""
    try:
        private = load_pem_private_key(_read(key), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        msg = f"{key}: no private key in PEM without a password"
        raise BundleError(msg) from error
    if not isinstance(private, Ed25519PrivateKey):
        msg = f"{key}: not an Ed25519 key (openssl genpkey -algorithm ed25519)"
        raise BundleError(msg)
    return private.sign(content)


def verify(content: bytes, signature: bytes, keys: Sequence[Path]) -> Path:
    """The first of these public keys that signed ``content``. RefusedError if none did."""
    for path in keys:
        try:
            public = load_pem_public_key(_read(path))
        except (ValueError, UnsupportedAlgorithm) as error:
            msg = f"{path}: no public key in PEM"
            raise BundleError(msg) from error
        if not isinstance(public, Ed25519PublicKey):
            msg = f"{path}: not an Ed25519 key"
            raise BundleError(msg)
        try:
            public.verify(signature, content)
        except InvalidSignature:
            continue
        return path
    raise RefusedError("the signature is not by a key that is trusted here, or the bundle was changed")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(KEY_BYTES)
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise BundleError(msg) from error
