from monitor.wire.tunnels import Tunnel

class Frame(Tunnel):
    start: int
    captured: int
    wire: int
    v4: bool
    entered: bool
    more_fragments: bool
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
    def source(self) -> bytes: ...
    def destination(self) -> bytes: ...
    def clock(self) -> int: ...
