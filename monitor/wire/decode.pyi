from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]

class Frame:
    start: int
    end: int
    captured: int
    wire: int
    ethertype: int
    vlan_count: int
    has_mac: bool
    v4: bool
    truncated: bool
    more_fragments: bool
    network: int
    transport: int
    transport_end: int
    transport_wire: int
    proto: int
    ttl: int
    identification: int
    fragment: int
    sport: int
    dport: int
    flags: int
    checksum: int
    payload: int
    payload_length: int
    payload_wire: int
    sequence: int
    acknowledgement: int
    layer: int
    reason: int
    def hold(self, memory: Buffer) -> None: ...
    def vlans(self) -> tuple[int, ...]: ...
    def source(self) -> bytes: ...
    def destination(self) -> bytes: ...
    def macs(self) -> tuple[bytes | None, bytes | None]: ...
