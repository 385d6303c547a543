"""X.509 certificates: names and digest, and nothing but Malformed from hostile ones."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import Malformed
from monitor.protocols import certificate


@cache
def signed(*common_names: str) -> bytes:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text) for text in common_names])
    start = datetime(2024, 1, 1, tzinfo=UTC)
    return (
        x509.CertificateBuilder(name, name, key.public_key(), 7, start, start + timedelta(days=9))
        .sign(key, None)
        .public_bytes(Encoding.DER)
    )


def test_names_and_digest() -> None:
    """RFC 4514 text, escaped as that RFC wants it."""
    fact = certificate.describe(signed("a,b", "cám"))
    assert fact.subject == "CN=cám,CN=a\\,b"
    assert fact.issuer == fact.subject
    assert fact.sha256 == sha256(signed("a,b", "cám")).hexdigest()


def test_control_characters_are_escaped() -> None:
    """A name cannot break out of a log line or a terminal."""
    assert certificate.describe(signed("a\n\x1b[2J")).subject == "CN=a\\0A\\1B[2J"


def test_overlong_name_is_malformed() -> None:
    """Some tens of attributes are no name any more."""
    with pytest.raises(Malformed, match="x509: distinguished name over 4096 characters"):
        certificate.describe(signed(*("n" * 60 for _ in range(80))))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [(b"\x02\x01\x07", b"\x02\x01\x00"), (b"\x55\x04\x03\x0c\x01n", b"\x55\x04\x06\x0c\x01n")],
    ids=["serial number zero", "country of one letter"],
)
def test_no_warning_escapes(right: bytes, wrong: bytes) -> None:
    """What the library would warn of on standard error is read in silence."""
    der = signed("n").replace(right, wrong)
    assert der != signed("n")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        certificate.describe(der)
    assert caught == []


def describe_or_malformed(der: bytes) -> None:
    try:
        fact = certificate.describe(der)
    except Malformed as error:
        assert error.layer == "x509"
    else:
        assert fact.sha256 == sha256(der).hexdigest()
        assert fact.subject.isprintable()


@given(st.binary(max_size=80))
def test_noise_is_malformed(der: bytes) -> None:
    """Noise raises nothing else."""
    describe_or_malformed(der)


@given(st.integers(0, 250), st.binary(min_size=1, max_size=3))
def test_a_damaged_certificate_is_read_or_malformed(at: int, patch: bytes) -> None:
    """Nothing but Malformed comes of overwritten bytes."""
    whole = bytearray(signed("cloud.example"))
    whole[at : at + len(patch)] = patch
    describe_or_malformed(bytes(whole))
