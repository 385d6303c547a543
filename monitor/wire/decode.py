"""Frame: the headers of one packet, from the link layer to the start of the payload.

Strategy: a Frame holds the block's memory and is decoded in place, packet after packet. Every read is
bounds-checked against the buffer, and here against the record's end. Nothing is allocated and nothing raises
for what a packet says: ``decode`` returns one of the IS_ values, and a frame cut by the capture is used as far
as it goes. The link layer is read in link.py, tunnels in tunnels.py; here are IP, transport and the order of it all.

What a tunnel carries is what is judged: its addresses and ports, and its MACs and tags where it carries Ethernet.
``outer`` reads the same packet as the flow that carries the other: that flow may leave the site too. One tunnel is
entered; a second one is a flow of its own protocol. Loops are bounded: 4 tags, 8 labels, 8 extension headers.

Checksums are never judged: on a tap of a host with offloading they are wrong in every sent packet.
"""

import cython

if not cython.compiled:
    from monitor.wire.layout import *
    from monitor.wire.link import octets
    from monitor.wire.tunnels import Tunnel


class Frame(Tunnel):
    """One packet's headers. Read-only from Python; ``decode`` is for compiled callers."""

    def __init__(self):
        super().__init__()
        self.start = self.captured = self.wire = 0
        self.reassembled = self.v4 = self.entered = False
        self.blank()

    def blank(self):
        """Forget what an IP packet said."""
        self.src_hi = self.src_lo = self.dst_hi = self.dst_lo = 0
        self.transport = self.transport_end = self.transport_wire = self.identification = 0
        self.sequence = self.acknowledgement = self.payload_length = self.payload_wire = 0
        self.sport = self.dport = self.checksum = self.flags = self.proto = self.ttl = self.fragment = 0
        self.more_fragments = False
        self.payload = self.end

    def source(self):
        """The source address, 16 bytes."""
        return octets(self.src_hi, self.src_lo, 16)

    def destination(self):
        """The destination address, 16 bytes."""
        return octets(self.dst_hi, self.dst_lo, 16)

    def decode(self, start, captured, wire, link):
        """Read the packet at ``start``: ``captured`` bytes are here of ``wire`` that passed. What it is."""
        self.start = start
        self.captured = captured
        self.wire = wire
        self.tunnels = 0
        return self.read(link)

    def outer(self, link):
        """Read the present packet, which ``entered`` a tunnel, as the flow that carries it."""
        self.tunnels = MAX_TUNNELS
        return self.read(link)

    def read(self, link):
        found: cython.int
        self.end = self.start + self.captured
        self.limit = self.start + self.wire
        self.truncated = self.captured < self.wire
        self.network = self.start
        self.entered = False
        self.reassembled = link == LINK_SAME
        self.blank()
        if link == LINK_ETHERNET:
            found = self.ethernet()
        else:
            found = self.other_link(link)
            if link == LINK_PPP:
                found = self.ppp()
        while found == GO_ON:
            if self.ethertype == TYPE_IPV4:
                found = self.ipv4()
            elif self.ethertype == TYPE_IPV6:
                found = self.ipv6()
            elif self.ethertype == TYPE_ARP:
                return IS_ARP
            else:
                found = self.carrier()
        return found

    def enter(self):
        """Go on with what the payload carries, in place of what carries it."""
        self.limit = self.payload + self.payload_wire
        self.end = self.payload + self.payload_length
        self.blank()
        self.reassembled = False
        self.entered = True
        self.tunnels += 1
        if self.ethertype == TYPE_BRIDGED:
            return self.ethernet()
        if self.ethertype == TYPE_PPP:
            return self.ppp()
        return GO_ON

    def ipv4(self):
        at: cython.longlong = self.network
        if at + 20 > self.end:
            return self.malformed(AT_IPV4, SHORT)
        word: cython.ulonglong = self.u64(at)
        if word >> 60 != 4:
            return self.malformed(AT_IPV4, WRONG_VERSION)
        header: cython.longlong = cython.cast(cython.longlong, (word >> 56) & 15) * 4
        total: cython.longlong = cython.cast(cython.longlong, (word >> 32) & 0xFFFF)
        present: cython.longlong = self.limit - at
        if total == 0:
            total = present  # segmentation offload: the length did not fit (tcpdump does the same)
        if header < 20 or total < header:
            return self.malformed(AT_IPV4, BAD_HEADER)
        self.v4 = True
        self.ttl = self.memory[at + 8]
        self.proto = self.memory[at + 9]
        self.identification = cython.cast(cython.longlong, (word >> 16) & 0xFFFF)
        pair: cython.ulonglong = self.u64(at + 12)
        self.src_lo = V4_MAPPED | (pair >> 32)
        self.dst_lo = V4_MAPPED | (pair & LOW)
        if total > present:
            total = present  # cut on its way to us, or a lie: what is not there is not counted
        if total < header:
            return self.malformed(AT_IPV4, SHORT)
        self.transport = min(self.end, at + header)
        self.transport_wire = total - header
        self.transport_end = min(self.end, at + total)
        bits: cython.int = cython.cast(cython.int, word & 0x3FFF)
        if bits:
            self.fragment = (bits & 0x1FFF) * 8
            self.more_fragments = (bits & 0x2000) != 0
            return self.keep()
        return self.ports()

    def ipv6(self):
        at: cython.longlong = self.network
        following: cython.int
        step: cython.longlong
        seen: cython.int
        if at + 40 > self.end:
            return self.malformed(AT_IPV6, SHORT)
        if self.memory[at] >> 4 != 6:
            return self.malformed(AT_IPV6, WRONG_VERSION)
        total: cython.longlong = self.u16(at + 4)
        present: cython.longlong = self.limit - at - 40
        if total == 0 or total > present:
            total = present
        self.v4 = False
        self.ttl = self.memory[at + 7]
        self.src_hi = self.u64(at + 8)
        self.src_lo = self.u64(at + 16)
        self.dst_hi = self.u64(at + 24)
        self.dst_lo = self.u64(at + 32)
        following = self.memory[at + 6]
        at += 40
        stop: cython.longlong = min(self.end, at + total)
        cut: cython.bint = stop < at + total
        rest: cython.longlong = total
        for seen in range(MAX_EXTENSIONS + 1):
            # RFC 8200, 4: hop-by-hop 0, routing 43, destination 60; mobility 135 (RFC 6275), HIP 139, shim6 140:
            # length in 8-octet units after the first; authentication 51 in 4-octet units (RFC 4302); fragment 44.
            if (
                following != 0
                and following != 43
                and following != 60
                and following != 51
                and following != 44
                and following != 135
                and following != 139
                and following != 140
            ):
                break
            if seen == MAX_EXTENSIONS:
                return self.malformed(AT_IPV6, TOO_MANY_EXTENSIONS)
            if at + 8 > stop:
                if not cut:
                    return self.malformed(AT_IPV6, SHORT)
                self.proto = following
                self.transport = self.transport_end = stop
                self.transport_wire = 0
                return IS_IP
            if following == 44:
                self.fragment = self.u16(at + 2) & 0xFFF8
                self.more_fragments = (self.memory[at + 3] & 1) != 0
                self.identification = self.u32(at + 4)
                self.proto = self.memory[at]
                self.transport = at + 8
                self.transport_wire = rest - 8
                self.transport_end = stop
                if self.fragment or self.more_fragments:
                    # Reassembly does not nest: a datagram has one fragment header (RFC 8200, 4.5).
                    return self.malformed(AT_IPV6, BAD_HEADER) if self.reassembled else self.keep()
                step = 8  # an atomic fragment is whole (RFC 6946)
            elif following == 51:
                step = (self.memory[at + 1] + 2) * 4
            else:
                step = (self.memory[at + 1] + 1) * 8
            following = self.memory[at]
            at += step
            rest -= step
            if rest < 0:
                return self.malformed(AT_IPV6, BAD_LENGTH)
            if at > stop:
                if not cut:
                    return self.malformed(AT_IPV6, BAD_LENGTH)
                at = stop
        self.proto = following
        self.transport = at
        self.transport_wire = rest
        self.transport_end = stop
        return self.ports()

    def ports(self):
        """Transport header: ports, flags and where the payload is."""
        available: cython.longlong = self.transport_end - self.transport
        if self.proto == PROTO_UDP:
            return self.udp(available)
        if self.proto == PROTO_TCP:
            return self.tcp(available)
        if self.proto == PROTO_ICMP or self.proto == PROTO_ICMP6:
            return self.icmp(available)
        if self.proto == PROTO_SCTP and available >= 4:  # RFC 9260, 3.1
            self.sport = self.u16(self.transport)
            self.dport = self.u16(self.transport + 2)
        if self.proto != PROTO_NONE:
            self.payload = self.transport
            self.payload_length = available
            self.payload_wire = self.transport_wire
        if self.tunnels == MAX_TUNNELS or available == 0:
            return IS_IP
        found: cython.int = IS_IP
        if self.proto == PROTO_GRE:
            found = self.gre(self.transport, self.transport_end)
        elif self.proto == PROTO_IPIP:
            found = self.carried(self.transport, TYPE_IPV4)
        elif self.proto == PROTO_IPV6:
            found = self.carried(self.transport, TYPE_IPV6)
        return self.enter() if found == GO_ON else found

    def tcp(self, available):
        at: cython.longlong = self.transport
        word: cython.ulonglong
        if self.transport_wire < 20:
            return self.malformed(AT_TCP, SHORT)
        if available < 18:
            return self.tcp_cut(available)
        word = self.u64(at)
        self.sport = cython.cast(cython.int, word >> 48)
        self.dport = cython.cast(cython.int, (word >> 32) & 0xFFFF)
        self.sequence = cython.cast(cython.longlong, word & LOW)
        word = self.u64(at + 8)
        self.acknowledgement = cython.cast(cython.longlong, word >> 32)
        self.flags = cython.cast(cython.int, (word >> 16) & 0xFF)
        self.checksum = self.u16(at + 16)
        return self.segment(cython.cast(cython.longlong, (word >> 28) & 15) * 4)

    def tcp_cut(self, available):
        """A header that the capture does not have to its end."""
        at: cython.longlong = self.transport
        if available >= 4:
            self.sport = self.u16(at)
            self.dport = self.u16(at + 2)
        if available < 14:
            return IS_IP
        self.sequence = self.u32(at + 4)
        self.acknowledgement = self.u32(at + 8)
        self.flags = self.memory[at + 13]
        return self.segment((self.memory[at + 12] >> 4) * 4)

    def segment(self, header):
        if header < 20 or header > self.transport_wire:
            self.checksum = 0
            return self.malformed(AT_TCP, BAD_HEADER)
        self.payload = min(self.transport + header, self.transport_end)
        self.payload_length = self.transport_end - self.payload
        self.payload_wire = self.transport_wire - header
        return IS_IP

    def clock(self):
        """The sender's clock of a TCP segment: TSval of its timestamps option (RFC 7323, 3.2), or -1."""
        at: cython.longlong = self.transport + 20
        stop: cython.longlong = min(self.payload, self.transport_end)
        length: cython.longlong
        while at + 2 <= stop:
            if self.memory[at] == TCP_END:
                return -1
            if self.memory[at] == TCP_NOP:
                at += 1
                continue
            length = self.memory[at + 1]
            if length < 2:
                return -1
            if self.memory[at] == TCP_TIMESTAMPS and length == 10:
                return self.u32(at + 2) if at + length <= stop else -1
            at += length
        return -1

    def udp(self, available):
        at: cython.longlong = self.transport
        length: cython.longlong
        word: cython.ulonglong
        if self.transport_wire < 8:
            return self.malformed(AT_UDP, SHORT)
        if available < 8:
            if available >= 4:
                self.sport = self.u16(at)
                self.dport = self.u16(at + 2)
            return IS_IP
        word = self.u64(at)
        self.sport = cython.cast(cython.int, word >> 48)
        self.dport = cython.cast(cython.int, (word >> 32) & 0xFFFF)
        length = cython.cast(cython.longlong, (word >> 16) & 0xFFFF)
        if length == 0:
            length = self.transport_wire  # a jumbogram (RFC 2675) or offload
        if length < 8:
            return self.malformed(AT_UDP, BAD_LENGTH)
        if length > self.transport_wire:
            length = self.transport_wire
        self.checksum = cython.cast(cython.int, word & 0xFFFF)
        self.payload = at + 8
        self.payload_wire = length - 8
        self.payload_length = min(self.transport_end, at + length) - self.payload
        if self.dport == PORT_VXLAN or self.dport == PORT_VXLAN_LINUX or self.dport == PORT_GENEVE:
            if self.overlay(self.payload, self.payload_length, self.dport) == GO_ON:
                return self.enter()
        return IS_IP

    def icmp(self, available):
        """Type and counterpart stand in for ports, as Community ID has it: request and reply are one flow."""
        at: cython.longlong = self.transport
        if self.transport_wire < 4:
            return self.malformed(AT_ICMP, SHORT)
        if available < 2:
            return IS_IP
        kind: cython.int = self.memory[at]
        self.sport = kind
        self.dport = counterpart(kind, self.memory[at + 1], self.proto == PROTO_ICMP)
        if available >= 4:
            self.checksum = self.u16(at + 2)
        if available >= 8:
            self.payload = at + 8
            self.payload_length = available - 8
            self.payload_wire = self.transport_wire - 8
        return IS_IP


def counterpart(kind, code, v4):
    """The type that answers this one, or the code where nothing does (Community ID 1.0, ICMP)."""
    if v4:
        if kind == 0 or kind == 8:
            return 8 - kind
        if kind == 13 or kind == 15 or kind == 17 or kind == 9:
            return kind + 1
        if kind == 14 or kind == 16 or kind == 18 or kind == 10:
            return kind - 1
        return code
    if kind == 128 or kind == 130 or kind == 133 or kind == 135 or kind == 139 or kind == 144:
        return kind + 1
    if kind == 129 or kind == 131 or kind == 134 or kind == 136 or kind == 140 or kind == 145:
        return kind - 1
    return code
