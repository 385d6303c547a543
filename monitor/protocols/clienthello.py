"""ClientHello: what a TLS or QUIC client says of itself in the clear (RFC 8446, 4.1.2; RFC 5246, 7.4.1.2).

Strategy: one walk notes where each extension lies, then the few that matter are read. Lengths must agree exactly, as
every TLS stack demands; values need not make sense. What a server would refuse is refused here too, so a hello that
two readers could understand in two ways is Malformed and never half believed.
"""

from __future__ import annotations

import re
import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeVar

from msgspec import Struct

from monitor.model.facts import ClientHello, Malformed
from monitor.protocols import ja4

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.protocols.ja4 import Transport

LAYER: Final = "tls"

HELLO_LIMIT: Final = 16 * 1024
"""Longest ClientHello that is read, bytes. One with a post-quantum key share has about 1,800; OpenSSL takes 131,396."""

REMEMBERED: Final = 1024
"""Kinds of software kept in memory, by bytes that Python hashes with a seed: a site's clients are of few kinds."""

ORDINARY: Final = 512
"""Bytes of lists and ALPN names up to which a hello is remembered; browsers send some 200."""

NAME_LIMIT: Final = 255
"""Longest server name in characters as reported: that of a domain name (RFC 1035, 2.3.4)."""

CLIENT_HELLO: Final = 1
"""HandshakeType client_hello (RFC 8446, 4)."""

# ExtensionType (IANA, TLS ExtensionType Values).
SERVER_NAME: Final = 0x0000
SIGNATURE_ALGORITHMS: Final = 0x000D
ALPN: Final = 0x0010
SUPPORTED_VERSIONS: Final = 0x002B
ENCRYPTED_CLIENT_HELLO: Final = frozenset((0xFE0D, 0xFFCE))
"""encrypted_client_hello (RFC 9849), and encrypted_server_name of draft-ietf-tls-esni-02, section 8."""

_HOST_NAME: Final = 0
"""NameType host_name (RFC 6066, 3)."""
_RANDOM_END: Final = 34
"""legacy_version and random have a fixed size."""
_SESSION_ID_MAX: Final = 32
_MAJOR: Final = 3
_DRAFTS_OF_1_3: Final = 0x7F
"""High byte of the versions of the TLS 1.3 drafts (draft-ietf-tls-tls13-28, 4.2.1.1)."""
_TLS_1_3: Final = 0x0304
_LABELS: Final = {
    _TLS_1_3: "1.3",
    0x0303: "1.2",
    0x0302: "1.1",
    0x0301: "1.0",
    0x0300: "ssl3",
    0x0002: "ssl2",
    0: "unknown",
}

_HOST_SHAPE: Final = re.compile(rb"[a-z0-9._-]+").fullmatch
_TEXT_SHAPE: Final = re.compile(rb"[!-\[\]-~]+").fullmatch
_HOST_ESCAPES: Final = tuple(chr(b) if _HOST_SHAPE(bytes((b,))) else f"\\{b:03d}" for b in range(256))
_TEXT_ESCAPES: Final = tuple(chr(b) if _TEXT_SHAPE(bytes((b,))) else f"\\{b:03d}" for b in range(256))

F = TypeVar("F", bound=ClientHello)


class Hello(Struct, frozen=True):
    """The fields of a ClientHello in the order of the wire, GREASE included. Lists of 16-bit numbers as sent."""

    version: int
    """legacy_version."""
    ciphers: bytes
    extensions: bytes = b""
    """Types only."""
    server_name: bytes = b""
    """As sent; empty if there is none."""
    protocols: tuple[bytes, ...] = ()
    """ALPN."""
    versions: bytes = b""
    """supported_versions."""
    signature_algorithms: bytes = b""


class _Software(Struct, frozen=True):
    """What a hello says of the software that made it."""

    alpn: tuple[str, ...]
    ja4: str
    version: str
    ech: bool


def parse(body: bytes) -> Hello:
    """Read the body of a ClientHello: what follows the four bytes of the handshake header. Raises Malformed."""
    try:
        return _parse(body)
    except IndexError:
        raise Malformed(LAYER, "ClientHello ends early") from None


def describe(hello: Hello, kind: type[F], transport: Transport) -> F:
    """The fact of ``kind`` that a hello amounts to. Raises Malformed if its server name is no name at all."""
    lists = len(hello.ciphers) + len(hello.extensions) + len(hello.versions) + len(hello.signature_algorithms)
    ordinary = lists + sum(map(len, hello.protocols)) <= ORDINARY
    software = (_remembered if ordinary else _software)(
        transport,
        hello.version,
        hello.ciphers,
        hello.extensions,
        hello.protocols,
        hello.versions,
        hello.signature_algorithms,
    )
    return kind(_host(hello.server_name), software.alpn, software.ja4, software.version, software.ech)


def _software(
    transport: Transport,
    version: int,
    ciphers: bytes,
    extensions: bytes,
    protocols: tuple[bytes, ...],
    versions: bytes,
    algorithms: bytes,
) -> _Software:
    first = protocols[0] if protocols else b""
    offered = [each for each in _numbers(versions) if each not in ja4.GREASE] if versions else [version]
    kinds = _numbers(extensions)
    fingerprint = ja4.fingerprint(
        transport, max(offered, default=0), _numbers(ciphers), kinds, first, _numbers(algorithms)
    )
    return _Software(
        alpn=tuple(map(_text, protocols)),
        ja4=fingerprint,
        version=_label(offered),
        ech=not ENCRYPTED_CLIENT_HELLO.isdisjoint(kinds),
    )


_remembered = lru_cache(REMEMBERED)(_software)


def _u16(body: bytes, at: int) -> int:
    return body[at] << 8 | body[at + 1]


def _parse(body: bytes) -> Hello:
    version = _u16(body, 0)
    if version >> 8 != _MAJOR:
        raise Malformed(LAYER, "ClientHello of an unknown version")
    if body[_RANDOM_END] > _SESSION_ID_MAX:
        raise Malformed(LAYER, "session id over 32 bytes")
    at = _RANDOM_END + 1 + body[_RANDOM_END]
    size = _u16(body, at)
    ciphers = _list(body, at + 2, at + 2 + size)
    at += 2 + size
    at += 1 + body[at]
    if at == len(body):
        return Hello(version, ciphers)
    at += 2
    if at + _u16(body, at - 2) != len(body):
        raise Malformed(LAYER, "extensions and ClientHello disagree in length")
    kinds = bytearray()
    spans = _extensions(body, at, kinds)
    return Hello(
        version,
        ciphers,
        bytes(kinds),
        _server_name(body, spans[SERVER_NAME]) if SERVER_NAME in spans else b"",
        _protocols(body, spans[ALPN]) if ALPN in spans else (),
        _counted(body, spans[SUPPORTED_VERSIONS], 1) if SUPPORTED_VERSIONS in spans else b"",
        _counted(body, spans[SIGNATURE_ALGORITHMS], 2) if SIGNATURE_ALGORITHMS in spans else b"",
    )


def _extensions(body: bytes, at: int, kinds: bytearray) -> dict[int, tuple[int, int]]:
    """Where the data of each extension starts and ends, by type; ``kinds`` takes the types in the order of the wire."""
    spans: dict[int, tuple[int, int]] = {}
    end = len(body)
    while at < end:
        kind, size = _u16(body, at), _u16(body, at + 2)
        kinds.append(body[at])
        kinds.append(body[at + 1])
        at += 4
        if kind in spans:
            raise Malformed(LAYER, "extension sent twice")
        if at + size > end:
            raise Malformed(LAYER, "extension longer than the ClientHello")
        spans[kind] = (at, at + size)
        at += size
    return spans


def _server_name(body: bytes, span: tuple[int, int]) -> bytes:
    """The first host name of the list. Empty data is let pass: some clients send what only a server may."""
    at, end = span
    if at == end:
        return b""
    if at + 2 + _u16(body, at) != end:
        raise Malformed(LAYER, "server name list of the wrong length")
    at += 2
    while at < end:
        size = _u16(body, at + 1)
        if at + 3 + size > end:
            raise Malformed(LAYER, "server name longer than its list")
        if body[at] == _HOST_NAME:
            return body[at + 3 : at + 3 + size]
        at += 3 + size
    return b""


def _protocols(body: bytes, span: tuple[int, int]) -> tuple[bytes, ...]:
    at, end = span
    if at + 2 + _u16(body, at) != end:
        raise Malformed(LAYER, "ALPN list of the wrong length")
    at += 2
    names = []
    while at < end:
        stop = at + 1 + body[at]
        names.append(body[at + 1 : stop])
        at = stop
    if at != end:
        raise Malformed(LAYER, "ALPN name longer than its list")
    return tuple(names)


def _counted(body: bytes, span: tuple[int, int], width: int) -> bytes:
    """A list of 16-bit numbers behind a length of ``width`` bytes that must fill the extension."""
    at, end = span
    if at + width + int.from_bytes(body[at : at + width]) != end:
        raise Malformed(LAYER, "list of an extension has the wrong length")
    return _list(body, at + width, end)


def _list(body: bytes, at: int, end: int) -> bytes:
    """A list of 16-bit numbers."""
    if (end - at) % 2:
        raise Malformed(LAYER, "list of 16-bit numbers has an odd length")
    if end > len(body):
        raise IndexError
    return body[at:end]


def _numbers(octets: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(octets) // 2}H", octets)


def _host(raw: bytes) -> str | None:
    r"""The name in lower case, without a final dot; None if empty.

    Anything but letters, digits, "-", "_" and "." is shown as ``\DDD`` (RFC 4343, 2.1): a strange name stays evidence
    and stays harmless. Malformed if that has more than NAME_LIMIT characters.
    """
    name = raw.lower().removesuffix(b".")
    if not name:
        return None
    if len(name) <= NAME_LIMIT:
        text = name.decode("ascii") if _HOST_SHAPE(name) else "".join(_HOST_ESCAPES[byte] for byte in name)
        if len(text) <= NAME_LIMIT:
            return text
    raise Malformed(LAYER, "server name over 255 characters")


def _text(raw: bytes) -> str:
    """An ALPN name; what is not printable ASCII is escaped as in a server name."""
    return raw.decode("ascii") if _TEXT_SHAPE(raw) else "".join(_TEXT_ESCAPES[byte] for byte in raw)


def _label(offered: Sequence[int]) -> str:
    """The highest version that has a name here; "unknown" if none has."""
    if _TLS_1_3 in offered or any(version >> 8 == _DRAFTS_OF_1_3 for version in offered):
        return _LABELS[_TLS_1_3]
    return _LABELS[max([version for version in offered if version in _LABELS], default=0)]
