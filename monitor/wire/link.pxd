cimport cython

from monitor.wire.layout cimport *


cdef extern from *:
    """
    #define CAMWARDEN_PREFETCH(at) __builtin_prefetch(at)
    """
    void prefetch "CAMWARDEN_PREFETCH"(const void *at) noexcept nogil


cdef inline bytes octets(unsigned long long high, unsigned long long low, int count):
    """The last ``count`` of sixteen octets, in the order of the wire."""
    cdef unsigned char[16] spelled
    cdef int at
    for at in range(8):
        spelled[at] = (high >> (56 - 8 * at)) & 0xFF
        spelled[8 + at] = (low >> (56 - 8 * at)) & 0xFF
    return spelled[16 - count : 16]


# What every packet needs is final, so that no call of it goes through a table.
cdef class Link:
    cdef const unsigned char[::1] memory
    cdef readonly long long network, end
    cdef long long limit, source_at, destination_at
    cdef readonly bint has_mac, truncated
    cdef readonly int ethertype, vlan_count, vlan0, vlan1, vlan2, vlan3
    cdef int tunnels
    cdef readonly unsigned long long src_mac, dst_mac
    cdef readonly int layer, reason
    cdef unsigned long long kept_src, kept_dst
    cdef int kept_count, kept0, kept1, kept2, kept3, kept_tunnels
    cdef bint kept_mac

    cpdef hold(self, const unsigned char[::1] memory)
    cpdef bytes span(self, long long start, long long end)
    cpdef tuple vlans(self)
    cpdef tuple macs(self)

    @cython.final
    cdef inline int u16(self, long long at) except? -1 nogil:
        return (self.memory[at] << 8) | self.memory[at + 1]

    @cython.final
    cdef inline Py_ssize_t u32(self, long long at) except? -1 nogil:
        self.memory[at]
        self.memory[at + 3]
        with cython.boundscheck(False):
            return (
                (<long long> self.memory[at] << 24)
                | (<long long> self.memory[at + 1] << 16)
                | (<long long> self.memory[at + 2] << 8)
                | self.memory[at + 3]
            )

    @cython.final
    cdef inline unsigned long long u64(self, long long at) except? 1 nogil:
        self.memory[at]
        self.memory[at + 7]
        with cython.boundscheck(False):
            return (
                (<unsigned long long> self.memory[at] << 56)
                | (<unsigned long long> self.memory[at + 1] << 48)
                | (<unsigned long long> self.memory[at + 2] << 40)
                | (<unsigned long long> self.memory[at + 3] << 32)
                | (<unsigned long long> self.memory[at + 4] << 24)
                | (<unsigned long long> self.memory[at + 5] << 16)
                | (<unsigned long long> self.memory[at + 6] << 8)
                | self.memory[at + 7]
            )

    @cython.final
    cdef inline bytes copied(self, long long start, long long end):
        if end <= start:
            return b""
        self.memory[start]
        self.memory[end - 1]
        return (<const char *> &self.memory[start])[: end - start]

    @cython.final
    cdef int ethernet(self) except -1 nogil
    @cython.final
    cdef int tags(self) except -1 nogil
    @cython.final
    cdef void vlan(self, int tag) noexcept nogil
    @cython.final
    cdef int snap(self) except -1 nogil
    cdef int fetch(self, long long at) except -1 nogil
    cdef int addresses(self) except -1 nogil
    cdef int keep(self) except -1 nogil
    cdef void recall(self) noexcept nogil
    cdef int malformed(self, int layer, int reason) noexcept nogil
    cdef int carried(self, long long at, int kind) noexcept nogil
    cdef int other_link(self, int link) except -1 nogil
    cdef int bare(self) except -1 nogil
    cdef int cooked(self, int link) except -1 nogil
    cdef int radiotap(self) except -1 nogil
    cdef int wifi(self, bint padded) except -1 nogil
