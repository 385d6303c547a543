"""TFTP: which file is read or written (RFC 1350, RFC 2347).

The transfer itself runs between other ports, so a flow to port 69 holds requests and nothing else. Reading a file whose
name stands for a firmware asks whether there is one: it is a check at once, for a server that has none need not answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import FileRequest, FirmwareCheck, Malformed, Want
from monitor.protocols import tftp_transfer
from monitor.protocols.names import spell
from monitor.protocols.secrets import cut
from monitor.protocols.transfers import UDP, Announced
from monitor.protocols.upgrade_calls import TFTP_NAME

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "tftp"
PORT: Final = 69
MAX_REQUESTS: Final = 32
"""Datagrams of one direction that are read: a boot loader asks for some ten files, and repeats itself."""

_OPERATIONS: Final = {1: "read", 2: "write"}
_MODES: Final = frozenset({b"netascii", b"octet", b"mail"})
"""RFC 1350, 1; in any mixture of cases."""
_OPTIONS: Final = 2 * 8
"""Names and values of options: five are registered (IANA, TFTP Parameters)."""


def _request(datagram: bytes) -> tuple[str, bytes, bytes] | None:
    """Operation, name and mode, where all of the datagram is a request."""
    if len(datagram) < 6 or datagram[0] or datagram[1] not in _OPERATIONS or datagram[-1]:
        return None
    name, _, rest = datagram[2:].partition(b"\0")
    if not name or any(octet < 0x20 for octet in name):
        return None
    mode, *options = rest[:-1].split(b"\0", _OPTIONS + 1)
    if mode.lower() not in _MODES or len(options) > _OPTIONS or len(options) % 2:
        return None
    return _OPERATIONS[datagram[1]], name, mode.lower()


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  content alone decides
    """Whether this datagram is a whole request; no chance spells its mode."""
    return _request(head) is not None


class Parser:
    """One direction of a flow; a request that is repeated is reported once."""

    def __init__(self, sport: int = 0) -> None:
        """``sport`` is where the answer will go."""
        self.want = Want.MORE
        self.announced: list[Announced] = []
        self._sport = sport
        self._datagrams = 0
        self._seen: set[FileRequest] = set()

    def feed(self, data: bytes) -> list[Fact]:
        """The request, if this is one; errors and acknowledgements say nothing."""
        if self.want is Want.STOP:
            return []
        self._datagrams += 1
        if self._datagrams >= MAX_REQUESTS:
            self.want = Want.STOP
        request = _request(data)
        if request is None:
            if data[:2] in {b"\x00\x01", b"\x00\x02"}:
                raise Malformed(LAYER, "request without name or mode")
            return []
        operation, name, mode = request
        fact = FileRequest(LAYER, operation, cut(spell(name)), mode.decode("ascii"))
        if fact in self._seen:
            return []
        self._seen.add(fact)
        if self._sport:
            self.announced.append(_transfer(self._sport, name.decode("latin-1"), fact.mode or ""))
        if operation == "read" and TFTP_NAME.search(fact.name):
            return [fact, FirmwareCheck(LAYER, f"tftp:///{fact.name.lstrip('/')}")]
        return [fact]


def _transfer(port: int, name: str, mode: str) -> Announced:
    """The flow in which the file will pass: from a port that the server chooses."""

    def make(server: str) -> tuple[tftp_transfer.Parser, tftp_transfer.Parser]:
        transfer = tftp_transfer.Transfer(server, name, mode)
        return tftp_transfer.Parser(transfer), tftp_transfer.Parser(transfer)

    return Announced(UDP, port, of_sender=True, host=None, make=make)
