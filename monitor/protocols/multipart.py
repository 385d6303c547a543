"""Multipart bodies read as they pass: each part's header, and its octets without their boundary (RFC 2046, 5.1.1).

Strategy: no more is held than could be the beginning of a boundary, or one part's header section.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_PART_HEADER: Final = 8_192
"""Octets of a part's header section; browsers write some 200."""
MAX_PARTS: Final = 32
"""Parts that are looked at: an upload form has a handful of fields."""
_BOUNDARY: Final = re.compile(rb'boundary\s*=\s*(?:"([^"\r\n]{1,200})"|([^\s";,]{1,200}))', re.IGNORECASE)
"""RFC 2046 allows 70 characters."""
_HEADER_END: Final = re.compile(rb"\r?\n\r?\n")


def boundary_of(content_type: bytes) -> bytes | None:
    """The boundary that a Content-Type names, where that is a multipart."""
    if not content_type[:10].lower().startswith(b"multipart/"):
        return None
    found = _BOUNDARY.search(content_type)
    return (found[1] or found[2]) if found else None


class Parts:
    """Cuts a body into parts: ``begin`` is told each part's header section, ``take`` its octets, ``end`` its end."""

    def __init__(
        self,
        boundary: bytes,
        begin: Callable[[bytes], None],
        take: Callable[[bytes], None],
        end: Callable[[], None],
    ) -> None:
        self.over = False
        """The last boundary has passed, or there is no telling where parts are."""
        self._mark = b"\r\n--" + boundary
        self._begin, self._take, self._end = begin, take, end
        self._held = b"\r\n"
        """The body may begin with a boundary."""
        self._inside = False
        self._heading = False
        self._parts = 0
        self.taken = 0
        """Octets of the body so far."""
        self.begun = 0
        """Where in the body the octets of the present part begin."""

    def take(self, data: bytes) -> None:
        """The next octets of the body."""
        if self.over:
            return
        self.taken += len(data)
        if self._inside and not self._held:
            # Most of an image holds no boundary: it is searched, not copied.
            at = data.rfind(b"\r", max(0, len(data) - len(self._mark)))
            if self._mark not in data:
                keep = len(data) if at < 0 else at
                self._take(data[:keep])
                self._held = data[keep:]
                return
        self._held += data
        while not self.over and self._step():
            pass

    def gap(self) -> None:
        """Octets are missing: a boundary may be among them."""
        if self._heading:
            self.over = True
        self.finish()

    def finish(self) -> None:
        """No more octets come: what was held because a boundary may begin so belongs to the part."""
        if self._inside and self._held:
            self._take(self._held)
        self._held = b""

    def _step(self) -> bool:
        held = self._held
        if self._heading:
            return self._head()
        at = held.find(self._mark)
        if at < 0:
            keep = held.rfind(b"\r", max(0, len(held) - len(self._mark) + 1))
            keep = len(held) if keep < 0 else keep
            if self._inside and keep:
                self._take(held[:keep])
            self._held = held[keep:]
            return False
        behind = at + len(self._mark)
        if len(held) < behind + 2:
            if self._inside and at:
                self._take(held[:at])
            self._held = held[at:]
            return False
        if self._inside:
            if at:
                self._take(held[:at])
            self._inside = False
            self._end()
        if held[behind : behind + 2] == b"--":
            self.over = True
            self._held = b""
            return False
        self._held = held[behind:]
        self._heading = True
        self._parts += 1
        self.over = self._parts > MAX_PARTS
        return True

    def _head(self) -> bool:
        found = _HEADER_END.search(self._held, 0, MAX_PART_HEADER)
        if found is None:
            self.over = len(self._held) >= MAX_PART_HEADER
            return False
        head, self._held = self._held[: found.end()], self._held[found.end() :]
        self._heading, self._inside = False, True
        self.begun = self.taken - len(self._held)
        self._begin(head)
        return True
