"""QUIC: the ClientHello inside a client's Initial packets (RFC 9000, 9001, 9369).

Understood are versions 1 and 2, drafts 23 to 34, Google's Q050, T050 and T051, and versions reserved for negotiation.

Strategy: until an Initial has been opened with keys made from a connection id, nothing proves that a datagram is QUIC
and sent by a client; it may as well be a server's, or cut off by the capture. So everything before that is skipped in
silence. Frames that were opened are the client's own, and what is wrong in them is Malformed. CRYPTO frames come in
any order and overlap; the hello is read as soon as its bytes are whole.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Final

from monitor.model.facts import Malformed, QuicClientHello, Want
from monitor.protocols import clienthello, gquic
from monitor.protocols.clienthello import CLIENT_HELLO, HELLO_LIMIT
from monitor.protocols.quic_crypto import INITIAL, RETRY, ZERO_RTT, ClientKeys, spoken

if TYPE_CHECKING:
    from monitor.model.facts import Fact
    from monitor.protocols.quic_crypto import Version

LAYER: Final = "quic"

PACKETS_MAX: Final = 16
"""Packets looked at in one direction. A hello fills one to three Initials; the rest is room for repetition."""

UNOPENED_MAX: Final = 4
"""Initials that no key opened before the flow is given up: a server's, or the first ones were missed."""

FRAMES_MAX: Final = 1024
"""CRYPTO and ACK frames read in one direction. Chromium cuts a hello into some tens on purpose."""

CRYPTO_LIMIT: Final = 4 + HELLO_LIMIT
"""Bytes of the CRYPTO stream that are kept: the handshake header and the longest hello."""

CONNECTION_ID_MAX: Final = 20
"""RFC 9000, 17.2."""
FIRST_DESTINATION_MIN: Final = 8
"""Shortest connection id a client may begin with (RFC 9000, 7.2)."""

_LONG: Final = 0x80
_FIXED: Final = 0x40
_LONG_AND_FIXED: Final = _LONG | _FIXED

# Frame types allowed in Initial packets (RFC 9000, 12.4).
_ACK: Final = 0x02
_ACK_ECN: Final = 0x03
_CRYPTO: Final = 0x06
_CRYPTO_OF_GOOGLE: Final = 0x08
"""Its other frames have forms of their own; whatever stands behind one of them is left alone."""
_CONNECTION_CLOSE: Final = 0x1C
_PING: Final = 0x01
"""PADDING and PING, 0 and 1: one byte each."""
STOP: Final = Want.STOP
MORE: Final = Want.MORE

Piece = tuple[int, bytes]
"""Offset in the CRYPTO stream, and the bytes there."""
_OFFSET: Final = itemgetter(0)


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  the shape of every protocol
    """Whether a datagram begins with a long header of a version of QUIC that is understood here."""
    return (
        len(head) > 5
        and head[0] & _LONG_AND_FIXED == _LONG_AND_FIXED
        and head[5] <= CONNECTION_ID_MAX
        and head[6 + head[5] : 7 + head[5]] <= bytes((CONNECTION_ID_MAX,))
        and bool(spoken(int.from_bytes(head[1:5])))
    )


class Parser:
    """One direction of one UDP flow; datagrams of the other direction do no harm. Holds at most CRYPTO_LIMIT."""

    def __init__(self) -> None:
        self.want = MORE
        self._keys: ClientKeys | None = None
        """The keys that opened the latest Initial."""
        self._spoken: Version | None = None
        """As what those keys were made."""
        self._version = 0
        self._destination = b""
        """What the keys were made from."""
        self._crypto = _CryptoStream()
        self._looked_at = 0
        self._unopened = 0
        self._frames_seen = 0

    def feed(self, data: bytes) -> list[Fact]:
        """Take one datagram. Raises Malformed, and stops then."""
        if self.want is STOP:
            return []
        try:
            facts = self._datagram(data)
        except Malformed:
            self._stop()
            raise
        if facts or self._looked_at >= PACKETS_MAX or self._unopened >= UNOPENED_MAX:
            self._stop()
        return facts

    def gap(self) -> None:
        """Nothing depends on a lost datagram: the client sends its data again."""

    def _stop(self) -> None:
        self.want = STOP
        self._keys = None
        self._crypto = _CryptoStream()

    def _datagram(self, data: bytes) -> list[Fact]:
        self._looked_at += 1
        first = True
        packet = _long_header(data, 0)
        while packet is not None:
            if packet.kind == INITIAL:
                frames = self._open(data, packet)
                if frames is not None:
                    self._read(frames)
                    fact = self._hello()
                    if fact is not None:
                        return [fact]
            elif first and self._keys is None and packet.kind != ZERO_RTT:
                break
            if not first:
                self._looked_at += 1
            first = False
            if self.want is STOP or self._looked_at >= PACKETS_MAX or self._unopened >= UNOPENED_MAX:
                return []
            packet = _long_header(data, packet.end)
        if first and self._keys is None:
            self._stop()
        return []

    def _open(self, data: bytes, packet: _LongHeader) -> bytes | None:
        """The frames of an Initial, tried with the keys at hand, then with those of its own connection id.

        The second way opens the first packet of all, and the first one after a Retry (RFC 9001, 5.2) or a version
        negotiation; the client's hello then starts anew.
        """
        whole = data[packet.start : packet.end]
        number_at = packet.number_at - packet.start
        if self._keys is not None and packet.version == self._version:
            frames = self._keys.open(whole, number_at)
            if frames is not None:
                return frames
        if len(packet.destination) < FIRST_DESTINATION_MIN:
            if self._keys is None:
                self._stop()
            self._unopened += 1
            return None
        if self._keys is None or (packet.version, packet.destination) != (self._version, self._destination):
            for version in spoken(packet.version):
                keys = ClientKeys(version, packet.destination)
                frames = keys.open(whole, number_at)
                if frames is not None:
                    self._keys, self._version, self._destination = keys, packet.version, packet.destination
                    self._spoken = version
                    self._crypto = _CryptoStream()
                    self._unopened = 0
                    return frames
        self._unopened += 1
        return None

    def _hello(self) -> Fact | None:
        """What the hello says once it is whole. Raises Malformed."""
        if self._spoken is not None and self._spoken.own_hello:
            return gquic.hello(self._crypto.start())
        body = self._crypto.client_hello()
        return None if body is None else clienthello.describe(clienthello.parse(body), QuicClientHello, "q")

    def _read(self, frames: bytes) -> None:
        """Gather the CRYPTO frames (RFC 9000, 19)."""
        google = self._spoken is not None and self._spoken.google
        crypto = _CRYPTO_OF_GOOGLE if google else _CRYPTO
        pieces: list[Piece] = []
        try:
            at = _after_fill(frames, 0)
            while at < len(frames):
                self._frames_seen += 1
                if self._frames_seen > FRAMES_MAX:
                    raise Malformed(LAYER, "too many frames before the ClientHello is whole")
                kind = frames[at]
                if kind == crypto:
                    offset, at = _number(frames, at + 1)
                    size, at = _number(frames, at)
                    if at + size > len(frames):
                        raise Malformed(LAYER, "CRYPTO frame longer than its packet")
                    if offset + size > CRYPTO_LIMIT:
                        raise Malformed(LAYER, "CRYPTO data beyond 16 KiB")
                    pieces.append((offset, frames[at : at + size]))
                    at += size
                elif google:
                    break
                elif kind in (_ACK, _ACK_ECN):
                    at = _after_ack(frames, at)
                elif kind == _CONNECTION_CLOSE:
                    self._stop()
                    return
                else:
                    raise Malformed(LAYER, "frame not allowed in an Initial packet")
                at = _after_fill(frames, at)
        except IndexError:
            raise Malformed(LAYER, "frame ends early") from None
        self._crypto.add(pieces)


class _LongHeader:
    """Where one packet of a datagram lies; offsets in bytes from the start of the datagram."""

    def __init__(self, kind: str, version: int, destination: bytes, start: int, number_at: int, end: int) -> None:
        self.kind = kind
        self.version = version
        self.destination = destination
        self.start = start
        self.number_at = number_at
        """Where the protected packet number starts."""
        self.end = end


def _long_header(data: bytes, start: int) -> _LongHeader | None:
    """The packet at ``start``; None if it is not understood, not whole or has no length."""
    try:
        if data[start] & _LONG_AND_FIXED != _LONG_AND_FIXED:
            return None
        version = int.from_bytes(data[start + 1 : start + 5])
        ways = spoken(version)
        if not ways:
            return None
        kind = ways[0].types[(data[start] >> 4) & 0x03]
        at = start + 6 + data[start + 5]
        destination = data[start + 6 : at]
        if len(destination) > CONNECTION_ID_MAX or data[at] > CONNECTION_ID_MAX:
            return None
        at += 1 + data[at]
        if kind == RETRY:
            return _LongHeader(kind, version, destination, start, at, len(data))
        if kind == INITIAL:
            size, at = _number(data, at)
            at += size
        size, at = _number(data, at)
        end = at + size
        if end > len(data):
            return None
        return _LongHeader(kind, version, destination, start, at, end)
    except IndexError:
        return None


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A variable-length integer and where it ends (RFC 9000, 16). Raises IndexError."""
    value, end = data[at] & 0x3F, at + (1 << (data[at] >> 6))
    for each in range(at + 1, end):
        value = value << 8 | data[each]
    return value, end


def _after_fill(frames: bytes, at: int) -> int:
    """Where the next frame begins that is neither PADDING nor PING."""
    while at < len(frames) and frames[at] <= _PING:
        at += 1
    return at


def _after_ack(frames: bytes, at: int) -> int:
    """Where an ACK frame ends (RFC 9000, 19.3)."""
    kind = frames[at]
    _, at = _number(frames, at + 1)
    _, at = _number(frames, at)
    ranges, at = _number(frames, at)
    for _ in range(1 + 2 * ranges + (3 if kind == _ACK_ECN else 0)):
        _, at = _number(frames, at)
    return at


class _CryptoStream:
    """The start of the CRYPTO stream, put together from pieces in any order; at most CRYPTO_LIMIT bytes."""

    def __init__(self) -> None:
        self._runs: list[Piece] = []
        """What is there, ascending; no two runs touch."""

    def add(self, pieces: list[Piece]) -> None:
        """Take what one packet brought. Raises Malformed if it contradicts what is there (RFC 9000, 2.2)."""
        if not self._runs and len(pieces) == 1:
            self._runs = pieces
            return
        runs: list[tuple[int, bytearray]] = []
        end = -1
        for offset, piece in sorted(self._runs + pieces, key=_OFFSET):
            if offset > end:
                runs.append((offset, bytearray(piece)))
                end = offset + len(piece)
                continue
            start, run = runs[-1]
            known = run[offset - start : offset - start + len(piece)]
            if not piece.startswith(known):
                raise Malformed(LAYER, "CRYPTO data sent twice with different content")
            run += piece[len(known) :]
            end = start + len(run)
        self._runs = [(start, bytes(run)) for start, run in runs]

    def start(self) -> bytes:
        """What is there without a hole."""
        return self._runs[0][1] if self._runs and not self._runs[0][0] else b""

    def client_hello(self) -> bytes | None:
        """The body of the ClientHello; None while it is not whole. Raises Malformed."""
        if not self._runs or self._runs[0][0]:
            return None
        data = self._runs[0][1]
        if len(data) < 4:
            return None
        if data[0] != CLIENT_HELLO:
            raise Malformed(LAYER, "CRYPTO stream begins with no ClientHello")
        size = int.from_bytes(data[1:4])
        if size > HELLO_LIMIT:
            raise Malformed(clienthello.LAYER, "hello over 16 KiB")
        return data[4 : 4 + size] if len(data) >= 4 + size else None
