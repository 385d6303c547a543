from array import array
from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]

class Ring:
    head: int
    rows: int
    held: int
    walked: int
    given: int
    octets: int
    released: int
    broken: int
    era: int
    last_ns: int
    capacity: int
    def __init__(
        self,
        memory: Buffer,
        base: int,
        block_bytes: int,
        blocks: int,
        *,
        interface: int,
        ethernet: bool,
        capacity: int,
        back_ns: int,
    ) -> None: ...
    def walk(self, era: int) -> int: ...
    def crowded(self) -> bool: ...
    def pressed(self) -> bool: ...
    def time(self) -> int: ...
    def give(self, index: array[int], row: int, rows: int, until: int) -> int: ...
    def release(self) -> None: ...
    def placed(self) -> int: ...
