"""QUIC version 1 packets, Initial ones really encrypted (RFC 9000, RFC 9001)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

if TYPE_CHECKING:
    from random import Random

INITIAL_SALT: Final = bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")
"""RFC 9001, 5.2."""
VERSION: Final = 1
LEAST_DATAGRAM: Final = 1200
"""A datagram with an Initial packet is at least this long (RFC 9000, 14.1)."""
TAG: Final = 16


def varint(value: int) -> bytes:
    """RFC 9000, 16."""
    for width, mark, code in ((1, 0, "!B"), (2, 1, "!H"), (4, 2, "!I"), (8, 3, "!Q")):
        if value < 1 << (8 * width - 2):
            return struct.pack(code, value | mark << (8 * width - 2))
    msg = f"{value} does not fit into 62 bits"
    raise ValueError(msg)


def crypto(offset: int, data: bytes) -> bytes:
    """A CRYPTO frame (RFC 9000, 19.6)."""
    return b"\x06" + varint(offset) + varint(len(data)) + data


def acknowledge(largest: int) -> bytes:
    """An ACK frame of 0 to ``largest`` without a gap (RFC 9000, 19.3)."""
    return b"\x02" + varint(largest) + varint(0) + varint(0) + varint(largest)


def transport_parameters(source_id: bytes) -> bytes:
    """What a client sends (RFC 9000, 18.2)."""
    values = (
        (0x01, varint(30_000)),  # idle timeout, milliseconds
        (0x04, varint(1 << 20)),  # data in all
        (0x05, varint(1 << 18)),  # data in a stream of the client's
        (0x06, varint(1 << 18)),  # data in a stream of the server's
        (0x08, varint(100)),  # streams both ways
        (0x09, varint(100)),  # streams one way
        (0x0F, source_id),
    )
    return b"".join(varint(key) + varint(len(value)) + value for key, value in values)


def _expand(secret: bytes, label: str, length: int) -> bytes:
    """HKDF-Expand-Label with an empty context (RFC 8446, 7.1)."""
    name = b"tls13 " + label.encode()
    info = struct.pack("!HB", length, len(name)) + name + b"\0"
    return HKDFExpand(SHA256(), length, info).derive(secret)


@dataclass(frozen=True, slots=True)
class Keys:
    """Packet protection of one side's Initial packets (RFC 9001, 5.1)."""

    key: bytes
    iv: bytes
    header: bytes

    @classmethod
    def of(cls, destination_id: bytes, side: str) -> Keys:
        """``destination_id`` is the one in the client's first packet; ``side`` is "client" or "server"."""
        extract = HMAC(INITIAL_SALT, SHA256())
        extract.update(destination_id)
        secret = _expand(extract.finalize(), f"{side} in", 32)
        return cls(_expand(secret, "quic key", 16), _expand(secret, "quic iv", 12), _expand(secret, "quic hp", 16))


@dataclass(frozen=True, slots=True)
class Path:
    """The connection ids on a packet, in the direction it goes."""

    destination: bytes
    source: bytes

    def long_header(self, first: int) -> bytes:
        """RFC 9000, 17.2, up to the type-specific part."""
        ids = bytes([len(self.destination)]) + self.destination + bytes([len(self.source)]) + self.source
        return struct.pack("!BI", first, VERSION) + ids


def initial(keys: Keys, path: Path, number: int, frames: bytes, *, datagram: int = LEAST_DATAGRAM) -> bytes:
    """A protected Initial packet, padded so that it fills ``datagram`` bytes (0: no padding)."""
    head = path.long_header(0xC1) + varint(0)  # 0xC1: Initial, two bytes of packet number
    bare = len(head) + 2 + 2 + TAG
    frames = frames.ljust(max(datagram - bare, 4), b"\0")
    length = 2 + len(frames) + TAG
    head += struct.pack("!H", 0x4000 | length) + struct.pack("!H", number)
    nonce = (int.from_bytes(keys.iv, "big") ^ number).to_bytes(12, "big")
    sealed = AESGCM(keys.key).encrypt(nonce, frames, head)
    # The sample starts four bytes after the start of the packet number (RFC 9001, 5.4.2).
    mask = Cipher(algorithms.AES(keys.header), modes.ECB()).encryptor().update(sealed[2:18])  # noqa: S305  RFC 9001, 5.4.3
    number_at = len(head) - 2
    masked = bytes(a ^ b for a, b in zip(head[number_at:], mask[1:3], strict=True))
    return bytes([head[0] ^ (mask[0] & 0x0F)]) + head[1:number_at] + masked + sealed


def handshake(rng: Random, path: Path, size: int) -> bytes:
    """A Handshake packet of ``size`` bytes after its length field; its keys are nobody's."""
    return path.long_header(0xE0 | rng.randrange(16)) + struct.pack("!H", 0x4000 | size) + rng.randbytes(size)


def one_rtt(rng: Random, path: Path, size: int) -> bytes:
    """A short-header packet with ``size`` protected bytes (RFC 9000, 17.3)."""
    return bytes([0x40 | rng.randrange(32)]) + path.destination + rng.randbytes(size)
