"""Files that pass in a flow of their own: TFTP's blocks and FTP's data connections, announced by another flow.

Strategy: a parser that learns of such a flow puts an Announced into its list. Who gives packets to parsers keeps it in
an Awaited table, and when a flow begins that fits has Conversation.expect read it with what the Announced makes.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from monitor.model.address import is_address, pack

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.model.address import Address
    from monitor.protocols.conversation import Parser

TCP: Final = 6
UDP: Final = 17
CAPACITY: Final = 1_024
"""Flows that may be awaited, some 500 octets each; beyond that the one that waits longest goes."""
MAX_AGE_NS: Final = 120_000_000_000
"""How long they are awaited: FTP servers give up an idle data port after a minute or two (RFC 1123, 4.1.3.2)."""


class Announced(NamedTuple):
    """A flow that is to come between the hosts of the flow that announced it."""

    proto: int
    port: int
    """Where one of them listens."""
    of_sender: bool
    """It is the one that sent the announcement."""
    host: str | None
    """What it calls itself, where it said so."""
    make: Callable[[str], tuple[Parser, Parser]]
    """Given the server's address: what reads what the listening host sends, and what the other one sends."""


class Expectation(NamedTuple):
    """A flow that is awaited."""

    announced: Announced
    server: str
    listener: Address


class Awaited:
    """Flows that were announced. Time comes in as an argument, nanoseconds."""

    def __init__(self, capacity: int = CAPACITY, max_age_ns: int = MAX_AGE_NS) -> None:
        self._capacity = capacity
        self._max_age_ns = max_age_ns
        self._flows: OrderedDict[bytes, tuple[int, Expectation]] = OrderedDict()
        self.evicted = 0
        """Flows forgotten for want of room."""

    def __len__(self) -> int:
        return len(self._flows)

    def expect(self, announced: Announced, sender: Address, receiver: Address, server: str, now_ns: int) -> None:
        """``sender`` announced a flow to ``receiver``; ``server`` is spelled out for who reads of it."""
        listener, peer = (sender, receiver) if announced.of_sender else (receiver, sender)
        listeners = dict.fromkeys((listener,))
        if announced.host is not None and is_address(announced.host) and "%" not in announced.host:
            listeners[pack(announced.host)] = None
        for each in listeners:
            self._flows[_key(announced.proto, each, announced.port, peer)] = (
                now_ns,
                Expectation(announced, server, each),
            )
        while len(self._flows) > self._capacity:
            self._flows.popitem(last=False)
            self.evicted += 1

    def claim(
        self, proto: int, first: Address, first_port: int, second: Address, second_port: int, now_ns: int
    ) -> Expectation | None:
        """What was announced for a flow between these ends, whichever of them listens."""
        for key in (_key(proto, second, second_port, first), _key(proto, first, first_port, second)):
            entry = self._flows.get(key)
            if entry is not None and now_ns - entry[0] <= self._max_age_ns:
                return entry[1]
        return None


def _key(proto: int, listener: Address, port: int, peer: Address) -> bytes:
    return proto.to_bytes(1, "big") + listener + port.to_bytes(2, "big") + peer
