"""Frame: the headers of one packet, from the link layer to the start of the payload.

Strategy: a Frame holds the block's memory and is decoded in place, packet after packet. Every read is
bounds-checked against the buffer by the compiler and against the record's end here. Nothing is allocated
and nothing raises for what a packet says: ``decode`` returns one of the IS_ values, and a
frame cut by the capture is used as far as it goes. Loops are bounded: 4 VLAN tags, 8 extension headers.

Checksums are never judged: on a tap of a host with offloading they are wrong in every sent packet.
"""

import cython

if not cython.compiled:
    from monitor.wire.layout import *


class Frame:
    """One packet's headers. Read-only from Python; ``decode`` is for compiled callers."""

    def __init__(self):
        self.hold(b"")
        self.start = self.end = self.captured = self.wire = 0
        self.ethertype = self.vlan_count = self.vlan0 = self.vlan1 = self.vlan2 = self.vlan3 = 0
        self.has_mac = self.v4 = self.truncated = self.more_fragments = False
        self.src_mac = self.dst_mac = 0
        self.mac_at = -1
        self.mac_pair = self.reassembled = False
        self.src_hi = self.src_lo = self.dst_hi = self.dst_lo = 0
        self.network = self.transport = self.transport_end = self.transport_wire = 0
        self.proto = self.ttl = self.identification = self.fragment = 0
        self.sport = self.dport = self.flags = self.checksum = 0
        self.payload = self.payload_length = self.payload_wire = 0
        self.sequence = self.acknowledgement = 0
        self.layer = self.reason = 0

    def hold(self, memory):
        """Read from ``memory`` until told otherwise."""
        self.memory = memory
        self.mac_at = -1

    def vlans(self):
        """VLAN ids, outermost first."""
        return (self.vlan0, self.vlan1, self.vlan2, self.vlan3)[: self.vlan_count]

    def source(self):
        """The source address, 16 bytes."""
        return int(self.src_hi).to_bytes(8, "big") + int(self.src_lo).to_bytes(8, "big")

    def destination(self):
        """The destination address, 16 bytes."""
        return int(self.dst_hi).to_bytes(8, "big") + int(self.dst_lo).to_bytes(8, "big")

    def macs(self):
        """(source, destination) as 6 bytes each, or (None, None) where the link has none."""
        if not self.has_mac:
            return None, None
        return int(self.src_mac).to_bytes(6, "big"), int(self.dst_mac).to_bytes(6, "big")

    def addresses(self):
        """Read the link layer's addresses, which only a packet with news needs."""
        if self.mac_at < 0:
            return 0
        if self.mac_pair:
            self.dst_mac = self.u64(self.mac_at) >> 16
            self.src_mac = self.u64(self.mac_at + 6) >> 16
        else:
            self.dst_mac = 0
            self.src_mac = self.u64(self.mac_at) >> 16
        self.mac_at = -1
        return 0

    def u16(self, at):
        return (self.memory[at] << 8) | self.memory[at + 1]

    def u32(self, at):
        high: cython.longlong = self.u16(at)
        return (high << 16) | self.u16(at + 2)

    def u64(self, at):
        high: cython.ulonglong = self.u32(at)
        return (high << 32) | self.u32(at + 4)

    def malformed(self, layer, reason):
        self.layer = layer
        self.reason = reason
        return IS_MALFORMED

    def decode(self, start, captured, wire, link):
        """Read the packet at ``start``: ``captured`` bytes are here of ``wire`` that passed. What it is."""
        self.start = start
        self.captured = captured
        self.wire = wire
        self.end = start + captured
        self.truncated = captured < wire
        self.transport = self.transport_end = self.transport_wire = 0
        self.sport = self.dport = self.flags = self.checksum = self.fragment = self.identification = 0
        self.payload = self.end
        self.payload_length = self.payload_wire = 0
        self.sequence = self.acknowledgement = 0
        self.proto = self.ttl = 0
        self.src_hi = self.src_lo = self.dst_hi = self.dst_lo = 0
        self.more_fragments = False
        self.reassembled = link == LINK_SAME
        if not self.reassembled:
            self.ethertype = self.vlan_count = 0
            self.has_mac = False
        found: cython.int = self.link_layer(link)
        if found != IS_IP:
            return found
        if self.ethertype == TYPE_IPV4:
            return self.ipv4()
        if self.ethertype == TYPE_IPV6:
            return self.ipv6()
        if self.ethertype == TYPE_ARP:
            return IS_ARP
        return IS_OTHER

    def link_layer(self, link):
        """Find the network layer: sets ``ethertype`` and ``network``; IS_IP means "go on"."""
        at: cython.longlong = self.start
        family: cython.longlong
        if link == LINK_ETHERNET:
            return self.ethernet()
        if link == LINK_SAME:
            self.network = at
            if self.captured < 1:
                return self.malformed(AT_LINK, SHORT)
            self.ethertype = TYPE_IPV6 if self.memory[at] >> 4 == 6 else TYPE_IPV4
            return IS_IP
        if link == LINK_SLL or link == LINK_SLL2:
            header: cython.int = 16 if link == LINK_SLL else 20
            if self.captured < header:
                return self.malformed(AT_LINK, SHORT)
            # SLL: type 2, ARPHRD 2, length 2, address 8, protocol 2. SLL2: protocol 2, 0 2, index 4, ARPHRD 2, type 1,
            # length 1, address 8.
            length: cython.int = self.u16(at + 4) if link == LINK_SLL else self.memory[at + 11]
            where: cython.longlong = at + 6 if link == LINK_SLL else at + 12
            if length == 6:
                self.has_mac = True
                self.mac_at = where
                self.mac_pair = False
            self.ethertype = self.u16(at + 14) if link == LINK_SLL else self.u16(at)
            self.network = at + header
            return self.tags()
        if link == LINK_NULL or link == LINK_LOOP:
            if self.captured < 4:
                return self.malformed(AT_LINK, SHORT)
            family = self.u32(at)
            if family > 0xFFFF:
                family = self.memory[at] | (self.memory[at + 1] << 8)
            self.network = at + 4
            # AF_INET is 2 everywhere; AF_INET6 is 24 (NetBSD, OpenBSD), 28 (FreeBSD), 30 (Darwin), 10 (Linux).
            if family == 2:
                self.ethertype = TYPE_IPV4
            elif family == 24 or family == 28 or family == 30 or family == 10:
                self.ethertype = TYPE_IPV6
            else:
                return IS_OTHER
            return IS_IP
        raw: cython.bint = link == LINK_RAW or link == LINK_RAW_BSD or link == LINK_RAW_OPENBSD
        if raw or link == LINK_IPV4 or link == LINK_IPV6:
            self.network = at
            if self.captured < 1:
                return self.malformed(AT_LINK, SHORT)
            self.ethertype = TYPE_IPV6 if self.memory[at] >> 4 == 6 else TYPE_IPV4
            return IS_IP
        return IS_OTHER

    def ethernet(self):
        at: cython.longlong = self.start
        if self.captured < 14:
            return self.malformed(AT_LINK, SHORT)
        self.has_mac = True
        self.mac_at = at
        self.mac_pair = True
        self.ethertype = self.u16(at + 12)
        self.network = at + 14
        return self.tags()

    def tags(self):
        """Step over 802.1Q and 802.1ad tags."""
        tag: cython.int
        while self.ethertype == TYPE_VLAN or self.ethertype == TYPE_QINQ or self.ethertype == TYPE_QINQ_OLD:
            if self.vlan_count == MAX_TAGS:
                return self.malformed(AT_LINK, TOO_MANY_TAGS)
            if self.network + 4 > self.end:
                return self.malformed(AT_LINK, SHORT)
            tag = self.u16(self.network) & 0xFFF
            if self.vlan_count == 0:
                self.vlan0 = tag
            elif self.vlan_count == 1:
                self.vlan1 = tag
            elif self.vlan_count == 2:
                self.vlan2 = tag
            else:
                self.vlan3 = tag
            self.vlan_count += 1
            self.ethertype = self.u16(self.network + 2)
            self.network += 4
        return IS_IP

    def ipv4(self):
        at: cython.longlong = self.network
        if at + 20 > self.end:
            return self.malformed(AT_IPV4, SHORT)
        if self.memory[at] >> 4 != 4:
            return self.malformed(AT_IPV4, WRONG_VERSION)
        header: cython.longlong = (self.memory[at] & 15) * 4
        total: cython.longlong = self.u16(at + 2)
        present: cython.longlong = self.wire - (at - self.start)
        if total == 0:
            total = present  # segmentation offload: the length did not fit (tcpdump does the same)
        if header < 20 or total < header:
            return self.malformed(AT_IPV4, BAD_HEADER)
        self.v4 = True
        self.ttl = self.memory[at + 8]
        self.proto = self.memory[at + 9]
        self.identification = self.u16(at + 4)
        self.src_hi = 0
        self.src_lo = V4_MAPPED | self.u32(at + 12)
        self.dst_hi = 0
        self.dst_lo = V4_MAPPED | self.u32(at + 16)
        if total > present:
            total = present  # cut on its way to us, or a lie: what is not there is not counted
        if total < header:
            return self.malformed(AT_IPV4, SHORT)
        self.transport = min(self.end, at + header)
        self.transport_wire = total - header
        self.transport_end = min(self.end, at + total)
        bits: cython.int = self.u16(at + 6)
        self.fragment = (bits & 0x1FFF) * 8
        self.more_fragments = (bits & 0x2000) != 0
        if self.fragment or self.more_fragments:
            return IS_FRAGMENT
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
        present: cython.longlong = self.wire - (at - self.start) - 40
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
                if not self.truncated:
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
                    return self.malformed(AT_IPV6, BAD_HEADER) if self.reassembled else IS_FRAGMENT
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
                if not self.truncated:
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
        if self.proto == PROTO_TCP:
            return self.tcp(available)
        if self.proto == PROTO_UDP:
            return self.udp(available)
        if self.proto == PROTO_ICMP or self.proto == PROTO_ICMP6:
            return self.icmp(available)
        if self.proto == PROTO_SCTP and available >= 4:  # RFC 9260, 3.1
            self.sport = self.u16(self.transport)
            self.dport = self.u16(self.transport + 2)
        if self.proto != PROTO_NONE:
            self.payload = self.transport
            self.payload_length = available
            self.payload_wire = self.transport_wire
        return IS_IP

    def tcp(self, available):
        at: cython.longlong = self.transport
        if self.transport_wire < 20:
            return self.malformed(AT_TCP, SHORT)
        if available >= 4:
            self.sport = self.u16(at)
            self.dport = self.u16(at + 2)
        if available < 14:
            return IS_IP
        self.sequence = self.u32(at + 4)
        self.acknowledgement = self.u32(at + 8)
        header: cython.longlong = (self.memory[at + 12] >> 4) * 4
        self.flags = self.memory[at + 13]
        if header < 20 or header > self.transport_wire:
            return self.malformed(AT_TCP, BAD_HEADER)
        if available >= 18:
            self.checksum = self.u16(at + 16)
        self.payload = min(at + header, self.transport_end)
        self.payload_length = self.transport_end - self.payload
        self.payload_wire = self.transport_wire - header
        return IS_IP

    def udp(self, available):
        at: cython.longlong = self.transport
        if self.transport_wire < 8:
            return self.malformed(AT_UDP, SHORT)
        if available >= 4:
            self.sport = self.u16(at)
            self.dport = self.u16(at + 2)
        if available < 8:
            return IS_IP
        length: cython.longlong = self.u16(at + 4)
        if length == 0:
            length = self.transport_wire  # a jumbogram (RFC 2675) or offload
        if length < 8:
            return self.malformed(AT_UDP, BAD_LENGTH)
        if length > self.transport_wire:
            length = self.transport_wire
        self.checksum = self.u16(at + 6)
        self.payload = at + 8
        self.payload_wire = length - 8
        self.payload_length = min(self.transport_end, at + length) - self.payload
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
