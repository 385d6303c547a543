"""Link: the link layer of one packet, up to the first byte of what it carries.

Strategy: a header is read where it lies in the block's memory. Who reads one returns GO_ON, with ``network`` at what
it carries and ``ethertype`` saying what that is, or what else was found (IS_OTHER, IS_MALFORMED). So no layer calls
the one above it. Every read is checked against the record's end before, and against the memory while it happens.
"""

import cython

if not cython.compiled:
    from monitor.wire.layout import *

    def octets(high, low, count):  # link.pxd has it inline
        return (high << 64 | low).to_bytes(16, "big")[16 - count :]


class Link:
    """The memory that is read, and what a packet's link layer said: MAC addresses, VLANs, what it carries.

    ``u32``, ``u64`` and ``copied`` check their first and their last byte and read those between without a check: memory
    is contiguous, so these lie in it too.
    """

    def __init__(self):
        self.hold(b"")
        self.end = self.limit = self.network = 0
        self.truncated = self.has_mac = False
        self.src_mac = self.dst_mac = 0
        self.ethertype = self.tunnels = self.vlan_count = 0
        self.vlan0 = self.vlan1 = self.vlan2 = self.vlan3 = 0
        self.layer = self.reason = 0
        self.keep()

    def hold(self, memory):
        """Read from ``memory`` until told otherwise."""
        self.memory = memory
        self.source_at = self.destination_at = -1

    if not cython.compiled:  # link.pxd has them inline, for each module that reads

        def u16(self, at):
            return (self.memory[at] << 8) | self.memory[at + 1]

        def u32(self, at):
            self.memory[at + 3]
            return int.from_bytes(self.memory[at : at + 4], "big")

        def u64(self, at):
            self.memory[at + 7]
            return int.from_bytes(self.memory[at : at + 8], "big")

        def copied(self, start, end):
            return bytes(self.memory[start:end])

    def fetch(self, at):
        """Have the processor bring the bytes at ``at`` nearer: of a packet that comes soon."""
        if cython.compiled and 0 <= at and at + CACHE_LINE < self.memory.shape[0]:
            prefetch(cython.address(self.memory[at]))
            prefetch(cython.address(self.memory[at + CACHE_LINE]))
        return 0

    def span(self, start, end):
        """A copy of the bytes from ``start`` to ``end``."""
        return self.copied(start, end)

    def vlans(self):
        """VLAN ids, outermost first."""
        if self.vlan_count == 0:
            return ()
        return (self.vlan0, self.vlan1, self.vlan2, self.vlan3)[: self.vlan_count]

    def macs(self):
        """(source, destination) as 6 bytes each, or (None, None) where the link has none."""
        if not self.has_mac:
            return None, None
        return octets(0, self.src_mac, 6), octets(0, self.dst_mac, 6)

    def addresses(self):
        """Read the link layer's addresses, which only a packet with news needs."""
        if self.source_at < 0:
            return 0
        self.src_mac = self.u64(self.source_at) >> 16
        self.dst_mac = 0
        if self.destination_at >= 0:
            self.dst_mac = self.u64(self.destination_at) >> 16
        self.source_at = -1
        return 0

    def keep(self):
        """Remember the link fields of a fragment, for the datagram that it may complete."""
        self.addresses()
        self.kept_mac = self.has_mac
        self.kept_src, self.kept_dst = self.src_mac, self.dst_mac
        self.kept_count = self.vlan_count
        self.kept0, self.kept1, self.kept2, self.kept3 = self.vlan0, self.vlan1, self.vlan2, self.vlan3
        self.kept_tunnels = self.tunnels
        return IS_FRAGMENT

    def recall(self):
        self.has_mac = self.kept_mac
        self.src_mac, self.dst_mac = self.kept_src, self.kept_dst
        self.vlan_count = self.kept_count
        self.vlan0, self.vlan1, self.vlan2, self.vlan3 = self.kept0, self.kept1, self.kept2, self.kept3
        self.tunnels = max(self.tunnels, self.kept_tunnels)
        self.source_at = -1

    def malformed(self, layer, reason):
        self.layer = layer
        self.reason = reason
        return IS_MALFORMED

    def carried(self, at, kind):
        """What is carried begins at ``at``, and is of this EtherType."""
        self.network = at
        self.ethertype = kind
        return GO_ON

    def ethernet(self):
        at: cython.longlong = self.network
        self.vlan_count = 0
        if at + 14 > self.end:
            self.ethertype = 0
            self.has_mac = False
            return self.malformed(AT_LINK, SHORT)
        self.has_mac = True
        self.destination_at = at
        self.source_at = at + 6
        self.ethertype = self.u16(at + 12)
        self.network = at + 14
        if self.ethertype == TYPE_IPV4:
            return GO_ON
        found: cython.int = self.tags()
        if found == GO_ON and self.ethertype < TYPE_LEAST:
            return self.snap()
        return found

    def tags(self):
        """Step over 802.1Q, 802.1ad and Cisco's security group tags.

        Id 0 is no VLAN: the tag only carries a priority (802.1Q, 9.6). Cisco's has a version, and how many options of
        four octets follow.
        """
        tag: cython.int
        seen: cython.int = 0
        while (
            self.ethertype == TYPE_VLAN
            or self.ethertype == TYPE_QINQ
            or self.ethertype == TYPE_QINQ_OLD
            or self.ethertype == TYPE_CMD
        ):
            if seen == MAX_TAGS:
                return self.malformed(AT_LINK, TOO_MANY_TAGS)
            if self.network + 4 > self.end:
                return self.malformed(AT_LINK, SHORT)
            if self.ethertype == TYPE_CMD:
                self.network += 4 * (self.u16(self.network) & 0xFF)
                if self.network + 4 > self.end:
                    return self.malformed(AT_LINK, SHORT)
                seen += 1
                self.ethertype = self.u16(self.network + 2)
                self.network += 4
                continue
            tag = self.u16(self.network) & 0xFFF
            if tag:
                self.vlan(tag)
            seen += 1
            self.ethertype = self.u16(self.network + 2)
            self.network += 4
        return GO_ON

    def vlan(self, tag):
        if self.vlan_count == 0:
            self.vlan0 = tag
        elif self.vlan_count == 1:
            self.vlan1 = tag
        elif self.vlan_count == 2:
            self.vlan2 = tag
        elif self.vlan_count == 3:
            self.vlan3 = tag
        else:
            return
        self.vlan_count += 1

    def other_link(self, link):
        """Find the network layer behind a link layer that is not Ethernet; what is not known here is IS_OTHER."""
        at: cython.longlong = self.network
        family: cython.longlong
        self.ethertype = self.vlan_count = 0
        self.has_mac = False
        if link == LINK_SAME:
            self.recall()
            return self.bare()
        if link == LINK_SLL or link == LINK_SLL2:
            return self.cooked(link)
        if link == LINK_NULL or link == LINK_LOOP:
            if at + 4 > self.end:
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
            return GO_ON
        raw: cython.bint = link == LINK_RAW or link == LINK_RAW_BSD or link == LINK_RAW_OPENBSD
        if raw or link == LINK_IPV4 or link == LINK_IPV6:
            return self.bare()
        if link == LINK_RADIOTAP:
            return self.radiotap()
        if link == LINK_WIFI:
            return self.wifi(False)
        return IS_OTHER

    def bare(self):
        """An IP packet, which says itself of which version it is."""
        if self.network >= self.end:
            return self.malformed(AT_LINK, SHORT)
        self.ethertype = TYPE_IPV6 if self.memory[self.network] >> 4 == 6 else TYPE_IPV4
        return GO_ON

    def cooked(self, link):
        at: cython.longlong = self.network
        header: cython.int = 16 if link == LINK_SLL else 20
        if at + header > self.end:
            return self.malformed(AT_LINK, SHORT)
        # SLL: type 2, ARPHRD 2, length 2, address 8, protocol 2. SLL2: protocol 2, 0 2, index 4, ARPHRD 2, type 1,
        # length 1, address 8.
        length: cython.int = self.u16(at + 4) if link == LINK_SLL else self.memory[at + 11]
        kind: cython.int = self.u16(at + 2) if link == LINK_SLL else self.u16(at + 8)
        if length == 6:
            self.has_mac = True
            self.source_at = at + 6 if link == LINK_SLL else at + 12
            self.destination_at = -1
        self.ethertype = self.u16(at + 14) if link == LINK_SLL else self.u16(at)
        self.network = at + header
        if kind == ARPHRD_NETLINK:
            return IS_OTHER
        if self.ethertype == COOKED_LLC:
            return self.snap()
        return self.tags()

    def radiotap(self):
        """https://www.radiotap.org: a length, presence words, and in a field whether the 802.11 header is padded."""
        at: cython.longlong = self.network
        if at + 8 > self.end:
            return self.malformed(AT_LINK, SHORT)
        length: cython.longlong = self.memory[at + 2] | (self.memory[at + 3] << 8)
        if self.memory[at] != 0:
            return self.malformed(AT_LINK, WRONG_VERSION)
        if length < 8:
            return self.malformed(AT_LINK, BAD_HEADER)
        if at + length > self.end:
            return self.malformed(AT_LINK, SHORT)
        field: cython.longlong = 8
        while self.memory[at + field - 1] & 0x80 and field + 4 <= length:
            field += 4
        if self.memory[at + 4] & RADIOTAP_TSFT:
            field = ((field + 7) & ~7) + 8
        self.network = at + length
        flagged: cython.bint = self.memory[at + 4] & RADIOTAP_FLAGS != 0 and field < length
        return self.wifi(flagged and self.memory[at + field] & RADIOTAP_PADDED != 0)

    def wifi(self, padded):
        """A data frame of 802.11 that is neither encrypted, nor in parts, nor several in one (IEEE 802.11, 9.3.2)."""
        at: cython.longlong = self.network
        if at + 2 > self.end:
            return self.malformed(AT_LINK, SHORT)
        control: cython.int = self.memory[at]
        flags: cython.int = self.memory[at + 1]
        if control & 0x0F != WIFI_DATA or control & WIFI_NULL or flags & (WIFI_PROTECTED | WIFI_MORE):
            return IS_OTHER
        between: cython.bint = flags & WIFI_DS == WIFI_DS
        header: cython.longlong = 30 if between else 24
        qos: cython.longlong = at + header
        if control & WIFI_QOS:
            header += 6 if flags & WIFI_ORDER else 2
        if padded:
            header = (header + 3) & ~3
        if at + header > self.end:
            return self.malformed(AT_LINK, SHORT)
        if self.memory[at + 22] & 0x0F or (control & WIFI_QOS and self.memory[qos] & WIFI_AGGREGATE):
            return IS_OTHER
        # Addresses stand at 4, 10, 16 and 24; which is whose depends on where the frame goes (table 9-30).
        self.destination_at = at + 16 if flags & WIFI_TO_DS else at + 4
        if between:
            self.source_at = at + 24
        else:
            self.source_at = at + 16 if flags & WIFI_DS and not flags & WIFI_TO_DS else at + 10
        self.has_mac = True
        self.network = at + header
        return self.snap()

    def snap(self):
        """LLC with SNAP (IEEE 802; RFC 1042): an EtherType after all."""
        at: cython.longlong = self.network
        if at + 8 > self.end:
            return IS_OTHER
        # Three LLC bytes, then the organisation: 0 (RFC 1042) or 0xF8 (802.1H).
        if self.u16(at) != 0xAAAA or self.memory[at + 2] != 3:
            return IS_OTHER
        if self.u16(at + 3) != 0 or (self.memory[at + 5] != 0 and self.memory[at + 5] != 0xF8):
            return IS_OTHER
        self.ethertype = self.u16(at + 6)
        self.network = at + 8
        return self.tags()
