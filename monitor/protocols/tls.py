"""TLS and SSL 3.0 over TCP: the hello of a client, the leaf certificate of a server (RFC 8446, 5; RFC 5246, 6 and 7.4).

Strategy: record headers are peeled off as bytes come in, handshake bytes gather in one buffer across records, and a
message is read once it is whole (of a Certificate message only the leaf is waited for). The first handshake message
says which side speaks. A server is done with its certificate or as soon as it encrypts. A client's first ClientHello
may be followed, behind one change_cipher_spec record at most, by a second that answers a HelloRetryRequest (RFC 8446,
4.1.4 and D.4); anything else there, much of it encrypted, ends the parser without a word. Until the first record and
message type fit, this may be another protocol: then the parser just stops. After that, what does not fit is Malformed.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from monitor.model.facts import Malformed, TlsClientHello, Want
from monitor.protocols import certificate, clienthello
from monitor.protocols.clienthello import CLIENT_HELLO, HELLO_LIMIT, LAYER, Hello

if TYPE_CHECKING:
    from monitor.model.facts import Fact

STOP: Final = Want.STOP
MORE: Final = Want.MORE
LEAF_LIMIT: Final = 64 * 1024
"""Longest leaf certificate that is read, bytes. Usual ones have 1,000 to 8,000; OpenSSL takes a chain of 102,400."""

WARNINGS_MAX: Final = 4
"""Warning alerts let pass before the handshake goes on. Servers send one, unrecognized_name (RFC 6066, 3)."""

# ContentType (RFC 8446, 5.1; RFC 6520, 3).
_CHANGE_CIPHER_SPEC: Final = 20
_ALERT: Final = 21
_HANDSHAKE: Final = 22
_APPLICATION_DATA: Final = 23
_HEARTBEAT: Final = 24
_CONTENT_TYPES: Final = range(_CHANGE_CIPHER_SPEC, _HEARTBEAT + 1)

# HandshakeType (RFC 8446, 4).
_SERVER_HELLO: Final = 2
_CERTIFICATE: Final = 11

_RECORD: Final = struct.Struct(">BBBH")
RECORD_SIZE: Final = _RECORD.size
_RECORD_MAX: Final = 1 << 14
"""Longest plaintext fragment (RFC 8446, 5.1)."""
_MAJOR: Final = 3
_MINOR_MAX: Final = 4
_ALERT_SIZE: Final = 2
_WARNING: Final = 1
_TLS_1_2: Final = b"\x03\x03"
_SUITES_OF_1_3: Final = 0x13
"""High byte of the TLS 1.3 cipher suites (RFC 8446, B.4)."""

_V2_FIRST_BYTES: Final = frozenset((0x80, 0x81))
"""Two-byte header without padding; up to 511 bytes, room for 160 cipher specs (RFC 5246, E.2)."""
_V2_HEADER: Final = struct.Struct(">HBHHHH")
_V2_VERSION_END: Final = 5
_V2_VERSIONS: Final = frozenset((b"\x00\x02", b"\x03\x00", b"\x03\x01", b"\x03\x02", b"\x03\x03"))


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  the shape of every protocol
    """Whether a direction of a TCP stream that begins with ``head`` may be TLS: a handshake or an alert record."""
    size = len(head)
    if not size:
        return False
    first = head[0]
    if first not in (_HANDSHAKE, _ALERT):
        return first in _V2_FIRST_BYTES and head[2:3] == b"\x01" and head[3:_V2_VERSION_END] in _V2_VERSIONS
    if (size > 1 and head[1] != _MAJOR) or (size > 2 and head[2] > _MINOR_MAX):
        return False
    if size < RECORD_SIZE:
        return True
    length = head[3] << 8 | head[4]
    if first == _ALERT:
        return length == _ALERT_SIZE
    return 0 < length <= _RECORD_MAX and (size == RECORD_SIZE or head[5] in (CLIENT_HELLO, _SERVER_HELLO))


class Parser:
    """One direction of one TCP stream. Holds at most LEAF_LIMIT and one record."""

    def __init__(self) -> None:
        self.want = MORE
        self._head = b""
        """Bytes of a record header that is not whole yet."""
        self._content = 0
        """ContentType of the current record."""
        self._left = 0
        """Bytes of the current record still to come."""
        self._message = bytearray()
        """Handshake bytes from the start of the current message on; or an alert."""
        self._started = False
        """A record and a handshake message began as they should: from here on this is TLS."""
        self._after_hello = False
        """The ServerHello has passed."""
        self._offered = False
        """The first ClientHello has passed."""
        self._spec_changed = False
        """A change_cipher_spec record stood behind it."""
        self._v2: bool | None = None
        """The stream begins like a hello of SSL 2.0; None while there is no first byte."""
        self._warnings = 0

    def feed(self, data: bytes) -> list[Fact]:
        """Take the next bytes. Raises Malformed, and stops then."""
        facts: list[Fact] = []
        if self.want is STOP:
            return facts
        try:
            self._feed(data, facts)
        except Malformed:
            self._stop()
            if not self._offered:
                raise
        return facts

    def gap(self) -> None:
        """Bytes were lost here: nothing after them can be trusted to be a record's start."""
        self._stop()

    def _stop(self) -> None:
        self.want = STOP
        self._head = b""
        self._message.clear()

    def _feed(self, data: bytes, facts: list[Fact]) -> None:
        at = 0
        if self._v2 is None and data:
            self._v2 = data[0] in _V2_FIRST_BYTES
        if self._v2:
            self._v2_hello(data, facts)
            return
        while at < len(data) and self.want is MORE:
            if self._left:
                part = data[at : at + self._left]
                self._left -= len(part)
                self._message += part
                if self._content == _HANDSHAKE:
                    self._handshake(facts)
                elif self._content == _ALERT:
                    self._alert()
                else:
                    self._message.clear()
            elif not self._head and len(data) - at >= RECORD_SIZE:
                self._record(data[at], data[at + 1], data[at + 2], data[at + 3] << 8 | data[at + 4])
                at += RECORD_SIZE
                continue
            else:
                part = data[at : at + RECORD_SIZE - len(self._head)]
                self._head += part
                if len(self._head) == RECORD_SIZE:
                    content, major, minor, size = _RECORD.unpack(self._head)
                    self._head = b""
                    self._record(content, major, minor, size)
            at += len(part)

    def _record(self, content: int, major: int, minor: int, size: int) -> None:
        """Judge a record header."""
        fits = content in _CONTENT_TYPES and major == _MAJOR and minor <= _MINOR_MAX
        if not fits and self._started:
            raise Malformed(LAYER, "not a record header")
        if self._message and content != _HANDSHAKE:
            raise Malformed(LAYER, "handshake message interrupted by another record")
        if self._offered and content == _CHANGE_CIPHER_SPEC and not self._spec_changed:
            self._spec_changed = True
            if size != 1:
                self._stop()
            self._content, self._left = content, size
            return
        if fits and content == _HANDSHAKE:
            if not 0 < size <= _RECORD_MAX:
                if self._started:
                    raise Malformed(LAYER, "handshake record of a forbidden length")
                fits = False
        elif content != _ALERT or size != _ALERT_SIZE or self._offered:
            fits = False
        if not fits:
            self._stop()
            return
        self._content, self._left = content, size

    def _alert(self) -> None:
        if self._left:
            return
        self._warnings += 1
        if self._message[0] != _WARNING or self._warnings > WARNINGS_MAX:
            self._stop()
        self._message.clear()

    def _handshake(self, facts: list[Fact]) -> None:
        """Read the messages that are whole."""
        message = self._message
        while message and self.want is MORE:
            kind = message[0]
            if kind not in self._awaited():
                self._stop()
                return
            self._started = True
            if len(message) < 4:
                return
            size = int.from_bytes(message[1:4])
            if kind == _CERTIFICATE:
                leaf = _leaf(message, size)
                if leaf is not None:
                    facts.append(leaf)
                    self._stop()
                return
            if size > HELLO_LIMIT:
                raise Malformed(LAYER, "hello over 16 KiB")
            if len(message) < 4 + size:
                return
            body = bytes(message[4 : 4 + size])
            del message[: 4 + size]
            if kind == CLIENT_HELLO:
                self._client_hello(body, facts)
            elif _encrypts_at_once(body):
                self._stop()
            else:
                self._after_hello = True

    def _awaited(self) -> tuple[int, ...]:
        """The handshake messages that may come now."""
        if self._after_hello:
            return (_CERTIFICATE,)
        return (CLIENT_HELLO,) if self._offered else (CLIENT_HELLO, _SERVER_HELLO)

    def _client_hello(self, body: bytes, facts: list[Fact]) -> None:
        facts.append(clienthello.describe(clienthello.parse(body), TlsClientHello, "t"))
        if self._offered:
            self._stop()
        self._offered = True

    def _v2_hello(self, data: bytes, facts: list[Fact]) -> None:
        """A hello in the format of SSL 2.0 that offers a later version; it has no extensions (RFC 5246, E.2)."""
        self._message += data
        message = self._message
        if len(message) < _V2_HEADER.size:
            return
        if not sniff(bytes(message), 0, 0):
            self._stop()
            return
        header, _, version, ciphers, session, challenge = _V2_HEADER.unpack_from(message)
        end = 2 + (header & 0x7FFF)
        if ciphers % 3 or end != _V2_HEADER.size + ciphers + session + challenge:
            self._stop()
            return
        if len(message) < end:
            return
        specs = bytes(message[_V2_HEADER.size : _V2_HEADER.size + ciphers])
        suites = b"".join([specs[i + 1 : i + 3] for i in range(0, ciphers, 3) if not specs[i]])
        facts.append(clienthello.describe(Hello(version, suites), TlsClientHello, "t"))
        self._stop()


def _encrypts_at_once(body: bytes) -> bool:
    """Whether this ServerHello chose TLS 1.3, where the certificate is encrypted.

    Its drafts up to 21 said so in the version and had no session id (draft-ietf-tls-tls13-21, 4.1.3).
    """
    if body[:2] > _TLS_1_2:
        return True
    if len(body) < 38 or len(body) < 38 + body[34]:
        raise Malformed(LAYER, "ServerHello ends early")
    return body[35 + body[34]] == _SUITES_OF_1_3


def _leaf(message: bytearray, size: int) -> Fact | None:
    """The first certificate of a Certificate message (RFC 5246, 7.4.2); None while it is not whole."""
    if size < 6:
        raise Malformed(LAYER, "certificate list is empty")
    if len(message) < 10:
        return None
    total, length = int.from_bytes(message[4:7]), int.from_bytes(message[7:10])
    if total + 3 != size or length + 3 > total:
        raise Malformed(LAYER, "certificate list of the wrong length")
    if length > LEAF_LIMIT:
        raise Malformed(LAYER, "certificate over 64 KiB")
    if len(message) < 10 + length:
        return None
    return certificate.describe(bytes(message[10 : 10 + length]))
