"""HTTP/1: requests and responses, framed as RFC 9112 says.

Strategy: one parser reads either direction; the first octets of each message say which it is. Only
header sections are held, and bodies of requests to map a port; others are counted through, or given to whom the
Exchange of both directions names, to their end and however long. Where framing is lost for good (until close, tunnels,
more body than is worth following) the parser stops. Secrets are cut here.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

import cython

from monitor.model.facts import HttpRequest, HttpResponse, Malformed, MalformedSeen, Want
from monitor.protocols import exploits, igd
from monitor.protocols.http_fields import MAX_READ
from monitor.protocols.image import LONGEST, STARTS

if not cython.compiled:
    from monitor.protocols.http_exchange import Exchange
    from monitor.protocols.http_fields import host_of, length_of, realm_of, split, text_of
    from monitor.protocols.names import spell
    from monitor.protocols.secrets import cut

if TYPE_CHECKING:
    from monitor.model.exhibits import Spool
    from monitor.model.facts import Fact
    from monitor.protocols.http_bodies import Taker
    from monitor.protocols.http_fields import Fields

LAYER: Final = "http"
MAX_HEADER: Final = 16_384
"""Octets of a header section, h11's limit; RFC 9110, 5.4 leaves it to the recipient."""
MAX_BODY: Final = 1_048_576
"""Octets of body that are followed to find the message behind it, where nobody takes it."""
UNTIL_CLOSE: Final = 1 << 62
"""Octets of a body whose end is that of the connection (RFC 9112, 6.3): more than there are."""
MAX_LINE: Final = 4_096
"""Octets of a chunk's size line with its extensions (RFC 9112, 7.1.1 asks for a limit)."""
MAX_URI: Final = 1_024
MAX_RESYNC: Final = 64
"""Segments behind a gap in which a message may begin anew."""

# RFC 9110, 9.3; RFC 5789; RFC 4918, RFC 3253 and RFC 5323 (WebDAV); UPnP Device Architecture 2.0 (events).
METHODS: Final = (
    b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH", b"PROPFIND", b"PROPPATCH",
    b"MKCOL", b"COPY", b"MOVE", b"LOCK", b"UNLOCK", b"REPORT", b"SEARCH", b"SUBSCRIBE", b"UNSUBSCRIBE", b"NOTIFY",
)  # fmt: skip

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[0-9] +([1-9][0-9]{2})(?![0-9])")
_METHOD: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}")
_VERSION: Final = re.compile(rb"HTTP/1\.[0-9]?")
_OTHER_SCHEME: Final = re.compile(rb"^[A-Z_]+ +(?:rtspu?|rtsps|sips?):", re.IGNORECASE)
_UNDECIDED: Final = re.compile(rb"[A-Z_]+ +(?:\*.*|r(?:t(?:s(?:p[us]?)?)?)?|s(?:i(?:ps?)?)?)?", re.IGNORECASE)
"""A request line that may still become RTSP's or SIP's, which share methods with HTTP."""
_HEADER_END: Final = re.compile(rb"\n\r?\n")
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")
_CHUNK: Final = re.compile(rb"\s*([0-9A-Fa-f]{1,15})\s*(?:;.*)?$", re.DOTALL)
_RESPONSE: Final = b"HTTP/1."
_NEXT_RESPONSE: Final = b"HTTP/1.x 000"
"""As much of a status line as proves that a response without a body was announced with one (to HEAD)."""


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  content alone decides
    """Whether a direction of a TCP stream begins with HTTP/1: a version, or a method and enough of its target."""
    head = head[:MAX_LINE].lstrip(b"\r\n")
    if head.startswith(_RESPONSE):
        return True
    line, ended, _ = head.partition(b"\n")
    if ended:
        return _request_line(line) is not None
    method, blank, _ = line.partition(b" ")
    return bool(blank) and method in METHODS and not _UNDECIDED.fullmatch(line) and not _OTHER_SCHEME.match(line)


def _request_line(line: bytes) -> tuple[bytes, bytes] | None:
    """Method and target, the target as lax as servers are: it may hold blanks, touch the version or be left out."""
    line = line.rstrip()
    method, _, rest = line.partition(b" ")
    at = rest.rfind(_RESPONSE)
    if at < 0 or not _VERSION.fullmatch(rest, at) or not _METHOD.fullmatch(method) or _OTHER_SCHEME.match(line):
        return None
    target = rest[:at].strip()
    return (method, target) if target or method in METHODS else None


def _may_start(held: bytearray) -> bool:
    """Whether these octets can grow into a start line."""
    if held.startswith(_RESPONSE) or _RESPONSE.startswith(held):
        return True
    method = _METHOD.match(held)
    return method is not None and bytes(held[method.end() : method.end() + 1]) in {b"", b" "}


class _State(Enum):
    HEADER = auto()
    PEEK = auto()
    """A response announces a body, but it may be the answer to HEAD."""
    BODY = auto()
    CHUNK_SIZE = auto()
    CHUNK_END = auto()
    TRAILER = auto()
    LOST = auto()
    """Behind a gap: a segment that begins with a start line begins anew."""


_HEADER: Final = _State.HEADER
_PEEK: Final = _State.PEEK
_BODY: Final = _State.BODY
_CHUNK_SIZE: Final = _State.CHUNK_SIZE
_CHUNK_END: Final = _State.CHUNK_END
_TRAILER: Final = _State.TRAILER
_LOST: Final = _State.LOST
STOP: Final = Want.STOP
MORE: Final = Want.MORE
TO_END: Final = Want.TO_END
"""Members looked up once: each look-up of one costs as much as a call."""


def pair(sport: int, dport: int) -> tuple[Parser, Parser]:  # noqa: ARG001  ports say nothing
    """Parsers of a direction and of the other one, which know of each other."""
    exchange = Exchange()
    return Parser(exchange), Parser(exchange)


class Parser:
    """One direction of a TCP connection."""

    def __init__(self, exchange: Exchange | None = None) -> None:
        """``exchange`` is shared with the other direction's parser, where there is one."""
        self.want = MORE
        self.exchange = exchange if exchange is not None else Exchange()
        self._taker: Taker | None = None
        """Who takes the present body."""
        self._maybe = False
        """Its first octets may say that somebody should."""
        self._answers = False
        """It is that of an answer."""
        self.dropped = 0
        """Header fields beyond the bounds, or that are none."""
        self._state = _HEADER
        self._held = bytearray()
        self._searched = 0
        """Octets of ``_held`` in which the end of the header section was not found."""
        self._left = 0
        """Octets of body or chunk still to come."""
        self._chunked = False
        self._body = 0
        """Octets of the body, of chunks those so far."""
        self._after_upgrade = False
        self._lost = 0
        self._owed: list[Fact] | None = None
        """What a header section that a gap cut short had said."""
        self._action: bytes | None = None
        """The present request asks a router to map a port."""
        self._suspect: tuple[bytes, bytes] | None = None
        """Method and target of the present request, which may be an attack."""
        self._soap: bytearray | None = None
        """The body that says which port, or whether it is one."""
        self.tunnels = False
        """A CONNECT request ended here: what follows is another protocol's (RFC 9110, 9.3.6)."""

    def spool_to(self, spool: Spool) -> None:
        """Images of this connection are to be kept there."""
        self.exchange.spool = spool

    def feed(self, data: bytes) -> list[Fact]:
        """The requests or responses whose header sections these octets complete.

        Behind a gap they come after what the cut section had said, which ``feed(b"")`` hands over alone.
        """
        facts = self._owed if self._owed is not None else []
        self._owed = None
        if self.want is STOP or not data:
            return facts
        if self._state is _LOST and not self._found(data, facts):
            return facts
        if self._state is _BODY and not self._held and len(data) <= self._left:
            self._take(data, facts)
            if self._stopped():
                self._leave(facts)
            return facts
        self._held += data
        try:
            while not self._stopped() and self._step(facts):
                pass
            if self._stopped():
                self._leave(facts)
        except Malformed as error:
            self._stop()
            self._leave(facts)
            self._mapping(facts)
            if self._after_upgrade:  # granted, so this is another protocol
                return facts
            if not facts:
                raise
            facts.append(MalformedSeen(error.layer, error.reason))
        return facts

    def behind(self) -> bytes:
        """What came behind the CONNECT request so far."""
        return bytes(self._held)

    def gap(self) -> None:
        """Octets are missing: keep what a cut header section said, and look for the next message."""
        if self.want is STOP:
            return
        owed = self._owed if self._owed is not None else []
        if self._state is _HEADER and b"\n" in self._held:
            section = bytes(self._held[: self._held.rfind(b"\n") + 1])
            try:
                self._message(section, owed)
            except Malformed as error:
                owed.append(MalformedSeen(error.layer, error.reason))
        self._mapping(owed)
        if self._taker is not None:
            self._taker.gap()
            if self._state is not _LOST and (self._state is not _BODY or self._chunked):
                self._finish(False, owed)  # noqa: FBT003  what is body can no longer be told
        self._owed = owed
        self._held.clear()
        self.tunnels = False
        self._searched = 0
        self._state = _LOST
        self.exchange.torn()

    def ended(self, whole: bool) -> list[Fact]:  # noqa: FBT001  a compiled method takes no keywords
        """No more will come; ``whole``: nothing was missed until the end of this direction."""
        facts = self._owed if self._owed is not None else []
        self._owed = None
        if self._taker is not None:
            self._finish(whole and self._state is _BODY and self._left > UNTIL_CLOSE >> 1, facts)
        facts += self.exchange.ended()
        self._stop()
        return facts

    def _found(self, data: bytes, facts: list[Fact]) -> bool:
        line = data[:MAX_LINE].partition(b"\n")[0]
        if _STATUS_LINE.match(data) or _request_line(line) is not None:
            self._state, self._lost = _HEADER, 0
            if self._taker is not None:
                self._finish(False, facts)  # noqa: FBT003
            return True
        if self._taker is not None and not self._taker.idle and self._left > 0:
            part = data[: self._left]
            self._taker.take(part)  # what is seen of it still counts
            self._left -= len(part)
            return False
        self._lost += 1
        if self._lost >= MAX_RESYNC:
            self._stop()
            self._leave(facts)
        return False

    def _leave(self, facts: list[Fact]) -> None:
        """The parser stopped: what was under way did as well."""
        if self._taker is not None:
            self._finish(False, facts)  # noqa: FBT003
        facts += self.exchange.ended()

    def _finish(self, whole: bool, facts: list[Fact]) -> None:  # noqa: FBT001  a compiled method takes no keywords
        """The present body is over."""
        taker = self._taker
        self._taker = None
        if taker is not None:
            facts += taker.end(whole)
        if self.want is TO_END:
            self.want = MORE

    def _stopped(self) -> bool:
        return self.want is STOP

    def _stop(self) -> None:
        self.want = STOP
        self._held.clear()

    def _step(self, facts: list[Fact]) -> bool:
        """Whether one more piece of a message was consumed."""
        held, state = self._held, self._state
        if not held:
            return False
        if state is _HEADER:
            return self._header(facts)
        if state is _PEEK:
            return self._peek()
        if state is _BODY:
            part = bytes(held[: self._left])
            del held[: len(part)]
            self._take(part, facts)
            return True
        line = self._line()
        if line is None:
            return False
        if state is _CHUNK_SIZE:
            self._chunk(line, facts)
        elif state is _CHUNK_END:
            if line.strip():
                raise Malformed(LAYER, "chunk longer than its size")
            self._state = _CHUNK_SIZE
        elif not line.strip():
            self._state = _HEADER
        else:
            self._left += len(line) + 1
            if self._left > MAX_HEADER:
                raise Malformed(LAYER, "trailer section too long")
        return True

    def _line(self) -> bytes | None:
        end = self._held.find(b"\n", 0, MAX_LINE)
        if end < 0:
            if len(self._held) >= MAX_LINE:
                raise Malformed(LAYER, "line too long")
            return None
        line = bytes(self._held[:end])
        del self._held[: end + 1]
        return line

    def _header(self, facts: list[Fact]) -> bool:
        held = self._held
        if not self._searched and held[0] in b"\r\n":  # RFC 9112, 2.2
            del held[: len(held) - len(held.lstrip(b"\r\n"))]
            return bool(held)
        if not _may_start(held):
            raise Malformed(LAYER, "no start line")
        found = _HEADER_END.search(held, max(0, self._searched - 3), MAX_HEADER)
        if found is None:
            if len(held) < MAX_HEADER:
                self._searched = len(held)
                return False
            section = bytes(held[: held.rfind(b"\n", 0, MAX_HEADER) + 1])
            if section:
                self._message(section, facts)
            raise Malformed(LAYER, "header section too long")
        section = bytes(held[: found.end()])
        del held[: found.end()]
        self._searched = 0
        self._message(section, facts)
        return True

    def _message(self, section: bytes, facts: list[Fact]) -> None:
        line, _, rest = section.partition(b"\n")
        fields, dropped = split(rest)
        self.dropped += dropped
        status = _STATUS_LINE.match(line)
        if status is not None:
            self._response(int(status[1]), fields, facts)
            return
        request = _request_line(line)
        if request is None:
            raise Malformed(LAYER, "no start line")
        self._request(request[0], request[1], fields, facts)

    def _request(self, method: bytes, target: bytes, fields: Fields, facts: list[Fact]) -> None:
        uri = target.decode("latin-1")[:MAX_READ]
        absolute = _ABSOLUTE.match(uri)
        if absolute is not None:
            host = host_of(absolute[1])
        elif method == b"CONNECT" and ":" in uri:
            host = host_of(uri)
        else:
            host = host_of(fields[b"host"][0].decode("latin-1")) if b"host" in fields else None
        if method == b"CONNECT":
            uri = uri.rpartition("@")[2]
        facts.append(
            HttpRequest(
                method=spell(method),
                host=host,
                uri=spell(cut(uri).encode("latin-1"), MAX_URI),
                user_agent=text_of(fields, b"user-agent"),
            )
        )
        if method == b"CONNECT":
            self.want, self.tunnels = STOP, True
            return
        self._after_upgrade = b"upgrade" in fields
        self._action = igd.action_of(fields)
        if exploits.may_be(target):
            self._suspect = (method, target)
        taker = self.exchange.asked(method, uri, host, fields, facts)
        self._taker = taker if self._action is None else None
        self._maybe, self._answers = self.exchange.maybe and self._action is None, False
        self._frame(fields, True)  # noqa: FBT003
        if self._state is _HEADER or self.want is STOP:
            self._mapping(facts)
            if self._taker is not None and self._state is _HEADER:
                self._finish(True, facts)  # noqa: FBT003

    def _response(self, status: int, fields: Fields, facts: list[Fact]) -> None:
        length = length_of(fields)
        facts.append(
            HttpResponse(
                status=status,
                server=text_of(fields, b"server"),
                content_type=text_of(fields, b"content-type"),
                content_length=length if length is not None and length >= 0 else None,
                realm=realm_of(fields),
            )
        )
        kind = fields.get(b"content-type", [b""])[0].lower()
        self._taker = self.exchange.answered(status, fields, length)
        self._maybe, self._answers = self.exchange.maybe, True
        if status == 101 or (kind.startswith(b"multipart/x-mixed-replace") and self._taker is None):  # or pictures
            self._stop()
        elif status in {204, 304} or status < 200 or self.exchange.headed:  # RFC 9112, 6.3
            self._state = _HEADER
        else:
            self._frame(fields, False)  # noqa: FBT003
        if self._taker is not None and self._state is _HEADER and self.want is not STOP:
            self._finish(True, facts)  # noqa: FBT003

    def _frame(self, fields: Fields, request: bool) -> None:  # noqa: FBT001  a compiled method takes no keywords
        """How long the body is (RFC 9112, 6.3)."""
        self._left = self._body = 0
        codings = b",".join(fields.get(b"transfer-encoding", [])).lower()
        length = length_of(fields)
        if codings:
            self._chunked = codings.rpartition(b",")[2].strip() == b"chunked"
            if not self._chunked:
                self._stop()
                return
        elif length is None:
            self._chunked = False
            if not request:
                if self._taker is None and not self._maybe:
                    self._stop()
                else:
                    self._state, self.want = _BODY, TO_END
                    self._left = self._body = UNTIL_CLOSE
                return
        elif length < 0:
            raise Malformed(LAYER, "content length is no number")
        else:
            self._chunked = False
            self._left = self._body = length
            if length > MAX_BODY and self._taker is None and not self._maybe:
                self._stop()
                return
        if not request and (self._chunked or self._left):
            self._state = _PEEK
        else:
            self._begin_body()

    def _begin_body(self) -> None:
        if self._chunked:
            self._state = _CHUNK_SIZE
        else:
            self._state = _BODY if self._left else _HEADER

    def _peek(self) -> bool:
        """Whether the next octets decide between a body and another response."""
        for seen, pattern in zip(self._held, _NEXT_RESPONSE, strict=False):
            if seen != pattern and not (pattern in b"x0" and chr(seen).isdigit()):
                self._begin_body()
                return True
        if len(self._held) < len(_NEXT_RESPONSE):
            return False
        self._state, self._taker = _HEADER, None
        return True

    def _take(self, part: bytes, facts: list[Fact]) -> None:
        """Octets of the body, or of one chunk of it."""
        if self._action is not None or self._suspect is not None:
            if self._soap is None:
                self._soap = bytearray()
            self._soap += part[: igd.MAX_BODY - len(self._soap)]
        self._left -= len(part)
        if self._maybe:
            self._maybe = False
            if len(part) < LONGEST or part[:2] in STARTS:
                self._taker = self.exchange.look(self._answers)
            elif self._body > MAX_BODY:
                self._stop()
                return
        if self._taker is not None:
            self._taker.take(part)
            if self._taker.told:
                facts += self._taker.told
                self._taker.told = []
            if self._taker.idle:
                self._finish(True, facts)  # noqa: FBT003
                if self._body > MAX_BODY:
                    self._stop()
                    return
        if self._left:
            return
        self._state = _CHUNK_END if self._chunked else _HEADER
        if not self._chunked:
            self._mapping(facts)
            if self._taker is not None:
                self._finish(True, facts)  # noqa: FBT003

    def _mapping(self, facts: list[Fact]) -> None:
        """The body of a request to map a port, or of one that may be an attack, ends, or no more of it will come."""
        if self._suspect is not None:
            attempt = exploits.of_request(self._suspect[0], self._suspect[1], bytes(self._soap or b""))
            if attempt is not None:
                facts.append(attempt)
            self._suspect = None
            if self._action is None:
                self._soap = None
        if self._action is not None:
            facts.append(igd.mapping(self._action, bytes(self._soap or b"")))
            self._action = self._soap = None

    def _chunk(self, line: bytes, facts: list[Fact]) -> None:
        size = _CHUNK.match(line)
        if size is None:
            raise Malformed(LAYER, "chunk size is no number")
        self._left = int(size[1], 16)
        self._body += self._left
        if self._body > MAX_BODY and self._taker is None and not self._maybe:
            self._stop()
        else:
            self._state = _BODY if self._left else _TRAILER
        if self._state is not _BODY:
            self._mapping(facts)
        if self._state is _TRAILER and self._taker is not None:
            self._finish(True, facts)  # noqa: FBT003
