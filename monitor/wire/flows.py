"""FlowTable: a fixed number of bidirectional flows, found by full key, evicted by age.

Strategy: every flow is one row of WIDTH signed 64-bit integers in one array, its key five unsigned ones in
another. Rows hang in hash chains (SipHash-1-2 with a random seed, so chains cannot be steered) and in age
lists, one for each (watched, class). A list is in order of last activity to within TOUCH_NS; nothing that
leaves this module depends on slot numbers or chain order. Sides are canonical (the lower (address, port) is
side 0); what is counted per direction is counted from the initiator's view.

A full table gives up, in this order: closed flows, unanswered ones, answered ones, connections; but an answered
one that was silent for ANSWER_NS longer than any unanswered one goes before it, whose answer may be on its way.
Flows of watched devices go only when there is nothing else or when they exceed their own quota. One source has
at most ``source_cap`` flows. Evicting never loses an attempt: attempts are reported when they happen.
"""

from array import array

import cython

if not cython.compiled:
    from monitor.wire.layout import *

TOUCH_NS = cython.declare(cython.longlong, 1_000_000_000)
"""How exactly the age lists are kept in order."""

# Idle times. Unanswered: longer than the largest gap between Linux's SYN retransmissions (64 s, tcp(7)
# tcp_syn_retries), so that a retransmission is never a new attempt; UDP: RFC 4787 REQ-5 (2 minutes);
# TCP: RFC 5382 REQ-5 (2 h 4 min); closed: late retransmissions of the last segments.
IDLE_UNANSWERED = cython.declare(cython.longlong, 120_000_000_000)
IDLE_ANSWERED = cython.declare(cython.longlong, 120_000_000_000)
IDLE_CONNECTED = cython.declare(cython.longlong, 7_440_000_000_000)
IDLE_CLOSED = cython.declare(cython.longlong, 5_000_000_000)

ANSWER_NS = cython.declare(cython.longlong, 5_000_000_000)
"""How long an answer may be on its way: resolvers wait so long (resolv.conf(5)), TCP repeats sooner (RFC 6298)."""


class FlowTable:
    """Fixed-capacity flow table. Compiled callers: ``key``, then ``find``, ``victim`` and ``create``."""

    def __init__(self, capacity, seed, source_cap=0, watched_share=50):
        """``capacity`` flows; ``seed`` 16 bytes; ``watched_share`` per cent that only watched devices may fill."""
        if capacity < 1 or len(seed) != 16:
            raise ValueError("a flow table has a capacity of at least 1 and a seed of 16 bytes")
        self.capacity = capacity
        self.watched_quota = capacity * watched_share // 100
        self.source_cap = source_cap or capacity
        self.used = self.watched = self.created = self.released = self.evicted = self.sources_used = 0
        self.rows = array("q", bytes(8 * WIDTH * capacity))
        self.keys = array("Q", bytes(8 * KEY_WORDS * capacity))
        self.buckets = 1
        while self.buckets < 2 * capacity:
            self.buckets *= 2
        self.heads = array("i", [-1]) * self.buckets
        # Free rows are chained through CHAIN.
        for slot in range(capacity):
            self.rows[slot * WIDTH + CHAIN] = slot + 1 if slot + 1 < capacity else -1
        self.next_free = 0
        self.list_head = array("q", [-1]) * LISTS
        self.list_tail = array("q", [-1]) * LISTS
        self.seed0 = int.from_bytes(seed[:8], "little")
        self.seed1 = int.from_bytes(seed[8:], "little")
        self.hash = self.key_a_hi = self.key_a_lo = self.key_b_hi = self.key_b_lo = self.key_meta = 0
        self.side = 0
        self.v0 = self.v1 = self.v2 = self.v3 = 0
        self.source_capacity = capacity
        self.source_keys = array("Q", bytes(16 * capacity))
        # Columns: chain, bucket, number of flows, oldest flow, newest flow.
        self.source_rows = array("q", bytes(8 * SOURCE_WIDTH * capacity))
        for slot in range(capacity):
            self.source_rows[slot * SOURCE_WIDTH] = slot + 1 if slot + 1 < capacity else -1
        self.source_heads = array("i", [-1]) * (self.buckets + 1)
        self.source_heads[self.buckets] = 0  # the last head is that of the free source rows

    def field(self, slot, column):
        """One column of one flow."""
        return self.rows[slot * WIDTH + column]

    def put(self, slot, column, value):
        """Set one column of one flow."""
        self.rows[slot * WIDTH + column] = value
        return 0

    def key(self, src_hi, src_lo, dst_hi, dst_lo, sport, dport, proto, vlan):
        """Make this the current key: canonical sides, and its hash."""
        meta: cython.ulonglong
        mapped: cython.bint = src_hi == 0 and dst_hi == 0 and src_lo >> 32 == V4_PREFIX and dst_lo >> 32 == V4_PREFIX
        if (
            src_hi < dst_hi
            or (src_hi == dst_hi and src_lo < dst_lo)
            or (src_hi == dst_hi and src_lo == dst_lo and sport <= dport)
        ):
            self.side = 0
            self.key_a_hi = src_hi
            self.key_a_lo = src_lo
            self.key_b_hi = dst_hi
            self.key_b_lo = dst_lo
            meta = sport
            meta = (meta << 16) | dport
        else:
            self.side = 1
            self.key_a_hi = dst_hi
            self.key_a_lo = dst_lo
            self.key_b_hi = src_hi
            self.key_b_lo = src_lo
            meta = dport
            meta = (meta << 16) | sport
        meta = (meta << 8) | proto
        self.key_meta = (meta << 12) | vlan
        self.hash = self.mix(self.key_a_hi, self.key_a_lo, self.key_b_hi, self.key_b_lo, self.key_meta, mapped)
        return 0

    def mix(self, a_hi, a_lo, b_hi, b_lo, meta, mapped):
        """SipHash with one round a word and two at the end (Aumasson and Bernstein, 2012), over whole words."""
        self.v0 = self.seed0 ^ SIP0
        self.v1 = self.seed1 ^ SIP1
        self.v2 = self.seed0 ^ SIP2
        self.v3 = self.seed1 ^ SIP3
        self.sip(meta)
        if mapped:
            self.sip(((a_lo << 32) & MASK) | (b_lo & LOW))  # two IPv4 addresses fit one word
        else:
            self.sip(a_lo)
            self.sip(b_lo)
            self.sip(a_hi)
            self.sip(b_hi)
        self.v2 ^= 0xFF
        self.sip(0)
        self.sip(0)
        return self.v0 ^ self.v1 ^ self.v2 ^ self.v3

    def sip(self, word):
        """One round of SipHash."""
        v0: cython.ulonglong = self.v0
        v1: cython.ulonglong = self.v1
        v2: cython.ulonglong = self.v2
        v3: cython.ulonglong = self.v3 ^ word
        v0 = (v0 + v1) & MASK
        v1 = rotl(v1, 13) ^ v0
        v0 = rotl(v0, 32)
        v2 = (v2 + v3) & MASK
        v3 = rotl(v3, 16) ^ v2
        v0 = (v0 + v3) & MASK
        v3 = rotl(v3, 21) ^ v0
        v2 = (v2 + v1) & MASK
        v1 = rotl(v1, 17) ^ v2
        self.v0 = v0 ^ word
        self.v1 = v1
        self.v2 = rotl(v2, 32)
        self.v3 = v3
        return 0

    def find(self):
        """The slot of the current key, or -1."""
        slot: cython.longlong = self.heads[self.hash & (self.buckets - 1)]
        at: cython.longlong
        while slot >= 0:
            at = slot * KEY_WORDS
            if (
                self.keys[at] == self.key_meta
                and self.keys[at + 1] == self.key_a_lo
                and self.keys[at + 2] == self.key_b_lo
                and self.keys[at + 3] == self.key_a_hi
                and self.keys[at + 4] == self.key_b_hi
            ):
                return slot
            slot = self.rows[slot * WIDTH + CHAIN]
        return -1

    def victim(self, src_hi, src_lo):
        """The slot that must go before a flow of this source can be created, or -1 if there is room."""
        source: cython.longlong = self.source(src_hi, src_lo)
        if source >= 0 and self.source_rows[source * SOURCE_WIDTH + 2] >= self.source_cap:
            return self.source_rows[source * SOURCE_WIDTH + 3]
        if self.next_free >= 0:
            return -1
        # Over their quota, watched flows make room among themselves first.
        if self.watched > self.watched_quota and self.list_tail[CLASSES + CLOSED] >= 0:
            return self.list_tail[CLASSES + CLOSED]
        if self.list_tail[CLOSED] >= 0:
            return self.list_tail[CLOSED]
        if self.list_tail[CLASSES + CLOSED] >= 0:
            return self.list_tail[CLASSES + CLOSED]
        slot: cython.longlong = -1
        if self.watched > self.watched_quota:
            slot = self.least(CLASSES)
        if slot < 0:
            slot = self.least(0)
        return slot if slot >= 0 else self.least(CLASSES)

    def least(self, first):
        """Of the open flows in the lists from ``first`` on, the one that is missed least; -1 if there is none."""
        which: cython.int
        unanswered: cython.longlong = self.list_tail[first + UNANSWERED]
        answered: cython.longlong = self.list_tail[first + ANSWERED]
        if (
            unanswered >= 0
            and answered >= 0
            and self.rows[unanswered * WIDTH + TOUCHED] - self.rows[answered * WIDTH + TOUCHED] > ANSWER_NS
        ):
            return answered
        for which in range(CLOSED):
            if self.list_tail[first + which] >= 0:
                return self.list_tail[first + which]
        return -1

    def create(self, ts, src_hi, src_lo):
        """A row for the current key, begun by its source; -1 if the table is full (see ``victim``)."""
        slot: cython.longlong = self.next_free
        column: cython.int
        if slot < 0:
            return -1
        row: cython.longlong = slot * WIDTH
        self.next_free = self.rows[row + CHAIN]
        for column in range(WIDTH):
            self.rows[row + column] = 0
        at: cython.longlong = slot * KEY_WORDS
        self.keys[at] = self.key_meta
        self.keys[at + 1] = self.key_a_lo
        self.keys[at + 2] = self.key_b_lo
        self.keys[at + 3] = self.key_a_hi
        self.keys[at + 4] = self.key_b_hi
        bucket: cython.longlong = self.hash & (self.buckets - 1)
        self.rows[row + BUCKET] = bucket
        self.rows[row + CHAIN] = self.heads[bucket]
        self.heads[bucket] = cython.cast(cython.int, slot)
        self.rows[row + INITIATOR] = self.side
        self.rows[row + START] = ts
        self.rows[row + LAST] = ts
        self.rows[row + TOUCHED] = ts
        self.created += 1
        self.used += 1
        self.rows[row + NUMBER] = self.created
        self.link(slot, UNANSWERED)
        self.source_add(slot, src_hi, src_lo)
        return slot

    def release(self, slot):
        """Free the row of a flow that is over."""
        row: cython.longlong = slot * WIDTH
        bucket: cython.longlong = self.rows[row + BUCKET]
        before: cython.longlong = self.heads[bucket]
        if before == slot:
            self.heads[bucket] = cython.cast(cython.int, self.rows[row + CHAIN])
        else:
            while self.rows[before * WIDTH + CHAIN] != slot:
                before = self.rows[before * WIDTH + CHAIN]
            self.rows[before * WIDTH + CHAIN] = self.rows[row + CHAIN]
        if self.rows[row + LIST] >= CLASSES:
            self.watched -= 1
        self.unlink(slot)
        self.source_drop(slot)
        self.rows[row + CHAIN] = self.next_free
        self.next_free = slot
        self.used -= 1
        self.released += 1
        return 0

    def link(self, slot, which):
        """Hang the row at the young end of a list."""
        row: cython.longlong = slot * WIDTH
        youngest: cython.longlong = self.list_head[which]
        self.rows[row + LIST] = which
        self.rows[row + NEWER] = -1
        self.rows[row + OLDER] = youngest
        if youngest >= 0:
            self.rows[youngest * WIDTH + NEWER] = slot
        else:
            self.list_tail[which] = slot
        self.list_head[which] = slot
        return 0

    def unlink(self, slot):
        row: cython.longlong = slot * WIDTH
        which: cython.longlong = self.rows[row + LIST]
        newer: cython.longlong = self.rows[row + NEWER]
        older: cython.longlong = self.rows[row + OLDER]
        if newer >= 0:
            self.rows[newer * WIDTH + OLDER] = older
        else:
            self.list_head[which] = older
        if older >= 0:
            self.rows[older * WIDTH + NEWER] = newer
        else:
            self.list_tail[which] = newer
        return 0

    def touch(self, slot, ts):
        """The flow was active: keep its list in order to within TOUCH_NS."""
        row: cython.longlong = slot * WIDTH
        if ts - self.rows[row + TOUCHED] > TOUCH_NS:
            self.rows[row + TOUCHED] = ts
            self.unlink(slot)
            self.link(slot, cython.cast(cython.int, self.rows[row + LIST]))
        return 0

    def move(self, slot, which):
        """To the list of another class, keeping whether it is watched."""
        row: cython.longlong = slot * WIDTH
        present: cython.longlong = self.rows[row + LIST]
        goal: cython.int = which + (CLASSES if present >= CLASSES else 0)
        if goal != present:
            self.unlink(slot)
            self.rows[row + TOUCHED] = self.rows[row + LAST]
            self.link(slot, goal)
        return 0

    def watch(self, slot):
        """This flow belongs to a watched device: it counts against their quota and goes last."""
        present: cython.longlong = self.rows[slot * WIDTH + LIST]
        if present < CLASSES:
            self.unlink(slot)
            self.link(slot, cython.cast(cython.int, present + CLASSES))
            self.watched += 1
        return 0

    def idle(self, now):
        """The slot of a flow whose idle time is over, or -1. ``now`` in nanoseconds."""
        which: cython.int
        slot: cython.longlong
        best: cython.longlong = -1
        limit: cython.longlong
        for which in range(LISTS):
            slot = self.list_tail[which]
            if slot < 0:
                continue
            limit = IDLE_UNANSWERED
            if which % CLASSES == ANSWERED:
                limit = IDLE_ANSWERED
            elif which % CLASSES == CONNECTED:
                limit = IDLE_CONNECTED
            elif which % CLASSES == CLOSED:
                limit = IDLE_CLOSED
            if now - self.rows[slot * WIDTH + TOUCHED] > limit + TOUCH_NS and (
                best < 0 or self.rows[slot * WIDTH + NUMBER] < self.rows[best * WIDTH + NUMBER]
            ):
                best = slot
        return best

    def oldest_ns(self):
        """When ``idle`` may next say something, nanoseconds; None for an empty table."""
        limits = (IDLE_UNANSWERED, IDLE_ANSWERED, IDLE_CONNECTED, IDLE_CLOSED)
        ends = [
            self.rows[self.list_tail[which] * WIDTH + TOUCHED] + limits[which % CLASSES] + TOUCH_NS + 1
            for which in range(LISTS)
            if self.list_tail[which] >= 0
        ]
        return min(ends) if ends else None

    def slots(self):
        """All flows, in the order in which they began."""
        live = []
        for which in range(LISTS):
            slot = self.list_head[which]
            while slot >= 0:
                live.append(slot)
                slot = self.rows[slot * WIDTH + OLDER]
        return sorted(live, key=lambda each: self.rows[each * WIDTH + NUMBER])

    def record(self, slot):
        """What ``Scanner.plant`` needs to go on with this flow: its age list, and its columns from FLAGS on."""
        row: cython.longlong = slot * WIDTH
        return self.rows[row + LIST] % CLASSES, tuple([self.rows[row + column] for column in range(FLAGS, WIDTH)])

    def evict(self, slot):
        """Count and free a flow that had to make room."""
        self.evicted += 1
        self.release(slot)

    def source(self, hi, lo):
        """The row of a source address, or -1."""
        row: cython.longlong = self.source_heads[self.mix(hi, lo, 0, 0, 1, False) & (self.buckets - 1)]
        while row >= 0:
            if self.source_keys[row * 2] == hi and self.source_keys[row * 2 + 1] == lo:
                return row
            row = self.source_rows[row * SOURCE_WIDTH]
        return -1

    def source_add(self, slot, hi, lo):
        """Hang the flow in its source's list. There are as many source rows as flows, so there is always one."""
        row: cython.longlong = self.source(hi, lo)
        bucket: cython.longlong
        at: cython.longlong
        if row < 0:
            row = self.source_heads[self.buckets]
            at = row * SOURCE_WIDTH
            self.source_heads[self.buckets] = cython.cast(cython.int, self.source_rows[at])
            bucket = self.mix(hi, lo, 0, 0, 1, False) & (self.buckets - 1)
            self.source_keys[row * 2] = hi
            self.source_keys[row * 2 + 1] = lo
            self.source_rows[at] = self.source_heads[bucket]
            self.source_rows[at + 1] = bucket
            self.source_rows[at + 2] = 0
            self.source_rows[at + 3] = -1
            self.source_rows[at + 4] = -1
            self.source_heads[bucket] = cython.cast(cython.int, row)
            self.sources_used += 1
        at = row * SOURCE_WIDTH
        newest: cython.longlong = self.source_rows[at + 4]
        self.source_rows[at + 2] += 1
        self.source_rows[at + 4] = slot
        if newest >= 0:
            self.rows[newest * WIDTH + SOURCE_NEWER] = slot
        else:
            self.source_rows[at + 3] = slot
        self.rows[slot * WIDTH + SOURCE] = row
        self.rows[slot * WIDTH + SOURCE_OLDER] = newest
        self.rows[slot * WIDTH + SOURCE_NEWER] = -1
        return 0

    def source_drop(self, slot):
        """Take the flow out of its source's list; a source without flows is forgotten."""
        row: cython.longlong = self.rows[slot * WIDTH + SOURCE]
        at: cython.longlong = row * SOURCE_WIDTH
        older: cython.longlong = self.rows[slot * WIDTH + SOURCE_OLDER]
        newer: cython.longlong = self.rows[slot * WIDTH + SOURCE_NEWER]
        bucket: cython.longlong
        before: cython.longlong
        if older >= 0:
            self.rows[older * WIDTH + SOURCE_NEWER] = newer
        else:
            self.source_rows[at + 3] = newer
        if newer >= 0:
            self.rows[newer * WIDTH + SOURCE_OLDER] = older
        else:
            self.source_rows[at + 4] = older
        self.source_rows[at + 2] -= 1
        if self.source_rows[at + 2] == 0:
            bucket = self.source_rows[at + 1]
            before = self.source_heads[bucket]
            if before == row:
                self.source_heads[bucket] = cython.cast(cython.int, self.source_rows[at])
            else:
                while self.source_rows[before * SOURCE_WIDTH] != row:
                    before = self.source_rows[before * SOURCE_WIDTH]
                self.source_rows[before * SOURCE_WIDTH] = self.source_rows[at]
            self.source_rows[at] = self.source_heads[self.buckets]
            self.source_heads[self.buckets] = cython.cast(cython.int, row)
            self.sources_used -= 1
        return 0


def rotl(word, by):
    """Rotate 64 bits to the left."""
    return ((word << by) & MASK) | (word >> (64 - by))
