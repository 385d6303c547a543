"""JA4, the fingerprint of a TLS client.

A pure function of the fields of a ClientHello, after FoxIO's specification (technical_details/JA4.md of
https://github.com/FoxIO-LLC/ja4, BSD-3-Clause). Only JA4 itself: the other methods of that family are not freely
licensed.
"""

from __future__ import annotations

import struct
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Transport = Literal["t", "q"]
"""TLS over TCP, or QUIC. DTLS ("d") is not parsed here."""

GREASE: Final = frozenset(0x0A0A + 0x1010 * i for i in range(16))
"""Values that a client sends to keep servers tolerant (RFC 8701, 2): never part of a fingerprint."""

EMPTY: Final = "000000000000"
"""Stands for the hash of an empty list."""

_VERSIONS: Final = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2"}
_SERVER_NAME: Final = 0x0000
_ALPN: Final = 0x0010
_ALREADY_SHOWN: Final = frozenset((_SERVER_NAME, _ALPN))
_COUNT_MAX: Final = 99


def fingerprint(
    transport: Transport,
    version: int,
    ciphers: Sequence[int],
    extensions: Sequence[int],
    protocol: bytes,
    signature_algorithms: Sequence[int],
) -> str:
    """The JA4 of a client, such as ``t13d1516h2_8daaf6152771_e5627efa2ab1``.

    ``version`` is the highest offered one that is not GREASE; ``protocol`` the first ALPN name, empty if there is
    none. ``ciphers``, ``extensions`` and ``signature_algorithms`` are in the order of the wire and may hold GREASE.
    """
    suites, kinds, algorithms = _ungreased(ciphers), _ungreased(extensions), _ungreased(signature_algorithms)
    shown = (
        f"{transport}{_VERSIONS.get(version, '00')}{'d' if _SERVER_NAME in kinds else 'i'}"
        f"{min(len(suites), _COUNT_MAX):02d}{min(len(kinds), _COUNT_MAX):02d}{_ends(protocol)}"
    )
    hashed = sorted([value for value in kinds if value not in _ALREADY_SHOWN])
    tail = f"{_hex(hashed)}_{_hex(algorithms)}" if algorithms else _hex(hashed)
    return f"{shown}_{_digest(_hex(sorted(suites)))}_{_digest(tail) if hashed else EMPTY}"


def _ungreased(values: Sequence[int]) -> list[int]:
    return [value for value in values if value not in GREASE]


def _ends(protocol: bytes) -> str:
    """First and last character of the ALPN name, or of its hexadecimal form if either is not alphanumeric."""
    if not protocol:
        return "00"
    if protocol[:1].isalnum() and protocol[-1:].isalnum():
        return chr(protocol[0]) + chr(protocol[-1])
    digits = protocol.hex()
    return digits[0] + digits[-1]


def _hex(values: list[int]) -> str:
    return struct.pack(f">{len(values)}H", *values).hex(",", 2)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12] if text else EMPTY
