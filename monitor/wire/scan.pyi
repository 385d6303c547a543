from array import array
from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]
from typing import NewType

from monitor.wire.decode import Frame
from monitor.wire.flows import FlowTable
from monitor.wire.precedence import Precedence

Position = NewType("Position", tuple[object, ...])

class Scanner:
    frame: Frame
    table: FlowTable
    precedence: Precedence
    due: int
    tell_malformed: bool
    packets: int
    octets: int
    duplicates: int
    others: int
    truncated: int
    followed: int
    missed: int
    slot: int
    ts: int
    direction: int
    def __init__(
        self, table: FlowTable, *, duplicate_window_ns: int = 5_000_000, overlapping: bool = False
    ) -> None: ...
    def begin(self, memory: Buffer, index: array[int], count: int, links: array[int]) -> None: ...
    def position(self) -> Position: ...
    def resume(self, position: Position) -> None: ...
    def scan(self) -> int: ...
    def turn(self, slot: int) -> None: ...
    def verdict(self, slot: int, out: int, into: int) -> int: ...
    def care(self, slot: int) -> int: ...
    def heed(self, slot: int) -> int: ...
    def ways(self, slot: int) -> int: ...
    def whole(self, octets: int, packets: int) -> None: ...
    def changed(self) -> list[int]: ...
    def lookup(
        self, src: bytes, dst: bytes, sport: int, dport: int, proto: int, vlans: tuple[int, ...] = ()
    ) -> tuple[int, bool] | None: ...
    def plant(
        self,
        src: bytes,
        dst: bytes,
        sport: int,
        dport: int,
        proto: int,
        vlans: tuple[int, ...],
        which: int,
        columns: tuple[int, ...],
    ) -> int: ...
    def counters(self) -> tuple[int, ...]: ...
    def count_on(self, counters: tuple[int, ...]) -> None: ...
    def malformed(self) -> tuple[int, ...]: ...
