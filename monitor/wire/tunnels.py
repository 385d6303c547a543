"""Tunnel: what may stand between a link layer and IP, or between two IP packets.

Strategy: as in link.py. What an IP packet carries is no tunnel until all of its header says so; if not, it is a flow
of its protocol: IS_IP, with ``network`` and ``ethertype`` as they were.
"""

import cython

if not cython.compiled:
    from monitor.wire.layout import *
    from monitor.wire.link import Link


class Tunnel(Link):
    """A link layer, and PPP, PPPoE and MPLS on it; GRE, ERSPAN, VXLAN and GENEVE, which IP packets carry."""

    def carrier(self):
        """What else may stand between Ethernet and IP."""
        if self.ethertype == TYPE_PPPOE:
            return self.pppoe()
        if self.ethertype == TYPE_MPLS or self.ethertype == TYPE_MPLS_UPSTREAM:
            return self.labels()
        return IS_OTHER

    def pppoe(self):
        """A PPPoE session (RFC 2516, 4): version and type 1, code 0, session 2, length 2."""
        at: cython.longlong = self.network
        if at + 6 > self.end:
            return self.malformed(AT_LINK, SHORT)
        if self.memory[at] != 0x11:
            return self.malformed(AT_LINK, WRONG_VERSION)
        if self.memory[at + 1] != 0:
            return IS_OTHER
        self.network = at + 6
        self.limit = min(self.limit, self.network + self.u16(at + 4))
        self.end = min(self.end, self.limit)
        return self.ppp()

    def ppp(self):
        """PPP (RFC 1661; RFC 1662, 3.1), address and control possibly left out, protocol possibly compressed."""
        at: cython.longlong = self.network
        protocol: cython.int
        if at + 2 <= self.end and self.u16(at) == PPP_ADDRESS_CONTROL:
            at += 2
        if at >= self.end:
            return self.malformed(AT_LINK, SHORT)
        protocol = self.memory[at]
        at += 1
        if not protocol & 1:  # the low bit of a protocol's last octet is set, of its first is not
            if at >= self.end:
                return self.malformed(AT_LINK, SHORT)
            protocol = (protocol << 8) | self.memory[at]
            at += 1
        self.network = at
        if protocol == PPP_IPV4:
            self.ethertype = TYPE_IPV4
        elif protocol == PPP_IPV6:
            self.ethertype = TYPE_IPV6
        elif protocol == PPP_MPLS:
            return self.labels()
        else:
            return IS_OTHER
        return GO_ON

    def labels(self):
        """An MPLS label stack (RFC 3032), then an IP packet, or Ethernet behind a control word (RFC 4448, 4.6)."""
        at: cython.longlong = self.network
        seen: cython.int = 0
        bottom: cython.int = 0
        while not bottom:
            if seen == MAX_LABELS:
                return self.malformed(AT_LINK, TOO_MANY_LABELS)
            if at + 4 > self.end:
                return self.malformed(AT_LINK, SHORT)
            bottom = self.memory[at + 2] & 1
            at += 4
            seen += 1
        self.network = at
        if at >= self.end:
            return IS_OTHER
        version: cython.int = self.memory[at] >> 4
        if version == 4 or version == 6:
            return self.bare()
        # Without a control word the first byte is a MAC's, and could be anything.
        if self.tunnels == MAX_TUNNELS or at + 20 > self.end or self.u16(at) != 0:
            return IS_OTHER
        kind: cython.int = self.u16(at + 16)
        if kind != TYPE_IPV4 and kind != TYPE_IPV6 and kind != TYPE_ARP and kind != TYPE_VLAN and kind != TYPE_QINQ:
            return IS_OTHER
        self.tunnels += 1
        self.network = at + 4
        return self.ethernet()

    def gre(self, at, stop):
        """GRE (RFC 2784, RFC 2890; as PPTP has it RFC 2637, 4.1). Of a kind that is not known here: just a flow."""
        if at + 4 > stop:
            return IS_IP
        flags: cython.int = self.u16(at)
        kind: cython.int = self.u16(at + 2)
        pptp: cython.bint = flags & GRE_VERSION == 1
        if flags & GRE_VERSION > 1 or flags & GRE_ROUTING or (pptp and flags & GRE_CHECKSUM):
            return IS_IP
        header: cython.longlong = 4
        if flags & GRE_CHECKSUM:
            header += 4
        if flags & GRE_KEY:
            header += 4
        if flags & GRE_SEQUENCE:
            header += 4
        if pptp and flags & GRE_ACKNOWLEDGEMENT:
            header += 4
        at += header
        if at >= stop:
            return IS_IP
        if pptp and (kind != TYPE_PPP or not flags & GRE_KEY or not flags & GRE_SEQUENCE):
            return IS_IP  # without a sequence number it only acknowledges
        if kind == TYPE_IPV4 or kind == TYPE_IPV6 or kind == TYPE_MPLS or kind == TYPE_BRIDGED or kind == TYPE_PPP:
            return self.carried(at, kind)
        if kind == TYPE_ERSPAN and not flags & GRE_SEQUENCE:  # type I has no header of its own
            return self.carried(at, TYPE_BRIDGED)
        if kind == TYPE_ERSPAN or kind == TYPE_ERSPAN_III:
            return self.erspan(at, stop, kind)
        return IS_IP

    def erspan(self, at, stop, kind):
        """A mirrored frame (draft-foschiano-erspan-03, 4.2 and 4.3), possibly cut. The VLAN of its header is unread."""
        header: cython.longlong = 8 if kind == TYPE_ERSPAN else 12
        if at + header > stop:
            return IS_IP
        word: cython.longlong = self.u32(at)
        if word >> 28 != (1 if kind == TYPE_ERSPAN else 2):
            return IS_IP
        inner: cython.int = TYPE_BRIDGED
        if kind == TYPE_ERSPAN_III:
            low: cython.int = self.u16(at + 10)
            if low & 1:  # the O bit: a subheader of the switch's make
                header += 8
            if (low >> 10) & 31 == ERSPAN_IP:
                inner = TYPE_IPV4
            elif (low >> 10) & 31 != ERSPAN_ETHERNET:
                return IS_IP
        at += header
        if at >= stop:
            return IS_IP
        if inner == TYPE_IPV4 and self.memory[at] >> 4 == 6:
            inner = TYPE_IPV6
        if word & ERSPAN_CUT:
            self.truncated = True
        return self.carried(at, inner)

    def overlay(self, at, length, port):
        """VXLAN (RFC 7348, 5) or GENEVE (RFC 8926, 3.4), if all reserved bits are zero: a port alone proves nothing.

        On VXLAN's own port they are ignored, as RFC 7348 has it, where a frame of a known type follows.
        """
        if self.tunnels == MAX_TUNNELS or length < 8 + 14:
            return IS_IP
        word: cython.longlong = self.u32(at)
        kind: cython.int
        if port == PORT_VXLAN and word & VXLAN_FLAGS:
            kind = self.u16(at + 20)
            if kind == TYPE_IPV4 or kind == TYPE_IPV6 or kind == TYPE_ARP or kind == TYPE_VLAN:
                return self.carried(at + 8, TYPE_BRIDGED)
        if self.memory[at + 7] != 0:
            return IS_IP
        if port != PORT_GENEVE:
            return self.carried(at + 8, TYPE_BRIDGED) if word == VXLAN_FLAGS else IS_IP
        # Version 2, option length in words 6, O 1, C 1, reserved 6, protocol 16, VNI 24, reserved 8.
        header: cython.longlong = 8 + ((word >> 24) & 63) * 4
        kind = cython.cast(cython.int, word & 0xFFFF)
        if word >> 30 != 0 or word & GENEVE_RESERVED or header >= length:
            return IS_IP
        if kind == TYPE_IPV4 or kind == TYPE_IPV6 or kind == TYPE_BRIDGED:
            return self.carried(at + header, kind)
        return IS_IP
