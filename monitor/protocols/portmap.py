"""NAT-PMP and PCP: a host asks its router to let the outside in, and the router answers (RFC 6886, RFC 6887)."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

from monitor.model.address import from_packed, text, unpack
from monitor.model.facts import Malformed, PortMapping, Want

if TYPE_CHECKING:
    from monitor.model.facts import Fact

NATPMP: Final = "natpmp"
PCP: Final = "pcp"
CLIENT_PORT: Final = 5350
SERVER_PORT: Final = 5351
MAX_MESSAGES: Final = 64
"""Different messages of one direction that are reported."""

_RESPONSE: Final = 0x80
_EXTERNAL_ADDRESS: Final = 0
_TRANSPORTS: Final = {1: "udp", 2: "tcp"}
"""NAT-PMP's opcodes (RFC 6886, 3.3)."""
_PROTOCOLS: Final = {6: "tcp", 17: "udp"}

_MAPPING: Final = Struct(">xxxxHHI")
"""Internal port, external port, lifetime (RFC 6886, 3.3)."""
_MAPPED: Final = Struct(">xxHxxxxHHI")
"""Result, internal port, external port, lifetime."""
_ADDRESS: Final = Struct(">xxHxxxx4s")

_PCP_HEADER: Final = 24
_PCP_LONGEST: Final = 1_100
"""RFC 6887, 7."""
_OPCODES: Final = {0: 0, 1: 36, 2: 56}
"""ANNOUNCE, MAP and PEER, and the octets of their data (RFC 6887, 14.1, 11.1 and 12.1)."""
_MAP: Final = Struct(">12xBxxxHH16s")
"""Protocol, internal port, external port and address; PEER begins alike."""

# RFC 6887, 7.4.
_RESULTS: Final = (
    "SUCCESS", "UNSUPP_VERSION", "NOT_AUTHORIZED", "MALFORMED_REQUEST", "UNSUPP_OPCODE", "UNSUPP_OPTION",
    "MALFORMED_OPTION", "NETWORK_FAILURE", "NO_RESOURCES", "UNSUPP_PROTOCOL", "USER_EX_QUOTA",
    "CANNOT_PROVIDE_EXTERNAL", "ADDRESS_MISMATCH", "EXCESSIVE_REMOTE_PEERS",
)  # fmt: skip
# RFC 6886, 3.5, by PCP's words for the same.
_NATPMP_RESULTS: Final = (
    "SUCCESS", "UNSUPP_VERSION", "NOT_AUTHORIZED", "NETWORK_FAILURE", "NO_RESOURCES", "UNSUPP_OPCODE",
)  # fmt: skip


def sniff(head: bytes, sport: int, dport: int) -> bool:
    """Whether this datagram, between ports of which one is theirs, has the size that its first octets ask for."""
    if len(head) < 2:
        return False
    if dport == SERVER_PORT:
        response = False
    elif sport == SERVER_PORT:  # also from the router to the clients' port, by multicast
        response = True
    else:
        return False
    if bool(head[1] & _RESPONSE) != response:
        return False
    if head[0] == 0:
        return _natpmp_fits(head)
    return head[0] == 2 and _pcp_fits(head)


def _natpmp_fits(head: bytes) -> bool:
    opcode = head[1] & ~_RESPONSE
    if not head[1] & _RESPONSE:
        return len(head) == (2 if opcode == _EXTERNAL_ADDRESS else _MAPPING.size if opcode in _TRANSPORTS else 0)
    if len(head) < 8 or opcode > 2:
        return False
    if head[2:4] != b"\x00\x00":  # refusals may be the request's size, or 8 octets (RFC 6886, 3.5)
        return len(head) <= _MAPPED.size and int.from_bytes(head[2:4], "big") < len(_NATPMP_RESULTS)
    return len(head) == (_ADDRESS.size if opcode == _EXTERNAL_ADDRESS else _MAPPED.size)


def _pcp_fits(head: bytes) -> bool:
    opcode = head[1] & ~_RESPONSE
    if len(head) % 4 or not _PCP_HEADER <= len(head) <= _PCP_LONGEST or opcode not in _OPCODES:
        return False
    if head[1] & _RESPONSE and head[3]:
        return head[3] < len(_RESULTS)
    return len(head) >= _PCP_HEADER + _OPCODES[opcode]


class Parser:
    """One direction of a flow; a message that is repeated, as renewals are, is reported once."""

    def __init__(self, sport: int, dport: int) -> None:
        self.want = Want.MORE
        self._ports = sport, dport
        self._seen: set[PortMapping] = set()

    def feed(self, data: bytes) -> list[Fact]:
        """The mapping that is asked for or granted; one that only asks for the outside address has no ports."""
        if self.want is Want.STOP:
            return []
        if not sniff(data, *self._ports):
            raise Malformed("portmap", "no request or response of NAT-PMP or PCP")
        fact = _natpmp(data) if data[0] == 0 else _pcp(data)
        if fact in self._seen:
            return []
        self._seen.add(fact)
        if len(self._seen) >= MAX_MESSAGES:
            self.want = Want.STOP
        return [fact]


def _natpmp(data: bytes) -> PortMapping:
    opcode = data[1] & ~_RESPONSE
    transport = _TRANSPORTS.get(opcode)
    if not data[1] & _RESPONSE:
        if transport is None:
            return PortMapping(NATPMP, "request", None, None, None, None)
        internal, external, lifetime = _MAPPING.unpack(data)
        return PortMapping(NATPMP, "request", transport, internal or None, external or None, lifetime)
    code = int.from_bytes(data[2:4], "big")
    result = _NATPMP_RESULTS[code]
    if transport is None:
        address = _outside(data[8:12]) if not code else None
        return PortMapping(NATPMP, "response", None, None, None, None, address, result)
    if len(data) < _MAPPED.size:
        return PortMapping(NATPMP, "response", transport, None, None, None, None, result)
    _, internal, external, lifetime = _MAPPED.unpack(data)
    return PortMapping(NATPMP, "response", transport, internal or None, external or None, lifetime, None, result)


def _pcp(data: bytes) -> PortMapping:
    opcode = data[1] & ~_RESPONSE
    response = bool(data[1] & _RESPONSE)
    role, result = ("response", _RESULTS[data[3]]) if response else ("request", None)
    if not _OPCODES[opcode] or len(data) < _PCP_HEADER + _OPCODES[opcode]:
        return PortMapping(PCP, role, None, None, None, None, None, result)
    protocol, internal, external, address = _MAP.unpack_from(data, _PCP_HEADER)
    # The lifetime of a refusal is how long it stands (RFC 6887, 7.2).
    lifetime = int.from_bytes(data[4:8], "big") if not response or not data[3] else None
    return PortMapping(
        PCP,
        role,
        _PROTOCOLS.get(protocol),
        internal or None,
        external or None,
        lifetime,
        _outside(address),
        result,
    )


def _outside(packed: bytes) -> str | None:
    """The address in text; none where it is all zeros, which asks for any (RFC 6887, 11.1)."""
    address = from_packed(packed)
    return None if unpack(address).is_unspecified else text(address)
