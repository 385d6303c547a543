"""The blocks of a TFTP transfer: from the port that the server chose, to the one that asked (RFC 1350, 2347 to 2349).

Strategy: both directions share one Transfer. Blocks that are repeated count once, one that is missing leaves a hole;
the block that is shorter than the others is the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import Want
from monitor.protocols.image import Image, magic_of
from monitor.protocols.upgrade_calls import TFTP_NAME

if TYPE_CHECKING:
    from monitor.model.exhibits import Spool
    from monitor.model.facts import Fact

BLOCK: Final = 512
"""Octets of a block where no option says otherwise (RFC 1350, 1)."""
LARGEST: Final = 65_464
"""RFC 2348."""
_DATA: Final = b"\x00\x03"
_ERROR: Final = b"\x00\x05"
_OPTIONS: Final = b"\x00\x06"
_NUMBERS: Final = 1 << 16
"""Block numbers begin anew at 0 behind the last one, as servers have it; some at 1."""


class Transfer:
    """What both directions know."""

    def __init__(self, server: str, name: str, mode: str) -> None:
        """``server`` spelled out; name and mode as in the request."""
        signs = ("name",) if TFTP_NAME.search(name) else ()
        path = name.lstrip("/")
        self.image = Image("tftp", name.rpartition("/")[2] or None, f"tftp://{server}/{path}", signs)
        if mode != "octet":
            self.image.coded()  # line ends are not those of the file
        self.block = BLOCK
        self.last = 0
        self.over = False

    def data(self, number: int, block: bytes) -> list[Fact]:
        """A block."""
        if number == self.last and self.image.bytes:
            return []
        following = (self.last + 1) % _NUMBERS
        if number != following and not (following == 0 and number == 1):
            if (number - following) % _NUMBERS >= _NUMBERS // 2:
                return []  # one of long ago
            self.image.gap()
        self.last = number
        self.image.take(block)
        return self.end(complete=True) if len(block) < self.block else []

    def end(self, *, complete: bool) -> list[Fact]:
        """The transfer is over, or stopped."""
        if self.over:
            return []
        self.over = True
        magic = magic_of(self.image.head)
        if not self.image.signs and (magic is None or not magic.alone):
            return []
        return list(self.image.fact(complete=complete))


class Parser:
    """One direction of the transfer."""

    def __init__(self, transfer: Transfer) -> None:
        self.want = Want.MORE
        self._transfer = transfer

    def spool_to(self, spool: Spool) -> None:
        """The file is to be kept there, unless it is not the file's own octets that pass."""
        if self._transfer.image.hashed and not self._transfer.image.bytes:
            self._transfer.image.spool = spool

    def feed(self, data: bytes) -> list[Fact]:
        """The transfer, with its last block or an error."""
        transfer, kind = self._transfer, data[:2]
        facts: list[Fact] = []
        if kind == _DATA and len(data) >= 4:
            facts = transfer.data(int.from_bytes(data[2:4], "big"), data[4:])
        elif kind == _OPTIONS:
            transfer.block = _block_size(data[2:])
        elif kind == _ERROR:
            facts = transfer.end(complete=False)
        if transfer.over:
            self.want = Want.STOP
        return facts

    def ended(self, whole: bool) -> list[Fact]:  # noqa: ARG002, FBT001  a datagram's end is no end of a file
        """No more blocks will come."""
        return self._transfer.end(complete=False)


def _block_size(options: bytes) -> int:
    """What the server agreed to (RFC 2348)."""
    words = options.split(b"\0")
    for name, value in zip(words[::2], words[1::2], strict=False):
        if name.lower() == b"blksize" and value.isdigit() and 8 <= int(value[:6]) <= LARGEST:
            return int(value[:6])
    return BLOCK
