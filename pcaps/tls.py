"""TLS 1.3 as it looks from outside (RFC 8446): ClientHello, ServerHello and records that nobody can open."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random

HANDSHAKE: Final = 22
APPLICATION_DATA: Final = 23
CHANGE_CIPHER_SPEC: Final = b"\x14\x03\x03\x00\x01\x01"
RECORD_LIMIT: Final = 16384

X25519: Final = 0x001D
X25519_MLKEM768: Final = 0x11EC
"""Hybrid group (draft-ietf-tls-ecdhe-mlkem): its 1,216-byte share makes a ClientHello longer than one datagram."""
MLKEM768_SHARE: Final = 1184
"""Encapsulation key of ML-KEM-768 (FIPS 203, table 3)."""

CIPHERS: Final = (0x1302, 0x1303, 0x1301, 0xC02C, 0xC030, 0xC02B, 0xC02F, 0xCCA9, 0xCCA8, 0x009D, 0x009C, 0x00FF)
"""What OpenSSL 3 offers, shortened, with the renegotiation signal."""
SIGNATURES: Final = (0x0403, 0x0503, 0x0603, 0x0807, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601)


class Extension(IntEnum):
    """Types that a ClientHello carries (https://www.iana.org/assignments/tls-extensiontype-values)."""

    SERVER_NAME = 0
    SUPPORTED_GROUPS = 10
    EC_POINT_FORMATS = 11
    SIGNATURE_ALGORITHMS = 13
    ALPN = 16
    EXTENDED_MASTER_SECRET = 23
    SESSION_TICKET = 35
    SUPPORTED_VERSIONS = 43
    PSK_KEY_EXCHANGE_MODES = 45
    KEY_SHARE = 51
    QUIC_TRANSPORT_PARAMETERS = 57


def record(kind: int, body: bytes, version: int = 0x0303) -> bytes:
    """One TLS record (RFC 8446, 5.1)."""
    return struct.pack("!BHH", kind, version, len(body)) + body


def application_data(rng: Random, size: int) -> bytes:
    """``size`` bytes of ciphertext in as many records as it takes."""
    return b"".join(
        record(APPLICATION_DATA, rng.randbytes(min(RECORD_LIMIT, size - start)))
        for start in range(0, size, RECORD_LIMIT)
    )


def _short(data: bytes) -> bytes:
    return struct.pack("!B", len(data)) + data


def _long(data: bytes) -> bytes:
    return struct.pack("!H", len(data)) + data


def _words(values: tuple[int, ...]) -> bytes:
    return struct.pack(f"!{len(values)}H", *values)


def _extension(kind: int, body: bytes) -> bytes:
    return struct.pack("!H", kind) + _long(body)


def _grease(rng: Random) -> int:
    """A reserved value that servers must ignore (RFC 8701, 2)."""
    return 0x0A0A + 0x1010 * rng.randrange(16)


def _handshake(kind: int, body: bytes) -> bytes:
    return struct.pack("!I", kind << 24 | len(body)) + body


def client_hello(
    rng: Random,
    sni: str | None,
    alpn: tuple[str, ...] = (),
    *,
    grease: bool = False,
    quic: bytes | None = None,
) -> bytes:
    """The handshake message, without a record around it.

    With ``grease`` it looks like a browser's. ``quic`` are transport parameters: then it offers TLS 1.3 only,
    has an empty session id (RFC 9001, 8.4) and a post-quantum key share.
    """
    greased = (_grease(rng),) if grease else ()
    ciphers = CIPHERS[:3] if quic is not None else CIPHERS
    groups = ((X25519_MLKEM768,) if quic is not None else ()) + (X25519, 0x0017, 0x0018)
    versions = (0x0304,) if quic is not None else (0x0304, 0x0303)
    session = b"" if quic is not None else rng.randbytes(32)
    random = rng.randbytes(32)

    shares = b"".join(struct.pack("!HHB", value, 1, 0) for value in greased)
    if quic is not None:
        shares += struct.pack("!H", X25519_MLKEM768) + _long(rng.randbytes(MLKEM768_SHARE + 32))
    shares += struct.pack("!H", X25519) + _long(rng.randbytes(32))

    extensions = b"".join(_extension(value, b"") for value in greased)
    if sni is not None:
        extensions += _extension(Extension.SERVER_NAME, _long(b"\0" + _long(sni.encode())))
    if quic is None:
        extensions += _extension(Extension.EC_POINT_FORMATS, _short(b"\0"))
    extensions += _extension(Extension.SUPPORTED_GROUPS, _long(_words(greased + groups)))
    if quic is None:
        extensions += _extension(Extension.SESSION_TICKET, b"")
        extensions += _extension(Extension.EXTENDED_MASTER_SECRET, b"")
    if alpn:
        extensions += _extension(Extension.ALPN, _long(b"".join(_short(name.encode()) for name in alpn)))
    extensions += _extension(Extension.SIGNATURE_ALGORITHMS, _long(_words(SIGNATURES)))
    extensions += _extension(Extension.SUPPORTED_VERSIONS, _short(_words(greased + versions)))
    extensions += _extension(Extension.PSK_KEY_EXCHANGE_MODES, _short(b"\x01"))
    extensions += _extension(Extension.KEY_SHARE, _long(shares))
    if quic is not None:
        extensions += _extension(Extension.QUIC_TRANSPORT_PARAMETERS, quic)

    body = b"\x03\x03" + random + _short(session) + _long(_words(greased + ciphers)) + b"\x01\x00" + _long(extensions)
    return _handshake(1, body)


def session_id(hello: bytes) -> bytes:
    """The legacy session id of a ClientHello, which the server echoes."""
    return hello[39 : 39 + hello[38]]


def server_hello(rng: Random, hello: bytes) -> bytes:
    """The answer to ``hello`` (RFC 8446, 4.1.3), without a record around it."""
    random = rng.randbytes(32)
    extensions = _extension(Extension.SUPPORTED_VERSIONS, b"\x03\x04") + _extension(
        Extension.KEY_SHARE, struct.pack("!H", X25519) + _long(rng.randbytes(32))
    )
    return _handshake(2, b"\x03\x03" + random + _short(session_id(hello)) + b"\x13\x01\0" + _long(extensions))


def first_flight(hello: bytes) -> bytes:
    """The ClientHello's record; its version is 3.1 for old servers (RFC 8446, 5.1)."""
    return record(HANDSHAKE, hello, 0x0301)


def server_flight(rng: Random, hello: bytes, certificate: int = 2900) -> bytes:
    """ServerHello, change of cipher and an encrypted certificate flight of some ``certificate`` bytes."""
    return record(HANDSHAKE, server_hello(rng, hello)) + CHANGE_CIPHER_SPEC + application_data(rng, certificate)


def client_finish(rng: Random) -> bytes:
    """Change of cipher and the encrypted Finished: 36 bytes, a type and a tag."""
    return CHANGE_CIPHER_SPEC + application_data(rng, 53)
