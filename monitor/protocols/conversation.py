"""Conversation: which parser each direction of a flow has, and whether it still wants bytes.

A new protocol is one file with ``sniff`` and ``Parser``, and one line in STREAMS or DATAGRAMS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, runtime_checkable

from monitor.model.facts import Malformed, MalformedSeen, Want
from monitor.protocols import dhcp, dhcpv6, dns, http, mdns, ntp, pppp, quic, tls

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.model.facts import Fact


class Parser(Protocol):
    """Bytes of one direction in, facts out. No clock, no socket."""

    want: Want

    def feed(self, data: bytes) -> list[Fact]:
        """Take one datagram, or the next bytes of a stream. Raises Malformed and nothing else."""


@runtime_checkable
class StreamParser(Parser, Protocol):
    """A parser that bears losing bytes."""

    def gap(self) -> None:
        """Bytes are missing here."""


class Row(NamedTuple):
    """One protocol: by what it is recognised, and what reads it."""

    sniff: Callable[[bytes, int, int], bool]
    parser: Callable[[int, int], Parser]
    """Made with the source and destination port of its direction."""


STREAMS: Final = (
    Row(tls.sniff, lambda _s, _d: tls.Parser()),
    Row(http.sniff, lambda _s, _d: http.Parser()),
    Row(dns.sniff_stream, lambda _s, _d: dns.StreamParser()),
)
DATAGRAMS: Final = (
    Row(mdns.sniff, lambda _s, _d: mdns.Parser()),
    Row(dns.sniff, lambda _s, _d: dns.Parser()),
    Row(quic.sniff, lambda _s, _d: quic.Parser()),
    Row(ntp.sniff, lambda _s, _d: ntp.Parser()),
    Row(dhcp.sniff, lambda _s, _d: dhcp.Parser()),
    Row(dhcpv6.sniff, lambda _s, _d: dhcpv6.Parser()),
    Row(pppp.sniff, pppp.Parser),
)

MAX_UNKNOWN: Final = 2
"""Datagrams of a direction that are looked at before it is left alone: the first may be lost to the capture."""
MAX_TUNNELS: Final = 4
"""Proxies behind proxies that are followed in one direction of a stream."""
MAX_MALFORMED: Final = 8
"""Malformed datagrams of a direction before it is left alone."""


class _Side:
    __slots__ = ("looks", "malformed", "parser", "tunnels", "want")

    def __init__(self) -> None:
        self.parser: Parser | None = None
        self.want = Want.MORE
        self.looks = 0
        self.malformed = 0
        self.tunnels = 0


class Conversation:
    """Both directions of one flow; direction 0 is that of the side that began it."""

    __slots__ = ("_initiator_port", "_responder_port", "_rows", "_sides", "_stream")

    def __init__(self, rows: tuple[Row, ...], initiator_port: int, responder_port: int, *, stream: bool) -> None:
        self._rows = rows
        self._sides: tuple[_Side, _Side] = (_Side(), _Side())
        self._initiator_port = initiator_port
        self._responder_port = responder_port
        self._stream = stream

    def wants(self, direction: int) -> bool:
        """Whether payload of this direction should still be sent."""
        return self._sides[direction].want is Want.MORE

    def feed(self, direction: int, data: bytes) -> list[Fact]:
        """Take a datagram, or the next bytes of the stream."""
        side = self._sides[direction]
        if side.want is Want.STOP:
            return []
        if side.parser is None and not self._recognise(side, direction, data):
            return []
        assert side.parser is not None  # noqa: S101  recognised above
        try:
            facts = side.parser.feed(data)
        except Malformed as malformed:
            side.malformed += 1
            if self._stream or side.malformed >= MAX_MALFORMED:
                side.want = Want.STOP
            return [MalformedSeen(malformed.layer, malformed.reason)]
        side.want = side.parser.want
        if side.want is Want.STOP and isinstance(side.parser, http.Parser) and side.parser.tunnels:
            return facts + self._enter(side, side.parser, direction)
        return facts

    def _enter(self, side: _Side, parser: http.Parser, direction: int) -> list[Fact]:
        """Look afresh at what comes through the tunnel."""
        side.tunnels += 1
        if side.tunnels > MAX_TUNNELS:
            return []
        side.parser, side.want = None, Want.MORE
        rest = parser.behind()
        return self.feed(direction, rest) if rest else []

    def stop(self, direction: int) -> None:
        """Leave this direction alone."""
        self._sides[direction].want = Want.STOP

    def lost(self, direction: int) -> list[Fact]:
        """Bytes of a stream are missing here. Facts that stood before the hole; nothing begins in the middle."""
        side = self._sides[direction]
        if isinstance(side.parser, StreamParser):
            side.parser.gap()
            return self.feed(direction, b"")  # a parser that the hole stops may still owe facts
        side.want = Want.STOP
        return []

    def _recognise(self, side: _Side, direction: int, data: bytes) -> bool:
        sport, dport = self._initiator_port, self._responder_port
        if direction:
            sport, dport = dport, sport
        for row in self._rows:
            if row.sniff(data, sport, dport):
                side.parser = row.parser(sport, dport)
                return True
        side.looks += 1
        if self._stream or side.looks >= MAX_UNKNOWN:
            side.want = Want.STOP
        return False
