"""Fragments: IP fragments in, whole datagrams out, in bounded memory.

Strategy: parts are kept per (addresses, protocol, identification); over IPv6, where the protocol is that of the first
part whatever the others say (RFC 8200, 4.5), per (addresses, identification). A datagram whose parts overlap is dropped
whole, as RFC 5722 demands for IPv6 and as no honest IPv4 sender needs otherwise. What does not become whole
in TIMEOUT_NS is given up; if its first part is there, that part is handed on as a cut datagram, because its
addresses and ports are evidence.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from monitor.model.address import is_v4
from monitor.model.limits import Limit, Room

if TYPE_CHECKING:
    from monitor.model.address import Address

TIMEOUT_NS: Final = 30_000_000_000
"""Linux's ipfrag_time (Documentation/networking/ip-sysctl.rst)."""
MAX_BYTES: Final = 4 * 1024 * 1024
"""Reassembly memory in all (threat model C9)."""
OVERHEAD: Final = 512
"""What a part costs beside its bytes (``sys.getsizeof`` of key, record, list, tuple and bytes, rounded up): parts of no
bytes are bounded too."""
MAX_PARTS: Final = 64
"""Parts of one datagram: 64 KiB in parts of 1,500 bytes are 45."""
MAX_DATAGRAM: Final = 65535
IPV6_HEADER: Final = 40
"""Bytes (RFC 8200, 3); extension headers before the fragment header are not kept."""


class Datagram(NamedTuple):
    """A whole datagram, or the first part of one that never became whole."""

    memory: bytes
    """From its network header on."""
    octets: int
    """Frame bytes of all its fragments."""
    packets: int
    wire: int
    """Bytes it has with what is missing."""
    first_ns: int
    """When its first fragment passed."""
    macs: tuple[bytes | None, bytes | None]
    """Source and destination of that fragment, if the link has any."""


@dataclass(slots=True)
class _Parts:
    first_ns: int
    macs: tuple[bytes | None, bytes | None]
    header: bytes = b""
    proto: int = 0
    """As the first part has it."""
    parts: list[tuple[int, bytes]] = field(default_factory=list)
    total: int | None = None
    length: int = 0
    """Bytes of all parts."""
    held: int = 0
    octets: int = 0
    packets: int = 0


class Fragments:
    """Reassembles IPv4 and IPv6 fragments. Counts what it gives up in ``dropped``."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._open: OrderedDict[bytes, _Parts] = OrderedDict()
        self._max_bytes = max_bytes
        self.held = 0
        """Bytes waiting, and what keeping them costs."""
        self.dropped = 0
        """Datagrams given up: too old, too many parts, overlapping, or no room."""

    def __len__(self) -> int:
        return len(self._open)

    def limits(self) -> list[Limit]:
        """The room for datagrams that are not whole yet."""
        return [Limit(Room.FRAGMENTS, self._max_bytes, self.held, self.dropped)]

    def add(
        self,
        ts_ns: int,
        source: Address,
        destination: Address,
        proto: int,
        identification: int,
        offset: int,
        header: bytes,
        data: bytes,
        octets: int,
        macs: tuple[bytes | None, bytes | None] = (None, None),
        *,
        more: bool,
    ) -> Datagram | None:
        """Take one fragment; the datagram if it is now whole. ``offset`` and ``data`` in bytes, after the header."""
        label = proto if is_v4(source) else 0
        key = source + destination + label.to_bytes(1, "big") + identification.to_bytes(4, "big")
        entry = self._open.get(key)
        if entry is None:
            entry = self._open[key] = _Parts(ts_ns, macs)
        entry.octets += octets
        entry.packets += 1
        end = offset + len(data)
        if any(start == offset and part == data for start, part in entry.parts):
            return None
        overlaps = any(offset < start + len(part) and start < end for start, part in entry.parts)
        wrong_end = entry.total is not None and (end > entry.total or not more)
        wrong_end = wrong_end or (not more and any(start + len(part) > end for start, part in entry.parts))
        if overlaps or wrong_end or end > MAX_DATAGRAM or len(entry.parts) >= MAX_PARTS:
            self._drop(key)
            return None
        if offset == 0:
            entry.header, entry.proto = header if is_v4(source) else header[:IPV6_HEADER], proto
        if not more:
            entry.total = end
        entry.parts.append((offset, data))
        entry.length += len(data)
        entry.held += len(data) + OVERHEAD
        self.held += len(data) + OVERHEAD
        while self.held > self._max_bytes:
            self._drop(next(iter(self._open)))
        if entry.total is None or entry.length < entry.total or not entry.header or key not in self._open:
            return None
        self._forget(key)
        return _assemble(entry)

    def expire(self, now_ns: int) -> list[Datagram]:
        """Give up what waited too long; first parts come back as cut datagrams."""
        cut: list[Datagram] = []
        while self._open:
            key, entry = next(iter(self._open.items()))
            if now_ns - entry.first_ns <= TIMEOUT_NS:
                break
            self._drop(key)
            if entry.header:
                cut.append(_assemble(entry))
        return cut

    def next_ns(self) -> int | None:
        """When ``expire`` will next have something."""
        for entry in self._open.values():
            return entry.first_ns + TIMEOUT_NS + 1
        return None

    def _drop(self, key: bytes) -> None:
        self._forget(key)
        self.dropped += 1

    def _forget(self, key: bytes) -> None:
        self.held -= self._open.pop(key).held


def _assemble(entry: _Parts) -> Datagram:
    """What follows the header without a hole, as one packet."""
    data = b""
    for start, part in sorted(entry.parts):
        if start != len(data):
            break
        data += part
    header = bytearray(entry.header)
    # Without its last part there is at least a byte more than what came.
    wire = entry.total if entry.total is not None else max(start + len(part) for start, part in entry.parts) + 1
    if header[0] >> 4 == 4:
        header[2:4] = min(len(header) + wire, MAX_DATAGRAM).to_bytes(2, "big")
        header[6:8] = b"\0\0"
    else:
        header[4:6] = min(wire, MAX_DATAGRAM).to_bytes(2, "big")
        header[6] = entry.proto
    return Datagram(bytes(header) + data, entry.octets, entry.packets, len(header) + wire, entry.first_ns, entry.macs)
