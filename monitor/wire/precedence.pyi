from collections.abc import Sequence

from monitor.wire.flows import FlowTable

class Precedence:
    hurried: bool
    passed: int
    def __init__(self, table: FlowTable) -> None: ...
    def begin(self, addresses: Sequence[bytes], macs: Sequence[bytes]) -> None: ...
    def end(self) -> None: ...
