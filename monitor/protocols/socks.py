"""SOCKS 4, 4A and 5: where a client asks a proxy to be taken; what then passes is another protocol's (RFC 1928, 1929).

Strategy: one parser reads either direction; the first message says which. Requests and replies have fixed forms, and
behind the last of them the stream is looked at afresh. User names and passwords are skipped over. What does not fit was
another protocol all along: then the parser just stops. Other protocols begin as a request of SOCKS 4 does: off port
1080 it is told once the other side has answered as SOCKS does, when the client goes on or ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.address import from_packed, text
from monitor.model.facts import ProxyRequest, Want
from monitor.protocols.names import spell

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.model.facts import Fact

PORT: Final = 1080
"""RFC 1928, 3."""
MAX_HELD: Final = 1_024
"""Octets of one message: names and passwords have at most 255 each (RFC 1929, 2; RFC 1928, 4)."""

_V4: Final = 4
_V5: Final = 5
_PASSWORD_VERSION: Final = 1
"""Of the negotiation in between (RFC 1929, 2)."""
_COMMANDS: Final = frozenset({1, 2, 3})
"""CONNECT, BIND, UDP ASSOCIATE."""
_CONNECT: Final = 1
_METHODS_MAX: Final = 16
"""Methods that a greeting offers; three have a standard (RFC 1928, 3)."""
_BY_PASSWORD: Final = 2
"""User name and password."""
_GRANTED: Final = 0x5A
_REFUSED: Final = range(0x5B, 0x5E)
_REPLY_OF_4: Final = 8
_IPV4: Final = 1
_NAME: Final = 3
_IPV6: Final = 4


class _NotSocksError(Exception):
    """These bytes are another protocol's, or nothing will pass behind them."""


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  the shape of every protocol
    """Whether a direction of a TCP stream begins with a greeting, a request or the first reply.

    Nothing else may be there, but behind a message of SOCKS 5 the next one: not all wait for an answer.
    """
    if len(head) < 2:
        return False
    if head[0] == _V5:
        if sport == PORT or len(head) == 2:
            return _fills(head, 2) and _chooses(head, sport)
        end = 2 + head[1]
        return 0 < head[1] <= _METHODS_MAX and _fills(head, end) and len(set(head[2:end])) == head[1]
    if head[0] == _V4:
        return head[1] in _COMMANDS and 9 <= len(head) <= MAX_HELD and any(head[2:4]) and _names_somebody(head)
    return head[0] == 0 and len(head) == _REPLY_OF_4 and (head[1] == _GRANTED or head[1] in _REFUSED)


def _fills(head: bytes, end: int) -> bool:
    """Whether this message of SOCKS 5 ends here, and behind it is nothing, or how a request or reply begins."""
    if len(head) <= end:
        return len(head) == end
    kind = head[end + 3 : end + 4]
    return head[end] == _V5 and not any(head[end + 2 : end + 3]) and (not kind or kind[0] in {_IPV4, _NAME, _IPV6})


def _names_somebody(head: bytes) -> bool:
    """Whether a request of SOCKS 4 ends here, at the NUL of the user or, in 4A, of a name that is not empty."""
    _, ended, name = head[8:].partition(b"\0")
    if any(head[4:7]) or not head[7]:
        return bool(ended) and not name
    return 0 < name.find(0) == len(name) - 1


def _chooses(held: bytes, sport: int) -> bool:
    """Whether these two bytes are a server's choice; any but the first method may be the start of a greeting."""
    return held[1] == 0 or (held[1] == _BY_PASSWORD and sport == PORT)


class Exchange:
    """What both directions know of a request of SOCKS 4."""

    __slots__ = ("granted", "replied")

    def __init__(self) -> None:
        self.replied = False
        self.granted = False


def pair(sport: int, dport: int) -> tuple[Parser, Parser]:
    """Parsers of a direction and of the other one, which know of each other."""
    exchange = Exchange()
    return Parser(sport, dport, exchange), Parser(dport, sport, exchange)


class Parser:
    """One direction of a connection."""

    def __init__(self, sport: int, dport: int, exchange: Exchange | None = None) -> None:
        """The ports are those of this direction; ``exchange`` is shared with the other one's parser."""
        self.want = Want.MORE
        self.tunnels = False
        """Both sides agreed: what follows is another protocol's."""
        self._sport = sport
        self._on_port = PORT in {sport, dport}
        self._exchange = exchange or Exchange()
        self._waits: ProxyRequest | None = None
        """A request of SOCKS 4 that is told once it was answered."""
        self._held = bytearray()
        self._read: Callable[[bytes, list[Fact]], int] = self._first
        """Takes the next message: how long it is, or 0 while it is not whole."""

    def feed(self, data: bytes) -> list[Fact]:
        """Whom the proxy is to reach."""
        facts: list[Fact] = []
        held = self._held
        held += data
        try:
            while held and self.want is Want.MORE:
                size = self._read(bytes(held[:MAX_HELD]), facts)
                if not size:
                    if len(held) >= MAX_HELD and self.want is Want.MORE:
                        self._stop()
                    break
                del held[:size]
        except _NotSocksError:
            self._stop()
        return facts

    def ended(self, whole: bool) -> list[Fact]:  # noqa: ARG002, FBT001  the shape of every parser
        """The request that waited for an answer, if it came."""
        return self._answered()

    def _answered(self) -> list[Fact]:
        waited, self._waits = self._waits, None
        return [waited] if waited is not None and self._exchange.replied else []

    def behind(self) -> bytes:
        """What came behind the agreement so far."""
        return bytes(self._held)

    def _stop(self) -> None:
        self.want = Want.STOP
        self._held.clear()

    def _first(self, held: bytes, facts: list[Fact]) -> int:
        if held[0] == _V4:
            return self._request_of_4(held, facts)
        if held[0] not in {0, _V5}:
            raise _NotSocksError
        if len(held) < 2:
            return 0
        if held[0] == 0:
            if len(held) < _REPLY_OF_4:
                return 0
            self._exchange.granted = held[1] == _GRANTED
            self._exchange.replied = self._exchange.granted or held[1] in _REFUSED
            if not self._exchange.granted:
                raise _NotSocksError
            self._agree()
            return _REPLY_OF_4
        if _chooses(held, self._sport):
            self._read = self._status if held[1] == _BY_PASSWORD else self._reply
            return 2
        if len(held) < 2 + held[1]:
            return 0
        self._read = self._request
        return 2 + held[1]

    def _request_of_4(self, held: bytes, facts: list[Fact]) -> int:
        end = held.find(0, 8) + 1
        if not end:
            return 0
        host = text(from_packed(held[4:8]))
        if not any(held[4:7]) and held[7]:  # a name stands behind the user's (SOCKS 4A)
            name = end
            end = held.find(0, name) + 1
            if not end:
                return 0
            host = spell(held[name : end - 1]).lower()
        if not host:
            raise _NotSocksError
        port = int.from_bytes(held[2:4])
        if self._on_port:
            self._asked("socks4", held[1], host, port, facts)
        elif held[1] not in _COMMANDS or len(held) > end:
            raise _NotSocksError  # what no client sends, or not before it was answered
        else:
            self._waits = ProxyRequest("socks4", host, port)
            self._read = self._behind_connect if held[1] == _CONNECT else self._behind_another
        return end

    def _behind_connect(self, _: bytes, facts: list[Fact]) -> int:
        facts += self._answered()
        if not self._exchange.granted:
            raise _NotSocksError
        self._agree()
        return 0

    def _behind_another(self, _: bytes, facts: list[Fact]) -> int:
        facts += self._answered()
        raise _NotSocksError

    def _request(self, held: bytes, facts: list[Fact]) -> int:
        if held[0] == _PASSWORD_VERSION:
            if len(held) < 2 or len(held) < 3 + held[1]:
                return 0
            size = 3 + held[1] + held[2 + held[1]]
            return size if len(held) >= size else 0
        size, host = _address(held)
        if size:
            self._asked("socks5", held[1], host, int.from_bytes(held[size - 2 : size]), facts)
        return size

    def _status(self, held: bytes, _: list[Fact]) -> int:
        if len(held) < 2:
            return 0
        if held[0] != _PASSWORD_VERSION or held[1]:
            raise _NotSocksError
        self._read = self._reply
        return 2

    def _reply(self, held: bytes, _: list[Fact]) -> int:
        size, _host = _address(held)
        if size:
            if held[1]:
                raise _NotSocksError
            self._agree()
        return size

    def _asked(self, protocol: str, command: int, host: str, port: int, facts: list[Fact]) -> None:
        if command not in _COMMANDS:
            raise _NotSocksError
        facts.append(ProxyRequest(protocol, host, port))
        if command != _CONNECT:
            raise _NotSocksError
        self._agree()

    def _agree(self) -> None:
        self.want, self.tunnels = Want.STOP, True


def _address(held: bytes) -> tuple[int, str]:
    """Length of a request or reply, and its address (RFC 1928, 4 to 6); 0 while it is not whole."""
    if held[0] != _V5:
        raise _NotSocksError
    if len(held) < 5:
        return 0, ""
    kind = held[3]
    if held[2] or kind not in {_IPV4, _NAME, _IPV6}:
        raise _NotSocksError
    begin = 5 if kind == _NAME else 4
    end = begin + {_IPV4: 4, _NAME: held[4], _IPV6: 16}[kind]
    if len(held) < end + 2:
        return 0, ""
    packed = held[begin:end]
    return end + 2, spell(packed).lower() if kind == _NAME else text(from_packed(packed))
