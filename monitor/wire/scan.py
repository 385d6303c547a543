"""Scanner: one pass over every packet that stops where something was said.

Strategy: ``begin`` takes a block, ``scan`` runs without the GIL and returns at each packet that carries
news; the return value says which, as bits. The caller reads the packet from ``frame``, answers with
``verdict`` (which directions of the flow still matter) and calls ``scan`` again, which goes on with the next
packet. So nothing depends on where a block ends, and a parser that wants more misses no byte. Nothing is
dropped for want of room: when a flow must make room the scan returns *before* the packet that needs it.

A packet of a flow whose payload nobody wants, which is what video is made of, is counted and done with.

An attempt is a connection request with another sequence number, a datagram of a flow that is not answered (one a
second at most), or an ICMP query with another identifier than the one before: that is what tells the queries of
one program, which belong together, from those of the next (RFC 792, RFC 4443, 4.1; RFC 5508, 3.2). All queries of
one kind between two hosts are one flow all the same, as Community ID has it.
"""

from array import array

import cython

if not cython.compiled:
    from monitor.wire.decode import Frame
    from monitor.wire.layout import *
    from monitor.wire.precedence import Precedence

SEQUENCES = cython.declare(cython.longlong, 0xFFFFFFFF)
HALF = cython.declare(cython.longlong, 0x80000000)
ATTEMPT_NS = cython.declare(cython.longlong, 1_000_000_000)
"""Unanswered datagrams of one flow count one attempt a second at most."""


class Scanner:
    """The hot path: frames in, events out, flows counted. One thread at a time."""

    def __init__(self, table, *, duplicate_window_ns=5_000_000, overlapping=False):
        """``overlapping``: networks overlap, so the outermost VLAN is part of the flow key.

        ``duplicate_window_ns``: a mirror that sees a packet on the way in and on the way out delivers both
        copies within the switch's forwarding time, well under five milliseconds; 0 looks for none.
        """
        self.frame = Frame()
        self.table = table
        self.precedence = Precedence(table)
        self.overlapping = overlapping
        self.window = duplicate_window_ns
        self.due = 0
        self.tell_malformed = False
        self.at = self.count = 0
        self.vetted = self.outside = -1
        self.packets = self.octets = self.duplicates = self.others = self.truncated = 0
        self.slot = self.ts = self.direction = 0
        self.weight = self.weight_octets = 0
        self.copies = self.originals = 0
        self.followed = self.missed = 0
        self.index = array("q", [0])
        self.links = array("q", [0])
        # (signature, time) of the packets seen last, in sets of RECENT_WAYS that fill one cache line.
        self.recent = array("q", bytes(16 * RECENT_SETS * RECENT_WAYS))
        self.malformed_counts = array("q", bytes(8 * 8))
        self.dirty = array("q", bytes(8 * table.capacity))
        self.dirty_count = 0

    def begin(self, memory, index, count, links):
        """Take a block: its memory, its index rows, how many there are, and each interface's link type."""
        self.frame.hold(memory)
        self.index = index
        self.links = links
        self.count = count
        self.at = 0
        self.vetted = self.outside = -1

    def position(self):
        """What ``resume`` needs to go on with this block after another one was scanned in between."""
        return (self.frame.memory, self.index, self.count, self.links, self.at)

    def resume(self, position):
        """Go on where ``position`` was taken."""
        memory, index, count, links, at = position
        self.begin(memory, index, count, links)
        self.at = at

    def scan(self):
        """Run to the next event. Returns its bits; DONE at the end of the block."""
        with cython.nogil:
            return self.run()

    def run(self):
        row: cython.longlong
        found: cython.int
        events: cython.int
        link: cython.int
        while self.at < self.count:
            row = self.at * 5
            self.ts = self.index[row]
            if self.ts >= self.due:
                return TICK
            if self.at + AHEAD < self.count:
                self.frame.fetch(self.index[row + AHEAD * 5 + 1])
            link = cython.cast(cython.int, self.links[self.index[row + 4]])
            found = self.frame.decode(self.index[row + 1], self.index[row + 2], self.index[row + 3], link)
            if self.frame.entered and self.outside != self.at:
                events = self.tunnel(link)
                if events:
                    self.frame.addresses()
                    return events
                continue
            events = 0
            if found == IS_IP:
                events = self.flow()
                if events & (EVICT | REUSE):
                    return events
            elif found == IS_ARP:
                events = NEIGHBOUR
            elif found == IS_FRAGMENT:
                events = self.fragment()
            elif found == IS_OTHER:
                self.others += 1
            else:
                self.malformed_counts[self.frame.layer] += 1
                if self.tell_malformed:
                    events = MALFORMED
            self.at += 1
            if self.weight:
                self.weight = 0
            else:
                self.packets += 1
                self.octets += self.frame.wire
                if self.frame.truncated:
                    self.truncated += 1
            if events:
                self.frame.addresses()
                return events
        return DONE

    def tunnel(self, link):
        """Count the flow that carries the packet, which is then read again for what it carries.

        That flow may leave the site too. A copy is counted as a copy of what it carries.
        """
        duplicates: cython.longlong = self.duplicates
        self.frame.outer(link)
        events: cython.int = self.flow()
        if not events & (EVICT | REUSE):
            self.duplicates = duplicates
            self.outside = self.at
            self.vetted = -1
        return events

    def repeated(self, signature):
        """Whether this packet passed moments ago; remembers it if not.

        An IPv4 packet without an identification (RFC 6864 allows it) cannot be told from one that is really sent
        twice: it counts as a copy only where the mirror has been seen to copy those that have one.
        """
        named: cython.bint = self.frame.v4 and self.frame.identification != 0
        if self.window == 0 or self.weight:
            return False
        if self.vetted == self.at:
            return False  # the scan stopped before this packet and comes to it again
        self.vetted = self.at
        base: cython.longlong = cython.cast(cython.longlong, signature & (RECENT_SETS - 1)) * RECENT_WAYS * 2
        oldest: cython.longlong = base
        way: cython.longlong
        for way in range(RECENT_WAYS):
            if (
                self.recent[base + 2 * way] == cython.cast(cython.longlong, signature)
                and 0 <= self.ts - self.recent[base + 2 * way + 1] <= self.window
            ):
                if self.frame.v4 and not named and self.copies * COPIES_PROVE < self.originals:
                    self.recent[base + 2 * way + 1] = self.ts
                    return False
                self.copies += named
                self.duplicates += 1
                return True
            if self.recent[base + 2 * way + 1] < self.recent[oldest + 1]:
                oldest = base + 2 * way
        self.originals += named
        self.recent[oldest] = cython.cast(cython.longlong, signature)
        self.recent[oldest + 1] = self.ts
        return False

    def signature(self):
        """What both copies of a mirrored packet share: not MAC, VLAN, TTL or the IP checksum."""
        state: cython.ulonglong = self.table.hash ^ self.table.side
        word: cython.ulonglong = self.frame.identification
        word = (word << 16) | self.frame.checksum
        word = (word << 16) | (self.frame.transport_wire & 0xFFFF)
        word = (word << 16) | self.frame.flags
        state = stir(state, word)
        group: cython.bint = (self.frame.dst_lo & LOW) >> 28 == 14 if self.frame.v4 else self.frame.dst_hi >> 56 == 255
        if group and self.frame.vlan_count:
            state = stir(state, self.frame.vlan0)  # each VLAN has multicasts of its own
        if self.frame.proto == PROTO_TCP:
            word = self.frame.sequence
            return stir(state, (word << 32) | self.frame.acknowledgement)
        if self.frame.checksum and self.frame.identification:
            return state
        # The checksum of a datagram may be absent, and its identification zero (RFC 768, RFC 6864).
        if self.frame.payload_length >= 8:
            if self.frame.proto != PROTO_UDP:  # what is inside may differ only further on
                state = stir(state, self.frame.u64(self.frame.payload + self.frame.payload_length - 8))
            return stir(state, self.frame.u64(self.frame.payload))
        if self.frame.payload_length >= 4:
            return stir(state, self.frame.u32(self.frame.payload))
        return state

    def fragment(self):
        self.table.key(
            self.frame.src_hi,
            self.frame.src_lo,
            self.frame.dst_hi,
            self.frame.dst_lo,
            self.frame.fragment,
            self.frame.fragment,
            self.frame.proto,
            0,
        )
        word: cython.ulonglong = self.frame.identification
        if self.repeated(stir(self.table.hash ^ self.table.side, (word << 16) | (self.frame.transport_wire & 0xFFFF))):
            return 0
        return FRAGMENT

    def flow(self):
        """Count the packet on its flow; what there is to tell about it."""
        if self.frame.proto == PROTO_ICMP6 and 133 <= self.frame.sport <= 137 and self.frame.payload_wire >= 0:
            return NEIGHBOUR
        vlan: cython.int = self.frame.vlan0 if self.overlapping and self.frame.vlan_count else 0
        self.table.key(
            self.frame.src_hi,
            self.frame.src_lo,
            self.frame.dst_hi,
            self.frame.dst_lo,
            self.frame.sport,
            self.frame.dport,
            self.frame.proto,
            vlan,
        )
        if self.repeated(self.signature()):
            return 0
        slot: cython.longlong = self.table.find()
        row: cython.longlong = slot * WIDTH
        events: cython.int = 0
        fresh: cython.bint = False
        other: cython.longlong
        request: cython.bint = (
            self.frame.proto == PROTO_TCP and (self.frame.flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN
        )
        if (
            slot >= 0
            and request
            and (self.frame.sequence != self.table.rows[row + ISN] or not self.table.rows[row + FLAGS] & F_SYN)
        ):
            # A request with another sequence number: the same attempt's successor, or a new connection.
            if (
                self.table.rows[row + INITIATOR] != self.table.side
                or self.table.rows[row + FLAGS] & (F_SYN | F_ANSWERED | F_RST) != F_SYN
            ):
                self.slot = slot
                return REUSE
        if slot < 0:
            if self.precedence.hurried and not self.admitted():
                return 0
            other = self.table.victim(self.frame.src_hi, self.frame.src_lo)
            if other >= 0:
                self.slot = other
                return EVICT
            slot = self.table.create(self.ts, self.frame.src_hi, self.frame.src_lo)
            row = slot * WIDTH
            fresh = True
            events = NEW
            if self.precedence.hurried:
                self.precedence.charge(self.ts)
            if from_server(self.frame.proto, self.frame.flags, self.frame.sport, self.frame.dport):
                self.table.rows[row + INITIATOR] = 1 - self.table.side
            if self.frame.proto == PROTO_TCP or self.frame.proto == PROTO_UDP:
                self.table.rows[row + WANT] = 1
                self.table.rows[row + WANT + 1] = 1
        self.slot = slot
        self.direction = 0 if self.table.side == self.table.rows[row + INITIATOR] else 1
        self.table.rows[row + PACKETS + self.direction] += self.weight if self.weight else 1
        self.table.rows[row + BYTES + self.direction] += self.weight_octets if self.weight else self.frame.wire
        self.table.rows[row + PAYLOADS + self.direction] += self.frame.payload_wire
        if self.ts > self.table.rows[row + LAST]:
            self.table.rows[row + LAST] = self.ts
        self.table.touch(slot, self.ts)
        if self.frame.proto == PROTO_TCP:
            events |= self.tcp(row, fresh)
        else:
            events |= self.datagram(row, fresh)
        if not fresh and self.table.rows[row + FLAGS] & F_CARE == 0:
            events &= SYN
        if self.table.rows[row + WANT + self.direction] and (
            self.frame.payload_wire > 0
            or (
                self.table.rows[row + WANT + self.direction] == WANT_END
                and self.frame.proto == PROTO_TCP
                and self.frame.flags & TCP_FIN
            )
        ):
            events |= PAYLOAD
        if events & SYN and self.table.rows[row + WANT] == 0 and self.table.rows[row + WANT + 1] == 0:
            events &= ~SYN
        if (
            self.frame.proto == PROTO_ICMP
            and (3 <= self.frame.sport <= 5 or self.frame.sport == 11 or self.frame.sport == 12)
        ) or (self.frame.proto == PROTO_ICMP6 and 1 <= self.frame.sport <= 4):
            events |= ERROR
        self.mark(slot, row)
        return events

    def admitted(self):
        """Whether the packet may begin a flow while more begin than can be looked at."""
        self.frame.addresses()
        return self.precedence.admits(
            self.frame.src_hi,
            self.frame.src_lo,
            self.frame.src_mac if self.frame.has_mac else 0,
            self.frame.dst_hi,
            self.frame.dst_lo,
            self.frame.dst_mac if self.frame.has_mac else 0,
            self.ts,
        )

    def tcp(self, row, fresh):
        flags: cython.int = self.frame.flags
        state: cython.longlong = self.table.rows[row + FLAGS]
        events: cython.int = 0
        if flags & TCP_RST:
            if self.direction == 1 and not state & F_ANSWERED:
                state |= F_REFUSED
                events |= REFUSE
            state |= F_RST
        elif flags & TCP_SYN and not flags & TCP_ACK:
            if self.direction == 0 and (fresh or self.frame.sequence != self.table.rows[row + ISN]):
                self.table.rows[row + ISN] = self.frame.sequence
                self.table.rows[row + ATTEMPTS] += 1
                self.table.rows[row + ATTEMPTED] = self.ts
                state |= F_SYN
                events |= ATTEMPT | SYN
        elif self.direction == 1:
            if not state & F_ANSWERED:
                state |= F_ANSWERED
                events |= ANSWER
                if flags & TCP_SYN:
                    events |= SYN
        elif flags & TCP_ACK:
            # On a one-sided mirror the initiator's acknowledgements tell what the responder sent.
            if not state & F_ACKED:
                self.table.rows[row + ACK_FIRST] = self.frame.acknowledgement
                self.table.rows[row + ACK_LAST] = self.frame.acknowledgement
                state |= F_ACKED
            elif (self.frame.acknowledgement - self.table.rows[row + ACK_LAST]) & SEQUENCES < HALF:
                self.table.rows[row + ACK_LAST] = self.frame.acknowledgement
            if not state & F_ANSWERED and (
                state & F_SYN or self.table.rows[row + ACK_LAST] != self.table.rows[row + ACK_FIRST]
            ):
                state |= F_ANSWERED
                events |= ANSWER
        if flags & TCP_FIN:
            state |= F_FIN_OUT if self.direction == 0 else F_FIN_IN
        if not state & F_TRANSFERRED and self.arrived(row, state):
            state |= F_TRANSFERRED
            events |= TRANSFER
        self.table.rows[row + FLAGS] = state
        if state & F_RST or (state & F_FIN_OUT and state & F_FIN_IN):
            self.table.move(self.slot, CLOSED)
        elif state & F_ANSWERED:
            self.table.move(self.slot, CONNECTED)
        self.follow(row)
        return events

    def arrived(self, row, state):
        """Whether payload went both ways, or a side has acknowledged some of the other's. Asked until it has.

        The initiator's octets are counted from its request, or from the first that was seen of them; the
        responder's by how far the initiator's acknowledgements moved, so that its packets need not be seen. A FIN
        takes one sequence number, and a keep-alive may repeat one octet (RFC 9293, 3.4 and 3.8.4): neither is payload.
        """
        acknowledged: cython.longlong
        spare: cython.longlong = 0 if state & F_SYN else 1
        if self.table.rows[row + PAYLOADS] > 0 and self.table.rows[row + PAYLOADS + 1] > 0:
            return True
        if self.direction == 0:
            if not state & F_SYN and 0 < self.frame.payload_wire == self.table.rows[row + PAYLOADS]:
                self.table.rows[row + ISN] = (self.frame.sequence - 1) & SEQUENCES
            return (self.table.rows[row + ACK_LAST] - self.table.rows[row + ACK_FIRST]) & SEQUENCES > 1
        if self.table.rows[row + PAYLOADS] == 0 or self.frame.flags & (TCP_ACK | TCP_RST) != TCP_ACK:
            return False
        if state & F_FIN_OUT:
            spare += 1
        acknowledged = (self.frame.acknowledgement - self.table.rows[row + ISN] - 1) & SEQUENCES
        return spare < acknowledged < HALF

    def follow(self, row):
        """Count octets of TCP that were acknowledged and never seen: they passed, and were lost on their way to us.

        Strategy: a side's octets are followed by their sequence numbers. A step ahead leaves a hole. What comes late
        fills it; a loss between the two hosts is filled by the retransmission. What the receiver acknowledges while it
        is open was lost to us alone. One hole a side at a time: while it is open, of that side only the segment behind
        it is counted, so that shares stay right. Where the receiver is not seen, nothing is known.
        """
        side: cython.int = self.direction
        sequence: cython.longlong = self.frame.sequence
        span: cython.longlong = self.frame.payload_wire
        behind: cython.longlong
        ahead: cython.longlong
        if self.frame.flags & TCP_RST:
            return 0
        if self.frame.flags & TCP_SYN:
            span += 1
        if self.frame.flags & TCP_FIN:
            span += 1
        behind = (sequence + span) & SEQUENCES
        if self.table.rows[row + EXPECTED + side] == 0 or self.frame.flags & TCP_SYN:
            self.table.rows[row + EXPECTED + side] = behind + 1
            self.table.rows[row + HOLE + side] = 0
        else:
            ahead = (sequence - (self.table.rows[row + EXPECTED + side] - 1)) & SEQUENCES
            if ahead == 0:
                if self.table.rows[row + HOLE + side] == 0 or self.table.rows[row + BEHIND + side] == sequence:
                    self.followed += self.frame.payload_wire
                self.table.rows[row + EXPECTED + side] = behind + 1
            elif ahead < HALF:
                if ahead > MAX_HOLE:
                    self.table.rows[row + HOLE + side] = 0
                elif self.table.rows[row + HOLE + side] == 0:
                    self.followed += self.frame.payload_wire
                    self.table.rows[row + HOLE + side] = ahead
                    self.table.rows[row + BEHIND + side] = sequence
                self.table.rows[row + EXPECTED + side] = behind + 1
            else:
                ahead = min(self.table.rows[row + HOLE + side], self.frame.payload_wire)
                self.table.rows[row + HOLE + side] -= ahead
                self.followed += ahead
                if ((behind - (self.table.rows[row + EXPECTED + side] - 1)) & SEQUENCES) < HALF:
                    self.table.rows[row + EXPECTED + side] = behind + 1
        if self.frame.flags & TCP_ACK:
            self.acknowledged(row, 1 - side)
        return 0

    def acknowledged(self, row, side):
        """The other side has got all of this side's octets before the acknowledgement.

        One that is a moment ahead of its octets, as where two taps see a direction each, opens a hole that they fill.
        """
        number: cython.longlong = self.frame.acknowledgement
        ahead: cython.longlong
        if self.table.rows[row + EXPECTED + side] == 0:
            return 0
        if self.table.rows[row + HOLE + side]:
            ahead = (number - self.table.rows[row + BEHIND + side]) & SEQUENCES
            if 0 < ahead < HALF:
                self.missed += self.table.rows[row + HOLE + side]
                self.table.rows[row + HOLE + side] = 0
        ahead = (number - (self.table.rows[row + EXPECTED + side] - 1)) & SEQUENCES
        if 0 < ahead < HALF:
            if ahead <= MAX_HOLE and self.table.rows[row + HOLE + side] == 0:
                self.table.rows[row + HOLE + side] = ahead
                self.table.rows[row + BEHIND + side] = number
            self.table.rows[row + EXPECTED + side] = number + 1
        return 0

    def datagram(self, row, fresh):
        state: cython.longlong = self.table.rows[row + FLAGS]
        events: cython.int = 0
        asks: cython.bint = True
        anew: cython.bint = False
        if self.frame.proto == PROTO_ICMP:
            # Echo, timestamp, information and mask requests ask (RFC 792, RFC 950); the rest only tells.
            asks = self.frame.sport == 8 or self.frame.sport == 13 or self.frame.sport == 15 or self.frame.sport == 17
        elif self.frame.proto == PROTO_ICMP6:
            asks = self.frame.sport == 128
        if asks and self.direction == 0 and (self.frame.proto == PROTO_ICMP or self.frame.proto == PROTO_ICMP6):
            anew = self.identified(row)
        if self.direction == 1:
            if not state & F_ANSWERED:
                state |= F_ANSWERED
                events |= ANSWER
                self.table.move(self.slot, ANSWERED)
        elif anew or (
            asks and not state & F_ANSWERED and (fresh or self.ts - self.table.rows[row + ATTEMPTED] >= ATTEMPT_NS)
        ):
            self.table.rows[row + ATTEMPTS] += 1
            self.table.rows[row + ATTEMPTED] = self.ts
            events |= ATTEMPT
        if (
            not state & F_TRANSFERRED
            and self.table.rows[row + PAYLOADS] > 0
            and self.table.rows[row + PAYLOADS + 1] > 0
            and self.frame.proto != PROTO_ICMP  # a reply gives back what it was sent (RFC 792)
            and self.frame.proto != PROTO_ICMP6
        ):
            state |= F_TRANSFERRED
            events |= TRANSFER
        self.table.rows[row + FLAGS] = state
        return events

    def identified(self, row):
        """Whether an ICMP query has another identifier than its flow's last one; one that was cut off tells nothing."""
        if self.frame.transport_end - self.frame.transport < 6:
            return False
        identifier: cython.longlong = self.frame.u16(self.frame.transport + 4) + 1
        if self.table.rows[row + ISN] == identifier:
            return False
        self.table.rows[row + ISN] = identifier
        return True

    def mark(self, slot, row):
        """Put a cared-for flow on the list of those whose counts changed, and keep which way the packet went."""
        state: cython.longlong = self.table.rows[row + FLAGS]
        if state & (F_CARE | F_HEED) == 0:
            return 0
        state |= F_SENT if self.direction == 0 else F_CAME
        if not state & F_DIRTY and self.dirty_count < self.table.capacity:
            state |= F_DIRTY
            self.dirty[self.dirty_count] = slot
            self.dirty_count += 1
        self.table.rows[row + FLAGS] = state
        return 0

    def turn(self, slot):
        """The flow's only packet so far was sent by the side that began it, against what its ports say."""
        row: cython.longlong = slot * WIDTH
        column: cython.int
        self.table.rows[row + INITIATOR] = 1 - self.table.rows[row + INITIATOR]
        for column in (PACKETS, BYTES, PAYLOADS):
            self.table.rows[row + column] = self.table.rows[row + column + 1]
            self.table.rows[row + column + 1] = 0
        self.table.rows[row + FLAGS] &= ~F_ANSWERED
        self.table.rows[row + ATTEMPTS] = 1
        self.table.rows[row + ATTEMPTED] = self.ts
        self.table.move(slot, UNANSWERED)
        self.direction = 0

    def verdict(self, slot, out, into):
        """Whether the payload of the initiator (``out``) and of the responder (``into``) is still wanted.

        WANT_END: and its end, even if no payload comes with it.
        """
        self.table.rows[slot * WIDTH + WANT] = out
        self.table.rows[slot * WIDTH + WANT + 1] = into
        return 0

    def care(self, slot):
        """Somebody keeps a contact for this flow: tell attempts and answers, list changed counts."""
        row: cython.longlong = slot * WIDTH
        self.table.rows[row + FLAGS] |= F_CARE
        return self.mark(slot, row)

    def heed(self, slot):
        """Somebody wants to know when this flow's ends are there: list it when it changed."""
        row: cython.longlong = slot * WIDTH
        self.table.rows[row + FLAGS] |= F_HEED
        return self.mark(slot, row)

    def ways(self, slot):
        """Which ways packets went since the last call: 1 from the side that began the flow, 2 to it."""
        row: cython.longlong = slot * WIDTH
        state: cython.longlong = self.table.rows[row + FLAGS]
        self.table.rows[row + FLAGS] = state & ~(F_SENT | F_CAME)
        return (1 if state & F_SENT else 0) | (2 if state & F_CAME else 0)

    def changed(self):
        """Slots of cared-for flows whose counts changed since the last call."""
        slots = []
        each: cython.longlong
        row: cython.longlong
        for each in range(self.dirty_count):
            row = self.dirty[each] * WIDTH
            if self.table.rows[row + FLAGS] & F_DIRTY:
                self.table.rows[row + FLAGS] &= ~F_DIRTY
                slots.append(self.dirty[each])
        self.dirty_count = 0
        return slots

    def link(self):
        """The link type of the packet at which the scan stopped."""
        row: cython.longlong = self.at if self.outside == self.at else self.at - 1
        return self.links[self.index[row * 5 + 4]]

    def whole(self, octets, packets):
        """The next packet stands for ``packets`` fragments of ``octets`` frame bytes in all, already counted."""
        self.weight = packets
        self.weight_octets = octets

    def lookup(self, src, dst, sport, dport, proto, vlans=()):
        """(slot, whether src began it) of the flow between two 16-byte addresses, or None."""
        self.table.key(
            int.from_bytes(src[:8], "big"),
            int.from_bytes(src[8:], "big"),
            int.from_bytes(dst[:8], "big"),
            int.from_bytes(dst[8:], "big"),
            sport,
            dport,
            proto,
            vlans[0] if self.overlapping and vlans else 0,
        )
        slot = self.table.find()
        if slot < 0:
            return None
        return slot, self.table.side == self.table.rows[slot * WIDTH + INITIATOR]

    def plant(self, src, dst, sport, dport, proto, vlans, which, columns):
        """Go on with a flow of an earlier run that ``src`` began; its slot, or -1 if there is no room for it.

        ``which`` and ``columns`` as FlowTable.record gave them; flows come in the order of their last packets.
        """
        src_hi, src_lo = int.from_bytes(src[:8], "big"), int.from_bytes(src[8:], "big")
        dst_hi, dst_lo = int.from_bytes(dst[:8], "big"), int.from_bytes(dst[8:], "big")
        vlan = vlans[0] if self.overlapping and vlans else 0
        self.table.key(src_hi, src_lo, dst_hi, dst_lo, sport, dport, proto, vlan)
        if self.table.find() >= 0:
            return -1
        slot = self.table.create(columns[LAST - FLAGS], src_hi, src_lo)
        if slot < 0:
            return -1
        row: cython.longlong = slot * WIDTH
        for column in range(FLAGS, WIDTH):
            self.table.rows[row + column] = columns[column - FLAGS]
        self.table.rows[row + INITIATOR] = self.table.side
        for column in range(EXPECTED, WIDTH):
            self.table.rows[row + column] = 0  # what passed meanwhile was not lost on its way
        self.table.move(slot, which)
        if self.table.rows[row + FLAGS] & F_DIRTY:
            self.table.rows[row + FLAGS] &= ~F_DIRTY
            self.mark(slot, row)
        return slot

    def counters(self):
        """All that is counted over a scanner's life and its table's, for ``count_on``."""
        seen = (self.packets, self.octets, self.duplicates, self.others, self.truncated, self.copies, self.originals)
        more = (self.table.evicted, self.precedence.passed, self.followed, self.missed)
        return (*seen, *more, *self.malformed())

    def count_on(self, counters):
        """Count on from where an earlier run was. ValueError if these are not as many counters as there are."""
        if len(counters) != len(self.counters()):
            raise ValueError("a scanner of another version has other counters")
        self.packets, self.octets, self.duplicates, self.others, self.truncated = counters[:5]
        self.copies, self.originals, self.table.evicted, self.precedence.passed = counters[5:9]
        self.followed, self.missed = counters[9:11]
        for each, count in enumerate(counters[11:]):
            self.malformed_counts[each] = count

    def malformed(self):
        """Packets that were malformed, by layer in the order of LAYERS."""
        return tuple(self.malformed_counts)


def stir(state, word):
    """Mix a word into a 64-bit state (the finalizer of SplitMix64, Steele et al. 2014)."""
    mixed: cython.ulonglong = (state ^ word) & MASK
    mixed = ((mixed ^ (mixed >> 30)) * SPLITMIX1) & MASK
    mixed = ((mixed ^ (mixed >> 27)) * SPLITMIX2) & MASK
    return (mixed ^ (mixed >> 31)) & SIGNED


def from_server(proto, flags, sport, dport):
    """Whether the first packet seen of a flow comes from the side that did not begin it.

    A SYN-ACK does. In the middle of a flow: from a system port (RFC 6335, 6) to a higher one; over TCP also
    from below the ephemeral range of Linux (32768, ip(7) ip_local_port_range) into it.
    """
    if proto == PROTO_TCP and flags & TCP_SYN:
        return flags & TCP_ACK != 0
    if proto != PROTO_TCP and proto != PROTO_UDP:
        return False
    if sport < 1024:
        return dport >= 1024
    return proto == PROTO_TCP and sport < 32768 <= dport
