cimport cython

from monitor.wire.layout cimport *



@cython.final
cdef class Frame:
    cdef const unsigned char[::1] memory
    cdef readonly long long start, end, captured, wire
    cdef readonly int ethertype, vlan_count, vlan0, vlan1, vlan2, vlan3
    cdef readonly bint has_mac, v4, truncated, more_fragments
    cdef readonly unsigned long long src_mac, dst_mac, src_hi, src_lo, dst_hi, dst_lo
    cdef readonly long long network, transport, transport_end, transport_wire
    cdef readonly long long identification
    cdef readonly int proto, ttl, fragment, sport, dport, flags
    cdef readonly long long payload, payload_length, payload_wire, sequence, acknowledgement
    cdef readonly int checksum
    cdef readonly int layer, reason

    cpdef hold(self, const unsigned char[::1] memory)
    cdef long long mac_at
    cdef bint mac_pair, reassembled

    cdef int addresses(self) except -1 nogil
    cdef int u16(self, long long at) except? -1 nogil
    cdef Py_ssize_t u32(self, long long at) except? -1 nogil
    cdef unsigned long long u64(self, long long at) except? 1 nogil
    cdef int decode(self, long long start, long long captured, long long wire, int link) except -1 nogil
    cdef int link_layer(self, int link) except -1 nogil
    cdef int ethernet(self) except -1 nogil
    cdef int tags(self) except -1 nogil
    cdef int malformed(self, int layer, int reason) noexcept nogil
    cdef int ipv4(self) except -1 nogil
    cdef int ipv6(self) except -1 nogil
    cdef int ports(self) except -1 nogil
    cdef int tcp(self, long long available) except -1 nogil
    cdef int udp(self, long long available) except -1 nogil
    cdef int icmp(self, long long available) except -1 nogil


cdef int counterpart(int kind, int code, bint v4) noexcept nogil
