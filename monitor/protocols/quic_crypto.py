"""Keys and protection of QUIC Initial packets sent by clients (RFC 9001, 5; RFC 9369, 3).

Initial packets are encrypted with keys that anyone can derive from the connection id the client chose: this proves
that a datagram is QUIC, and hides nothing.
"""

from __future__ import annotations

import struct
from hmac import digest
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from msgspec import Struct, structs

INITIAL: Final = "initial"
ZERO_RTT: Final = "0rtt"
HANDSHAKE: Final = "handshake"
RETRY: Final = "retry"

_KEY_SIZE: Final = 16
_IV_SIZE: Final = 12
_SECRET_SIZE: Final = 32
SAMPLE_SIZE: Final = 16
"""Bytes of ciphertext that protect the header (RFC 9001, 5.4.2)."""
NUMBER_MAX: Final = 4
"""Longest packet number; the sample starts as if it had this length."""


class Version(Struct, frozen=True):
    """What differs between versions of QUIC as far as Initial packets go."""

    salt: bytes
    infos: tuple[bytes, bytes, bytes]
    """HkdfLabel structures of key, iv and header protection key."""
    types: tuple[str, str, str, str]
    """Packet type by the two type bits of a long header."""
    google: bool = False
    """Initial packets are sealed as in QUIC, but hold the frames of Google's own protocol."""
    own_hello: bool = False
    """The handshake is Google's own too, not that of TLS."""


def _label(name: bytes, size: int) -> bytes:
    """HkdfLabel with an empty context (RFC 8446, 7.1)."""
    return struct.pack(">HB", size, 6 + len(name)) + b"tls13 " + name + b"\0"


def _version(salt: str, prefix: bytes, types: tuple[str, str, str, str]) -> Version:
    infos = (
        _label(prefix + b" key", _KEY_SIZE),
        _label(prefix + b" iv", _IV_SIZE),
        _label(prefix + b" hp", _KEY_SIZE),
    )
    return Version(bytes.fromhex(salt), infos, types)


def _google(salt: str, *, own_hello: bool) -> Version:
    """One of Google's last versions before QUIC was theirs too; their keys have the labels of version 1."""
    return structs.replace(_version(salt, b"quic", _TYPES_1), google=True, own_hello=own_hello)


_TYPES_1: Final = (INITIAL, ZERO_RTT, HANDSHAKE, RETRY)
"""RFC 9000, 17.2."""
_TYPES_2: Final = (RETRY, INITIAL, ZERO_RTT, HANDSHAKE)
"""RFC 9369, 3.2."""
_V1: Final = _version("38762cf7f55934b34d179ae6a4c80cadccbb7f0a", b"quic", _TYPES_1)
_V2: Final = _version("0dede3def700a6db819381be6e269dcbf9bd2ed9", b"quicv2", _TYPES_2)
_DRAFT_29: Final = _version("afbfec289993d24c9e9786f19c6111e04390a899", b"quic", _TYPES_1)
_DRAFT_23: Final = _version("c3eef712c72ebb5a11a7d2432bb46365bef9f502", b"quic", _TYPES_1)

VERSIONS: Final = {
    0x00000001: _V1,
    0x6B3343CF: _V2,
    **{0xFF000000 + draft: _V1 for draft in (33, 34)},
    **{0xFF000000 + draft: _DRAFT_29 for draft in range(29, 33)},
    **{0xFF000000 + draft: _DRAFT_23 for draft in range(23, 29)},
    0xFACEB002: _DRAFT_23,
    int.from_bytes(b"Q050"): _google("504574efd066fe2f9d945cfcdbd3a7f0d3b56b45", own_hello=True),
    int.from_bytes(b"T050"): _google("7ff579e5acd072915580304c43a2367c60488310", own_hello=False),
    int.from_bytes(b"T051"): _google("7a4edef4e7ccee5fa4506c19124fc8ccda6e033d", own_hello=False),
}
"""By version number: RFC 9001, 5.2; RFC 9369, 3.1; draft-ietf-quic-tls-23 to -34, 5.2.

0xFACEB002 is mvfst's name for draft 27 (https://github.com/facebook/mvfst). Google's salts stand in crypto_utils.cc of
quiche (https://github.com/google/quiche).
"""
_RESERVED: Final = (_V1, _DRAFT_29, _DRAFT_23)
_RESERVED_BITS: Final = 0x0F0F0F0F
_RESERVED_PATTERN: Final = 0x0A0A0A0A


def spoken(number: int) -> tuple[Version, ...]:
    """What a packet with this version number may be sealed as, the likeliest first; empty if it is not understood.

    A client forces a negotiation by offering a version reserved for that (RFC 9000, 15), and seals its packet as in
    one that it speaks.
    """
    if number & _RESERVED_BITS == _RESERVED_PATTERN:
        return _RESERVED
    version = VERSIONS.get(number)
    return (version,) if version is not None else ()


_ECB: Final = ECB()  # noqa: S305  RFC 9001, 5.4.3
_CLIENT_IN: Final = _label(b"client in", _SECRET_SIZE)


def _expand(secret: bytes, info: bytes, size: int) -> bytes:
    """HKDF-Expand of at most one block (RFC 5869, 2.3)."""
    return digest(secret, info + b"\x01", "sha256")[:size]


class ClientKeys:
    """What opens the Initial packets of one client."""

    def __init__(self, version: Version, destination: bytes) -> None:
        """``destination``: the connection id that the client's first Initial was sent to (RFC 9001, 5.2)."""
        secret = _expand(digest(version.salt, destination, "sha256"), _CLIENT_IN, _SECRET_SIZE)
        key, iv, header_key = version.infos
        self._aead = AESGCM(_expand(secret, key, _KEY_SIZE))
        self._iv = int.from_bytes(_expand(secret, iv, _IV_SIZE))
        self._ecb = Cipher(AES(_expand(secret, header_key, _KEY_SIZE)), _ECB).encryptor()

    def open(self, packet: bytes, number_at: int) -> bytes | None:
        """The frames of a packet; None if these keys did not seal it.

        ``packet`` ends where the packet ends. The packet number is taken as sent: a client counts from zero, so its
        first packets are not shortened (RFC 9000, 17.1).
        """
        sample_at = number_at + NUMBER_MAX
        if len(packet) < sample_at + SAMPLE_SIZE:
            return None
        mask = self._ecb.update(packet[sample_at : sample_at + SAMPLE_SIZE])
        first = packet[0] ^ (mask[0] & 0x0F)
        size = (first & 0x03) + 1
        number = 0
        for at in range(size):
            number = number << 8 | (packet[number_at + at] ^ mask[1 + at])
        header = bytes((first,)) + packet[1:number_at] + number.to_bytes(size)
        nonce = (self._iv ^ number).to_bytes(_IV_SIZE)
        try:
            return self._aead.decrypt(nonce, packet[number_at + size :], header)
        except InvalidTag:
            return None
