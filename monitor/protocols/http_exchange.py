"""What both directions of an HTTP connection know: which request an answer is to, and what passes in their bodies.

Strategy: answers come in the order of their requests (RFC 9112, 9.3.2). Where octets were lost, only the newest request
is known to wait. Who asks for or sends a firmware is told by upgrade_calls; bodies go to the takers of http_bodies.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from monitor.model.facts import FirmwareCall, FirmwareCheck, Malformed, MalformedSeen
from monitor.protocols.http_bodies import (
    DEFLATED,
    SPEAKS_SOON,
    Both,
    Download,
    Events,
    Form,
    Inflated,
    Taker,
    Text,
    Upload,
)
from monitor.protocols.image import Image, spelled
from monitor.protocols.multipart import boundary_of
from monitor.protocols.upgrade_calls import (
    CHECK,
    SOAP_TYPES,
    SPOKEN,
    UPLOAD,
    UPLOAD_URI,
    Call,
    action_call_of,
    asks_version,
    body_call_of,
    call_of,
    file_name,
    names_firmware,
    version_in,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.model.exhibits import Spool
    from monitor.model.facts import Fact
    from monitor.protocols.http_fields import Fields

MAX_WAITING: Final = 64
"""Requests that may wait for their answers; clients that pipeline at all send a handful."""
MAX_JOINED: Final = 4
"""Images of one connection that may be put together from several messages at a time."""
MAX_CHECK: Final = 65_536
"""Octets of an answer that says which version there is; what is longer is something else."""
MAX_REPLY: Final = 4_096
"""Octets of the answer to a call in which it says whether it was taken."""
MAX_UPLOAD_URIS: Final = 4

_SENDS: Final = frozenset({b"PUT", b"POST"})
_HINTS: Final = (
    "firm", "upg", "ota", "isapi", "cgi", "lapi", "onvif", "rpc2", "vapix", "digicap", ".dav", ".pak", ".fw", ".swu",
    ".bin",
)  # fmt: skip
"""One of them stands in every URI that upgrade_calls or SPEAKS knows; few others have any."""
FRAMED: Final = (b"multipart/", b"Multipart/", b"application/soap")
"""Types of bodies that are looked into, whatever the URI."""
_MEDIA: Final = (b"image/", b"video/", b"audio/", b"text/", b"font/", b"multipart/", b"message/")
_READABLE: Final = (b"json", b"xml", b"javascript", b"pdf", b"x-x509", b"pkix", b"ocsp", b"pkcs", b"x-www-form")
"""Types no image is sent with: media, and application/ of these kinds."""
_TEXTS: Final = (b"text/", b"application/json", b"application/xml", b"application/soap+xml")
_RANGE: Final = re.compile(rb"bytes\s+([0-9]{1,15})-([0-9]{1,15})/([0-9]{1,15}|\*)", re.IGNORECASE)
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_DISPOSITION: Final = re.compile(rb'filename\s*=\s*(?:"([^"]{1,255})"|([^\s;"]{1,255}))', re.IGNORECASE)
_CODE: Final = re.compile(rb'"code"\s*:\s*(-?[0-9]{1,9})')
_RESULT: Final = re.compile(rb'"result"\s*:\s*(true|false|[0-9]{1,12})')
_ERROR: Final = re.compile(rb'"error"\s*:\s*\{')
_FAULT: Final = re.compile(rb"<(?:[\w.-]{1,32}:)?Fault[\s/>]")


class Answers(NamedTuple):
    """Who reads what devices answer."""

    question_of: Callable[[str, str, str | None, bytes], tuple[str, str] | None]
    read: Callable[[str, str, bytes, str | None], list[Fact]]


def _question_of(method: str, target: str, action: str | None, start: bytes) -> tuple[str, str] | None:
    from monitor.protocols.answers import question_of  # most captures have no such answer, and it takes a while to load

    return question_of(method, target, action, start)


def _read(api: str, question: str, body: bytes, content_type: str | None) -> list[Fact]:
    from monitor.protocols.answers import read

    return read(api, question, body, content_type)


DEVICES: Final = Answers(_question_of, _read)


def _is_notable(uri: str) -> bool:
    """Whether a URI in lower case holds one of the hints."""
    for hint in _HINTS:  # noqa: SIM110  a compiled function holds no generator
        if hint in uri:
            return True
    return False


class Request:
    """A request that waits for its answer; secrets are still in it."""

    def __init__(self, method: bytes, uri: str, host: str | None) -> None:
        self.method = method
        self.host = host
        self.notable = _is_notable(uri.lower())
        """Its URI may say that it is about a firmware, or is a device's own interface."""
        self.target = self._uri = uri
        self.path = self.query = ""
        self.call: Call | None = None
        self.action: str | None = None
        self.start = b""
        """How its body begins."""
        self.told = False
        """Its call was told of."""

    def divide(self) -> None:
        """Tell path and query apart."""
        whole = _ABSOLUTE.match(self._uri)
        self.target = self._uri[whole.end() :] if whole is not None else self._uri
        self.path, _, self.query = self.target.partition("?")

    def uri(self) -> str:
        """Where it goes, with scheme and host."""
        if _ABSOLUTE.match(self._uri):
            return self._uri
        host = self.host or ""
        return f"http://[{host}]{self.target}" if ":" in host else f"http://{host}{self.target}"


class Joined:
    """An image in several messages: ranges, or Reolink's pieces."""

    def __init__(self, key: tuple[str, ...], image: Image, size: int | None) -> None:
        self.key = key
        self.image = image
        self.size = size
        self.next = 0
        """Offset, or number of the piece, that comes next."""


class Exchange:
    """Shared by the parsers of both directions."""

    def __init__(self, answers: Answers | None = None) -> None:
        self.dropped = 0
        """Requests that were forgotten before their answer came, and images that were given up for others."""
        self.upload_paths: list[str] = []
        """Where ONVIF devices said that they want an image."""
        self.headed = False
        """The answer whose head was seen last is one to HEAD: it has no body."""
        self.maybe = False
        """Nobody takes the body that begins now, unless ``look`` finds that it begins like an image."""
        self.spool: Spool | None = None
        """Where images go that pass complete."""
        self._answers = answers if answers is not None else DEVICES
        self._waiting: list[Request] = []
        self._torn = False
        self._joined: list[Joined] = []
        self._owed: list[Fact] = []
        self._asked: Request | None = None
        self._answered: tuple[Request | None, int, Fields, bytes] | None = None
        self._pieces: tuple[bool | None, ...] = ()
        """What was told of a call that comes again with each piece of an image."""

    def torn(self) -> None:
        """Octets of one direction are missing: messages may be among them."""
        self._torn = True
        self._waiting.clear()

    def ended(self) -> list[Fact]:
        """Nothing more will come: images that wait for the rest of them, and checks that nobody answered."""
        facts, self._owed = self._owed, []
        for joined in self._joined:
            facts += joined.image.fact(complete=False)
        self._joined.clear()
        for request in self._waiting:
            if request.notable:
                facts += self._checked(request, b"")
        self._waiting.clear()
        return facts

    def asked(self, method: bytes, uri: str, host: str | None, fields: Fields, facts: list[Fact]) -> Taker | None:
        """A request was seen; who takes its body."""
        request = Request(method, uri, host)
        if self._torn:
            self._waiting.clear()
        self._waiting.append(request)
        if len(self._waiting) > MAX_WAITING:
            del self._waiting[0]
            self.dropped += 1
        kinds = fields.get(b"content-type")
        kind = kinds[0] if kinds else b""
        self.maybe = False
        if (
            not request.notable
            and not self.upload_paths
            and not kind.startswith(FRAMED)
            and b"soapaction" not in fields
        ):
            self.maybe = method in _SENDS and not kind.lower().startswith(_TEXTS + _MEDIA)
            self._asked = request
            return None
        return self._look_at(request, fields, kind, facts)

    def look(self, answer: bool) -> Taker:  # noqa: FBT001  a compiled method takes no keywords
        """Who takes a body that nobody waited for, and that may begin like an image."""
        self.maybe = False
        if answer and self._answered is not None:
            return self._download(*self._answered)
        assert self._asked is not None  # noqa: S101  its head was seen
        self._asked.divide()
        return Download(self._image(self._asked), may_be=True)

    def _look_at(self, request: Request, fields: Fields, kind: bytes, facts: list[Fact]) -> Taker | None:
        """A request that may be of interest: who takes its body."""
        request.divide()
        method = request.method
        request.call = call_of(method.decode("latin-1"), request.path, request.query)
        taker: Taker | None = None
        if b"soapaction" in fields or kind:
            taker = self._body_of(request, fields, kind)
        elif method in _SENDS:
            taker = self._plain_body(request)
        if request.call is not None:
            self._told(request, facts)
        return taker

    def answered(self, status: int, fields: Fields, length: int | None) -> Taker | None:
        """The head of an answer was seen; who takes its body."""
        self.headed = self.maybe = False
        if status < 200:
            return None
        request = None
        if self._waiting:
            request = self._waiting[0]
            del self._waiting[0]
            if request.method == b"HEAD":
                self.headed = not self._torn
                return None
        kinds = fields.get(b"content-type")
        kind = kinds[0].lower() if kinds else b""
        may_be = (status == 200 or status == 206 or status == 203) and not kind.startswith(b"multipart/")  # noqa: PLR1714
        if may_be:
            self._answered = (request, status, fields, kind)
        if request is None or not request.notable:
            # The first octets of what is coded or cut in parts say nothing by themselves.
            # Who names the file in the answer may name a firmware.
            self.maybe = (
                may_be and status != 206 and b"content-encoding" not in fields and b"content-disposition" not in fields
            )
            return self._download(request, status, fields, kind) if may_be and not self.maybe else None
        takers = self._replies(request, status, kind, length)
        if takers and type(takers[0]) is Text and _coding_of(fields) in DEFLATED:
            takers[0] = Inflated(takers[0])
        if takers and type(takers[0]) is Events:
            return takers[0]
        if may_be:
            takers.append(self._download(request, status, fields, kind))
        if not takers:
            return None
        return takers[0] if len(takers) == 1 else Both(takers[0], takers[1])

    def _body_of(self, request: Request, fields: Fields, kind: bytes) -> Taker | None:
        """Who takes a request's body that has a type."""
        lowered = kind.lower()
        boundary = boundary_of(kind)
        for value in (*fields.get(b"soapaction", ()), kind):
            found = action_call_of(value)
            if found is not None:
                request.call = found
                request.action = value.decode("latin-1").strip('"')
        call = request.call
        if request.path in self.upload_paths:
            request.call = call = Call("onvif", UPLOAD)
        if boundary is not None:
            if call is None and request.path.lower().endswith("firmwaremanagement.cgi"):
                request.call = call = Call("vapix", UPLOAD)
            return Form(boundary, self._image(request), self._piece, self.finished)
        if call is not None and call.operation == UPLOAD and not lowered.startswith(_TEXTS):
            return Upload(self._image(request))
        if SPOKEN.fullmatch(request.path) or lowered.startswith(SOAP_TYPES):
            return Text(lambda body, whole: self._spoke(request, body), SPEAKS_SOON)  # noqa: ARG005
        if lowered.startswith(_TEXTS + _MEDIA):
            return None
        return self._plain_body(request)

    def _plain_body(self, request: Request) -> Taker | None:
        """A body of no readable type: what the call says, or what it begins like."""
        call = request.call
        if call is not None and call.operation == UPLOAD:
            return Upload(self._image(request))
        if SPOKEN.fullmatch(request.path):
            return Text(lambda body, whole: self._spoke(request, body), SPEAKS_SOON)  # noqa: ARG005
        if request.method not in _SENDS:
            return None
        return Download(self._image(request), may_be=True)

    def _image(self, request: Request) -> Image:
        call = request.call
        if call is not None and call.operation == UPLOAD:
            return Image(call.via, None, request.uri(), ("call",), self.spool)
        signs = ("name",) if request.method == b"PUT" and names_firmware(request.path) else ()
        return Image("http", file_name(request.path), request.uri(), signs, self.spool)

    def _spoke(self, request: Request, start: bytes) -> list[Fact]:
        """A request's body says what it asks for."""
        request.start = start[:SPEAKS_SOON]
        facts: list[Fact] = []
        if request.call is None:
            request.call = body_call_of(request.path, request.start)
            self._told(request, facts)
        return facts

    def _told(self, request: Request, facts: list[Fact]) -> None:
        call = request.call
        if call is not None and not request.told and call.operation not in {CHECK, "status"}:
            request.told = True
            if not self._is_repeated(call, None):
                facts.append(FirmwareCall(call.via, call.operation, spelled(request.uri())))

    def _is_repeated(self, call: Call, accepted: bool | None) -> bool:  # noqa: FBT001  as of FirmwareCall
        """Reolink's clients ask once for each piece."""
        if call.via != "reolink" or call.operation != UPLOAD:
            return False
        known = accepted in self._pieces
        if not known:
            self._pieces += (accepted,)
        return known

    def _replies(self, request: Request, status: int, kind: bytes, length: int | None) -> list[Taker]:
        """Who reads the answer to this request, at most one."""
        call = request.call
        listened = _LISTENS.search(request.target) if status == 200 else None
        if listened is not None:
            return [Events("isapi" if listened[1] else "dahua")]
        if status == 200 and (b"PullMessages" in request.start or "PullMessages" in (request.action or "")):
            return [Events("onvif")]
        if call is not None and call.operation != CHECK:
            return [Text(lambda body, _: self._replied(request, call, status, body), MAX_REPLY)]
        if call is not None or asks_version(request.path, request.query):
            if status >= 400:
                return []
            if (not kind or kind.startswith(_TEXTS) or status in {204, 304}) and (length or 0) <= MAX_CHECK:
                return [Text(lambda body, whole: self._checked(request, body) if whole else [], MAX_CHECK)]
            return []
        if status == 200 and kind.startswith(_TEXTS) and SPEAKS.search(request.path):
            question = self._answers.question_of(
                request.method.decode("latin-1"), request.target, request.action, request.start
            )
            if question is not None:
                return [Text(lambda body, whole: self._stated(question, body, kind) if whole else [])]
        return []

    def _stated(self, question: tuple[str, str], body: bytes, kind: bytes) -> list[Fact]:
        """What a device says in an answer. One that cannot be read says nothing of the messages behind it."""
        page = kind.startswith(b"text/html")
        if page and not body.lstrip().startswith((b"{", b"[")):  # Reolink calls its JSON so
            return []
        try:
            return self._answers.read(*question, body, None if page else kind.decode("latin-1"))
        except Malformed as error:
            return [MalformedSeen(error.layer, error.reason)]

    def _replied(self, request: Request, call: Call, status: int, body: bytes) -> list[Fact]:
        """What a device answered to a call."""
        accepted = 200 <= status < 300 and not _refused(call.via, body)
        uri = request.uri()
        upload = UPLOAD_URI.search(body) if call.via == "onvif" else None
        if upload is not None:
            uri = upload[1].decode("latin-1").replace("&amp;", "&")
            expected = Request(b"POST", uri, None)
            expected.divide()
            self.upload_paths = [*self.upload_paths[1 - MAX_UPLOAD_URIS :], expected.path]
        if self._is_repeated(call, accepted):
            return []
        return [FirmwareCall(call.via, call.operation, spelled(uri), accepted)]

    def _checked(self, request: Request, body: bytes) -> list[Fact]:
        """A version was asked for; what was answered."""
        call = request.call
        if (call is None or call.operation != CHECK) and not asks_version(request.path, request.query):
            return []
        via = call.via if call is not None else "http"
        says = version_in(request.query.encode("latin-1", "replace"))
        return [FirmwareCheck(via, spelled(request.uri()), version=says, offered=version_in(body))]

    def _download(self, request: Request | None, status: int, fields: Fields, kind: bytes) -> Taker:
        """Who looks whether an answer is an image."""
        if request is not None and not request.path:
            request.divide()
        coding = _coding_of(fields)
        name = _DISPOSITION.search(fields.get(b"content-disposition", (b"",))[0])
        said = (name[1] or name[2]).decode("latin-1") if name else None
        path = request.path if request is not None else ""
        named = names_firmware(path) or (said is not None and names_firmware(said))
        image = Image(
            "http",
            said or file_name(path),
            request.uri() if request is not None else None,
            ("name",) if named else (),
            self.spool,
        )
        may_be = not kind.startswith(_MEDIA) and not any(each in kind for each in _READABLE)
        if status == 206:
            return Ranged(self, image, fields.get(b"content-range", (b"",))[0], may_be=may_be, coding=coding)
        return Download(image, may_be=may_be, coding=b"" if coding == b"identity" else coding)

    def _piece(self, name: str, upload: str, number: int, size: int) -> Image:
        """Reolink's pieces come one behind the other."""
        joined = self.joined((name, upload), lambda: Image("reolink", name, None, ("call",), self.spool), size)
        if number != joined.next:
            joined.image.gap()
        joined.next = number + 1
        if not joined.image.uri and self._waiting:
            joined.image.uri = self._waiting[-1].uri()
        return joined.image

    def joined(self, key: tuple[str, ...], make: Callable[[], Image], size: int | None) -> Joined:
        """The image that this message is a part of."""
        for each in self._joined:
            if each.key == key:
                return each
        if len(self._joined) == MAX_JOINED:
            self.dropped += 1
            self._owed += self._joined.pop(0).image.fact(complete=False)
        joined = Joined(key, make(), size)
        self._joined.append(joined)
        return joined

    def forget(self, joined: Joined) -> None:
        """It is no image."""
        self._joined = [each for each in self._joined if each is not joined]

    def finished(self) -> list[Fact]:
        """Images of several messages that are all there."""
        facts, self._owed = self._owed, []
        for each in [each for each in self._joined if each.size is not None and each.image.bytes >= each.size]:
            self._joined.remove(each)
            facts += each.image.fact(complete=each.image.bytes == each.size)
        return facts


class Ranged(Download):
    """A part of a file (RFC 9110, 14.4), put together with those before it if it follows them."""

    def __init__(self, exchange: Exchange, image: Image, content_range: bytes, *, may_be: bool, coding: bytes) -> None:
        found = _RANGE.match(content_range)
        self._first = int(found[1]) if found else -1
        size = int(found[3]) if found and found[3] != b"*" else None
        self._exchange = exchange
        self._part: Joined | None = None
        if found and image.uri is not None and not coding:
            joined = exchange.joined((image.uri, found[3].decode()), lambda: image, size)
            if joined.next != self._first:
                joined.image.gap()
            joined.next = int(found[2]) + 1
            image, self._part = joined.image, joined
        super().__init__(image, may_be=may_be, coding=coding)
        if self._first and self._part is None:
            image.gap()

    def end(self, whole: bool) -> list[Fact]:  # noqa: FBT001  called by a compiled method
        if self._part is None:
            return [] if self.idle else super().end(False)  # noqa: FBT003  of a whole that nobody knows
        if not whole:
            self.image.gap()
        if not self._decided:
            self._decide(full=True)
        return self._exchange.finished()

    def _decide(self, *, full: bool) -> None:
        super()._decide(full=full)
        if self.idle and self._part is not None:
            self._exchange.forget(self._part)
            self._part = None


_LISTENS: Final = re.compile(
    r"^[^?]*(?:/ISAPI/Event/notification/(alertStream)|/(?:eventManager|snapManager)\.cgi\?(?=[^#]*action=attach))",
    re.IGNORECASE,
)
"""Requests whose answer goes on as long as somebody listens (vendors.md 4.1; Dahua's attach and attachFileProc)."""
SPEAKS: Final = re.compile(r"/(?:ISAPI|cgi-bin|axis-cgi|stw-cgi|LAPI|onvif|RPC2|api\.cgi|vapix)\b", re.IGNORECASE)
"""Paths of devices' own interfaces."""


def _coding_of(fields: Fields) -> bytes:
    """What the body is coded in, lower case; empty if it is as it is."""
    return fields.get(b"content-encoding", (b"",))[0].lower()


def _refused(via: str, body: bytes) -> bool:
    """Whether an answer says no that HTTP calls OK."""
    if via == "reolink":
        code = _CODE.search(body)
        return code is not None and int(code[1]) != 0
    if via == "rpc":
        result = _RESULT.search(body)
        return result is not None and result[1] == b"false"
    if via == "vapix":
        return _ERROR.search(body) is not None
    return via == "onvif" and _FAULT.search(body) is not None
