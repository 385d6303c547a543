"""The data connections of an FTP session: what passes in them is what its control connection asked for last.

A file is told of if its name stands for a firmware, or it begins like one: cameras upload pictures and video this way.
It ends with its connection (RFC 959, 3.4.1).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from monitor.model.facts import Want
from monitor.protocols.image import Image
from monitor.protocols.transfers import TCP, Announced
from monitor.protocols.upgrade_calls import FIRMWARE_NAME

if TYPE_CHECKING:
    from monitor.model.exhibits import Spool
    from monitor.model.facts import Fact

_PASSIVE: Final = re.compile(rb"\(?(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})\)?")
_EXTENDED: Final = re.compile(rb"\((.)\1\1(\d{1,5})\1\)")
_EPRT: Final = re.compile(rb"(.)[12]\1([0-9A-Fa-f.:]{2,45})\1(\d{1,5})\1")


class Session:
    """What the control connection has said."""

    def __init__(self) -> None:
        self.name: str | None = None
        self.operation: str | None = None
        self.mode: str | None = None
        self.offset = 0
        self.spool: Spool | None = None
        """Where images go that pass complete."""

    def announced(self, port: int, host: str | None) -> Announced:
        """Who said this listens on ``port``."""
        return Announced(TCP, port, of_sender=True, host=host, make=self._parsers)

    def _parsers(self, server: str) -> tuple[Parser, Parser]:
        return Parser(self, server), Parser(self, server)


class Parser:
    """One direction of a data connection."""

    def __init__(self, session: Session, server: str) -> None:
        self.want = Want.TO_END
        self._session = session
        self._server = server
        self._image: Image | None = None
        self._is_one: bool | None = None
        """Whether the file is an image; None: not known yet."""

    def feed(self, data: bytes) -> list[Fact]:
        """Nothing: a file ends with its connection."""
        if self._image is None:
            session = self._session
            if session.operation not in {"read", "write", "append"} or session.name is None:
                self.want = Want.STOP
                return []
            signs = ("name",) if FIRMWARE_NAME.search(session.name) else ()
            path = session.name.lstrip("/")
            name = session.name.rpartition("/")[2] or None
            self._image = Image("ftp", name, f"ftp://{self._server}/{path}", signs, session.spool)
            if session.mode not in {"image", "local"}:
                self._image.coded()  # line ends are not those of the file (RFC 959, 3.1.1.1: unless told otherwise)
            if session.offset:
                self._image.gap()
        self._image.take(data)
        if self._is_one is None:
            self._is_one = self._image.is_one()
            if self._is_one is False:
                self._image, self.want = None, Want.STOP
        return []

    def gap(self) -> None:
        """Octets are missing."""
        if self._image is not None:
            self._image.gap()

    def ended(self, whole: bool) -> list[Fact]:  # noqa: FBT001  called by a compiled method
        """The file."""
        image, self._image = self._image, None
        if image is None or not (self._is_one or image.is_one(over=True)):
            return []
        return list(image.fact(complete=whole))


def passive(reply: bytes) -> tuple[int, str | None] | None:
    """Port and host of a reply 227 or 229 (RFC 959, 4.1.2; RFC 2428, 3)."""
    if reply.startswith(b"229"):
        extended = _EXTENDED.search(reply)
        return _checked(int(extended[2]), None) if extended else None
    found = _PASSIVE.search(reply, 3)
    return _pair(found) if found else None


def active(command: bytes, argument: bytes) -> tuple[int, str | None] | None:
    """Port and host of PORT or EPRT."""
    if command == b"PORT":
        found = _PASSIVE.fullmatch(argument)
        return _pair(found) if found else None
    extended = _EPRT.fullmatch(argument)
    return _checked(int(extended[3]), extended[2].decode("ascii")) if extended else None


def _pair(found: re.Match[bytes]) -> tuple[int, str | None] | None:
    numbers = [int(each) for each in found.groups()]
    if max(numbers) > 255:
        return None
    return _checked(numbers[4] << 8 | numbers[5], ".".join(map(str, numbers[:4])))


def _checked(port: int, host: str | None) -> tuple[int, str | None] | None:
    return (port, host) if 0 < port < 65_536 else None
