"""Bodies of HTTP that are of interest: an image, the file part of a form, a text that somebody reads.

Strategy: the parser gives every octet of a body to one Taker, which tells its facts when the body ends or stops. One
that looked for a reason to follow and found none says so; the parser then counts the rest through, or leaves it.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Final

from monitor.model.facts import Want
from monitor.protocols.image import HEAD, Image, is_image, is_text, magic_of
from monitor.protocols.multipart import Parts
from monitor.protocols.upgrade_calls import FIRMWARE_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.model.facts import Fact

LOOKS: Final = 65_536
"""Octets of a form in which the part that is an image must begin, where no call says that there is one: cameras send
pictures as forms all day."""
DEFLATED: Final = frozenset({b"gzip", b"x-gzip", b"deflate"})
"""Codings that zlib reads (RFC 9110, 8.4.1)."""
MAX_TEXT: Final = 262_144
"""Octets of an answer that are kept for whoever reads it (reliability.md, C11)."""
SPEAKS_SOON: Final = 4_096
"""Octets within which a request's body says what it asks for."""

_FILE_NAME: Final = re.compile(rb'filename\s*=\s*(?:"([^"\r\n]{0,1024})"|([^\s;"]{1,1024}))', re.IGNORECASE)
_XOP: Final = re.compile(
    rb"content-type\s*:\s*(?:application/xop\+xml|text/|application/(?:soap\+xml|json|xml))", re.IGNORECASE
)
_FIELD: Final = re.compile(rb"content-disposition\s*:", re.IGNORECASE)
_CHUNK_NAME: Final = re.compile(r"([^&]{1,255})&([0-9A-Fa-f-]{8,64})&([0-9]{1,9})&([0-9]{1,12})")
"""Reolink's: file, upload, number of the piece, octets of the file."""


class Taker:
    """Takes one body. ``idle``: it has seen enough to know that it wants no more."""

    def __init__(self) -> None:
        self.idle = False
        self.told: list[Fact] = []
        """What it says before the body is over; whoever takes it leaves an empty list."""

    def take(self, part: bytes) -> None:
        """The next octets of the body."""

    def gap(self) -> None:
        """Octets of it are missing here."""

    def end(self, whole: bool) -> list[Fact]:  # noqa: ARG002, FBT001  called by a compiled method
        """The body is over; ``whole``: it ended where it was to end."""
        return []


class Events(Taker):
    """The body of an answer that tells what a device sees and hears, for as long as somebody listens."""

    def __init__(self, api: str) -> None:
        from monitor.protocols.answers import EventStream

        super().__init__()
        self._stream = EventStream(api)

    def take(self, part: bytes) -> None:
        self.told += self._stream.feed(part)
        self.idle = self._stream.want is Want.STOP

    def gap(self) -> None:
        self._stream.gap()


class Download(Taker):
    """The body of an answer: an image if it begins like one, or is named like one and does not read like a text."""

    def __init__(self, image: Image, *, may_be: bool, coding: bytes = b"") -> None:
        """``may_be``: its type is one that images are sent with; ``coding``: its Content-Encoding."""
        super().__init__()
        self.image = image
        self._may_be = may_be
        self._decided = False
        self._coding = coding
        if coding:
            image.coded()

    def take(self, part: bytes) -> None:
        self.image.take(part)
        if not self._decided:
            self._decide(full=len(self.image.head) >= HEAD)

    def gap(self) -> None:
        self.image.gap()

    def end(self, whole: bool) -> list[Fact]:  # noqa: FBT001  called by a compiled method
        if not self._decided:
            self._decide(full=True)
        if self.idle:
            return []
        if self._coding:
            self.image.known = magic_of(self._clear())
        return list(self.image.fact(complete=whole))

    def _decide(self, *, full: bool) -> None:
        decided = is_image(self._clear(), named=bool(self.image.signs), full=full, may_be=self._may_be)
        self._decided = decided is not None
        self.idle = decided is False

    def _clear(self) -> bytes:
        """The first octets as they are without their coding."""
        if self._coding not in DEFLATED:
            return self.image.head
        try:
            return zlib.decompressobj(47).decompress(self.image.head, HEAD)
        except zlib.error:
            return b""


class Upload(Taker):
    """The body of a request that is a call to take a firmware; of a form, its file."""

    def __init__(self, image: Image) -> None:
        super().__init__()
        self.image = image

    def take(self, part: bytes) -> None:
        self.image.take(part)

    def gap(self) -> None:
        self.image.gap()

    def end(self, whole: bool) -> list[Fact]:  # noqa: FBT001  called by a compiled method
        image = self.image
        if is_text(image.head) and len(image.head) == image.bytes:
            return []  # a form, or an XML that says where to get it
        return list(image.fact(complete=whole))


class Form(Taker):
    """A multipart request. The part that is a file is the image, if the call, its name or its magic says so."""

    def __init__(
        self,
        boundary: bytes,
        image: Image,
        continued: Callable[[str, str, int, int], Image],
        finished: Callable[[], list[Fact]],
    ) -> None:
        """``continued`` of the file, upload, number and size of a piece: the image that it goes on with.

        ``finished``: what is to be told of images in pieces.
        """
        super().__init__()
        self._finished = finished
        self._parts = Parts(boundary, self._begin, self._take_part, self._end_part)
        self._blank = image
        self._continued = continued
        self._image: Image | None = None
        self._reads = False
        self._ended = False
        self._sure = bool(image.signs)
        self._decided = False
        self._size: int | None = None
        self._done: list[Fact] = []

    def take(self, part: bytes) -> None:
        self._parts.take(part)
        far = not self._sure and self._parts.taken >= LOOKS
        if self._image is None and not self._done and (self._parts.over or far):
            self.idle = True

    def gap(self) -> None:
        self._parts.gap()
        if self._image is not None:
            self._image.gap()

    def end(self, whole: bool) -> list[Fact]:  # noqa: FBT001  called by a compiled method
        if self._image is not None:
            self._parts.finish()
            self._close(whole=whole and self._ended)
        return self._done + self._finished()

    def _begin(self, head: bytes) -> None:
        name = _FILE_NAME.search(head)
        # A form says which part is the file; MTOM (SOAP) says which part is the envelope.
        read = name is not None or (self._sure and _FIELD.search(head) is None and _XOP.search(head) is None)
        self._reads = read and self._image is None and (self._sure or self._parts.begun < LOOKS)
        if not self._reads:
            return
        self._decided = False
        spelled = (name[1] or name[2] or b"").decode("latin-1") if name else None
        piece = _CHUNK_NAME.fullmatch(spelled) if spelled else None
        blank = self._blank
        if piece is not None and self._sure:
            self._size = int(piece[4])
            self._image = self._continued(piece[1], piece[2], int(piece[3]), self._size)
        else:
            signs = blank.signs + (("name",) if spelled and FIRMWARE_NAME.search(spelled) else ())
            self._image = Image(blank.via, spelled or blank.name, blank.uri, signs, blank.spool)

    def _take_part(self, part: bytes) -> None:
        image = self._image
        if not self._reads or image is None:
            return
        image.take(part)
        if not self._decided and not image.signs:
            decided = image.is_one()
            self._decided = decided is not None
            if decided is False:
                self._image, self._reads = None, False

    def _end_part(self) -> None:
        image = self._image
        if self._reads and image is not None:
            # A field for which nobody chose a file is empty.
            self._ended = image.bytes > 0 and bool(image.signs or image.is_one(over=True))
            self._image = image if self._ended else None
        self._reads = False

    def _close(self, *, whole: bool) -> None:
        image, self._image = self._image, None
        if image is None or not (image.signs or image.is_one(over=True)):
            return
        if self._size is not None:
            if not whole:
                image.gap()
            return  # who joins the pieces tells of the whole
        self._done = list(image.fact(complete=whole))


class Text(Taker):
    """A body that somebody reads at its end, if it is not too long."""

    def __init__(self, read: Callable[[bytes, bool], list[Fact]], limit: int = MAX_TEXT) -> None:
        """``read`` is given as many octets as there is room for, and whether that is all."""
        super().__init__()
        self._read = read
        self._limit = limit
        self._held = bytearray()
        self._whole = True

    def take(self, part: bytes) -> None:
        room = self._limit - len(self._held)
        self._held += part[:room]
        self._whole = self._whole and len(part) <= room

    def gap(self) -> None:
        self._whole = False

    def end(self, whole: bool) -> list[Fact]:  # noqa: FBT001  called by a compiled method
        return self._read(bytes(self._held), whole and self._whole)


class Inflated(Taker):
    """A text that is sent in a coding: who reads it is given it in the clear (RFC 9110, 8.4.1)."""

    def __init__(self, text: Text) -> None:
        super().__init__()
        self._text = text
        self._left = MAX_TEXT + 1
        self._clear = zlib.decompressobj(47)

    def take(self, part: bytes) -> None:
        if self._left <= 0:
            return
        try:
            clear = self._clear.decompress(part, self._left)
        except zlib.error:
            self.gap()
            return
        self._left -= len(clear)
        if self._left <= 0:
            self._text.gap()
        self._text.take(clear)

    def gap(self) -> None:
        self._left = 0
        self._text.gap()

    def end(self, whole: bool) -> list[Fact]:  # noqa: FBT001  called by a compiled method
        return self._text.end(whole and self._clear.eof)


class Both(Taker):
    """Two that take the same body."""

    def __init__(self, first: Taker, second: Taker) -> None:
        super().__init__()
        self._first, self._second = first, second

    def take(self, part: bytes) -> None:
        if not self._first.idle:
            self._first.take(part)
        if not self._second.idle:
            self._second.take(part)
        self.idle = self._first.idle and self._second.idle

    def gap(self) -> None:
        self._first.gap()
        self._second.gap()

    def end(self, whole: bool) -> list[Fact]:  # noqa: FBT001  called by a compiled method
        return self._first.end(whole) + self._second.end(whole)
