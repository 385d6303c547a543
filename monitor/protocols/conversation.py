"""Conversation: which parser each direction of a flow has, and whether it still wants bytes.

Which protocols there are is in ``registry``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, cast

from monitor.model.facts import Malformed, MalformedSeen, Want
from monitor.protocols import rtp

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.model.exhibits import Spool
    from monitor.model.facts import Fact
    from monitor.protocols.transfers import Announced


class Parser(Protocol):
    """Bytes of one direction in, facts out. No clock, no socket.

    A stream's parser that bears losing bytes also has ``gap()``, which says that they are missing here. One that has
    something to tell when no more comes has ``ended(whole)``, which gives those facts. One that follows images has
    ``spool_to(spool)``, which says where they go.
    """

    want: Want

    def feed(self, data: bytes) -> list[Fact]:
        """Take one datagram, or the next bytes of a stream. Raises Malformed and nothing else."""


class Opening(Parser, Protocol):
    """A parser behind which another protocol may begin: a proxy's CONNECT, STARTTLS."""

    tunnels: bool
    """It does: the parser has stopped where the other protocol begins."""

    def behind(self) -> bytes:
        """What came behind the opening so far."""


class Row:
    """One protocol: by what it is recognised, and what reads it."""

    def __init__(
        self,
        sniff: Callable[[bytes, int, int], bool],
        parser: Callable[[int, int], Parser],
        pair: Callable[[int, int], tuple[Parser, Parser]] | None = None,
        *,
        once: bool = False,
        announces: bool = False,
    ) -> None:
        self.sniff = sniff
        self.parser = parser
        """Made with the source and destination port of its direction."""
        self.pair = pair
        """Where both directions must know of each other: the parser of the direction that is recognised first, made
        with its ports, and that of the other one, which it gets once it is recognised by the same row."""
        self.once = once
        """Where one direction has told its fact, the other has none to tell."""
        self.announces = announces
        """Its parsers have a list ``announced`` of flows in which what they agreed on will pass (see transfers)."""


STOP: Final = Want.STOP
MORE: Final = Want.MORE
MAX_UNKNOWN: Final = 2
"""Datagrams of a direction that are looked at before it is left alone: the first may be lost to the capture."""
HEAD: Final = 64
"""Octets of a direction of a stream that are held until one row knows them: enough for a start line up to its scheme
(sip.LONGEST_BEGINNING), EHome's root behind a declaration, and a header, which has 32 at most (dvrip.HEADER)."""
MAX_TUNNELS: Final = 4
"""Openings behind openings (proxies, STARTTLS) that are followed in one direction of a stream."""
MAX_MALFORMED: Final = 8
"""Malformed datagrams of a direction before it is left alone."""


class Side:
    """One direction of a conversation."""

    def __init__(self) -> None:
        self.parser: Parser | None = None
        self.partner: tuple[Row, Parser] | None = None
        """What waits for this direction to be recognised as the other one was."""
        self.want = MORE
        self.held: bytearray | None = None
        """The beginning of a stream that no row knows yet, less than HEAD octets."""
        self.once = False
        self.looks = 0
        self.malformed = 0
        self.tunnels = 0


class Conversation:
    """Both directions of one flow; direction 0 is that of the side that began it."""

    def __init__(
        self,
        rows: tuple[Row, ...],
        initiator_port: int,
        responder_port: int,
        *,
        stream: bool,
        spool: Spool | None = None,
    ) -> None:
        """``spool`` is where images go that pass complete."""
        self._rows = rows
        self._spool = spool
        self._first = Side()
        self._second = Side()
        self._initiator_port = initiator_port
        self._responder_port = responder_port
        self._stream = stream
        self.announces = False
        """A parser may have announced other flows."""

    def _side(self, direction: int) -> Side:
        return self._second if direction else self._first

    def wants(self, direction: int) -> int:
        """Whether payload of this direction should still be sent: not at all (0), yes (1), and its end told (2)."""
        want = self._side(direction).want
        return 1 if want is MORE else 0 if want is STOP else 2

    def feed(self, direction: int, data: bytes) -> list[Fact]:
        """Take a datagram, or the next bytes of the stream."""
        side = self._side(direction)
        if side.want is STOP:
            return []
        if side.parser is None:
            if side.held is not None:
                data = bytes(side.held) + data
            if not self._recognise(side, direction, data):
                return []
        assert side.parser is not None  # noqa: S101  recognised above
        try:
            facts = side.parser.feed(data)
        except Malformed as malformed:
            side.malformed += 1
            if self._stream or side.malformed >= MAX_MALFORMED:
                side.want = STOP
            return [MalformedSeen(malformed.layer, malformed.reason)]
        side.want = side.parser.want
        if side.want is not STOP:
            return facts
        if facts and side.once:
            self._side(1 - direction).want = STOP
        if getattr(side.parser, "tunnels", False):
            return facts + self._enter(side, cast("Opening", side.parser), direction)
        return facts

    def _enter(self, side: Side, parser: Opening, direction: int) -> list[Fact]:
        """Look afresh at what comes behind the opening."""
        side.tunnels += 1
        if side.tunnels > MAX_TUNNELS:
            return []
        side.parser, side.want = None, MORE
        rest = parser.behind()
        return self.feed(direction, rest) if rest else []

    def expect_media(self, direction: int) -> None:
        """A session announced RTP in this direction: unless something else was recognised, it is read as such.

        Of the other one nothing is announced: clients send noise there, so that a translator lets the media in.
        """
        side = self._side(direction)
        if side.parser is None and side.want is MORE:
            side.parser = rtp.Parser(announced=True)

    def expect(self, direction: int, parser: Parser) -> None:
        """Another conversation announced what comes in this direction, and what reads it."""
        side = self._side(direction)
        if side.parser is None and side.want is MORE:
            side.parser = parser
            side.want = parser.want
            self._lend(parser)

    def announced(self, direction: int) -> list[Announced]:
        """Take the flows that the parser of this direction announced since the last call."""
        found: list[Announced] | None = getattr(self._side(direction).parser, "announced", None)
        if not found:
            return []
        taken = list(found)
        found.clear()
        return taken

    def stop(self, direction: int) -> None:
        """Leave this direction alone."""
        side = self._side(direction)
        side.want, side.held = STOP, None

    def lost(self, direction: int) -> list[Fact]:
        """Bytes of a stream are missing here. Facts that stood before the hole; nothing begins in the middle."""
        side = self._side(direction)
        gap = getattr(side.parser, "gap", None)
        if gap is not None:
            gap()
            return self.feed(direction, b"")  # a parser that the hole stops may still owe facts
        side.want, side.held = STOP, None
        return self._end(side, False)  # noqa: FBT003

    def ended(self, direction: int, whole: bool) -> list[Fact]:  # noqa: FBT001  a compiled method takes no keywords
        """Nothing more comes in this direction; ``whole``: nothing was missed until then. Facts that waited for it."""
        side = self._side(direction)
        if side.want is STOP:
            return []
        side.want, side.held = STOP, None
        return self._end(side, whole)

    def _end(self, side: Side, whole: bool) -> list[Fact]:  # noqa: FBT001  as above
        ended = getattr(side.parser, "ended", None)
        return ended(whole) if ended is not None else []

    def _recognise(self, side: Side, direction: int, data: bytes) -> bool:
        sport, dport = self._initiator_port, self._responder_port
        if direction:
            sport, dport = dport, sport
        for row in self._rows:
            if row.sniff(data, sport, dport):
                side.held = None
                side.parser = self._parser(row, direction, sport, dport)
                self._lend(side.parser)
                side.once = row.once
                self.announces = self.announces or row.announces
                return True
        if self._stream:
            if len(data) < HEAD:
                side.held = bytearray(data)
            else:
                side.want, side.held = STOP, None
            return False
        side.looks += 1
        if side.looks >= MAX_UNKNOWN:
            side.want = STOP
        return False

    def _lend(self, parser: Parser) -> None:
        """Give the spool to a parser that follows images."""
        if self._spool is not None:
            spool_to = getattr(parser, "spool_to", None)
            if spool_to is not None:
                spool_to(self._spool)

    def _parser(self, row: Row, direction: int, sport: int, dport: int) -> Parser:
        if row.pair is None:
            return row.parser(sport, dport)
        side, other = self._side(direction), self._side(1 - direction)
        if side.partner is not None and side.partner[0] is row:
            parser, side.partner = side.partner[1], None
            return parser
        parser, partner = row.pair(sport, dport)
        other.partner = (row, partner)
        return parser
