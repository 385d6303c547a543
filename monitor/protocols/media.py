"""Media belongs to the session that agreed on it: who set up the ports between which RTP passes.

Strategy: a SETUP answer names ports, the control connection names hosts. Each port that was agreed on is kept together
with the host at its other end, so that a port that is used again by somebody else is not mistaken for it. Either side's
port is enough: address translation changes one of them, and some servers name none.

Who gives packets to parsers calls ``expect`` for each MediaSetup, whose sender is the server; ``claim`` when a UDP flow
begins, to have Conversation.expect_media read the direction of its ``source``; ``attributed`` for each MediaStream.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import structs

from monitor.model.address import pack

if TYPE_CHECKING:
    from monitor.model.address import Address
    from monitor.model.facts import MediaSetup, MediaStream

CAPACITY: Final = 16_384
"""Ports that may be awaited, some 400 octets each: four a track, more where the answer names other hosts.

Beyond that the one unheard of for longest goes."""
MAX_AGE_NS: Final = 600_000_000_000
"""Ten session timeouts (60 s, RFC 2326, 12.37) since the set-up or the last media: pauses are that long at most."""


class Expectation(NamedTuple):
    """Media that a session agreed on."""

    setup: MediaSetup
    session: str
    """Community ID of the control connection."""
    source: Address
    """The host that serves the media."""
    control: bool
    """It is the port of RTCP, not of RTP."""


class Expected:
    """Ports that media was announced for. Time comes in as an argument, nanoseconds."""

    def __init__(self, capacity: int = CAPACITY, max_age_ns: int = MAX_AGE_NS) -> None:
        self._capacity = capacity
        self._max_age_ns = max_age_ns
        self._awaited: OrderedDict[bytes, tuple[int, Expectation]] = OrderedDict()
        self.evicted = 0
        """Ports forgotten for want of room."""
        self.expired = 0
        """Ports forgotten because nothing came in time."""

    def __len__(self) -> int:
        return len(self._awaited)

    def expect(self, setup: MediaSetup, client: Address, server: Address, session: str, now_ns: int) -> None:
        """A server has answered a SETUP: ``client`` and ``server`` are the ends of the control connection.

        The hosts that the answer names count beside them: a device behind a translator names its own address.
        """
        self._expire(now_ns)
        targets = dict.fromkeys((pack(setup.destination) if setup.destination else client, client))
        sources = dict.fromkeys((pack(setup.source) if setup.source else server, server))
        for target, source in product(targets, sources):
            for ports, here, there in ((setup.client_ports, target, source), (setup.server_ports, source, target)):
                for place, port in enumerate(dict.fromkeys(ports or ())):
                    if port:
                        expectation = Expectation(setup, session, source, control=place == 1)
                        self._put(_key(here, port, there), expectation, now_ns)

    def claim(self, source: Address, sport: int, destination: Address, dport: int, now_ns: int) -> Expectation | None:
        """The session that agreed on UDP between these ends, whichever of them sends."""
        for key in (_key(destination, dport, source), _key(source, sport, destination)):
            entry = self._awaited.get(key)
            if entry is None:
                continue
            then, expectation = entry
            if now_ns - then > self._max_age_ns:
                del self._awaited[key]
                self.expired += 1
                continue
            self._put(key, expectation, max(now_ns, then))
            return expectation
        return None

    def attributed(
        self, stream: MediaStream, source: Address, sport: int, destination: Address, dport: int, now_ns: int
    ) -> MediaStream:
        """The stream with its session, and with what that said of it; as it is where no session is known."""
        found = self.claim(source, sport, destination, dport, now_ns)
        if found is None:
            return stream
        return structs.replace(
            stream,
            media=found.setup.media or stream.media,
            codec=found.setup.codec or stream.codec,
            session=found.session,
        )

    def _expire(self, now_ns: int) -> None:
        """Forget the ports that nothing came to in time; those unheard of for longest stand first."""
        while self._awaited:
            key, (then, _) = next(iter(self._awaited.items()))
            if now_ns - then <= self._max_age_ns:
                break
            del self._awaited[key]
            self.expired += 1

    def _put(self, key: bytes, expectation: Expectation, now_ns: int) -> None:
        self._awaited[key] = (now_ns, expectation)
        self._awaited.move_to_end(key)
        if len(self._awaited) > self._capacity:
            self._awaited.popitem(last=False)
            self.evicted += 1


def _key(address: Address, port: int, peer: Address) -> bytes:
    return address + bytes((port >> 8, port & 0xFF)) + peer
