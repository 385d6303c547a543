"""What parsers of P2P networks over UDP share: each type of message is reported once in a direction."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from monitor.model.facts import P2pContact, Want

if TYPE_CHECKING:
    from monitor.model.facts import Fact


class P2pParser:
    """One direction of a flow; each type of message is reported once for each role of its sender."""

    network: ClassVar[str]
    """Key of the catalogue's p2p row."""
    most: ClassVar[int]
    """Datagrams of one direction that are read."""

    def __init__(self) -> None:
        self.want = Want.MORE
        self._datagrams = 0
        self._seen: set[tuple[str, str]] = set()

    def feed(self, data: bytes) -> list[Fact]:
        """The messages that were not seen before in this direction."""
        self._datagrams += 1
        if self._datagrams >= self.most:
            self.want = Want.STOP
        message = self.read(data)
        if message is None or message in self._seen:
            return []
        self._seen.add(message)
        return [P2pContact(self.network, *message)]

    def read(self, datagram: bytes) -> tuple[str, str] | None:
        """Message and role of its sender; None for what shares the port. Malformed if it is none of the network's."""
        raise NotImplementedError
