"""A scanner at a tap: packets in one by one, what it said out, driven as the engine drives it."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final, NamedTuple

from monitor.wire import layout as at
from monitor.wire.flows import FlowTable
from monitor.wire.scan import Scanner

if TYPE_CHECKING:
    from types import SimpleNamespace

SECOND: Final = 1_000_000_000
MS: Final = 1_000_000
START: Final = 1_777_881_600 * SECOND
"""Monday 4 May 2026, 08:00 UTC."""
SEED: Final = bytes(range(16))
FIELDS: Final = (
    "start", "end", "captured", "wire", "ethertype", "vlan_count", "has_mac", "v4", "truncated", "more_fragments",
    "network", "transport", "transport_end", "transport_wire", "proto", "ttl", "identification", "fragment", "sport",
    "dport", "flags", "checksum", "payload", "payload_length", "payload_wire", "sequence", "acknowledgement",
)  # fmt: skip
COUNTED: Final = (
    at.FLAGS, at.INITIATOR, at.START, at.LAST, at.NUMBER, at.PACKETS, at.PACKETS + 1, at.BYTES, at.BYTES + 1,
    at.PAYLOADS, at.PAYLOADS + 1, at.WANT, at.WANT + 1, at.ATTEMPTS, at.ATTEMPTED, at.ISN, at.ACK_FIRST, at.ACK_LAST,
)  # fmt: skip
"""Columns that say something of a flow; the others hang it in lists."""
NAMES: Final = {
    getattr(at, name): name.lower()
    for name in (
        "TICK", "EVICT", "REUSE", "NEW", "ATTEMPT", "ANSWER", "REFUSE", "TRANSFER", "PAYLOAD", "NEIGHBOUR",
        "FRAGMENT", "ERROR", "MALFORMED", "SYN",
    )
}  # fmt: skip


class Seen(NamedTuple):
    """One return of the scanner."""

    what: frozenset[str]
    slot: int
    direction: int


class Tap:
    """One scanner with its table."""

    def __init__(
        self,
        made: SimpleNamespace | None = None,
        *,
        capacity: int = 64,
        seed: bytes = SEED,
        source_cap: int = 0,
        window_ns: int = 5 * MS,
        overlapping: bool = False,
        care: bool = True,
        wanted: bool = True,
    ) -> None:
        """``made`` has the classes of another build; ``care`` and ``wanted``: what a new flow is answered with."""
        table, scanner = (made.FlowTable, made.Scanner) if made else (FlowTable, Scanner)
        self.table = table(capacity, seed, source_cap=source_cap)
        self.scanner = scanner(self.table, duplicate_window_ns=window_ns, overlapping=overlapping)
        self.scanner.due = 2**62
        self.scanner.tell_malformed = True
        self.care = care
        self.wanted = wanted
        self.gone: list[tuple[str, int]] = []
        """(evict or reuse, flow number) in the order in which they went."""

    def see(self, ts: int, frame: bytes, *, link: int = at.LINK_ETHERNET, wire: int | None = None) -> list[Seen]:
        """Everything that is said about one packet."""
        return self.run([(ts, frame, link, len(frame) if wire is None else wire)])

    def one(self, ts: int, frame: bytes, *, link: int = at.LINK_ETHERNET, wire: int | None = None) -> frozenset[str]:
        """The same, where it is one return or none."""
        seen = self.see(ts, frame, link=link, wire=wire)
        assert len(seen) <= 1, seen
        return seen[0].what if seen else frozenset()

    def run(self, packets: list[tuple[int, bytes, int, int]]) -> list[Seen]:
        """(time, frame, link type, length on the wire) of packets in one block."""
        index, memory = array("q"), bytearray()
        for position, (ts, frame, _, wire) in enumerate(packets):
            index.extend((ts, len(memory), len(frame), wire, position))
            memory += frame
        links = array("q", (link for _, _, link, _ in packets))
        scanner, seen = self.scanner, []
        scanner.begin(bytes(memory), index, len(packets), links)
        while events := scanner.scan():
            told = frozenset(name for bit, name in NAMES.items() if events & bit)
            slot, direction = scanner.slot, scanner.direction
            if events == at.TICK:
                scanner.due = scanner.ts + 1
            elif events & (at.EVICT | at.REUSE):
                self.gone.append(("evict" if events & at.EVICT else "reuse", self.table.field(slot, at.NUMBER)))
                if events & at.EVICT:
                    self.table.evict(slot)
                else:
                    self.table.release(slot)
                slot = direction = 0
            elif events & at.NEW:
                if self.care:
                    scanner.care(slot)
                if not self.wanted:
                    scanner.verdict(slot, 0, 0)
            seen.append(Seen(told, slot, direction))
        return seen

    def flow(self) -> dict[str, int]:
        """What is counted of the only flow."""
        (slot,) = self.table.slots()
        return {
            "attempts": self.table.field(slot, at.ATTEMPTS),
            "flags": self.table.field(slot, at.FLAGS) & ~(at.F_CARE | at.F_DIRTY | at.F_SENT | at.F_CAME),
            "packets_out": self.table.field(slot, at.PACKETS),
            "packets_in": self.table.field(slot, at.PACKETS + 1),
            "bytes_out": self.table.field(slot, at.BYTES),
            "bytes_in": self.table.field(slot, at.BYTES + 1),
            "payload_out": self.table.field(slot, at.PAYLOADS),
            "payload_in": self.table.field(slot, at.PAYLOADS + 1),
        }

    def picture(self) -> list[tuple[int, ...]]:
        """All live flows in the order in which they began, by what is counted of them."""
        return [tuple(self.table.field(slot, column) for column in COUNTED) for slot in self.table.slots()]


def fields(scanner: Scanner) -> dict[str, object]:
    """What the frame says of the packet it stands at."""
    frame = scanner.frame
    values: dict[str, object] = {name: int(getattr(frame, name)) for name in FIELDS}
    return values | {
        "source": frame.source(),
        "destination": frame.destination(),
        "vlans": frame.vlans(),
        "macs": frame.macs(),
        "clock": frame.clock() if frame.proto == at.PROTO_TCP else -1,
    }
