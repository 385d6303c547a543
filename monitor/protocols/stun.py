"""STUN and TURN: where a host is seen, which relay lends it an address, and whom that is to reach.

Over UDP a message is a datagram (`Parser`), over TCP messages and channel data follow one another (`StreamParser`),
bare or behind the length of ICE's framing (RFC 4571, RFC 6544, 3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import MalformedSeen, StunMessage, Want
from monitor.protocols import rtp
from monitor.protocols.stun_message import (
    CHANNELS,
    COOKIE,
    HEADER,
    LAYER,
    Addresses,
    attributes,
    is_channel_data,
    is_classic,
    is_message,
    is_whole,
    kind_of,
)

if TYPE_CHECKING:
    from monitor.model.facts import Fact

PORTS: Final = frozenset({3478, 3479})
"""STUN's, and the second one that servers of RFC 3489 commonly have."""
MAX_ADDRESSES: Final = 8
"""Addresses of one direction that are reported, then it ends."""
MAX_MESSAGES: Final = 1_024
"""Messages of one direction that are read: TURN refreshes minutes apart (RFC 8656, 3.1) fill days, the consent
checks of WebRTC 5 s apart (RFC 7675, 5.1) an hour and more."""
MAX_OTHERS: Final = 32
"""Datagrams of one direction that are channel data or no STUN at all: what STUN opened the way for (RFC 7983)."""
MAX_MESSAGE: Final = 4_096
"""Octets of a message over TCP: some 1,500 where it carries a peer's datagram (RFC 8656, 18.4)."""

_MEDIA: Final = range(128, 192)
"""First octets of RTP and RTCP where they share a path with STUN (RFC 7983, 7)."""
_CHANNEL_DATA: Final = ("ChannelData", "data")


def sniff(head: bytes, sport: int, dport: int) -> bool:
    """Whether this datagram is STUN, or has the shape of channel data, for which the parser needs a second one."""
    if not head or head[0] >= CHANNELS.stop:
        return False
    if head[0] >= CHANNELS.start:
        return is_channel_data(head)
    return is_whole(head) or (head[0] <= 1 and is_classic(head, on_port=sport in PORTS or dport in PORTS))


def sniff_stream(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  content alone decides
    """Whether a direction of a TCP stream begins with a message, bare or framed."""
    if head[4:8] == COOKIE:
        return is_message(head)
    return (
        head[6:10] == COOKIE
        and is_message(head[2 : 2 + HEADER])
        and int.from_bytes(head[:2], "big") == HEADER + int.from_bytes(head[4:6], "big")
    )


class _Direction:
    """What was reported of one direction: each type of message once, and again with an address that is new."""

    __slots__ = ("_addresses", "_messages", "_types", "full")

    def __init__(self) -> None:
        self.full = False
        self._messages = 0
        self._types: set[tuple[str, str]] = set()
        self._addresses: set[Addresses] = set()

    def message(self, data: bytes) -> list[Fact]:
        """What a message says that was not said before."""
        self._messages += 1
        if self._messages >= MAX_MESSAGES:
            self.full = True
        kind = kind_of(data)
        said = attributes(data)
        told = [each for each in said.each_peer() if self._is_news(kind, each)]
        return [*(StunMessage(*kind, *each, said.software, said.realm) for each in told), *said.damage]

    def channel_data(self) -> list[Fact]:
        """A relay's data, if that was not said before."""
        if not self._is_news(_CHANNEL_DATA, Addresses(None, None, None)):
            return []
        return [StunMessage(*_CHANNEL_DATA)]

    def _is_news(self, kind: tuple[str, str], addresses: Addresses) -> bool:
        news = kind not in self._types
        self._types.add(kind)
        if any(addresses) and addresses not in self._addresses and not self.full:
            self._addresses.add(addresses)
            self.full = self.full or len(self._addresses) >= MAX_ADDRESSES
            news = True
        return news


class Parser:
    """One direction of a flow of datagrams.

    Channel data is believed where STUN came before it, or a second datagram of the same channel follows the first.
    """

    def __init__(self, sport: int = 0, dport: int = 0) -> None:
        """The ports are those of this direction, 0 where they are not known."""
        self.want = Want.MORE
        self._on_port = sport in PORTS or dport in PORTS
        self._direction = _Direction()
        self._proven = False
        self._channel: bytes | None = None
        """Channel of a first datagram that has only its shape."""
        self._media: rtp.Parser | None = None
        """What reads the media that share this path, as those of WebRTC do."""
        self._others = 0

    def feed(self, data: bytes) -> list[Fact]:
        """What this datagram says that was not said before."""
        if self.want is Want.STOP:
            return []
        if is_whole(data) or is_classic(data, on_port=self._on_port):
            self._proven = True
            facts = self._direction.message(data)
            if self._direction.full:
                self.want = Want.STOP
            return facts
        self._others += 1
        if self._others >= MAX_OTHERS:
            self.want = Want.STOP
        if not is_channel_data(data):
            if not self._proven:
                self.want = Want.STOP
            elif data[:1] and data[0] in _MEDIA:
                self._media = self._media or rtp.Parser()
                return self._media.feed(data)
            return []
        if not self._proven:
            first, self._channel = self._channel, data[:2]
            if first is None:
                return []
            if first != self._channel:
                self.want = Want.STOP
                return []
            self._proven = True
        return self._direction.channel_data()


class StreamParser:
    """One direction of a TCP connection. Holds one message; channel data is counted through."""

    def __init__(self) -> None:
        self.want = Want.MORE
        self._direction = _Direction()
        self._held = bytearray()
        self._skip = 0
        """Octets still to come that are not needed."""
        self._framed: bool | None = None
        """A length stands before each message; None while that is not known."""
        self._others = 0

    def feed(self, data: bytes) -> list[Fact]:
        """What the messages that these octets complete say that was not said before."""
        facts: list[Fact] = []
        if self.want is Want.STOP:
            return facts
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        self._held += data[skipped:]
        while self.want is Want.MORE and self._step(facts):
            pass
        return facts

    def _stop(self) -> None:
        self.want = Want.STOP
        self._held.clear()

    def _step(self, facts: list[Fact]) -> bool:
        """Whether one more message, or the head of other data, was consumed."""
        held = self._held
        if self._framed is None and len(held) >= 8:
            self._framed = held[4:8] != COOKIE
        start = 2 if self._framed else 0
        if self._framed is None or len(held) < start + 4:
            return False
        if self._framed:
            size = start + int.from_bytes(held[:2], "big")
            if len(held) < min(size, start + 8):
                return False
            message = held[start] < CHANNELS.start and held[start + 4 : start + 8] == COOKIE
        else:
            length = int.from_bytes(held[2:4], "big")
            message = held[0] < CHANNELS.start
            size = HEADER + length if message else 4 + length + -length % 4  # RFC 8656, 12.5
        if not message:
            return self._other(size, channel=size > start and held[start] in CHANNELS, facts=facts)
        if len(held) < min(size, MAX_MESSAGE):
            return False
        data = bytes(held[start:size])
        del held[:size]
        if size > MAX_MESSAGE or not is_message(data):
            return self._fails(facts)
        facts += self._direction.message(data)
        if self._direction.full:
            self._stop()
        return True

    def _other(self, size: int, *, channel: bool, facts: list[Fact]) -> bool:
        """Count through what is no message: channel data, or what shares the connection behind a length."""
        if not channel and not self._framed:
            return self._fails(facts)
        if channel:
            facts += self._direction.channel_data()
        self._skip = max(0, size - len(self._held))
        del self._held[:size]
        self._others += 1
        if self._others >= MAX_OTHERS:
            self._stop()
        return True

    def _fails(self, facts: list[Fact]) -> bool:
        self._stop()
        facts.append(MalformedSeen(LAYER, "neither a message nor channel data"))
        return False
