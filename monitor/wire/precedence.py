"""Precedence: whose new flows are looked at while more of them come than can be.

A flood of made-up connections costs a thousand times what as much video does: each packet begins a flow. Before the
kernel drops packets of everybody, new flows of those whom nobody watches are passed over, and each watched address has
a budget of its own: a device that storms uses up no other's. Flows that are in the table go on. What was passed over
is counted, and told in each message.
"""

from array import array

import cython

EVERY_NS = cython.declare(cython.longlong, 5_000_000)
"""Budget of a watched address: 200 new flows a second. Measured, one of a camera that calls somebody new takes 0.2 ms
to judge, so one device that storms takes a twentieth of a processor."""
MAC = cython.declare(cython.ulonglong, 1 << 63)
"""Upper half of what stands for a MAC; no host has an address in 8000::/16 (RFC 4291, 2.4)."""
BURST_NS = cython.declare(cython.longlong, 1_000_000_000)
"""A second's worth may come at once."""


class Precedence:
    """Belongs to a scanner. ``hurried`` says whether it is in force."""

    def __init__(self, table):
        """``table`` has the seed that addresses are hashed with."""
        self.table = table
        self.hurried = False
        self.passed = 0
        self.row = -1
        self.begin([], [])
        self.hurried = False

    def begin(self, addresses, macs):
        """From now on only new flows of these 16-byte addresses, and of these MACs under others, are looked at."""
        size = 16
        while size < 2 * (len(addresses) + len(macs)):
            size *= 2
        self.size = size
        self.keys = array("Q", bytes(16 * size))
        self.due = array("q", [-1]) * size
        for address in addresses:
            self.add(int.from_bytes(address[:8], "big"), int.from_bytes(address[8:], "big"))
        for mac in macs:
            self.add(MAC, int.from_bytes(mac, "big"))
        self.hurried = True

    def end(self):
        """Every flow is looked at again."""
        self.hurried = False

    def add(self, hi, lo):
        """Give an address, or MAC and a MAC, precedence."""
        if self.find(hi, lo) < 0:
            at: cython.longlong = self.place(hi, lo)
            self.keys[2 * at] = hi
            self.keys[2 * at + 1] = lo
            self.due[at] = 0
        return 0

    def place(self, hi, lo):
        """Where the address is, or the free row where it would be; at least half of the rows are free."""
        at: cython.longlong = self.table.mix(hi, lo, 0, 0, 1, False) & (self.size - 1)
        while self.due[at] >= 0 and (self.keys[2 * at] != hi or self.keys[2 * at + 1] != lo):
            at = (at + 1) & (self.size - 1)
        return at

    def find(self, hi, lo):
        """The row of an address, or -1."""
        at: cython.longlong = self.place(hi, lo)
        return at if self.due[at] >= 0 else -1

    def admits(self, src_hi, src_lo, src_mac, dst_hi, dst_lo, dst_mac, ts):
        """Whether a flow between these may begin now. What may not is counted."""
        self.row = self.find(src_hi, src_lo)
        if self.row < 0:
            self.row = self.find(MAC, src_mac)
        if self.row >= 0 and self.due[self.row] <= ts + BURST_NS:
            return True
        self.row = self.find(dst_hi, dst_lo)
        if self.row < 0:
            self.row = self.find(MAC, dst_mac)
        if self.row >= 0 and self.due[self.row] <= ts + BURST_NS:
            return True
        self.passed += 1
        return False

    def charge(self, ts):
        """The flow that was admitted last began (generic cell rate algorithm, ITU-T I.371)."""
        self.due[self.row] = max(self.due[self.row], ts) + EVERY_NS
        return 0
