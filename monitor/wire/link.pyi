from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]

from monitor.model.address import Mac

def octets(high: int, low: int, count: int) -> bytes: ...

class Link:
    end: int
    ethertype: int
    vlan_count: int
    has_mac: bool
    truncated: bool
    network: int
    layer: int
    reason: int
    def hold(self, memory: Buffer) -> None: ...
    def vlans(self) -> tuple[int, ...]: ...
    def span(self, start: int, end: int) -> bytes: ...
    def macs(self) -> tuple[Mac | None, Mac | None]: ...
