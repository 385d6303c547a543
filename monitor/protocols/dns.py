"""DNS over UDP and TCP: what was asked for, and what was answered (RFC 1035).

Strategy: facts outlive damage. A message cut short by the capture or by TC yields the records that
are there; a record that breaks the rules yields what stood before it, and a MalformedSeen behind.
"""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Final

import cython

from monitor.model.facts import DnsAnswer, DnsQuery, Malformed, MalformedSeen, Want
from monitor.protocols.names import HEADER, PastEnd

if not cython.compiled:
    from monitor.model.memo import Memo
    from monitor.model.parts import part
    from monitor.protocols.names import plain, plain_end, read_name, skip_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.model.facts import Fact

LAYER: Final = "dns"
STOP: Final = Want.STOP
MORE: Final = Want.MORE
PORTS: Final = frozenset({53, 5353, 5355})
"""DNS, multicast DNS (RFC 6762) and LLMNR (RFC 4795): ports that speak for DNS."""
MAX_QUESTIONS: Final = 8
MAX_ADDRESSES: Final = 64
MAX_ALIASES: Final = 16
REMEMBERED: Final = 16_384
"""Addresses that are kept in memory as they are spelled, 0.2 KiB each."""
_NETBIOS: Final = frozenset({137, 138})
"""NetBIOS names look like DNS (RFC 1002, 4.2)."""
_SANE_COUNT: Final = 512
"""Records a section of a datagram may claim: more need over 8 KiB even as 16-octet address records."""

_HEADER: Final = HEADER
"""The same as an integer of C (dns.pxd): names.HEADER is an object to compiled code."""
_RESPONSE: Final = 0x8000
_OPCODE: Final = 0x7800
_OPCODE_OR_Z: Final = 0x7840
_ONLY_IN_RESPONSES: Final = 0x068F
"""AA, TC, RA and the rcode."""

A: Final = 1
CNAME: Final = 5
PTR: Final = 12
TXT: Final = 16
AAAA: Final = 28
SRV: Final = 33
_ADDRESSES: Final = frozenset({A, AAAA})
_OPT: Final = 41
_TSIG: Final = 250
_SERVICE_BINDINGS: Final = frozenset({64, 65})

# https://www.iana.org/assignments/dns-parameters
QTYPES: Final = {
    1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 10: "NULL", 11: "WKS", 12: "PTR", 13: "HINFO", 15: "MX", 16: "TXT", 17: "RP",
    18: "AFSDB", 24: "SIG", 25: "KEY", 28: "AAAA", 29: "LOC", 33: "SRV", 35: "NAPTR", 36: "KX", 37: "CERT",
    39: "DNAME", 41: "OPT", 42: "APL", 43: "DS", 44: "SSHFP", 45: "IPSECKEY", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY",
    49: "DHCID", 50: "NSEC3", 51: "NSEC3PARAM", 52: "TLSA", 53: "SMIMEA", 55: "HIP", 59: "CDS", 60: "CDNSKEY",
    61: "OPENPGPKEY", 62: "CSYNC", 63: "ZONEMD", 64: "SVCB", 65: "HTTPS", 99: "SPF", 108: "EUI48", 109: "EUI64",
    249: "TKEY", 250: "TSIG", 251: "IXFR", 252: "AXFR", 255: "ANY", 256: "URI", 257: "CAA",
}  # fmt: skip
RCODES: Final = {
    0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 6: "YXDOMAIN", 7: "YXRRSET",
    8: "NXRRSET", 9: "NOTAUTH", 10: "NOTZONE", 11: "DSOTYPENI", 16: "BADVERS", 17: "BADKEY", 18: "BADTIME",
    19: "BADMODE", 20: "BADNAME", 21: "BADALG", 22: "BADTRUNC", 23: "BADCOOKIE",
}  # fmt: skip
_CLASSES: Final = frozenset({1, 3, 255})
"""IN, CH and ANY."""


class Record:
    """One resource record; its data is ``message[start:end]``."""

    def __init__(self, section: int, owner: int, rtype: int, rclass: int, ttl: int, start: int, end: int) -> None:
        self.section = section
        """0 answer, 1 authority, 2 additional."""
        self.owner = owner
        """Offset of the owner's name."""
        self.rtype = rtype
        self.rclass = rclass
        self.ttl = ttl
        self.start = start
        self.end = end


def records(message: bytes, offset: int, counts: tuple[int, int, int], layer: str = LAYER) -> Iterator[Record]:
    """The records from ``offset`` on. Raises PastEnd where the bytes end before the counts do."""
    for section, count in enumerate(counts):
        for _ in range(count):
            record = _record(message, offset, section, layer)
            yield record
            offset = record.end


def _record(message: bytes, offset: int, section: int, layer: str) -> Record:
    size = len(message)
    # Most owners are a pointer to the question (RFC 1035, 4.1.4): no call for them.
    pointed = offset + 1 < size and message[offset] >= 0xC0
    fixed = offset + 2 if pointed else skip_name(message, offset, layer)
    start = fixed + 10
    if start > size:
        raise PastEnd(layer, "record runs past the end")
    end = start + _u16(message, fixed + 8)
    if end > size:
        raise PastEnd(layer, "record runs past the end")
    ttl = _u16(message, fixed + 4) << 16 | _u16(message, fixed + 6)
    return Record(section, offset, _u16(message, fixed), _u16(message, fixed + 2), ttl, start, end)


def _u16(message: bytes, at: int) -> int:
    return message[at] << 8 | message[at + 1]


def sane(head: bytes) -> bool:
    """Whether this can be the header of a query or response."""
    if len(head) < _HEADER:
        return False
    flags, questions = _u16(head, 2), _u16(head, 4)
    if flags & _OPCODE_OR_Z:
        return False
    if not flags & _RESPONSE and not questions:
        return False
    return (
        questions <= _SANE_COUNT
        and _u16(head, 6) <= _SANE_COUNT
        and _u16(head, 8) <= _SANE_COUNT
        and _u16(head, 10) <= _SANE_COUNT
    )


def sniff(head: bytes, sport: int, dport: int) -> bool:
    """Whether this datagram can be DNS; off DNS's ports only if it parses to its last octet."""
    if sport in PORTS or dport in PORTS:
        return sane(head) or _asks(head)
    return sane(head) and sport not in _NETBIOS and dport not in _NETBIOS and _strict(head)


def _asks(message: bytes) -> bool:
    """Whether a first question of a known type stands behind whatever else the header says."""
    if len(message) < _HEADER or _u16(message, 2) & _OPCODE or not _u16(message, 4):
        return False
    try:
        _, offset = read_name(message, _HEADER)
    except Malformed:
        return False
    return offset + 4 <= len(message) and _u16(message, offset) in QTYPES and _u16(message, offset + 2) in _CLASSES


def sniff_stream(head: bytes, sport: int, dport: int) -> bool:
    """Whether these first bytes of a TCP stream can be DNS behind its length (RFC 1035, 4.2.2)."""
    if len(head) < 2 + HEADER:
        return False
    size = int.from_bytes(head[:2], "big")
    if size < HEADER or not sane(head[2:]):
        return False
    if sport in PORTS or dport in PORTS:
        return True
    return len(head) >= 2 + size and _strict(head[2 : 2 + size])


def _strict(message: bytes) -> bool:
    """Whether this is one whole, ordinary question or the response to one."""
    flags, counts = _u16(message, 2), (_u16(message, 6), _u16(message, 8), _u16(message, 10))
    if _u16(message, 4) != 1:
        return False
    signed = 2  # OPT and TSIG
    if not flags & _RESPONSE and (flags & _ONLY_IN_RESPONSES or counts[0] or counts[1] or counts[2] > signed):
        return False
    try:
        name, offset = read_name(message, _HEADER)
        if offset + 4 > len(message):
            return False
        qtype, qclass = _u16(message, offset), _u16(message, offset + 2)
        if qtype not in QTYPES or qclass not in _CLASSES or "\\" in name:
            return False
        end = offset + 4
        for record in records(message, end, counts):
            known = record.rclass in _CLASSES or record.rtype in {_OPT, _TSIG}
            if record.rtype not in QTYPES or not known or (record.rtype == _OPT and message[record.owner]):
                return False
            read_name(message, record.owner)
            end = record.end
    except Malformed:
        return False
    return end == len(message)


class Parser:
    """One direction of DNS over UDP: each datagram is one message."""

    def __init__(self) -> None:
        self.want = MORE
        self.dropped = 0
        """Questions, aliases and addresses beyond the bounds."""
        self._name = self._qtype = ""
        """Of the question that was read last."""

    def feed(self, data: bytes) -> list[Fact]:
        """The questions of a query, or the answer of a response."""
        return self._message(data)

    def _message(self, message: bytes) -> list[Fact]:
        if len(message) < _HEADER:
            raise Malformed(LAYER, "shorter than a header")
        flags, questions = _u16(message, 2), _u16(message, 4)
        if flags & _OPCODE:
            return []
        if flags & _RESPONSE:
            return self._response(message, flags, questions)
        facts: list[Fact] = []
        offset = _HEADER
        for _ in range(min(questions, MAX_QUESTIONS)):
            try:
                offset = self._question(message, offset)
            except Malformed as error:
                if not facts:
                    raise
                facts.append(MalformedSeen(error.layer, error.reason))
                break
            facts.append(DnsQuery(self._name, self._qtype))
        if questions > MAX_QUESTIONS:
            self.dropped += questions - MAX_QUESTIONS
        return facts

    def _question(self, message: bytes, offset: int) -> int:
        """Read a question; the offset behind it."""
        end = plain_end(message, offset)
        if end >= 0:
            self._name = plain(message, offset, end)
        else:
            self._name, end = read_name(message, offset)
        if end + 4 > len(message):
            raise PastEnd(LAYER, "question runs past the end")
        qtype = _u16(message, end)
        self._qtype = QTYPES.get(qtype) or f"TYPE{qtype}"
        return end + 4

    def _response(self, message: bytes, flags: int, questions: int) -> list[Fact]:
        name = qtype = ""
        others: list[tuple[str, str]] = []
        offset = _HEADER
        damage: MalformedSeen | None = None
        for _ in range(min(questions, MAX_QUESTIONS)):
            try:
                offset = self._question(message, offset)
            except Malformed as error:
                if not name:
                    raise
                damage = MalformedSeen(error.layer, error.reason)
                break
            if not name:
                name, qtype = self._name, self._qtype
            else:
                others.append((self._name, self._qtype))
        if questions > MAX_QUESTIONS and damage is None:
            damage = MalformedSeen(LAYER, "response to too many questions")
        answer = _Answer(name, qtype, flags & 0xF)
        if damage is None:
            try:
                for section in range(3):
                    for _ in range(_u16(message, 6 + 2 * section)):
                        record = _record(message, offset, section, LAYER)
                        answer.add(message, record)
                        offset = record.end
            except PastEnd:
                pass
            except Malformed as error:
                damage = MalformedSeen(error.layer, error.reason)
        facts: list[Fact] = []
        if answer.name:
            facts.append(answer.fact())
            self.dropped += answer.dropped
        for name, qtype in others:
            facts.append(DnsAnswer(name, qtype, RCODES.get(flags & 0xF) or f"RCODE{flags & 0xF}"))
        if damage is not None:
            facts.append(damage)
        return facts


class StreamParser(Parser):
    """One direction of DNS over TCP: messages behind a length of two octets (RFC 1035, 4.2.2)."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Fact]:
        """The facts of every message that these bytes complete; damage ends the stream."""
        facts: list[Fact] = []
        if self.want is STOP:
            return facts
        held = self._held
        held += data
        offset = 0
        try:
            while offset + 2 <= len(held):
                end = offset + 2 + (held[offset] << 8 | held[offset + 1])
                if end > len(held):
                    break
                facts += self._message(bytes(held[offset + 2 : end]))
                offset = end
        except Malformed as error:
            self.gap()
            if not facts:
                raise
            facts.append(MalformedSeen(error.layer, error.reason))
        del held[:offset]
        return facts

    def gap(self) -> None:
        """Without its place in the stream no length can be told from data: stop."""
        self.want = STOP
        self._held.clear()


class _Answer:
    """What a response's records add up to."""

    def __init__(self, name: str, qtype: str, rcode: int) -> None:
        self.name = name
        self.qtype = qtype
        self.rcode = rcode
        self.dropped = 0
        self._last_at = -1
        """Offset of the owner read last: most records share one."""
        self._last = ""
        """How it is spelled."""
        self._addresses: list[tuple[str, str, int]] = []
        self._aliases: dict[str, str] | None = None
        """None, like the following, until there is one: most answers have addresses only."""
        self._hints: list[tuple[str, int]] | None = None
        self._targets: set[str] | None = None
        """Hosts that SRV, SVCB and HTTPS answers point to."""

    def add(self, message: bytes, record: Record) -> None:
        rtype = record.rtype
        if rtype == _OPT:
            self.rcode |= record.ttl >> 24 << 4  # RFC 6891, 6.1.3
            return
        if record.section == 1 or (record.section and not self._targets):
            return
        if not self.name:
            self.name = self._owner(message, record.owner)
            self.qtype = QTYPES.get(rtype) or f"TYPE{rtype}"
        if rtype in _ADDRESSES:
            self._address(message, record)
        elif rtype == CNAME and not record.section:
            if self._aliases is None:
                self._aliases = {}
            if len(self._aliases) < MAX_ALIASES:
                self._aliases[self._owner(message, record.owner)] = read_name(message, record.start)[0]
            else:
                self.dropped += 1
        elif rtype == SRV and not record.section and record.end - record.start > 6:  # RFC 2782
            self._point_to(read_name(message, record.start + 6)[0])
        elif rtype in _SERVICE_BINDINGS and not record.section:
            self._binding(message, record)

    def fact(self) -> DnsAnswer:
        chain = self._chain() if self._aliases is not None else ()
        owners = {self.name, *chain, *(self._targets or ())} if chain or self._targets else None
        addresses: list[str] = []
        least = -1
        for owner, address, ttl in self._addresses:
            if owner in owners if owners is not None else owner == self.name:
                addresses.append(address)
                least = ttl if least < 0 else min(least, ttl)
        if not addresses and self._hints:
            addresses = [address for address, _ in self._hints]
            least = min([ttl for _, ttl in self._hints])
        if len(addresses) > 1:
            addresses = list(dict.fromkeys(addresses))
        rcode = RCODES.get(self.rcode) or f"RCODE{self.rcode}"
        return DnsAnswer(self.name, self.qtype, rcode, tuple(addresses), chain, max(0, least))

    def _chain(self) -> tuple[str, ...]:
        """The aliases from the name that was asked for on."""
        chain: list[str] = []
        aliases = self._aliases or {}
        current = self.name
        while (current := aliases.get(current, "")) and current not in chain and len(chain) < MAX_ALIASES:
            chain.append(current)
        return tuple(chain)

    def _point_to(self, target: str) -> None:
        if self._targets is None:
            self._targets = set()
        self._targets.add(target)

    def _owner(self, message: bytes, offset: int) -> str:
        if message[offset] >= 0xC0 and offset + 1 < len(message):  # a pointer (RFC 1035, 4.1.4)
            target = (message[offset] & 0x3F) << 8 | message[offset + 1]
            if target == _HEADER and self.qtype and self._last_at < 0:
                self._last_at, self._last = _HEADER, self.name
            if target != self._last_at:
                self._last = read_name(message, offset)[0]
                self._last_at = target
            return self._last
        return read_name(message, offset)[0]

    def _address(self, message: bytes, record: Record) -> None:
        data = part(message, record.start, record.end)
        if len(data) != (4 if record.rtype == A else 16):
            raise Malformed(LAYER, "address record of a wrong length")
        if len(self._addresses) >= MAX_ADDRESSES:
            self.dropped += 1
            return
        self._addresses.append((self._owner(message, record.owner), _spelled(data), _ttl(record.ttl)))

    def _binding(self, message: bytes, record: Record) -> None:
        """SVCB and HTTPS: priority, target, then parameters in rising order (RFC 9460, 2.2)."""
        target, offset = read_name(message, record.start + 2)
        if target != ".":
            self._point_to(target)
        while offset + 4 <= record.end:
            key, length = _u16(message, offset), _u16(message, offset + 2)
            offset += 4
            if offset + length > record.end:
                raise Malformed(LAYER, "service parameter runs past its record")
            width = {4: 4, 6: 16}.get(key, 0)  # ipv4hint, ipv6hint (RFC 9460, 7.3)
            if width:
                if length % width:
                    raise Malformed(LAYER, "address hint of a wrong length")
                if self._hints is None:
                    self._hints = []
                for at in range(offset, offset + length, width):
                    if len(self._hints) >= MAX_ADDRESSES:
                        self.dropped += 1
                    else:
                        self._hints.append((_spelled(message[at : at + width]), _ttl(record.ttl)))
            offset += length


def _spelled(packed: bytes) -> str:
    spelled: str = _SPELLED.of(packed)
    return spelled


def _spell(packed: bytes) -> str:
    if len(packed) == 4:  # octets of an IPv4 address
        return ".".join(map(str, packed))
    return str(IPv6Address(packed))


_SPELLED: Final = Memo(_spell, REMEMBERED)


def _ttl(seconds: int) -> int:
    """A TTL with its highest bit set means zero (RFC 2181, 8)."""
    return 0 if seconds & 0x80000000 else seconds
