from array import array
from collections.abc import Sequence

from collectors.ring import Ring

class Merge:
    index: array[int]
    era: int
    def __init__(self, rings: Sequence[Ring], rows: int, *, hold_back_ns: int, spare: int) -> None: ...
    def hush(self, interface: int, *, silent: bool) -> None: ...
    def fill(self, *, flush: bool) -> int: ...
